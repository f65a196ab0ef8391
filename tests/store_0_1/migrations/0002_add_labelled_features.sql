-- fqtool migration 0002: add labelled features
-- made-for: cc2af1a701f78302
-- makes: 457fd138a8c86381
-- hazards: none

-- 1. the registry has labelled_features, the table has not
--    way back: ALTER TABLE `feature_store` DROP COLUMN `labelled_features`
ALTER TABLE `feature_store`
  ADD COLUMN `labelled_features` INT64 OPTIONS(description = 'Features that hold a computed value.');

-- 2. quality_tier has another description in the registry
--    way back: ALTER TABLE `feature_store` ALTER COLUMN `quality_tier` SET OPTIONS (description = 'Band of feature_qualit ...
ALTER TABLE `feature_store`
  ALTER COLUMN `quality_tier` SET OPTIONS (description = 'Band of the score.');

-- 3. the view v_quality is new or has another text in the registry
--    way back: DROP VIEW `v_quality`
CREATE OR REPLACE VIEW `v_quality`
OPTIONS (description = 'A row per feature.')
AS
SELECT
  t.`item`,
  t.`day`,
  f.`feature`,
  f.`quality`
FROM `${dataset}`.`feature_store` AS t
CROSS JOIN UNNEST([
  STRUCT('last_price' AS `feature`, feature_0_quality AS `quality`),
  STRUCT('mean_price', feature_1_quality)
]) AS f;
