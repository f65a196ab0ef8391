CREATE TABLE shop.orders (order_id STRING NOT NULL);
ALTER TABLE shop.orders ADD COLUMN Order_ID INT64;
