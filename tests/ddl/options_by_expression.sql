CREATE TABLE shop.orders (order_id STRING OPTIONS (description = CONCAT('a', 'b')))
OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 48 HOUR), description = 'a' || 'b', friendly_name = 'F');
