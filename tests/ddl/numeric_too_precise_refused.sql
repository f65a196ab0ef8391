CREATE TABLE shop.orders (
  order_id STRING,
  price NUMERIC(40, 2)
);
