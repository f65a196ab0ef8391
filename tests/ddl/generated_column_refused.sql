CREATE TABLE shop.orders (a INT64, b INT64 AS (a * 2) STORED);
