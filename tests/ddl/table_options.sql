CREATE TABLE shop.orders (order_id STRING, day DATE) PARTITION BY day CLUSTER BY order_id
OPTIONS (
  description = 'Orders', friendly_name = 'My table', labels = [('team', 'a'), ('empty', '')],
  require_partition_filter = TRUE, partition_expiration_days = 30.5,
  expiration_timestamp = TIMESTAMP '2030-01-01 00:00:00 UTC'
);
