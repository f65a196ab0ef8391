CREATE TABLE shop.orders (order_id STRING, tags ARRAY<STRING COLLATE 'und:ci' NOT NULL>, n INT64);
