-- fqtool migration 0001: add 8 columns
-- made-for: 36ab146a4df74a9b
-- makes: cc2af1a701f78302
-- hazards: none

-- 1. the registry has 8 columns that the table has not
--    way back: ALTER TABLE `feature_store` DROP COLUMN `feature_quality_score`, DROP COLUMN `quality_tier`, DROP COLUMN ` ...
ALTER TABLE `feature_store`
  ADD COLUMN `feature_quality_score` NUMERIC(5, 2) OPTIONS(description = 'Mean quality of the features, 0-100; NULL where the row has no labels.'),
  ADD COLUMN `quality_tier` STRING OPTIONS(description = 'Band of feature_quality_score.'),
  ADD COLUMN `default_feature_count` INT64 OPTIONS(description = 'Features that hold a stand-in.'),
  ADD COLUMN `price_quality_pct` FLOAT64 OPTIONS(description = 'Mean quality of the features of price, 0-100.'),
  ADD COLUMN `feature_0_quality` FLOAT64 OPTIONS(description = 'Quality of last_price, 0-100.'),
  ADD COLUMN `feature_1_quality` FLOAT64 OPTIONS(description = 'Quality of mean_price, 0-100.'),
  ADD COLUMN `feature_0_source` STRING OPTIONS(description = 'Where the value of last_price came from.'),
  ADD COLUMN `feature_1_source` STRING OPTIONS(description = 'Where the value of mean_price came from.');
