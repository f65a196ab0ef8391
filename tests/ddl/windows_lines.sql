CREATE TABLE shop.orders (
  order_id STRING, -- who
  n INT64 # how many
);
