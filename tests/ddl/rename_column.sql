CREATE TABLE shop.orders (order_id STRING, sum NUMERIC);
ALTER TABLE shop.orders RENAME COLUMN sum TO total, RENAME COLUMN IF EXISTS nowhere TO somewhere;
