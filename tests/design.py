"""What the design documents specify, in literals, for tests to compare with."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


MATCHUP = {5, 6, 7, 8, 13, 14}
CATEGORIES = {
    "matchup": MATCHUP,
    "player_history": {0, 1, 2, 3, 4, *range(29, 37)},
    "team_context": {22, 23, 24},
    "vegas": {25, 26, 27, 28},
    "game_context": {9, 10, 11, 12, *range(15, 22)},
}
NAMES = _words("""
points_avg_last_5 points_avg_last_10 points_avg_season points_std_last_10 games_in_last_7_days fatigue_score
shot_zone_mismatch_score pace_score usage_spike_score rest_advantage injury_risk recent_trend minutes_change
opponent_def_rating opponent_pace home_away back_to_back playoff_game pct_paint pct_mid_range pct_three pct_free_throw
team_pace team_off_rating team_win_pct vegas_points_line vegas_opening_line vegas_line_move has_vegas_line
avg_points_vs_opponent games_vs_opponent minutes_avg_last_10 ppm_avg_last_10 dnp_rate pts_slope_10g
pts_vs_season_zscore breakout_flag
""")
SECTION_1_AND_2 = _words("""
feature_quality_score quality_tier quality_alert_level quality_alerts default_feature_count phase4_feature_count
phase3_feature_count calculated_feature_count is_production_ready is_training_ready training_quality_feature_count
matchup_quality_pct player_history_quality_pct team_context_quality_pct vegas_quality_pct matchup_default_count
player_history_default_count team_context_default_count vegas_default_count has_composite_factors
has_opponent_defense has_vegas_line critical_features_training_quality critical_feature_count optional_feature_count
matchup_quality_tier game_context_quality_pct game_context_default_count game_context_quality_tier
""")
SECTIONS_5_TO_8 = _words("""
feature_fallback_reasons_json feature_sample_sizes_json feature_expected_values_json feature_value_ranges_valid_json
feature_upstream_tables_json feature_last_updated_json feature_schema_version available_feature_names
breakout_model_compatible breakout_v3_features_available upstream_processors_ran missing_processors
feature_store_age_hours upstream_data_freshness_hours quality_computed_at quality_schema_version feature_sources
primary_data_source matchup_data_status
""")
STAND_INS: list[float | None] = [
    10, 10, 10, 5, 3, 50, 0, 0, 0, 0, 0, 0, 0, 112, 100, 0, 0, 0, None, None, None, 0.15, 100, 112, 0.5,
    None, None, None, 0, 10, 0, 28, 0.4, 0, 0, 0, 0,
]  # fmt: skip
RANGES = [
    (0, 70), (0, 70), (0, 70), (0, 30), (0, 4), (0, 100), (-15, 15), (-8, 8), (-8, 8), (-3, 3), (0, 3), (-2, 2),
    (-2, 2), (90, 130), (90, 115), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 0.5), (90, 115), (90, 130),
    (0, 1), (0, 80), (0, 80), (-15, 15), (0, 1), (0, 70), (0, 100), (0, 48), (0, 1.5), (0, 1), (-5, 5), (-4, 4), (0, 1),
]  # fmt: skip
MIN_STDDEV = [
    3, 3, 3, 1, 0.3, 5, 1, 0.5, 0, 0.3, 0.1, 0.2, 0.1, 1, 0.5, 0.3, 0.1, None, 0.05, 0.03, 0.05, 0.02, 0.5, 1, 0.05,
    2, 2, 0.2, 0.3, 2, 0.5, 5, 0.1, 0.05, 0.2, 0.3, 0.05,
]  # fmt: skip
PHASE_4 = [
    "TeamDefenseZoneAnalysisProcessor", "PlayerShotZoneAnalysisProcessor", "PlayerCompositeFactorsProcessor",
    "PlayerDailyCacheProcessor", "MLFeatureStoreProcessor",
]  # fmt: skip
ON_A_GOOD_DAY = {"phase4": 23, "phase3": 3, "calculated": 11}
