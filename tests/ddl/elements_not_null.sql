CREATE TABLE shop.orders (order_id STRING, features ARRAY<FLOAT64 NOT NULL>);
