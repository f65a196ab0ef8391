CREATE TABLE shop.orders_new (order_id STRING);
ALTER TABLE shop.orders_new RENAME TO orders;
ALTER TABLE shop.orders ADD COLUMN day DATE;
