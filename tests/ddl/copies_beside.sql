CREATE TABLE shop.orders (order_id STRING);
CREATE TABLE shop.a LIKE shop.orders;
CREATE TABLE shop.b CLONE shop.orders;
CREATE TABLE shop.c COPY shop.orders;
CREATE SNAPSHOT TABLE shop.d CLONE shop.orders;
