"""Laws of the scores in a store, whatever its rows hold; on DuckDB, all rows of a law by one query."""

from __future__ import annotations

import functools
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.design import CATEGORIES
from tests.scored_rows import (
    STRANGE,
    Row,
    Scores,
    changes,
    drawn,
    features,
    known,
    named,
    of_every_kind,
    score_store,
    scored_in,
    store_in,
)
from tests.test_scoring_reference import HEALTHY, row_of

TIERS = (None, "critical", "poor", "bronze", "silver", "gold")
LEVELS = (None, "red", "yellow", "green")
REAL = {"phase4", "phase3", "calculated", "vegas", "opponent_history", "minutes_ppm"}
NUMBERED = "high_default_rate_"

GOOD_COUNTS = (
    "training_quality_feature_count", "critical_feature_count", "optional_feature_count", "phase4_feature_count",
    "phase3_feature_count", "calculated_feature_count",
)  # fmt: skip
GOOD_FLAGS = (
    "is_training_ready", "has_composite_factors", "has_opponent_defense", "has_vegas_line",
    "critical_features_training_quality",
)  # fmt: skip
MEANS = ("feature_quality_score", *(f"{name}_quality_pct" for name in CATEGORIES))
TIERED = {
    "quality_tier": "feature_quality_score",
    "matchup_quality_tier": "matchup_quality_pct",
    "game_context_quality_tier": "game_context_quality_pct",
}


@functools.cache
def stored() -> list[Row]:
    """Rows of every kind."""
    return of_every_kind(600)


@functools.cache
def scored() -> Scores:
    """All of them, scored once."""
    with tempfile.TemporaryDirectory() as folder:
        return scored_in(Path(folder), stored())


real_labels = st.dictionaries(features.map(str), known, max_size=12).map(lambda some: HEALTHY | some)
# What a default value is written as; None is a feature that the map leaves out.
stand_ins = st.sampled_from(["default", "fallback", "missing", None, *STRANGE[:6]])


@st.composite
def lost(draw: st.DrawFn) -> tuple[Row, Row]:
    """A row, and the same row after some of its real features became defaults."""
    before: dict[str, Any] = draw(real_labels)
    told = draw(changes)
    gone = {key: draw(stand_ins) for key in draw(st.sets(features.map(str), min_size=1)) if before[key] in REAL}
    after = {key: label for key, label in (before | gone).items() if label is not None}
    return row_of("", before, **told), row_of("", after, **told)


def test_a_default_never_improves_a_row(tmp_path: Path) -> None:
    """A real feature that becomes a default raises no score, mean or good count, sets no gate, calms no alert."""
    pairs = drawn(lost(), 500)
    before = scored_in(_folder(tmp_path, "before"), named(one for one, _ in pairs))
    after = scored_in(_folder(tmp_path, "after"), named(one for _, one in pairs))
    assert any(before[key]["quality_alert_level"] != after[key]["quality_alert_level"] for key in before)
    for key, was in before.items():
        now: dict[str, Any] = after[key]
        for name in (*MEANS, *GOOD_COUNTS, *GOOD_FLAGS):
            assert now[name] <= was[name], (name, was["feature_sources"], now["feature_sources"])
        for name in ("default_feature_count", *(f"{name}_default_count" for name in CATEGORIES)):
            assert now[name] >= was[name], name
        assert LEVELS.index(now["quality_alert_level"]) <= LEVELS.index(str(was["quality_alert_level"]))
        assert codes(was) <= codes(now)
        assert {*now["breakout_model_compatible"]} <= {*was["breakout_model_compatible"]}  # type: ignore[misc]
        assert {*json.loads(str(was["feature_fallback_reasons_json"]))} <= {
            *json.loads(str(now["feature_fallback_reasons_json"]))
        }


