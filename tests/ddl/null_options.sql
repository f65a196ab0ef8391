CREATE TABLE shop.orders (order_id STRING OPTIONS (description = NULL))
OPTIONS (description = NULL, labels = NULL, expiration_timestamp = NULL, kms_key_name = NULL);
