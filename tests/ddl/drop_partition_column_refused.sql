CREATE TABLE shop.orders (order_id STRING, day DATE) PARTITION BY day;
ALTER TABLE shop.orders DROP COLUMN day;
