-- bad_rows: rows of @date in which a critical feature has a quality below 50
SELECT
  `player_lookup`,
  `game_date`,
  `feature_quality_score`,
  `quality_tier`,
  `quality_alert_level`,
  `feature_5_quality`,
  `feature_5_source`,
  `feature_6_quality`,
  `feature_6_source`,
  `feature_7_quality`,
  `feature_7_source`,
  `feature_8_quality`,
  `feature_8_source`,
  `feature_13_quality`,
  `feature_13_source`,
  `feature_14_quality`,
  `feature_14_source`
FROM `ml_feature_store_v2`
WHERE `game_date` = @date
  AND (`feature_5_quality` < 50
  OR `feature_6_quality` < 50
  OR `feature_7_quality` < 50
  OR `feature_8_quality` < 50
  OR `feature_13_quality` < 50
  OR `feature_14_quality` < 50)
ORDER BY `feature_quality_score`, `player_lookup`, `game_date`;

-- rows_is_quality_ready: rows from @start to @end that pass is_quality_ready
SELECT
  `player_lookup`,
  `game_date`,
  `feature_quality_score`
FROM `ml_feature_store_v2`
WHERE `game_date` BETWEEN @start AND @end
  AND (quality_tier IN ('gold', 'silver', 'bronze') AND feature_quality_score >= 70 AND matchup_quality_pct >= 50 AND NOT (feature_5_source = 'default' AND feature_6_source = 'default' AND feature_7_source = 'default' AND feature_8_source = 'default'))
ORDER BY `player_lookup`, `game_date`;

-- rows_is_training_row: rows from @start to @end that pass is_training_row
SELECT
  `player_lookup`,
  `game_date`,
  `feature_quality_score`
FROM `ml_feature_store_v2`
WHERE `game_date` BETWEEN @start AND @end
  AND (is_training_ready AND critical_features_training_quality AND feature_store_age_hours < 48)
ORDER BY `player_lookup`, `game_date`;

-- feature_distribution: each feature on @date, the worst first: quality, defaulted rows, values
SELECT
  f.feature_index,
  f.feature_name,
  ANY_VALUE(f.category) AS category,
  COUNT(f.quality) AS scored_rows,
  ROUND(AVG(f.quality), 2) AS mean_quality,
  COUNTIF(f.source IN ('default')) AS defaulted_rows,
  AVG(f.value) AS mean_value,
  STDDEV_SAMP(f.value) AS stddev_value,
  COUNTIF(f.value = 0) AS zero_rows
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
WHERE `game_date` = @date
GROUP BY f.feature_index, f.feature_name
ORDER BY mean_quality, f.feature_index;

-- deep_dive: the feature named @feature on @date, row by row, the worst first
SELECT
  `player_lookup`,
  f.value,
  f.quality,
  f.source,
  f.`feature_fallback_reasons_json`,
  f.`feature_sample_sizes_json`,
  f.`feature_expected_values_json`,
  f.`feature_value_ranges_valid_json`,
  f.`feature_upstream_tables_json`,
  f.`feature_last_updated_json`
