CREATE TABLE shop.orders (order_id STRING) CLUSTER BY order_id
WITH CONNECTION `my-project`.us.lake
OPTIONS (file_format = 'PARQUET', table_format = 'ICEBERG', storage_uri = 'gs://b/t');
