CREATE TABLE shop.orders (order_id STRING, written TIMESTAMP(12), was TIMESTAMP(6));
