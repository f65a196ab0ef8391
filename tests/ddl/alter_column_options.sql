CREATE TABLE shop.orders (order_id STRING OPTIONS (description = 'first'), amount NUMERIC);
ALTER TABLE shop.orders ALTER COLUMN order_id SET OPTIONS (description = 'second');
ALTER TABLE shop.orders ALTER COLUMN amount SET OPTIONS (rounding_mode = 'ROUND_HALF_EVEN', description = "gross");
ALTER TABLE shop.orders ALTER COLUMN amount SET OPTIONS (description = NULL);
