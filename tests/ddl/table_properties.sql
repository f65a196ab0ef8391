CREATE TABLE shop.orders (order_id STRING)
OPTIONS (
  kms_key_name = 'projects/p/locations/us/keyRings/r/cryptoKeys/k', max_staleness = INTERVAL '4:0:0' HOUR TO SECOND,
  tags = [('123/env', 'prod'), ('123/cost', 'a')], enable_change_history = TRUE, default_rounding_mode = 'ROUND_HALF_EVEN'
);
