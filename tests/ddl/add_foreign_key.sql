CREATE TABLE shop.orders (order_id STRING, line INT64);
ALTER TABLE shop.orders ADD FOREIGN KEY (order_id) REFERENCES shop.u(a) NOT ENFORCED;
ALTER TABLE shop.orders ADD CONSTRAINT IF NOT EXISTS fk FOREIGN KEY (order_id, line) REFERENCES shop.u(a, b) NOT ENFORCED;
