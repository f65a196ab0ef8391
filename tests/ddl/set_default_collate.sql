CREATE TABLE shop.orders (order_id STRING);
ALTER TABLE shop.orders SET DEFAULT COLLATE 'und:ci';
