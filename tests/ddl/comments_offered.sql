CREATE TABLE shop.orders (
  order_id STRING NOT NULL, -- who bought
  day DATE OPTIONS (description = 'stated'), -- not taken
  n INT64 /* how many */
  , s STRUCT<
      a INT64, # inside
      b STRING
    >
);
