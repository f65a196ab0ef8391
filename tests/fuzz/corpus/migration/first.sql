-- fqtool migration 0000: base
-- made-for: 2e38e77b22c314a4
-- makes: 5c6d27c31cded0a1
-- hazards: none

-- 1. create ml_feature_store_v2 with 50 columns
--    way back: irreversible by fqtool, which never drops a table; drop ml_feature_store_v2 by hand if it is empty
CREATE TABLE `ml_feature_store_v2` (
  `player_lookup` STRING NOT NULL OPTIONS(description = 'Player key in lower case without blanks, e.g. lebronjames; with game_date it names a row.'),
  `universal_player_id` STRING OPTIONS(description = 'Player id that is stable across sources and name changes.'),
  `game_date` DATE NOT NULL OPTIONS(description = 'Date of the game; partition column, so every query must filter it.'),
  `game_id` STRING NOT NULL OPTIONS(description = 'Id of the game.'),
  `features` ARRAY<FLOAT64> OPTIONS(description = 'The feature vector in index order. A missing feature is stored as 0.0.'),
  `feature_names` ARRAY<STRING> OPTIONS(description = 'Names of the features, in the order of features.'),
  `feature_count` INT64 NOT NULL OPTIONS(description = 'Length of the feature vector.'),
  `feature_version` STRING NOT NULL OPTIONS(description = 'Label of the vector\'s layout, e.g. v2_37features.'),
  `feature_generation_time_ms` INT64 OPTIONS(description = 'Time it took to build the row, in milliseconds.'),
  `feature_quality_score` NUMERIC(5, 2) OPTIONS(description = 'Overall quality 0-100: the plain mean of the quality of all features. NULL where the row\'s sources are unknown. A healthy row has 98.14, one without a betting line 90.03. Rows scored before 2026-02-06 are on another scale.'),
  `opponent_team_abbr` STRING OPTIONS(description = 'Opponent\'s three-letter team code.'),
  `is_home` BOOL OPTIONS(description = 'Whether the player\'s team plays at home.'),
  `days_rest` INT64 OPTIONS(description = 'Days since the player\'s last game.'),
  `data_source` STRING NOT NULL OPTIONS(description = 'Where most of the row came from when it was built.'),
  `source_daily_cache_last_updated` TIMESTAMP OPTIONS(description = 'When player_daily_cache was last written for the date; NULL when it was not.'),
  `source_daily_cache_rows_found` INT64 OPTIONS(description = 'Rows of player_daily_cache found for the date.'),
  `source_daily_cache_completeness_pct` NUMERIC(5, 2) OPTIONS(description = 'Share of the expected player_daily_cache rows that were found.'),
  `source_daily_cache_hash` STRING OPTIONS(description = 'Hash of the player_daily_cache row that was read.'),
  `source_composite_last_updated` TIMESTAMP OPTIONS(description = 'When player_composite_factors was last written for the date; NULL when it was not.'),
  `source_composite_rows_found` INT64 OPTIONS(description = 'Rows of player_composite_factors found for the date.'),
  `source_composite_completeness_pct` NUMERIC(5, 2) OPTIONS(description = 'Share of the expected player_composite_factors rows that were found.'),
  `source_composite_hash` STRING OPTIONS(description = 'Hash of the player_composite_factors row that was read.'),
