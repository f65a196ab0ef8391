CREATE TABLE shop.orders (order_id STRING, before INT64);
CREATE TABLE shop.orders (order_id STRING, later INT64);
