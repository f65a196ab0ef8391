CREATE TABLE shop.orders (order_id STRING) OPTIONS (enable_fine_grained_mutations = TRUE);
