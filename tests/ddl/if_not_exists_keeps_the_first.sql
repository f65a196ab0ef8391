CREATE TABLE IF NOT EXISTS shop.orders (order_id STRING, before INT64);
CREATE TABLE IF NOT EXISTS shop.orders (order_id STRING, later INT64);
