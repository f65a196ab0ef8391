CREATE TABLE shop.orders (order_id STRING OPTIONS (description = CAST(NULL AS STRING)), day DATE)
PARTITION BY day
OPTIONS (partition_expiration_days = CAST(NULL AS FLOAT64), friendly_name = 'F');
