-- init --name orders
CREATE TABLE dev.orders (order_id STRING);
CREATE TABLE prod.orders (order_id STRING);
CREATE TABLE prod.customers (id STRING);
