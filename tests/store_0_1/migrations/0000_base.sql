-- fqtool migration 0000: base
-- made-for: 2e38e77b22c314a4
-- makes: 36ab146a4df74a9b
-- hazards: none

-- 1. create feature_store with 6 columns
--    way back: irreversible by fqtool, which never drops a table; drop feature_store by hand if it is empty
CREATE TABLE `feature_store` (
  `item` STRING NOT NULL OPTIONS(description = 'What the row is about; with day it names the row.'),
  `day` DATE NOT NULL OPTIONS(description = 'The day; partition column, so every query must filter it.'),
  `features` ARRAY<FLOAT64> OPTIONS(description = 'The feature vector in index order.'),
  `labels` STRING OPTIONS(description = 'JSON map from feature index to the label of its source.'),
  `prices_updated_at` TIMESTAMP OPTIONS(description = 'When prices were last written for the day.'),
  `written_at` TIMESTAMP DEFAULT CURRENT_TIMESTAMP() OPTIONS(description = 'When the row was written.')
)
PARTITION BY `day`
CLUSTER BY `item`
OPTIONS (require_partition_filter = TRUE);
