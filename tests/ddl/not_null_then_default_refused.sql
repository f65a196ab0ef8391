CREATE TABLE shop.orders (
  order_id STRING,
  n INT64 NOT NULL DEFAULT 0
);
