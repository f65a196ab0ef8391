CREATE TABLE shop.orders (
  order_id STRING,
  day STRING
)
PARTITION BY day;
