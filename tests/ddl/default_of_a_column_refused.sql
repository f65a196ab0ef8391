CREATE TABLE shop.orders (
  order_id STRING,
  n INT64 DEFAULT m + 1,
  m INT64
);
