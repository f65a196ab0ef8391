CREATE TABLE shop.events (
  event_name STRING,
  event_params ARRAY<STRUCT<
    key STRING OPTIONS (description = 'name of the parameter'),
    value STRUCT<string_value STRING, int_value INT64, float_value FLOAT64>
  >>,
  items ARRAY<STRUCT<item_id STRING, price NUMERIC(10, 2) NOT NULL, item_params ARRAY<STRUCT<key STRING, value STRING>>>>
);
