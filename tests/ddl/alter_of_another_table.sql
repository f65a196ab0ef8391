CREATE TABLE shop.orders (order_id STRING);
ALTER TABLE shop.customers ADD COLUMN x INT64;
