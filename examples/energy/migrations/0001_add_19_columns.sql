-- fqtool migration 0001: add 19 columns
-- made-for: 5064fd1ba884d46b
-- makes: 230f8247feaf5e8f
-- hazards: none

-- 1. the registry has 19 columns that the table does not have
--    rollback: ALTER TABLE `meter_features` DROP COLUMN `feature_quality_score`, DROP COLUMN `quality_tier`, DROP COLUMN  ...
ALTER TABLE `meter_features`
  ADD COLUMN `feature_quality_score` NUMERIC(5, 2) OPTIONS(description = 'Share of features with a value, 0-100.'),
  ADD COLUMN `quality_tier` STRING OPTIONS(description = 'Band of feature_quality_score.'),
  ADD COLUMN `quality_alert_level` STRING OPTIONS(description = 'green, yellow or red.'),
  ADD COLUMN `quality_alerts` ARRAY<STRING> OPTIONS(description = 'Codes of the alerts of the row.'),
  ADD COLUMN `missing_feature_count` INT64 OPTIONS(description = 'Features without a value.'),
  ADD COLUMN `missing_features` ARRAY<STRING> OPTIONS(description = 'Names of the features without a value.'),
  ADD COLUMN `consumption_quality_pct` FLOAT64 OPTIONS(description = 'Share of features of consumption with a value, 0-100.'),
  ADD COLUMN `weather_quality_pct` FLOAT64 OPTIONS(description = 'Share of features of weather with a value, 0-100.'),
  ADD COLUMN `contract_quality_pct` FLOAT64 OPTIONS(description = 'Share of features of contract with a value, 0-100.'),
  ADD COLUMN `consumption_kwh_source` STRING OPTIONS(description = 'present or missing: whether consumption_kwh has a value.'),
  ADD COLUMN `peak_kw_source` STRING OPTIONS(description = 'present or missing: whether peak_kw has a value.'),
  ADD COLUMN `night_share_source` STRING OPTIONS(description = 'present or missing: whether night_share has a value.'),
  ADD COLUMN `reading_count_source` STRING OPTIONS(description = 'present or missing: whether reading_count has a value.'),
  ADD COLUMN `consumption_mean_7d_kwh_source` STRING OPTIONS(description = 'present or missing: whether consumption_mean_7d_kwh has a value.'),
  ADD COLUMN `temperature_c_source` STRING OPTIONS(description = 'present or missing: whether temperature_c has a value.'),
  ADD COLUMN `wind_speed_ms_source` STRING OPTIONS(description = 'present or missing: whether wind_speed_ms has a value.'),
  ADD COLUMN `tariff_source` STRING OPTIONS(description = 'present or missing: whether tariff has a value.'),
  ADD COLUMN `has_solar_source` STRING OPTIONS(description = 'present or missing: whether has_solar has a value.'),
  ADD COLUMN `quality_computed_at` TIMESTAMP OPTIONS(description = 'When the quality columns were computed.');

-- 2. the view v_meter_quality is new, or its text differs from the registry
--    rollback: DROP VIEW `v_meter_quality`
CREATE OR REPLACE VIEW `v_meter_quality`
OPTIONS (description = 'A row per meter, day and feature. Filter day.')
AS
SELECT
  t.`meter_id`,
  t.`day`,
  f.`feature_name`,
  f.`is_missing`
FROM `${dataset}`.`meter_features` AS t
CROSS JOIN UNNEST([
  STRUCT('consumption_kwh' AS `feature_name`, consumption_kwh_source = 'missing' AS `is_missing`),
  STRUCT('peak_kw', peak_kw_source = 'missing'),
  STRUCT('night_share', night_share_source = 'missing'),
  STRUCT('reading_count', reading_count_source = 'missing'),
  STRUCT('consumption_mean_7d_kwh', consumption_mean_7d_kwh_source = 'missing'),
  STRUCT('temperature_c', temperature_c_source = 'missing'),
  STRUCT('wind_speed_ms', wind_speed_ms_source = 'missing'),
  STRUCT('tariff', tariff_source = 'missing'),
  STRUCT('has_solar', has_solar_source = 'missing')
]) AS f;
