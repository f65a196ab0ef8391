CREATE TABLE shop.orders (order_id STRING OPTIONS (description = 'one '
    'two ' "three")) OPTIONS (description = 'four '
  r'\d');
