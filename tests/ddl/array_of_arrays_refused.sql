CREATE TABLE shop.orders (order_id STRING, a ARRAY<ARRAY<INT64>>);
