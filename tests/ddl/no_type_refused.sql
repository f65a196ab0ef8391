CREATE TABLE shop.orders (order_id STRING, n);
