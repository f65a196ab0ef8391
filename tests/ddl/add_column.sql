CREATE TABLE shop.orders (order_id STRING NOT NULL, day DATE);
ALTER TABLE shop.orders ADD COLUMN amount NUMERIC(10, 2) OPTIONS (description = 'gross'), ADD COLUMN tags ARRAY<STRING>;
