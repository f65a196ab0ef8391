CREATE TABLE shop.orders (order_id STRING) WITH CONNECTION DEFAULT OPTIONS (storage_uri = 'gs://b/t');
