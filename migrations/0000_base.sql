-- fqtool migration 0000: base
-- made-for: 2e38e77b22c314a4
-- makes: 5c6d27c31cded0a1
-- hazards: none

-- 1. create ml_feature_store_v2 with 50 columns
--    rollback: irreversible by fqtool, which never drops a table; drop ml_feature_store_v2 by hand if it is empty
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
  `source_shot_zones_last_updated` TIMESTAMP OPTIONS(description = 'When player_shot_zone_analysis was last written for the date; NULL when it was not.'),
  `source_shot_zones_rows_found` INT64 OPTIONS(description = 'Rows of player_shot_zone_analysis found for the date.'),
  `source_shot_zones_completeness_pct` NUMERIC(5, 2) OPTIONS(description = 'Share of the expected player_shot_zone_analysis rows that were found.'),
  `source_shot_zones_hash` STRING OPTIONS(description = 'Hash of the player_shot_zone_analysis row that was read.'),
  `source_team_defense_last_updated` TIMESTAMP OPTIONS(description = 'When team_defense_zone_analysis was last written for the date; NULL when it was not.'),
  `source_team_defense_rows_found` INT64 OPTIONS(description = 'Rows of team_defense_zone_analysis found for the date.'),
  `source_team_defense_completeness_pct` NUMERIC(5, 2) OPTIONS(description = 'Share of the expected team_defense_zone_analysis rows that were found.'),
  `source_team_defense_hash` STRING OPTIONS(description = 'Hash of the team_defense_zone_analysis row that was read.'),
  `early_season_flag` BOOL OPTIONS(description = 'Whether the season is too young for full windows.'),
  `insufficient_data_reason` STRING OPTIONS(description = 'Why the row holds placeholders instead of features.'),
  `expected_games_count` INT64 OPTIONS(description = 'Games that the player\'s team played by the schedule.'),
  `actual_games_count` INT64 OPTIONS(description = 'Games of the player\'s team that were found; the games behind his rolling windows.'),
  `completeness_percentage` FLOAT64 OPTIONS(description = 'Games found as a share of games expected, 0-100.'),
  `missing_games_count` INT64 OPTIONS(description = 'Games expected and not found.'),
  `is_production_ready` BOOL OPTIONS(description = 'Upstream\'s own gate: enough schedule history and all four Phase 4 inputs ready. Does not include feature quality; see is_quality_ready in v_feature_quality_derived.'),
  `data_quality_issues` ARRAY<STRING> OPTIONS(description = 'Codes of what upstream noticed, e.g. matchup_factors_used_defaults.'),
  `last_reprocess_attempt_at` TIMESTAMP OPTIONS(description = 'When the row was last built again.'),
  `reprocess_attempt_count` INT64 OPTIONS(description = 'How often the row was built again.'),
  `circuit_breaker_active` BOOL OPTIONS(description = 'Whether rebuilding is paused after too many attempts.'),
  `circuit_breaker_until` TIMESTAMP OPTIONS(description = 'When rebuilding may start again.'),
  `manual_override_required` BOOL OPTIONS(description = 'Whether a person must look at the row.'),
  `season_boundary_detected` BOOL OPTIONS(description = 'Whether the windows cross the start of a season.'),
  `backfill_bootstrap_mode` BOOL OPTIONS(description = 'Whether the row was built while history was still being filled.'),
  `processing_decision_reason` STRING OPTIONS(description = 'Why the row was built or skipped.'),
  `data_hash` STRING OPTIONS(description = 'Hash of the row\'s content, to skip writes that change nothing.'),
  `historical_completeness` STRUCT<`games_found` INT64 OPTIONS(description = 'Games found in the window.'), `games_expected` INT64 OPTIONS(description = 'Games the window should hold.'), `is_complete` BOOL OPTIONS(description = 'Whether all of them were found.'), `is_bootstrap` BOOL OPTIONS(description = 'Whether the player\'s history is shorter than the window.'), `contributing_game_dates` ARRAY<DATE> OPTIONS(description = 'Dates of the games in the window.')> OPTIONS(description = 'How complete the rolling windows behind the row were.'),
  `created_at` TIMESTAMP DEFAULT CURRENT_TIMESTAMP() NOT NULL OPTIONS(description = 'When the row was first written.'),
  `updated_at` TIMESTAMP OPTIONS(description = 'When the row was last written; NULL if only once.')
)
PARTITION BY `game_date`
CLUSTER BY `player_lookup`, `feature_version`, `game_date`
OPTIONS (require_partition_filter = TRUE);
