"""A second scorer in plain Python, written from the design documents and not from the SQL.

Dicts and loops, exact numbers. Its facts (tests/plain_facts.py) are not read from the registry, so that a wrong fact
there is caught. Where the documents are silent it follows the registry's description of the column; each
such place has a comment that begins with `Silent:`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.design import CATEGORIES, MATCHUP, NAMES, PHASE_4, RANGES, STAND_INS
from tests.plain_facts import (
    ABSENT,
    AGAINST_OPPONENT,
    BREAKOUT_NEEDS,
    BY_THE_STORE,
    COMPOSITE,
    DEFENCE,
    FEATURE_VERSION,
    GAMES_AGAINST_OPPONENT,
    INPUTS,
    LABELS,
    LOWEST_TIER,
    QUALITY_VERSION,
    REASONS,
    SEASON,
    TABLES,
    TIERS,
    TRAINING,
    UNKNOWN,
    VEGAS_LINE,
    WINDOWS,
)

Row = Mapping[str, Any]

ALL = range(37)


def score(row: Row, computed_at: datetime) -> dict[str, Any]:
    """Return every quality column that is computed, of one row."""
    labels = labels_of(row.get("feature_sources"))
    made = _without_sources() if labels is None else _about_sources(labels)
    made |= {
        "feature_sample_sizes_json": _object(_sample_sizes(row)),
        "feature_expected_values_json": _object({i: None if (v := STAND_INS[i]) is None else float(v) for i in ALL}),
        "feature_value_ranges_valid_json": _object(_ranges_valid(row, labels)),
        "feature_upstream_tables_json": _object({i: name for name, those in TABLES.items() for i in those}),
        "feature_last_updated_json": _object(_last_updated(row), nulls=True),
        "feature_schema_version": FEATURE_VERSION,
        "available_feature_names": tuple(NAMES),
        "breakout_v3_features_available": False,
        "feature_store_age_hours": 0.0,
        "upstream_data_freshness_hours": _freshness(row),
        "quality_computed_at": computed_at,
        "quality_schema_version": QUALITY_VERSION,
    }
    made |= _processors(row)
    if row.get("matchup_data_status") is not None:
        made["matchup_data_status"] = row["matchup_data_status"]
    return made


def labels_of(text: str | None) -> dict[str, str] | None:
    """Return the raw labels by key, None where the row has no sources at all.

    Silent: text other than a JSON object holds no labels; of a repeated key the first counts; null, an object
    or an array is not a label, so the feature counts as absent; a number or TRUE is an unknown label.
    """
    if text is None:
        return None
    try:
        read = json.loads(text, object_pairs_hook=lambda pairs: dict(reversed(pairs)), parse_constant=_no_json)
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    return {key: _label(value) for key, value in read.items()}


def _no_json(name: str) -> None:
    raise ValueError(name)


def _label(value: object) -> str:
    if value is None or isinstance(value, dict | list):
        return ABSENT
    return value if isinstance(value, str) else json.dumps(value)


def _raw(labels: Mapping[str, str], i: int) -> str:
    return labels.get(str(i), ABSENT)


def rounded(value: Fraction | float, digits: int) -> Decimal:
    """Round half away from zero, exactly: a FLOAT64 is the fraction that its bits are."""
    exact = Fraction(value) * 10**digits
    whole = math.floor(abs(exact) + Fraction(1, 2))
    return Decimal(whole if exact >= 0 else -whole).scaleb(-digits)


def tier(value: Decimal) -> str:
    """Return the band of a 0-100 value; the lower bound belongs to it."""
    return next((name for least, name in TIERS if value >= least), LOWEST_TIER)


def _about_sources(labels: Mapping[str, str]) -> dict[str, Any]:
    raw = [_raw(labels, i) for i in ALL]
    facts = [LABELS.get(label, UNKNOWN) for label in raw]
    quality = [weight for weight, _, _ in facts]
    source = [canonical for _, canonical, _ in facts]
    filled = {i for i in ALL if facts[i][2]}

    overall = rounded(_mean(quality, ALL), 2)
    means = {name: rounded(_mean(quality, members), 1) for name, members in CATEGORIES.items()}
    matchup, history = means["matchup"], means["player_history"]
    composite_gone = filled >= set(COMPOSITE)

    made: dict[str, Any] = {
        "feature_quality_score": overall,
        "quality_tier": tier(overall),
        "quality_alert_level": _level(overall, matchup, filled),
        "quality_alerts": _codes(means, filled),
        "default_feature_count": len(filled),
        "phase4_feature_count": source.count("phase4"),
        "phase3_feature_count": source.count("phase3"),
        "calculated_feature_count": source.count("calculated"),
        "is_training_ready": tier(overall) in ("gold", "silver") and matchup >= 70 and history >= 80,
        "training_quality_feature_count": sum(q >= TRAINING for q in quality),
        "has_composite_factors": not filled & set(COMPOSITE),
        "has_opponent_defense": not filled & set(DEFENCE),
        "has_vegas_line": VEGAS_LINE not in filled,
        "critical_features_training_quality": all(quality[i] >= TRAINING for i in MATCHUP),
        "critical_feature_count": sum(quality[i] >= TRAINING for i in MATCHUP),
        "optional_feature_count": sum(i not in filled for i in ALL if i not in MATCHUP),
        "matchup_quality_tier": tier(matchup),
        "game_context_quality_tier": tier(means["game_context"]),
        "feature_fallback_reasons_json": _object({i: REASONS[i] for i in sorted(filled)}),
        # V3 needs inputs that the store does not have.
        "breakout_model_compatible": () if filled & set(BREAKOUT_NEEDS) else ("v2_14features",),
        "primary_data_source": _primary(raw, known=bool(labels)),
        "matchup_data_status": "MATCHUP_UNAVAILABLE" if matchup < 50 or composite_gone else "COMPLETE",
    }
    for name, members in CATEGORIES.items():
        made[f"{name}_quality_pct"] = float(means[name])
        made[f"{name}_default_count"] = len(filled & set(members))
    for i in ALL:
        made[f"feature_{i}_quality"] = float(quality[i])
        made[f"feature_{i}_source"] = source[i]
    return made


def _without_sources() -> dict[str, Any]:
    """Nothing is guessed of a row whose sources are unknown: no quality, no count, no list."""
    made: dict[str, Any] = dict.fromkeys(_about_sources({}))
    return made | {
        "quality_alerts": (),
        "breakout_model_compatible": (),
        "feature_fallback_reasons_json": "{}",
        "primary_data_source": "unknown",
    }


def _mean(quality: Sequence[int], members: Iterable[int]) -> Fraction:
    values = [quality[i] for i in members]
    return Fraction(sum(values), len(values))


def _level(overall: Decimal, matchup: Decimal, filled: set[int]) -> str:
    if matchup < 50 or overall < 50 or filled >= set(COMPOSITE):
        return "red"
    return "yellow" if len(filled) > 10 or overall < 70 or matchup < 70 else "green"


def _codes(means: Mapping[str, Decimal], filled: set[int]) -> tuple[str, ...]:
    conditions = {
        "all_matchup_features_defaulted": filled >= MATCHUP,
        # Silent: the place of this code; it is graver than the one that any of the four sets off.
        "all_composite_factors_defaulted": filled >= set(COMPOSITE),
        "composite_factors_missing": bool(filled & set(COMPOSITE)),
        "opponent_defense_missing": bool(filled & set(DEFENCE)),
        f"high_default_rate_{rounded(Fraction(100 * len(filled), 37), 0)}pct": len(filled) >= 8,
        "matchup_quality_critical": means["matchup"] < 50,
        "game_context_quality_critical": means["game_context"] < 50,
    }
    return tuple(code for code, holds in conditions.items() if holds)


def _primary(raw: Sequence[str], *, known: bool) -> str:
    """Silent: share of what; of the whole vector, as a feature absent from the map counts everywhere else."""
    if not known:
        return "unknown"
    if Fraction(raw.count("phase4"), 37) >= Fraction(9, 10):
        return "phase4"
    if Fraction(raw.count("phase4"), 37) >= Fraction(1, 2):
        return "phase4_partial"
    return "phase3" if Fraction(raw.count("phase3"), 37) >= Fraction(1, 2) else "mixed"


def _sample_sizes(row: Row) -> dict[int, int | None]:
    games, vector = row.get("actual_games_count"), row["features"]
    made: dict[int, int | None] = {i: None if games is None else min(games, most) for i, most in WINDOWS.items()}
    made[SEASON] = games
    against = vector[GAMES_AGAINST_OPPONENT] if len(vector) > GAMES_AGAINST_OPPONENT else None
    counted = None if against is None or not math.isfinite(against) else int(rounded(against, 0))
    return made | dict.fromkeys(AGAINST_OPPONENT, counted)


def _ranges_valid(row: Row, labels: Mapping[str, str] | None) -> dict[int, bool]:
    """Silent: a default value counts as a value, but where none is written the array's 0.0 does not."""
    made = {}
    for i, value in enumerate(row["features"][:37]):
        filled = labels is not None and LABELS.get(_raw(labels, i), UNKNOWN)[2]
        if not (filled and STAND_INS[i] is None):
            low, high = RANGES[i]
            made[i] = low <= value <= high  # never true of NaN
    return made


