-- daily_health: rows of each date from @start to @end by tier
SELECT
  `game_date` AS `date`,
  `quality_tier` AS `tier`,
  COUNT(*) AS `rows`,
  ROUND(AVG(`feature_quality_score`), 2) AS mean_score,
  SUM(`default_feature_count`) AS defaulted_features,
  COUNTIF(`quality_alert_level` = 'red') AS `red_rows`,
  COUNTIF(`quality_alert_level` = 'yellow') AS `yellow_rows`,
  COUNTIF(`quality_alert_level` = 'green') AS `green_rows`
FROM `ml_feature_store_v2`
WHERE `game_date` BETWEEN @start AND @end
GROUP BY 1, 2
ORDER BY `date`, mean_score DESC;

-- worst_features: the ten features with the lowest mean quality from @start to @end
SELECT
  f.feature_index,
  f.feature_name,
  COUNT(f.quality) AS scored_rows,
  ROUND(AVG(f.quality), 2) AS mean_quality,
  COUNTIF(f.source = 'phase4') AS `phase4_rows`,
  COUNTIF(f.source = 'phase3') AS `phase3_rows`,
  COUNTIF(f.source = 'calculated') AS `calculated_rows`,
  COUNTIF(f.source = 'default') AS `default_rows`
FROM `ml_feature_store_v2` AS t
CROSS JOIN UNNEST([
  STRUCT(0 AS `feature_index`, 'points_avg_last_5' AS `feature_name`, 'player_history' AS `category`, features[SAFE_OFFSET(0)] AS `value`, `feature_0_quality` AS `quality`, `feature_0_source` AS `source`),
  STRUCT(1, 'points_avg_last_10', 'player_history', features[SAFE_OFFSET(1)], `feature_1_quality`, `feature_1_source`),
  STRUCT(2, 'points_avg_season', 'player_history', features[SAFE_OFFSET(2)], `feature_2_quality`, `feature_2_source`),
  STRUCT(3, 'points_std_last_10', 'player_history', features[SAFE_OFFSET(3)], `feature_3_quality`, `feature_3_source`),
  STRUCT(4, 'games_in_last_7_days', 'player_history', features[SAFE_OFFSET(4)], `feature_4_quality`, `feature_4_source`),
  STRUCT(5, 'fatigue_score', 'matchup', features[SAFE_OFFSET(5)], `feature_5_quality`, `feature_5_source`),
  STRUCT(6, 'shot_zone_mismatch_score', 'matchup', features[SAFE_OFFSET(6)], `feature_6_quality`, `feature_6_source`),
  STRUCT(7, 'pace_score', 'matchup', features[SAFE_OFFSET(7)], `feature_7_quality`, `feature_7_source`),
  STRUCT(8, 'usage_spike_score', 'matchup', features[SAFE_OFFSET(8)], `feature_8_quality`, `feature_8_source`),
  STRUCT(9, 'rest_advantage', 'game_context', features[SAFE_OFFSET(9)], `feature_9_quality`, `feature_9_source`),
  STRUCT(10, 'injury_risk', 'game_context', features[SAFE_OFFSET(10)], `feature_10_quality`, `feature_10_source`),
  STRUCT(11, 'recent_trend', 'game_context', features[SAFE_OFFSET(11)], `feature_11_quality`, `feature_11_source`),
  STRUCT(12, 'minutes_change', 'game_context', features[SAFE_OFFSET(12)], `feature_12_quality`, `feature_12_source`),
  STRUCT(13, 'opponent_def_rating', 'matchup', features[SAFE_OFFSET(13)], `feature_13_quality`, `feature_13_source`),
  STRUCT(14, 'opponent_pace', 'matchup', features[SAFE_OFFSET(14)], `feature_14_quality`, `feature_14_source`),
  STRUCT(15, 'home_away', 'game_context', features[SAFE_OFFSET(15)], `feature_15_quality`, `feature_15_source`),
  STRUCT(16, 'back_to_back', 'game_context', features[SAFE_OFFSET(16)], `feature_16_quality`, `feature_16_source`),
  STRUCT(17, 'playoff_game', 'game_context', features[SAFE_OFFSET(17)], `feature_17_quality`, `feature_17_source`),
  STRUCT(18, 'pct_paint', 'game_context', features[SAFE_OFFSET(18)], `feature_18_quality`, `feature_18_source`),
  STRUCT(19, 'pct_mid_range', 'game_context', features[SAFE_OFFSET(19)], `feature_19_quality`, `feature_19_source`),
  STRUCT(20, 'pct_three', 'game_context', features[SAFE_OFFSET(20)], `feature_20_quality`, `feature_20_source`),
  STRUCT(21, 'pct_free_throw', 'game_context', features[SAFE_OFFSET(21)], `feature_21_quality`, `feature_21_source`),
  STRUCT(22, 'team_pace', 'team_context', features[SAFE_OFFSET(22)], `feature_22_quality`, `feature_22_source`),
  STRUCT(23, 'team_off_rating', 'team_context', features[SAFE_OFFSET(23)], `feature_23_quality`, `feature_23_source`),
  STRUCT(24, 'team_win_pct', 'team_context', features[SAFE_OFFSET(24)], `feature_24_quality`, `feature_24_source`),
  STRUCT(25, 'vegas_points_line', 'vegas', features[SAFE_OFFSET(25)], `feature_25_quality`, `feature_25_source`),
  STRUCT(26, 'vegas_opening_line', 'vegas', features[SAFE_OFFSET(26)], `feature_26_quality`, `feature_26_source`),
  STRUCT(27, 'vegas_line_move', 'vegas', features[SAFE_OFFSET(27)], `feature_27_quality`, `feature_27_source`),
  STRUCT(28, 'has_vegas_line', 'vegas', features[SAFE_OFFSET(28)], `feature_28_quality`, `feature_28_source`),
  STRUCT(29, 'avg_points_vs_opponent', 'player_history', features[SAFE_OFFSET(29)], `feature_29_quality`, `feature_29_source`),
  STRUCT(30, 'games_vs_opponent', 'player_history', features[SAFE_OFFSET(30)], `feature_30_quality`, `feature_30_source`),
  STRUCT(31, 'minutes_avg_last_10', 'player_history', features[SAFE_OFFSET(31)], `feature_31_quality`, `feature_31_source`),
  STRUCT(32, 'ppm_avg_last_10', 'player_history', features[SAFE_OFFSET(32)], `feature_32_quality`, `feature_32_source`),
  STRUCT(33, 'dnp_rate', 'player_history', features[SAFE_OFFSET(33)], `feature_33_quality`, `feature_33_source`),
  STRUCT(34, 'pts_slope_10g', 'player_history', features[SAFE_OFFSET(34)], `feature_34_quality`, `feature_34_source`),
  STRUCT(35, 'pts_vs_season_zscore', 'player_history', features[SAFE_OFFSET(35)], `feature_35_quality`, `feature_35_source`),
  STRUCT(36, 'breakout_flag', 'player_history', features[SAFE_OFFSET(36)], `feature_36_quality`, `feature_36_source`)
]) AS f
WHERE `game_date` BETWEEN @start AND @end
GROUP BY f.feature_index, f.feature_name
ORDER BY mean_quality, f.feature_index
LIMIT 10;

