CREATE TABLE shop.orders (
  order_id STRING,
  n INT64 OPTIONS (data_governance_tags = ['a'], description = 'count')
) OPTIONS (storage_uri = 'gs://b/t', file_format = 'PARQUET', table_format = 'ICEBERG', description = 'Orders');
