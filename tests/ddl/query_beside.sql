CREATE TABLE shop.totals AS SELECT 1 AS x;
CREATE TABLE shop.by_day PARTITION BY day OPTIONS (description = 'd') AS SELECT CURRENT_DATE() AS day;
CREATE TABLE shop.orders (order_id STRING);