-- category_means: mean quality of each category from @start to @end, rows by alert level, and the percentage of red rows
SELECT
  `game_date` AS `date`,
  COUNT(*) AS `rows`,
  ROUND(AVG(`matchup_quality_pct`), 1) AS `matchup_quality_pct`,
  ROUND(AVG(`player_history_quality_pct`), 1) AS `player_history_quality_pct`,
  ROUND(AVG(`team_context_quality_pct`), 1) AS `team_context_quality_pct`,
  ROUND(AVG(`vegas_quality_pct`), 1) AS `vegas_quality_pct`,
  ROUND(AVG(`game_context_quality_pct`), 1) AS `game_context_quality_pct`,
  COUNTIF(`quality_alert_level` = 'red') AS `red_rows`,
  COUNTIF(`quality_alert_level` = 'yellow') AS `yellow_rows`,
  COUNTIF(`quality_alert_level` = 'green') AS `green_rows`,
  ROUND(100 * COUNTIF(`quality_alert_level` = 'red') / COUNT(*), 1) AS `red_pct`
FROM `ml_feature_store_v2`
WHERE `game_date` BETWEEN @start AND @end
GROUP BY 1
ORDER BY `date`;

-- alert_frequency: how often each alert fired from @start to @end
SELECT
  alert AS `alert`,
  COUNT(DISTINCT `game_date`) AS `dates`,
  COUNT(*) AS `rows`,
  COUNT(DISTINCT `player_lookup`) AS `keys`
FROM `ml_feature_store_v2`
CROSS JOIN UNNEST(`quality_alerts`) AS alert
WHERE `game_date` BETWEEN @start AND @end
GROUP BY 1
ORDER BY `rows` DESC, 1;

-- completeness: rows of each date from @start to @end that are scored, lack sources, or are not scored yet
SELECT
  `game_date` AS `date`,
  COUNT(*) AS `rows`,
  COUNT(`quality_alert_level`) AS scored_rows,
  COUNTIF(NOT (feature_sources IS NOT NULL)) AS rows_without_sources,
  COUNTIF((feature_sources IS NOT NULL) AND `quality_alert_level` IS NULL) AS waiting_rows
