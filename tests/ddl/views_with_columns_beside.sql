CREATE TABLE shop.orders (order_id STRING);
CREATE OR REPLACE VIEW shop.v (order_id OPTIONS (description = 'who bought')) OPTIONS (labels = [('team', 'a')]) AS SELECT order_id FROM shop.orders;
ALTER VIEW shop.v ALTER COLUMN order_id SET OPTIONS (description = 'buyer');
ALTER VIEW shop.v SET OPTIONS (friendly_name = 'V');
