CREATE OR REPLACE PROCEDURE shop.fill(n INT64)
BEGIN
  IF n > 0 THEN
    CREATE TABLE shop.inner_one (x INT64);
  END IF;
  BEGIN
    SELECT CASE n WHEN 1 THEN 2 END;
    CREATE TABLE shop.inner_two (x INT64);
  END;
  CREATE TABLE shop.inner_three (x INT64);
END;
CREATE TABLE shop.orders (order_id STRING);
