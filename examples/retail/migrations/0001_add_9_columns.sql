-- fqtool migration 0001: add 9 columns
-- made-for: 524b46f4e6e322c5
-- makes: e03a533b82915549
-- hazards: none

-- 1. the registry has 9 columns that the table does not have
--    rollback: ALTER TABLE `product_features` DROP COLUMN `quality_score`, DROP COLUMN `quality_tier`, DROP COLUMN `defau ...
ALTER TABLE `product_features`
  ADD COLUMN `quality_score` NUMERIC(5, 2) OPTIONS(description = 'Mean quality of the features, 0-100; NULL where the row has no labels.'),
  ADD COLUMN `quality_tier` STRING OPTIONS(description = 'Band of quality_score.'),
  ADD COLUMN `default_count` INT64 OPTIONS(description = 'Features with a default value.'),
  ADD COLUMN `demand_quality` FLOAT64 OPTIONS(description = 'Mean quality of the features of demand, 0-100.'),
  ADD COLUMN `price_quality` FLOAT64 OPTIONS(description = 'Mean quality of the features of price, 0-100.'),
  ADD COLUMN `stock_quality` FLOAT64 OPTIONS(description = 'Mean quality of the features of stock, 0-100.'),
  ADD COLUMN `feature_sources` STRING OPTIONS(description = 'JSON object from feature index to canonical source.'),
  ADD COLUMN `fallback_reasons` STRING OPTIONS(description = 'JSON object from feature index to the reason of its default value.'),
  ADD COLUMN `scored_at` TIMESTAMP OPTIONS(description = 'When the quality columns were computed.');
