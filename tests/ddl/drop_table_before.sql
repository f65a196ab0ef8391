DROP TABLE IF EXISTS shop.orders;
CREATE TABLE shop.orders (order_id STRING);
DROP TABLE shop.orders;
CREATE TABLE shop.orders (order_id STRING, day DATE);
