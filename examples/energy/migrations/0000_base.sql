-- fqtool migration 0000: base
-- made-for: 2e38e77b22c314a4
-- makes: 5064fd1ba884d46b
-- hazards: none

-- 1. create meter_features with 15 columns
--    rollback: irreversible by fqtool, which never drops a table; drop meter_features by hand if it is empty
CREATE TABLE `meter_features` (
  `meter_id` STRING NOT NULL OPTIONS(description = 'The meter.'),
  `day` DATE NOT NULL OPTIONS(description = 'The day of the consumption.'),
  `consumption_kwh` FLOAT64 OPTIONS(description = 'Consumption of the day, in kWh.'),
  `peak_kw` FLOAT64 OPTIONS(description = 'Highest power of a quarter of an hour, in kW.'),
  `night_share` FLOAT64 OPTIONS(description = 'Share of the consumption from 22:00 to 06:00.'),
  `reading_count` INT64 OPTIONS(description = 'Readings of the day.'),
  `consumption_mean_7d_kwh` FLOAT64 OPTIONS(description = 'Mean consumption of the 7 days before, in kWh.'),
  `temperature_c` FLOAT64 OPTIONS(description = 'Mean temperature, in degrees Celsius.'),
  `wind_speed_ms` NUMERIC OPTIONS(description = 'Mean wind speed, in metres per second.'),
  `tariff` STRING OPTIONS(description = 'Name of the tariff.'),
  `has_solar` BOOL OPTIONS(description = 'Whether the meter has solar panels.'),
  `readings_loaded_at` TIMESTAMP OPTIONS(description = 'When the readings of the day were loaded.'),
  `readings_count` INT64 OPTIONS(description = 'Rows of raw.meter_readings for the meter and day.'),
  `weather_loaded_at` TIMESTAMP OPTIONS(description = 'When the weather of the day was loaded.'),
  `created_at` TIMESTAMP DEFAULT CURRENT_TIMESTAMP() OPTIONS(description = 'When the row was written.')
)
PARTITION BY `day`
CLUSTER BY `meter_id`
OPTIONS (description = 'A row per electricity meter and day.', require_partition_filter = TRUE);
