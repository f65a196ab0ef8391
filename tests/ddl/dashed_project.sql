CREATE TABLE my-project-1.shop.orders (order_id STRING, FOREIGN KEY (order_id) REFERENCES `other-project`.shop.u(a) NOT ENFORCED);
ALTER TABLE my-project-1.shop.orders ADD COLUMN x INT64;
