DECLARE n INT64;
SET n = 1;
BEGIN
  CREATE TABLE shop.orders (order_id STRING);
  IF n > 0 THEN
    ALTER TABLE shop.orders ADD COLUMN n INT64;
  END IF;
END;
