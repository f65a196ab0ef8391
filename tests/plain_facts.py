"""The plain scorer's facts about labels, features and processors: copied from the design documents by hand."""

from __future__ import annotations

# label: (weight, canonical source, counts as default)
LABELS = {
    "phase4": (100, "phase4", False),
    "phase3": (87, "phase3", False),
    "calculated": (100, "calculated", False),
    "vegas": (100, "phase4", False),
    "opponent_history": (90, "phase4", False),
    "minutes_ppm": (95, "phase4", False),
    "default": (40, "default", True),
    "fallback": (40, "default", True),
    "missing": (0, "default", True),
}
UNKNOWN = (40, "default", True)
ABSENT = "default"
TIERS = ((95, "gold"), (85, "silver"), (70, "bronze"), (50, "poor"))
LOWEST_TIER = "critical"
TRAINING = 85
COMPOSITE = (5, 6, 7, 8)
DEFENCE = (13, 14)
VEGAS_LINE = 25
# Both breakout models need these of the store.
BREAKOUT_NEEDS = (0, 2, 3, 13, 15, 16, 31, 35)
FEATURE_VERSION = "v2_37features"
QUALITY_VERSION = "v1_hybrid_20260205"

REASONS = {
    **dict.fromkeys(range(37), "data_unavailable"),
    **dict.fromkeys(COMPOSITE, "composite_factors_missing"),
    **dict.fromkeys(DEFENCE, "opponent_defense_missing"),
    **dict.fromkeys((18, 19, 20), "shot_zone_data_missing"),
    **dict.fromkeys((25, 26, 27), "vegas_line_unavailable"),
    **dict.fromkeys((29, 30), "no_opponent_history"),
    **dict.fromkeys((31, 32), "minutes_ppm_unavailable"),
}
TABLES = {
    "player_daily_cache": (0, 1, 2, 3, 4, 12, 22, 23, 35, 36),
    "player_composite_factors": COMPOSITE,
    "upcoming_player_game_context": (9, 10, 15, 16, 17),
    "player_game_summary": (11, 21, 29, 30, 31, 32, 33, 34),
    "team_defense_zone_analysis": DEFENCE,
    "player_shot_zone_analysis": (18, 19, 20),
    "team_offense_game_summary": (24,),
    "odds_api_player_points_props": (25, 26, 27, 28),
}
# Games a feature looks back on. Silent: which sizes are known. Those of rolling windows over games played are the
# window or, of a younger season, all games found; those against an opponent are what feature 30 counted.
WINDOWS = {0: 5, 1: 10, 3: 10, 11: 5, 12: 10, 18: 10, 19: 10, 20: 10, 21: 10, 34: 10, 35: 5, 36: 5}
SEASON = 2
AGAINST_OPPONENT = (29, 30)
GAMES_AGAINST_OPPONENT = 30
# Prefix of the base columns about an expected processor, and the features whose upstream timestamp it records.
INPUTS = {
    "TeamDefenseZoneAnalysisProcessor": ("source_team_defense", DEFENCE),
    "PlayerShotZoneAnalysisProcessor": ("source_shot_zones", (18, 19, 20)),
    "PlayerCompositeFactorsProcessor": ("source_composite", COMPOSITE),
    "PlayerDailyCacheProcessor": ("source_daily_cache", (0, 1, 2, 3, 4, 12, 22, 23)),
}
# Silent: the input of 35 and 36 is the store itself, which wrote them when it wrote the row.
BY_THE_STORE = (35, 36)
