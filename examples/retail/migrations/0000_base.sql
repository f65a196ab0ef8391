-- fqtool migration 0000: base
-- made-for: 2e38e77b22c314a4
-- makes: 524b46f4e6e322c5
-- hazards: none

-- 1. create product_features with 8 columns
--    rollback: irreversible by fqtool, which never drops a table; drop product_features by hand if it is empty
CREATE TABLE `product_features` (
  `shop_id` INT64 NOT NULL OPTIONS(description = 'The shop.'),
  `sku` STRING NOT NULL OPTIONS(description = 'The product.'),
  `day` DATE NOT NULL OPTIONS(description = 'The day.'),
  `feature_values` JSON OPTIONS(description = 'JSON object with the value of each feature by its name.'),
  `feature_labels` STRING OPTIONS(description = 'JSON object with the source label of each feature by its name.'),
  `sales_loaded_at` TIMESTAMP OPTIONS(description = 'When the sales of the day were loaded.'),
  `prices_loaded_at` TIMESTAMP OPTIONS(description = 'When the prices of the day were loaded.'),
  `created_at` TIMESTAMP DEFAULT CURRENT_TIMESTAMP() OPTIONS(description = 'When the row was written.')
)
PARTITION BY `day`
CLUSTER BY `shop_id`, `sku`
OPTIONS (description = 'A row per shop, product and day.', require_partition_filter = TRUE);
