CREATE TABLE shop.orders (order_id STRING);
CREATE TABLE shop.customers (id STRING);
