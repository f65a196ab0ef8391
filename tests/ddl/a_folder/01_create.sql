CREATE TABLE shop.orders (order_id STRING NOT NULL);
CREATE VIEW shop.v AS SELECT 1 AS x;
