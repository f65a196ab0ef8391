CREATE TABLE shop.orders (order_id STRING NOT NULL, n INT64) CLUSTER BY order_id AS SELECT 'a' AS order_id, 1 AS n;
