"""The peer: the scorer that a team writes in plain Python, a dict in and a dict out, as fast as that goes.

Tables are looked up, JSON is parsed once, floats are floats. It computes every column that the SQL computes.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from fqtool.registry.model import Registry

Row = dict[str, Any]
COMPOSITE, DEFENCE = (5, 6, 7, 8), (13, 14)
CRITICAL = (*COMPOSITE, *DEFENCE)
NEEDED = (0, 2, 3, 13, 15, 16, 31, 35)
WINDOWS = {0: 5, 1: 10, 3: 10, 11: 5, 12: 10, 18: 10, 19: 10, 20: 10, 21: 10, 34: 10, 35: 5, 36: 5}
INPUTS = {"source_team_defense": DEFENCE, "source_shot_zones": (18, 19, 20), "source_composite": COMPOSITE,
          "source_daily_cache": (0, 1, 2, 3, 4, 12, 22, 23)}  # fmt: skip


class DictScorer:
    """Holds what is known before the first row."""

    def __init__(self, registry: Registry) -> None:
        features = registry.active_features
        self.labels = {one.label: (float(one.weight), one.canonical, one.is_default) for one in registry.sources}
        unknown = registry.unknown_source
        self.unknown = (float(unknown.weight), unknown.canonical, True)
        self.absent = unknown.absent_label
        self.keys = [str(one.index) for one in features]
        self.reasons = [f'"{one.index}":"{one.fallback_reason}"' for one in features]
        self.ranges = [one.range or (-math.inf, math.inf) for one in features]
        self.expected = [one.expected for one in features]
        self.categories = {
            one.name: [f.index for f in features if f.category == one.name] for one in registry.categories
        }
        self.tiers = [(one.min, one.name) for one in registry.tiers]
        self.names = [one.name for one in features]
        self.values = json.dumps({str(f.index): f.expected for f in features if f.expected is not None})
        self.tables = json.dumps({str(f.index): f.upstream_table or None for f in features})
        self.versions = dict(registry.schema_versions)
        self.qualities = [f"feature_{key}_quality" for key in self.keys]
        self.sources = [f"feature_{key}_source" for key in self.keys]

    def score(self, row: Row, computed_at: datetime) -> Row:
        """Return the computed columns of one row."""
        text = row["feature_sources"]
        found = json.loads(text)
        raw = [found.get(key, self.absent) for key in self.keys]
        facts = [self.labels.get(label, self.unknown) for label in raw]
        quality = [one[0] for one in facts]
        source = [one[1] for one in facts]
        filled = [one[2] for one in facts]
        defaults = sum(filled)
        overall = rounded(sum(quality) / len(quality), 2)
        made: Row = dict(zip(self.qualities, quality, strict=True))
        made.update(zip(self.sources, source, strict=True))
        for name, members in self.categories.items():
            made[f"{name}_quality_pct"] = rounded(sum([quality[i] for i in members]) / len(members), 1)
            made[f"{name}_default_count"] = sum([filled[i] for i in members])
        matchup, history = made["matchup_quality_pct"], made["player_history_quality_pct"]
        context = made["game_context_quality_pct"]
        gone = all(filled[i] for i in COMPOSITE)
        some, defence = any(filled[i] for i in COMPOSITE), any(filled[i] for i in DEFENCE)
        tier = self.tier(overall)
        good = [one >= 85 for one in quality]
        red = matchup < 50 or overall < 50 or gone
        yellow = defaults > 10 or overall < 70 or matchup < 70
        made |= {
            "feature_quality_score": overall,
            "quality_tier": tier,
            "quality_alert_level": "red" if red else "yellow" if yellow else "green",
            "quality_alerts": self.alerts(made, defaults, gone=gone, some=some, defence=defence),
            "default_feature_count": defaults,
            "phase4_feature_count": source.count("phase4"),
            "phase3_feature_count": source.count("phase3"),
            "calculated_feature_count": source.count("calculated"),
            "is_training_ready": tier in ("gold", "silver") and matchup >= 70 and history >= 80,
            "training_quality_feature_count": sum(good),
            "has_composite_factors": not some,
            "has_opponent_defense": not defence,
            "has_vegas_line": not filled[25],
            "critical_features_training_quality": all(good[i] for i in CRITICAL),
            "critical_feature_count": sum([good[i] for i in CRITICAL]),
            "optional_feature_count": sum([not one for i, one in enumerate(filled) if i not in CRITICAL]),
            "matchup_quality_tier": self.tier(matchup),
            "game_context_quality_tier": self.tier(context),
            "breakout_model_compatible": [] if any(filled[i] for i in NEEDED) else ["v2_14features"],
            "breakout_v3_features_available": False,
            "primary_data_source": primary(raw),
            "matchup_data_status": row.get("matchup_data_status")
            or ("MATCHUP_UNAVAILABLE" if matchup < 50 or gone else "COMPLETE"),
        }
        made |= self.details(row, filled)
        made |= about_processors(row)
        made |= {
            "feature_schema_version": self.versions["feature_schema_version"],
            "available_feature_names": self.names,
            "feature_store_age_hours": 0.0,
            "quality_computed_at": computed_at,
            "quality_schema_version": self.versions["quality_schema_version"],
        }
        return made

    def tier(self, value: float) -> str | None:
        """The band of a value."""
        for least, name in self.tiers:
            if value >= least:
                return name
        return None

    def alerts(self, made: Row, defaults: int, *, gone: bool, some: bool, defence: bool) -> list[str]:
        """The codes that fire, in order."""
        fired = [
            (made["matchup_default_count"] == len(CRITICAL), "all_matchup_features_defaulted"),
            (gone, "all_composite_factors_defaulted"),
            (some, "composite_factors_missing"),
            (defence, "opponent_defense_missing"),
            (100 * defaults > 20 * len(self.keys), f"high_default_rate_{rounded(100 * defaults / 37, 0):.0f}pct"),
            (made["matchup_quality_pct"] < 50, "matchup_quality_critical"),
            (made["game_context_quality_pct"] < 50, "game_context_quality_critical"),
        ]
        return [code for holds, code in fired if holds]

    def details(self, row: Row, filled: list[bool]) -> Row:
        """The six JSON columns."""
        games, vector = row["actual_games_count"], row["features"]
        against = int(rounded(vector[30], 0))
        sizes = {i: min(games, most) for i, most in WINDOWS.items()} | {2: games, 29: against, 30: against}
        valid = {
            i: low <= value <= high
            for i, (value, (low, high)) in enumerate(zip(vector, self.ranges, strict=False))
            if not (filled[i] and self.expected[i] is None)
        }
        updated: dict[int, str | None] = dict.fromkeys(range(len(self.keys)))
        for prefix, members in INPUTS.items():
            moment = row[f"{prefix}_last_updated"]
            text = moment and f"{moment:%Y-%m-%dT%H:%M:%SZ}"
            for i in members:
                updated[i] = text
        updated[35] = updated[36] = f"{row['created_at']:%Y-%m-%dT%H:%M:%SZ}"
        reasons = ",".join([reason for reason, one in zip(self.reasons, filled, strict=True) if one])
        return {
            "feature_fallback_reasons_json": f"{{{reasons}}}",
            "feature_sample_sizes_json": json.dumps(dict(sorted(sizes.items()))),
            "feature_expected_values_json": self.values,
            "feature_value_ranges_valid_json": json.dumps(valid),
            "feature_upstream_tables_json": self.tables,
            "feature_last_updated_json": json.dumps(updated),
        }


def about_processors(row: Row) -> Row:
    """Which ran, which did not, and how old the oldest input was."""
    moments = [row[f"{prefix}_last_updated"] for prefix in INPUTS]
    ran = [prefix for prefix in INPUTS if row[f"{prefix}_rows_found"] and row[f"{prefix}_last_updated"] is not None]
    age = None
    if None not in moments:
        age = rounded(((row["updated_at"] or row["created_at"]) - min(moments)).total_seconds() / 3600, 2)
    return {
        "upstream_processors_ran": ",".join(ran),
        "missing_processors": ",".join([prefix for prefix in INPUTS if prefix not in ran]),
        "upstream_data_freshness_hours": age,
    }


def primary(raw: list[str]) -> str:
    """Where most features come from."""
    count = raw.count("phase4")
    if count >= 0.9 * len(raw):
        return "phase4"
    if count >= 0.5 * len(raw):
        return "phase4_partial"
    return "phase3" if raw.count("phase3") >= 0.5 * len(raw) else "mixed"


def rounded(value: float, digits: int) -> float:
    """Half away from zero, for what is not negative."""
    scale = 10**digits
    return math.floor(value * scale + 0.5) / scale
