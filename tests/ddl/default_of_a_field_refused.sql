CREATE TABLE shop.orders (order_id STRING, s STRUCT<a INT64 DEFAULT 1>);