FROM `ml_feature_store_v2`
WHERE `game_date` BETWEEN @start AND @end
GROUP BY 1
ORDER BY `date`;

-- training_audit: rows of each date from @start to @end that pass each gate, and their share
SELECT
  `game_date` AS `date`,
  COUNT(*) AS `rows`,
  ROUND(AVG(`feature_quality_score`), 2) AS mean_score,
  ROUND(AVG(`training_quality_feature_count`), 1) AS mean_training_features,
  COUNTIF(`is_production_ready`) AS `is_production_ready`,
  ROUND(COUNTIF(`is_production_ready`) / COUNT(*), 3) AS `is_production_ready_share`,
  COUNTIF(`is_training_ready`) AS `is_training_ready`,
  ROUND(COUNTIF(`is_training_ready`) / COUNT(*), 3) AS `is_training_ready_share`,
  COUNTIF(`has_composite_factors`) AS `has_composite_factors`,
  ROUND(COUNTIF(`has_composite_factors`) / COUNT(*), 3) AS `has_composite_factors_share`,
  COUNTIF(`has_opponent_defense`) AS `has_opponent_defense`,
  ROUND(COUNTIF(`has_opponent_defense`) / COUNT(*), 3) AS `has_opponent_defense_share`,
  COUNTIF(`has_vegas_line`) AS `has_vegas_line`,
  ROUND(COUNTIF(`has_vegas_line`) / COUNT(*), 3) AS `has_vegas_line_share`,
  COUNTIF(`critical_features_training_quality`) AS `critical_features_training_quality`,
  ROUND(COUNTIF(`critical_features_training_quality`) / COUNT(*), 3) AS `critical_features_training_quality_share`,
  COUNTIF(`breakout_v3_features_available`) AS `breakout_v3_features_available`,
  ROUND(COUNTIF(`breakout_v3_features_available`) / COUNT(*), 3) AS `breakout_v3_features_available_share`,
  COUNTIF((quality_tier IN ('gold', 'silver', 'bronze') AND feature_quality_score >= 70 AND matchup_quality_pct >= 50 AND NOT (feature_5_source = 'default' AND feature_6_source = 'default' AND feature_7_source = 'default' AND feature_8_source = 'default'))) AS `is_quality_ready`,
  ROUND(COUNTIF((quality_tier IN ('gold', 'silver', 'bronze') AND feature_quality_score >= 70 AND matchup_quality_pct >= 50 AND NOT (feature_5_source = 'default' AND feature_6_source = 'default' AND feature_7_source = 'default' AND feature_8_source = 'default'))) / COUNT(*), 3) AS `is_quality_ready_share`,
  COUNTIF((is_training_ready AND critical_features_training_quality AND feature_store_age_hours < 48)) AS `is_training_row`,
  ROUND(COUNTIF((is_training_ready AND critical_features_training_quality AND feature_store_age_hours < 48)) / COUNT(*), 3) AS `is_training_row_share`
FROM `ml_feature_store_v2`
WHERE `game_date` BETWEEN @start AND @end
GROUP BY 1
ORDER BY `date`;

-- worst_rows: the ten rows with the lowest score from @start to @end
SELECT
  `player_lookup`,
  `game_date`,
  `feature_quality_score` AS score,
  `quality_tier` AS tier,
  `quality_alert_level` AS level,
  `default_feature_count` AS defaults,
  ARRAY_TO_STRING(`quality_alerts`, ', ') AS alerts
FROM `ml_feature_store_v2`
WHERE `game_date` BETWEEN @start AND @end AND `feature_quality_score` IS NOT NULL
ORDER BY score, `player_lookup`, `game_date`
LIMIT 10;

-- daily_checks: the figures of the thresholds on @date
SELECT
  SAFE_DIVIDE(COUNTIF(quality_tier IN ('gold', 'silver', 'bronze') AND matchup_quality_pct >= 50 AND NOT (feature_5_source = 'default' AND feature_6_source = 'default' AND feature_7_source = 'default' AND feature_8_source = 'default')), COUNT(quality_tier)) AS `quality_ready_share`,
  SAFE_DIVIDE(COUNTIF(quality_alert_level = 'red'), COUNT(quality_alert_level)) AS `red_share`,
  AVG(matchup_quality_pct) AS `mean_matchup`,
  AVG(player_history_quality_pct) AS `mean_player_history`,
  AVG(vegas_quality_pct) AS `mean_vegas`,
  AVG(default_feature_count) AS `mean_defaults`,
  AVG(feature_quality_score) AS `mean_score`,
  SAFE_DIVIDE(COUNTIF(is_training_ready AND default_feature_count > vegas_default_count), COUNTIF(is_training_ready)) AS `training_contamination`,
  COUNT(player_lookup) AS `rows_per_date`
FROM `ml_feature_store_v2`
WHERE `game_date` = @date;
