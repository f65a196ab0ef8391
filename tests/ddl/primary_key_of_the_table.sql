CREATE TABLE shop.orders (PRIMARY KEY (order_id, line) NOT ENFORCED, order_id STRING, line INT64);
