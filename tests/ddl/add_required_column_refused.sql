CREATE TABLE shop.orders (order_id STRING);
ALTER TABLE shop.orders ADD COLUMN day DATE NOT NULL;
