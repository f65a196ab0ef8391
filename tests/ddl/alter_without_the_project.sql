CREATE TABLE `my-project.shop.orders` (order_id STRING);
ALTER TABLE shop.orders ADD COLUMN x INT64;
