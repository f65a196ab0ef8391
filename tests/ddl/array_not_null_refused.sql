CREATE TABLE shop.orders (
  order_id STRING NOT NULL,
  features ARRAY<FLOAT64> NOT NULL
);
