CREATE TABLE shop.orders (order_id STRING) OPTIONS (max_staleness = INTERVAL 15 MINUTE);
