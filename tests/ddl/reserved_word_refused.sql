CREATE TABLE shop.orders (
  order_id STRING,
  group STRING
);
