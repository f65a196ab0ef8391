CREATE TABLE shop.orders (order_id STRING, day DATE) PARTITION BY day OPTIONS (description = 'first', require_partition_filter = TRUE);
ALTER TABLE shop.orders SET OPTIONS (description = 'second', require_partition_filter = FALSE, partition_expiration_days = 90);
ALTER TABLE shop.orders SET OPTIONS (labels = [('team', 'a')], kms_key_name = 'projects/p/locations/us/keyRings/r/cryptoKeys/k');
