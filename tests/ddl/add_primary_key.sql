CREATE TABLE shop.orders (order_id STRING, line INT64, customer STRING);
ALTER TABLE shop.orders ADD PRIMARY KEY (order_id, line) NOT ENFORCED;
ALTER TABLE shop.orders ADD CONSTRAINT IF NOT EXISTS of_customer FOREIGN KEY (customer) REFERENCES shop.customers(id) NOT ENFORCED;
