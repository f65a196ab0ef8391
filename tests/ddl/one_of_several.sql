-- init --name customers
CREATE TABLE shop.orders (order_id STRING, x INT65);
CREATE TABLE shop.customers (id STRING);
