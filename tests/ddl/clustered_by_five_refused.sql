CREATE TABLE shop.orders (a INT64, b INT64, c INT64, d INT64, e INT64) CLUSTER BY a, b, c, d, e;