def _last_updated(row: Row) -> dict[int, str | None]:
    made: dict[int, str | None] = dict.fromkeys(ALL)
    for prefix, members in INPUTS.values():
        made |= dict.fromkeys(members, _stamp(row.get(f"{prefix}_last_updated")))
    return made | dict.fromkeys(BY_THE_STORE, _stamp(row.get("created_at")))


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _processors(row: Row) -> dict[str, Any]:
    """Apply the rule for a date to one row: a processor without rows or without a time did not run."""
    told = [row.get(f"{prefix}_{what}") for prefix, _ in INPUTS.values() for what in ("rows_found", "last_updated")]
    if all(one is None for one in told):
        return {"upstream_processors_ran": None, "missing_processors": None}
    ran = {
        name
        for name, (prefix, _) in INPUTS.items()
        if row.get(f"{prefix}_rows_found") and row.get(f"{prefix}_last_updated") is not None
    }
    # A row that exists was written by the store's own processor.
    if row.get("created_at") is not None:
        ran.add("MLFeatureStoreProcessor")
    return {
        "upstream_processors_ran": ",".join(name for name in PHASE_4 if name in ran),
        "missing_processors": ",".join(name for name in PHASE_4 if name not in ran),
    }


def age_in_seconds(row: Row) -> int | None:
    """Age of the oldest input when the row was written, in whole seconds; None where one is unknown.

    Silent: against what the age is; against the last time that the row was written.
    """
    inputs: list[datetime | None] = [row.get(f"{prefix}_last_updated") for prefix, _ in INPUTS.values()]
    told = [one for one in inputs if one is not None]
    written: datetime | None = row.get("updated_at") or row.get("created_at")
    if written is None or len(told) < len(inputs):
        return None
    age = written - min(told)
    return abs(age) // timedelta(seconds=1) * (1 if age >= timedelta() else -1)


def _freshness(row: Row) -> float | None:
    """Silent: how it is rounded; to two decimals, as a FLOAT64: 54 seconds are 0.01 hours and not 0.02."""
    seconds = age_in_seconds(row)
    return None if seconds is None else float(rounded(seconds / 3600, 2))


def _object(values: Mapping[int, object], *, nulls: bool = False) -> str:
    """Return a JSON object keyed by index, in index order; without `nulls`, what has no value is left out."""
    kept = {str(i): values[i] for i in sorted(values) if nulls or values[i] is not None}
    return json.dumps(kept, separators=(",", ":"))
