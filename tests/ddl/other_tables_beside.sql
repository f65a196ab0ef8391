CREATE TEMP TABLE part (x INT64);
CREATE OR REPLACE TEMPORARY TABLE part2 (x INT64);
CREATE EXTERNAL TABLE shop.files (x INT64) OPTIONS (format = 'CSV', uris = ['gs://b/*.csv']);
CREATE TABLE shop.orders (order_id STRING);
