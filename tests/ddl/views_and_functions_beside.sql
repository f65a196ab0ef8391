CREATE SCHEMA IF NOT EXISTS shop;
CREATE VIEW shop.v AS SELECT order_id FROM shop.orders;
CREATE MATERIALIZED VIEW shop.m AS SELECT COUNT(*) AS n FROM shop.orders;
CREATE OR REPLACE FUNCTION shop.twice(x INT64) RETURNS INT64 LANGUAGE js AS r"""
  return x * 2; // CREATE TABLE no (x INT64)
""";
CREATE TABLE FUNCTION shop.f(y INT64) AS SELECT y AS x;
CREATE TABLE shop.orders (order_id STRING);
INSERT INTO shop.orders (order_id) VALUES ('a; b');
GRANT `roles/bigquery.dataViewer` ON TABLE shop.orders TO 'user:a@example.com';
