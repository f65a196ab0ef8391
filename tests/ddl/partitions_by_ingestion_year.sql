CREATE TABLE shop.orders (n INT64) PARTITION BY TIMESTAMP_TRUNC(_PARTITIONTIME, YEAR)
OPTIONS (require_partition_filter = TRUE, partition_expiration_days = 3);
