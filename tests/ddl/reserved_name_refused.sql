CREATE TABLE shop.orders (order_id STRING);
ALTER TABLE shop.orders ADD COLUMN
  _partition_n INT64;
