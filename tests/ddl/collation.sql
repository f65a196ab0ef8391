CREATE TABLE shop.orders (order_id STRING(10) COLLATE 'und:ci' NOT NULL, s STRUCT<a STRING COLLATE 'und:ci'>)
DEFAULT COLLATE 'und:ci';
