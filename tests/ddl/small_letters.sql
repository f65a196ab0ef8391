create table if not exists shop.orders (order_id string not null, n int64, b bool, d numeric(5, 2), r struct<a int64>) cluster by order_id;
