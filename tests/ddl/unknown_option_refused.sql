CREATE TABLE shop.orders (
  order_id STRING OPTIONS (descripton = 'who')
);
