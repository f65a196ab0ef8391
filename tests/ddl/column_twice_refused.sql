CREATE TABLE shop.orders (n INT64, N STRING);
