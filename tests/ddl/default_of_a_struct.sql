CREATE TABLE shop.orders (order_id STRING, s STRUCT<a INT64, b STRING> DEFAULT (1, 'x'), tags ARRAY<STRING> DEFAULT ['a']);
