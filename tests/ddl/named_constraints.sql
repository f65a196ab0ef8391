CREATE TABLE shop.orders (
  order_id STRING,
  customer STRING CONSTRAINT of_customer REFERENCES shop.customers(id) NOT ENFORCED,
  PRIMARY KEY (order_id) NOT ENFORCED,
  CONSTRAINT fk FOREIGN KEY (order_id, customer) REFERENCES shop.u(a, b) NOT ENFORCED
);
