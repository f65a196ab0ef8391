CREATE TABLE shop.orders (order_id STRING, amount NUMERIC(5, 2) OPTIONS (rounding_mode = 'ROUND_HALF_EVEN'))
OPTIONS (default_rounding_mode = 'ROUND_HALF_AWAY_FROM_ZERO');
