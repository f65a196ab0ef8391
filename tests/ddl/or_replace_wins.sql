CREATE TABLE shop.orders (order_id STRING, before INT64);
CREATE OR REPLACE TABLE shop.orders (order_id STRING, later INT64);