FROM `ml_feature_store_v2` AS t
CROSS JOIN UNNEST([
  STRUCT(0 AS `feature_index`, 'points_avg_last_5' AS `feature_name`, 'player_history' AS `category`, features[SAFE_OFFSET(0)] AS `value`, `feature_0_quality` AS `quality`, `feature_0_source` AS `source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."0"') AS `feature_fallback_reasons_json`, JSON_VALUE(`feature_sample_sizes_json`, '$."0"') AS `feature_sample_sizes_json`, JSON_VALUE(`feature_expected_values_json`, '$."0"') AS `feature_expected_values_json`, JSON_VALUE(`feature_value_ranges_valid_json`, '$."0"') AS `feature_value_ranges_valid_json`, JSON_VALUE(`feature_upstream_tables_json`, '$."0"') AS `feature_upstream_tables_json`, JSON_VALUE(`feature_last_updated_json`, '$."0"') AS `feature_last_updated_json`),
  STRUCT(1, 'points_avg_last_10', 'player_history', features[SAFE_OFFSET(1)], `feature_1_quality`, `feature_1_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."1"'), JSON_VALUE(`feature_sample_sizes_json`, '$."1"'), JSON_VALUE(`feature_expected_values_json`, '$."1"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."1"'), JSON_VALUE(`feature_upstream_tables_json`, '$."1"'), JSON_VALUE(`feature_last_updated_json`, '$."1"')),
  STRUCT(2, 'points_avg_season', 'player_history', features[SAFE_OFFSET(2)], `feature_2_quality`, `feature_2_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."2"'), JSON_VALUE(`feature_sample_sizes_json`, '$."2"'), JSON_VALUE(`feature_expected_values_json`, '$."2"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."2"'), JSON_VALUE(`feature_upstream_tables_json`, '$."2"'), JSON_VALUE(`feature_last_updated_json`, '$."2"')),
  STRUCT(3, 'points_std_last_10', 'player_history', features[SAFE_OFFSET(3)], `feature_3_quality`, `feature_3_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."3"'), JSON_VALUE(`feature_sample_sizes_json`, '$."3"'), JSON_VALUE(`feature_expected_values_json`, '$."3"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."3"'), JSON_VALUE(`feature_upstream_tables_json`, '$."3"'), JSON_VALUE(`feature_last_updated_json`, '$."3"')),
  STRUCT(4, 'games_in_last_7_days', 'player_history', features[SAFE_OFFSET(4)], `feature_4_quality`, `feature_4_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."4"'), JSON_VALUE(`feature_sample_sizes_json`, '$."4"'), JSON_VALUE(`feature_expected_values_json`, '$."4"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."4"'), JSON_VALUE(`feature_upstream_tables_json`, '$."4"'), JSON_VALUE(`feature_last_updated_json`, '$."4"')),
  STRUCT(5, 'fatigue_score', 'matchup', features[SAFE_OFFSET(5)], `feature_5_quality`, `feature_5_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."5"'), JSON_VALUE(`feature_sample_sizes_json`, '$."5"'), JSON_VALUE(`feature_expected_values_json`, '$."5"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."5"'), JSON_VALUE(`feature_upstream_tables_json`, '$."5"'), JSON_VALUE(`feature_last_updated_json`, '$."5"')),
  STRUCT(6, 'shot_zone_mismatch_score', 'matchup', features[SAFE_OFFSET(6)], `feature_6_quality`, `feature_6_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."6"'), JSON_VALUE(`feature_sample_sizes_json`, '$."6"'), JSON_VALUE(`feature_expected_values_json`, '$."6"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."6"'), JSON_VALUE(`feature_upstream_tables_json`, '$."6"'), JSON_VALUE(`feature_last_updated_json`, '$."6"')),
  STRUCT(7, 'pace_score', 'matchup', features[SAFE_OFFSET(7)], `feature_7_quality`, `feature_7_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."7"'), JSON_VALUE(`feature_sample_sizes_json`, '$."7"'), JSON_VALUE(`feature_expected_values_json`, '$."7"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."7"'), JSON_VALUE(`feature_upstream_tables_json`, '$."7"'), JSON_VALUE(`feature_last_updated_json`, '$."7"')),
  STRUCT(8, 'usage_spike_score', 'matchup', features[SAFE_OFFSET(8)], `feature_8_quality`, `feature_8_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."8"'), JSON_VALUE(`feature_sample_sizes_json`, '$."8"'), JSON_VALUE(`feature_expected_values_json`, '$."8"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."8"'), JSON_VALUE(`feature_upstream_tables_json`, '$."8"'), JSON_VALUE(`feature_last_updated_json`, '$."8"')),
  STRUCT(9, 'rest_advantage', 'game_context', features[SAFE_OFFSET(9)], `feature_9_quality`, `feature_9_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."9"'), JSON_VALUE(`feature_sample_sizes_json`, '$."9"'), JSON_VALUE(`feature_expected_values_json`, '$."9"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."9"'), JSON_VALUE(`feature_upstream_tables_json`, '$."9"'), JSON_VALUE(`feature_last_updated_json`, '$."9"')),
  STRUCT(10, 'injury_risk', 'game_context', features[SAFE_OFFSET(10)], `feature_10_quality`, `feature_10_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."10"'), JSON_VALUE(`feature_sample_sizes_json`, '$."10"'), JSON_VALUE(`feature_expected_values_json`, '$."10"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."10"'), JSON_VALUE(`feature_upstream_tables_json`, '$."10"'), JSON_VALUE(`feature_last_updated_json`, '$."10"')),
  STRUCT(11, 'recent_trend', 'game_context', features[SAFE_OFFSET(11)], `feature_11_quality`, `feature_11_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."11"'), JSON_VALUE(`feature_sample_sizes_json`, '$."11"'), JSON_VALUE(`feature_expected_values_json`, '$."11"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."11"'), JSON_VALUE(`feature_upstream_tables_json`, '$."11"'), JSON_VALUE(`feature_last_updated_json`, '$."11"')),
  STRUCT(12, 'minutes_change', 'game_context', features[SAFE_OFFSET(12)], `feature_12_quality`, `feature_12_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."12"'), JSON_VALUE(`feature_sample_sizes_json`, '$."12"'), JSON_VALUE(`feature_expected_values_json`, '$."12"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."12"'), JSON_VALUE(`feature_upstream_tables_json`, '$."12"'), JSON_VALUE(`feature_last_updated_json`, '$."12"')),
  STRUCT(13, 'opponent_def_rating', 'matchup', features[SAFE_OFFSET(13)], `feature_13_quality`, `feature_13_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."13"'), JSON_VALUE(`feature_sample_sizes_json`, '$."13"'), JSON_VALUE(`feature_expected_values_json`, '$."13"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."13"'), JSON_VALUE(`feature_upstream_tables_json`, '$."13"'), JSON_VALUE(`feature_last_updated_json`, '$."13"')),
  STRUCT(14, 'opponent_pace', 'matchup', features[SAFE_OFFSET(14)], `feature_14_quality`, `feature_14_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."14"'), JSON_VALUE(`feature_sample_sizes_json`, '$."14"'), JSON_VALUE(`feature_expected_values_json`, '$."14"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."14"'), JSON_VALUE(`feature_upstream_tables_json`, '$."14"'), JSON_VALUE(`feature_last_updated_json`, '$."14"')),
  STRUCT(15, 'home_away', 'game_context', features[SAFE_OFFSET(15)], `feature_15_quality`, `feature_15_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."15"'), JSON_VALUE(`feature_sample_sizes_json`, '$."15"'), JSON_VALUE(`feature_expected_values_json`, '$."15"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."15"'), JSON_VALUE(`feature_upstream_tables_json`, '$."15"'), JSON_VALUE(`feature_last_updated_json`, '$."15"')),
  STRUCT(16, 'back_to_back', 'game_context', features[SAFE_OFFSET(16)], `feature_16_quality`, `feature_16_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."16"'), JSON_VALUE(`feature_sample_sizes_json`, '$."16"'), JSON_VALUE(`feature_expected_values_json`, '$."16"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."16"'), JSON_VALUE(`feature_upstream_tables_json`, '$."16"'), JSON_VALUE(`feature_last_updated_json`, '$."16"')),
  STRUCT(17, 'playoff_game', 'game_context', features[SAFE_OFFSET(17)], `feature_17_quality`, `feature_17_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."17"'), JSON_VALUE(`feature_sample_sizes_json`, '$."17"'), JSON_VALUE(`feature_expected_values_json`, '$."17"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."17"'), JSON_VALUE(`feature_upstream_tables_json`, '$."17"'), JSON_VALUE(`feature_last_updated_json`, '$."17"')),
  STRUCT(18, 'pct_paint', 'game_context', features[SAFE_OFFSET(18)], `feature_18_quality`, `feature_18_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."18"'), JSON_VALUE(`feature_sample_sizes_json`, '$."18"'), JSON_VALUE(`feature_expected_values_json`, '$."18"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."18"'), JSON_VALUE(`feature_upstream_tables_json`, '$."18"'), JSON_VALUE(`feature_last_updated_json`, '$."18"')),
  STRUCT(19, 'pct_mid_range', 'game_context', features[SAFE_OFFSET(19)], `feature_19_quality`, `feature_19_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."19"'), JSON_VALUE(`feature_sample_sizes_json`, '$."19"'), JSON_VALUE(`feature_expected_values_json`, '$."19"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."19"'), JSON_VALUE(`feature_upstream_tables_json`, '$."19"'), JSON_VALUE(`feature_last_updated_json`, '$."19"')),
  STRUCT(20, 'pct_three', 'game_context', features[SAFE_OFFSET(20)], `feature_20_quality`, `feature_20_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."20"'), JSON_VALUE(`feature_sample_sizes_json`, '$."20"'), JSON_VALUE(`feature_expected_values_json`, '$."20"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."20"'), JSON_VALUE(`feature_upstream_tables_json`, '$."20"'), JSON_VALUE(`feature_last_updated_json`, '$."20"')),
  STRUCT(21, 'pct_free_throw', 'game_context', features[SAFE_OFFSET(21)], `feature_21_quality`, `feature_21_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."21"'), JSON_VALUE(`feature_sample_sizes_json`, '$."21"'), JSON_VALUE(`feature_expected_values_json`, '$."21"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."21"'), JSON_VALUE(`feature_upstream_tables_json`, '$."21"'), JSON_VALUE(`feature_last_updated_json`, '$."21"')),
  STRUCT(22, 'team_pace', 'team_context', features[SAFE_OFFSET(22)], `feature_22_quality`, `feature_22_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."22"'), JSON_VALUE(`feature_sample_sizes_json`, '$."22"'), JSON_VALUE(`feature_expected_values_json`, '$."22"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."22"'), JSON_VALUE(`feature_upstream_tables_json`, '$."22"'), JSON_VALUE(`feature_last_updated_json`, '$."22"')),
  STRUCT(23, 'team_off_rating', 'team_context', features[SAFE_OFFSET(23)], `feature_23_quality`, `feature_23_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."23"'), JSON_VALUE(`feature_sample_sizes_json`, '$."23"'), JSON_VALUE(`feature_expected_values_json`, '$."23"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."23"'), JSON_VALUE(`feature_upstream_tables_json`, '$."23"'), JSON_VALUE(`feature_last_updated_json`, '$."23"')),
  STRUCT(24, 'team_win_pct', 'team_context', features[SAFE_OFFSET(24)], `feature_24_quality`, `feature_24_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."24"'), JSON_VALUE(`feature_sample_sizes_json`, '$."24"'), JSON_VALUE(`feature_expected_values_json`, '$."24"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."24"'), JSON_VALUE(`feature_upstream_tables_json`, '$."24"'), JSON_VALUE(`feature_last_updated_json`, '$."24"')),
  STRUCT(25, 'vegas_points_line', 'vegas', features[SAFE_OFFSET(25)], `feature_25_quality`, `feature_25_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."25"'), JSON_VALUE(`feature_sample_sizes_json`, '$."25"'), JSON_VALUE(`feature_expected_values_json`, '$."25"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."25"'), JSON_VALUE(`feature_upstream_tables_json`, '$."25"'), JSON_VALUE(`feature_last_updated_json`, '$."25"')),
  STRUCT(26, 'vegas_opening_line', 'vegas', features[SAFE_OFFSET(26)], `feature_26_quality`, `feature_26_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."26"'), JSON_VALUE(`feature_sample_sizes_json`, '$."26"'), JSON_VALUE(`feature_expected_values_json`, '$."26"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."26"'), JSON_VALUE(`feature_upstream_tables_json`, '$."26"'), JSON_VALUE(`feature_last_updated_json`, '$."26"')),
  STRUCT(27, 'vegas_line_move', 'vegas', features[SAFE_OFFSET(27)], `feature_27_quality`, `feature_27_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."27"'), JSON_VALUE(`feature_sample_sizes_json`, '$."27"'), JSON_VALUE(`feature_expected_values_json`, '$."27"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."27"'), JSON_VALUE(`feature_upstream_tables_json`, '$."27"'), JSON_VALUE(`feature_last_updated_json`, '$."27"')),
  STRUCT(28, 'has_vegas_line', 'vegas', features[SAFE_OFFSET(28)], `feature_28_quality`, `feature_28_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."28"'), JSON_VALUE(`feature_sample_sizes_json`, '$."28"'), JSON_VALUE(`feature_expected_values_json`, '$."28"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."28"'), JSON_VALUE(`feature_upstream_tables_json`, '$."28"'), JSON_VALUE(`feature_last_updated_json`, '$."28"')),
  STRUCT(29, 'avg_points_vs_opponent', 'player_history', features[SAFE_OFFSET(29)], `feature_29_quality`, `feature_29_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."29"'), JSON_VALUE(`feature_sample_sizes_json`, '$."29"'), JSON_VALUE(`feature_expected_values_json`, '$."29"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."29"'), JSON_VALUE(`feature_upstream_tables_json`, '$."29"'), JSON_VALUE(`feature_last_updated_json`, '$."29"')),
  STRUCT(30, 'games_vs_opponent', 'player_history', features[SAFE_OFFSET(30)], `feature_30_quality`, `feature_30_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."30"'), JSON_VALUE(`feature_sample_sizes_json`, '$."30"'), JSON_VALUE(`feature_expected_values_json`, '$."30"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."30"'), JSON_VALUE(`feature_upstream_tables_json`, '$."30"'), JSON_VALUE(`feature_last_updated_json`, '$."30"')),
  STRUCT(31, 'minutes_avg_last_10', 'player_history', features[SAFE_OFFSET(31)], `feature_31_quality`, `feature_31_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."31"'), JSON_VALUE(`feature_sample_sizes_json`, '$."31"'), JSON_VALUE(`feature_expected_values_json`, '$."31"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."31"'), JSON_VALUE(`feature_upstream_tables_json`, '$."31"'), JSON_VALUE(`feature_last_updated_json`, '$."31"')),
  STRUCT(32, 'ppm_avg_last_10', 'player_history', features[SAFE_OFFSET(32)], `feature_32_quality`, `feature_32_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."32"'), JSON_VALUE(`feature_sample_sizes_json`, '$."32"'), JSON_VALUE(`feature_expected_values_json`, '$."32"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."32"'), JSON_VALUE(`feature_upstream_tables_json`, '$."32"'), JSON_VALUE(`feature_last_updated_json`, '$."32"')),
  STRUCT(33, 'dnp_rate', 'player_history', features[SAFE_OFFSET(33)], `feature_33_quality`, `feature_33_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."33"'), JSON_VALUE(`feature_sample_sizes_json`, '$."33"'), JSON_VALUE(`feature_expected_values_json`, '$."33"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."33"'), JSON_VALUE(`feature_upstream_tables_json`, '$."33"'), JSON_VALUE(`feature_last_updated_json`, '$."33"')),
  STRUCT(34, 'pts_slope_10g', 'player_history', features[SAFE_OFFSET(34)], `feature_34_quality`, `feature_34_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."34"'), JSON_VALUE(`feature_sample_sizes_json`, '$."34"'), JSON_VALUE(`feature_expected_values_json`, '$."34"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."34"'), JSON_VALUE(`feature_upstream_tables_json`, '$."34"'), JSON_VALUE(`feature_last_updated_json`, '$."34"')),
  STRUCT(35, 'pts_vs_season_zscore', 'player_history', features[SAFE_OFFSET(35)], `feature_35_quality`, `feature_35_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."35"'), JSON_VALUE(`feature_sample_sizes_json`, '$."35"'), JSON_VALUE(`feature_expected_values_json`, '$."35"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."35"'), JSON_VALUE(`feature_upstream_tables_json`, '$."35"'), JSON_VALUE(`feature_last_updated_json`, '$."35"')),
  STRUCT(36, 'breakout_flag', 'player_history', features[SAFE_OFFSET(36)], `feature_36_quality`, `feature_36_source`, JSON_VALUE(`feature_fallback_reasons_json`, '$."36"'), JSON_VALUE(`feature_sample_sizes_json`, '$."36"'), JSON_VALUE(`feature_expected_values_json`, '$."36"'), JSON_VALUE(`feature_value_ranges_valid_json`, '$."36"'), JSON_VALUE(`feature_upstream_tables_json`, '$."36"'), JSON_VALUE(`feature_last_updated_json`, '$."36"'))
]) AS f
WHERE `game_date` = @date
  AND f.feature_name = @feature
ORDER BY f.quality, `player_lookup`
LIMIT 100;