def codes(row: dict[str, Any]) -> set[str]:
    """The codes of the alerts that fired, without the share in the one that holds it."""
    return {NUMBERED if code.startswith(NUMBERED) else code for code in row["quality_alerts"]}


def _folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def test_every_number_stays_within_its_bounds() -> None:
    """Qualities and their means are 0 to 100, counts 0 to how many there are; all are NULL together or none is."""
    most = {f"{name}_default_count": len(those) for name, those in CATEGORIES.items()} | {
        "default_feature_count": 37, "training_quality_feature_count": 37, "critical_feature_count": 6,
        "optional_feature_count": 31, "phase4_feature_count": 37, "phase3_feature_count": 37,
        "calculated_feature_count": 37, **dict.fromkeys(MEANS, 100),
        **{f"feature_{n}_quality": 100 for n in range(37)},
    }  # fmt: skip
    for row in scored().values():
        numbers: dict[str, Any] = {name: row[name] for name in most}
        if row["feature_sources"] is None:
            assert set(numbers.values()) == {None}
        else:
            assert all(0 <= value <= most[name] for name, value in numbers.items()), numbers


def test_the_columns_of_a_row_agree_with_each_other() -> None:
    """Means are those of the row's own qualities, counts those of its own sources, and parts sum up to the whole."""
    for row in scored().values():
        if row["feature_sources"] is None:
            continue
        quality = [Decimal(str(row[f"feature_{n}_quality"])) for n in range(37)]
        source = [row[f"feature_{n}_source"] for n in range(37)]
        assert abs(sum(quality, Decimal(0)) / 37 - Decimal(str(row["feature_quality_score"]))) <= Decimal("0.005")
        for name, those in CATEGORIES.items():
            mean = sum((quality[n] for n in those), Decimal(0)) / len(those)
            assert abs(mean - Decimal(str(row[f"{name}_quality_pct"]))) <= Decimal("0.05")
            assert row[f"{name}_default_count"] == sum(source[n] == "default" for n in those)
        for name in ("default", "phase4", "phase3", "calculated"):
            assert row[f"{name}_feature_count"] == source.count(name)
        reasons = json.loads(str(row["feature_fallback_reasons_json"]))
        assert [*reasons] == [str(n) for n in range(37) if source[n] == "default"]


@pytest.mark.parametrize(("tier", "value"), TIERED.items())
def test_a_better_value_never_has_a_lower_tier(tier: str, value: str) -> None:
    """Rows in the order of a value are in the order of its tier, and every tier is met."""
    told = [row for row in scored().values() if row[value] is not None]
    tiers = [TIERS.index(str(row[tier])) for row in sorted(told, key=lambda row: Decimal(str(row[value])))]
    assert tiers == sorted(tiers)
    assert {*tiers} == {1, 2, 3, 4, 5}


def as_bytes(answer: Scores) -> bytes:
    """Every column of every row, in the order of the keys."""
    return repr(sorted((key, [*row.items()]) for key, row in answer.items())).encode()


def test_scoring_again_writes_the_same_bytes(tmp_path: Path) -> None:
    """With the same as_of a second run leaves every byte, in the same store and in another of the same rows."""
    url = store_in(tmp_path, stored())
    once = score_store(url)
    assert as_bytes(score_store(url)) == as_bytes(once) == as_bytes(scored())


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    """The same rows put in from last to first get the same scores."""
    assert as_bytes(scored_in(tmp_path, stored()[::-1])) == as_bytes(scored())


def test_a_row_is_scored_by_itself(tmp_path: Path) -> None:
    """A row alone, and any share of the rows, get the scores that they get among all others."""
    shares = [stored()[n : n + 1] for n in range(0, 600, 120)] + [stored()[::2], stored()[1::2]]
    for number, share in enumerate(shares):
        answer = scored_in(_folder(tmp_path, str(number)), share)
        assert as_bytes(answer) == as_bytes({row["player_lookup"]: scored()[row["player_lookup"]] for row in share})
