"""The numbers that the design documents name, on DuckDB: each row is a situation, each test its documented result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fqtool.migrations.plan import make_statement
from fqtool.registry.load import read_registry
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_state
from fqtool.scoring.merge import Span
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, ident
from fqtool.table.change_views import PutView
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.design import MATCHUP, NAMES, STAND_INS

Row = Mapping[str, Any]
REGISTRY = read_registry(Path(__file__).parents[1] / "feature_registry.yaml")
DAY = date(2026, 2, 6)
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
WRITTEN = datetime(2026, 2, 6, 6, 30, tzinfo=UTC)
INPUTS = ("source_daily_cache", "source_composite", "source_shot_zones", "source_team_defense")

# What the extractor writes when every input is there.
HEALTHY = {str(n): "phase4" for n in range(37)} | {
    **dict.fromkeys(map(str, (9, 10, 11, 12, 21, 24, 28, 33, 34, 35, 36)), "calculated"),
    **dict.fromkeys(map(str, (15, 16, 17)), "phase3"),
    **dict.fromkeys(map(str, (25, 26, 27)), "vegas"),
    **dict.fromkeys(map(str, (29, 30)), "opponent_history"),
    **dict.fromkeys(map(str, (31, 32)), "minutes_ppm"),
}
# A plausible value of each feature, inside its range.
VALUES = (
    18.4, 17.9, 17.2, 6.1, 3.0, 92.0, 2.5, 1.1, 0.0, 1.0, 0.0, -1.0, 1.0, 111.3, 99.5, 1.0, 0.0, 0.0, 0.41, 0.12,
    0.33, 0.17, 99.1, 113.2, 0.55, 17.5, 18.5, -1.0, 1.0, 16.0, 7.0, 31.2, 0.58, 0.1, 0.3, 0.2, 0.0,
)  # fmt: skip


def labelled(label: str, *features: int) -> dict[str, str]:
    """Healthy labels, but for these features."""
    return HEALTHY | dict.fromkeys(map(str, features), label)


def row_of(player: str, labels: Mapping[str, object] | str | None, **changes: object) -> dict[str, Any]:
    """A stored row whose inputs all came in time; `labels` as a map, as text, or None for unknown sources."""
    row: dict[str, Any] = {
        "player_lookup": player,
        "game_date": DAY,
        "game_id": "g",
        "feature_count": 37,
        "feature_version": "v2_37features",
        "data_source": "phase4",
        "created_at": WRITTEN,
        "updated_at": None,
        "features": VALUES,
        "feature_sources": json.dumps(labels) if isinstance(labels, Mapping) else labels,
        "actual_games_count": 41,
        "matchup_data_status": None,
    }
    for prefix in INPUTS:
        row |= {f"{prefix}_last_updated": datetime(2026, 2, 6, 5, tzinfo=UTC), f"{prefix}_rows_found": 250}
    assert row.keys() >= changes.keys()
    return row | changes


def put(warehouse: Warehouse, rows: Iterable[Row], table: str = REGISTRY.table.name) -> None:
    """Insert rows by parameters, in the warehouse's own words."""
    for row in rows:
        names = ", ".join(map(ident, row))
        values = ", ".join(f"@{name}" for name in row)
        warehouse.run(Query(f"INSERT INTO {ident(table)} ({names}) VALUES ({values})", tuple(row.items())))


def made(warehouse: Warehouse, registry: Registry = REGISTRY) -> None:
    """Create the registry's table and views."""
    wanted = desired_state(registry)
    assert wanted.table
    standing = State()
    for change in (CreateTable(wanted.table), *map(PutView, wanted.views)):
        warehouse.run(make_statement(standing, (change,)))
        standing = change.apply(standing)


def scores_of(warehouse: Warehouse, registry: Registry = REGISTRY, source: str = "") -> dict[str, dict[str, Any]]:
    """The scores of every row of the day, by player."""
    where = f"game_date = DATE '{DAY}'"
    select = Scoring(registry).select(source) if source else Scoring(registry).select(ident(registry.table.name), where)
    return {str(row["player_lookup"]): row for row in warehouse.rows(Query(select, (("computed_at", NOW),)))}


ROWS = {
    "healthy": row_of("healthy", HEALTHY),
    "no line": row_of("no line", labelled("missing", 25, 26, 27)),
    "composite": row_of("composite", labelled("default", 5, 6, 7, 8)),
    "six": row_of("six", labelled("default", *MATCHUP)),
    "five": row_of("five", labelled("default", 5, 6, 7, 8, 13)),
    "shot zones": row_of("shot zones", labelled("missing", 18, 19, 20)),
    "all default": row_of("all default", dict.fromkeys(HEALTHY, "default")),
    "all missing": row_of("all missing", dict.fromkeys(HEALTHY, "missing")),
    "unknown label": row_of("unknown label", labelled("psychic", 0)),
    "one label": row_of("one label", {"5": "phase4"}),
    "sparse": row_of("sparse", {key: label for key, label in HEALTHY.items() if key not in ("0", "25", "36")}),
    "no labels": row_of("no labels", {}),
    "unknown sources": row_of("unknown sources", None),
    "session 132 at night": row_of("session 132 at night", labelled("default", 5, 6, 7, 8) | labelled("missing", 25)),
    "eight": row_of("eight", labelled("default", 0, 1, 2, 3, 4, 22, 23, 13)),
    "seven": row_of("seven", labelled("default", 0, 1, 2, 3, 4, 22, 23)),
    "eleven": row_of("eleven", labelled("default", 0, 1, 2, 3, 4, 22, 23, 29, 30, 31, 32)),
    "three composite": row_of("three composite", labelled("default", 5, 6, 7)),
    "partial upstream": row_of(
        "partial upstream", labelled("default", 5, 6, 7, 8), matchup_data_status="PARTIAL_FALLBACK"
    ),
    "unusual vegas": row_of("unusual vegas", labelled("phase3", 25)),
    "labels by phase 3": row_of("labels by phase 3", dict.fromkeys(HEALTHY, "phase3")),
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """What came of the named rows: the SELECT's answer, what a MERGE stored, and the derived view over it."""

    scored: dict[str, dict[str, Any]]
    stored: dict[str, dict[str, Any]]
    derived: dict[str, dict[str, Any]]


@pytest.fixture(scope="module", name="world")
def _world() -> World:
    with open_target("duckdb:///:memory:") as warehouse:
        made(warehouse)
        put(warehouse, ROWS.values())
        scored = scores_of(warehouse)
        warehouse.run(Span(Scoring(REGISTRY), DAY, DAY).merge(NOW))
        where = f"WHERE game_date = DATE '{DAY}'"
        stored = warehouse.rows(Query(f"SELECT * FROM {ident(REGISTRY.table.name)} {where}"))
        derived = warehouse.rows(
            Query(f"SELECT player_lookup, is_quality_ready, is_training_row FROM v_feature_quality_derived {where}")
        )
    return World(scored, *({str(row["player_lookup"]): row for row in rows} for rows in (stored, derived)))


def said(world: World, name: str, **wanted: object) -> None:
    """Compare some columns of one row, with their types."""
    got = {column: world.scored[name][column] for column in wanted}
    assert got == wanted
    assert {column: type(value) for column, value in got.items()} == {c: type(v) for c, v in wanted.items()}


def test_what_is_stored_is_what_is_selected(world: World) -> None:
    """The MERGE writes exactly the SELECT's answer, column by column, and nothing else into a row."""
    for name, row in ROWS.items():
        assert world.stored[name] == world.stored[name] | row | world.scored[name]
        assert world.stored[name]["is_production_ready"] is None


def test_a_healthy_row(world: World) -> None:
    """Every label the best its extractor can write: 98.14, gold, green, and fit for training."""
    said(
        world, "healthy", feature_quality_score=Decimal("98.14"), quality_tier="gold", quality_alert_level="green",
        quality_alerts=(), matchup_quality_pct=100.0, player_history_quality_pct=97.7, team_context_quality_pct=100.0,
        vegas_quality_pct=100.0, game_context_quality_pct=96.5, matchup_quality_tier="gold",
        game_context_quality_tier="gold", is_training_ready=True, training_quality_feature_count=37,
        critical_features_training_quality=True, critical_feature_count=6, optional_feature_count=31,
        has_composite_factors=True, has_opponent_defense=True, has_vegas_line=True, matchup_data_status="COMPLETE",
        breakout_model_compatible=("v2_14features",), feature_fallback_reasons_json="{}", missing_processors="",
    )  # fmt: skip
    assert world.derived["healthy"]["is_quality_ready"] is True
    assert world.derived["healthy"]["is_training_row"] is True


def test_a_healthy_row_counts_23_3_11(world: World) -> None:
    """On a good day 23 features are phase4, 3 phase3, 11 calculated; and still the old summary is mixed."""
    said(
        world, "healthy", phase4_feature_count=23, phase3_feature_count=3, calculated_feature_count=11,
        default_feature_count=0, primary_data_source="mixed",
    )  # fmt: skip


def test_a_player_without_a_line(world: World) -> None:
    """Three missing lines cost 300 of 3,700 points: 90.03, vegas 25.0, and no alert fires."""
    said(
        world, "no line", feature_quality_score=Decimal("90.03"), vegas_quality_pct=25.0, vegas_default_count=3,
        default_feature_count=3, quality_alert_level="green", quality_alerts=(), has_vegas_line=False,
        is_training_ready=True, feature_25_quality=0.0, feature_28_quality=100.0, feature_25_source="default",
    )  # fmt: skip
    reasons = json.loads(world.scored["no line"]["feature_fallback_reasons_json"])
    assert reasons == dict.fromkeys(("25", "26", "27"), "vegas_line_unavailable")


def test_session_132(world: World) -> None:
    """5-8 defaulted: a harmless 91.65 with matchup 60.0, yet red, not quality-ready, and matchup unavailable."""
    said(
        world, "composite", feature_quality_score=Decimal("91.65"), matchup_quality_pct=60.0, quality_tier="silver",
        matchup_quality_tier="poor", quality_alert_level="red",
        quality_alerts=("all_composite_factors_defaulted", "composite_factors_missing"), matchup_default_count=4,
        has_composite_factors=False, has_opponent_defense=True, is_training_ready=False,
        critical_features_training_quality=False, critical_feature_count=2, optional_feature_count=31,
        matchup_data_status="MATCHUP_UNAVAILABLE", breakout_model_compatible=("v2_14features",),
        phase4_feature_count=19, training_quality_feature_count=33,
    )  # fmt: skip
    for n in (5, 6, 7, 8):
        said(world, "composite", **{f"feature_{n}_quality": 40.0, f"feature_{n}_source": "default"})
    assert world.derived["composite"]["is_quality_ready"] is False


def test_three_of_four_composite_factors_are_not_session_132(world: World) -> None:
    """One real composite factor and the row is judged by its numbers again: 70.0 is green, and quality-ready."""
    said(
        world, "three composite", matchup_quality_pct=70.0, quality_alert_level="green",
        quality_alerts=("composite_factors_missing",), matchup_data_status="COMPLETE",
    )  # fmt: skip
    assert world.derived["three composite"]["is_quality_ready"] is True


def test_upstreams_matchup_status_is_kept(world: World) -> None:
    """A status that upstream wrote is kept; only an absent one is derived."""
    said(world, "partial upstream", matchup_data_status="PARTIAL_FALLBACK", quality_alert_level="red")


def test_six_of_six(world: World) -> None:
    """5-8, 13 and 14: 88.41, matchup 40.0, which is never 0."""
    said(
        world, "six", feature_quality_score=Decimal("88.41"), matchup_quality_pct=40.0, matchup_default_count=6,
        quality_alert_level="red", matchup_quality_tier="critical", breakout_model_compatible=(),
        quality_alerts=(
            "all_matchup_features_defaulted", "all_composite_factors_defaulted", "composite_factors_missing",
            "opponent_defense_missing", "matchup_quality_critical",
        ),
    )  # fmt: skip


def test_five_of_six(world: World) -> None:
    """Five of six: 90.03, and matchup 50.0 is poor, not critical."""
    said(
        world, "five", feature_quality_score=Decimal("90.03"), matchup_quality_pct=50.0, matchup_quality_tier="poor",
        quality_alerts=("all_composite_factors_defaulted", "composite_factors_missing", "opponent_defense_missing"),
    )  # fmt: skip


def test_shot_zones_missing(world: World) -> None:
    """18-20 missing: 90.03, game context 69.2 and poor; their 0.0 does not count as a value."""
    said(
        world, "shot zones", feature_quality_score=Decimal("90.03"), game_context_quality_pct=69.2,
        game_context_quality_tier="poor", game_context_default_count=3, quality_alert_level="green",
    )  # fmt: skip
    valid = json.loads(world.scored["shot zones"]["feature_value_ranges_valid_json"])
    assert [n for n in range(37) if str(n) not in valid] == [18, 19, 20]


def test_all_default(world: World) -> None:
    """Everything defaulted: exactly 40.00, every alert, no model."""
    said(
        world, "all default", feature_quality_score=Decimal("40.00"), quality_tier="critical",
        default_feature_count=37, optional_feature_count=0, training_quality_feature_count=0,
        quality_alerts=(
            "all_matchup_features_defaulted", "all_composite_factors_defaulted", "composite_factors_missing",
            "opponent_defense_missing", "high_default_rate_100pct", "matchup_quality_critical",
            "game_context_quality_critical",
        ),
    )  # fmt: skip


def test_all_missing(world: World) -> None:
    """Nothing there at all: 0.00 and critical, which still is a score."""
    said(
        world, "all missing", feature_quality_score=Decimal("0.00"), quality_tier="critical",
        matchup_quality_pct=0.0, vegas_quality_pct=0.0, quality_alert_level="red",
    )  # fmt: skip


def test_an_unknown_label_is_a_default(world: World) -> None:
    """A label outside the list: 40, canonical default, counted as default."""
    said(
        world, "unknown label", feature_0_quality=40.0, feature_0_source="default", default_feature_count=1,
        feature_fallback_reasons_json='{"0":"data_unavailable"}', feature_quality_score=Decimal("96.51"),
    )  # fmt: skip


def test_a_feature_absent_from_the_map_is_a_default(world: World) -> None:
    """An index that the map leaves out counts as labelled default, and the divisor stays 37."""
    said(
        world, "sparse", default_feature_count=3, feature_0_quality=40.0, feature_25_quality=40.0,
        feature_quality_score=Decimal("93.27"),
    )  # fmt: skip
    said(world, "one label", default_feature_count=36, feature_quality_score=Decimal("41.62"))


def test_an_empty_map_is_full_of_defaults(world: World) -> None:
    """An empty map is known to be empty: 40.00, and the old summary is unknown."""
    said(
        world, "no labels", feature_quality_score=Decimal("40.00"), default_feature_count=37,
        primary_data_source="unknown", quality_alert_level="red",
    )  # fmt: skip


def test_unknown_sources_stay_unknown(world: World) -> None:
    """NULL sources: no quality, no count, no level; empty lists; what does not depend on sources is there."""
    row = world.scored["unknown sources"]
    told = {name for name, value in row.items() if value is not None}
    assert told == {
        "player_lookup", "game_date", "quality_alerts", "breakout_model_compatible", "available_feature_names",
        "feature_fallback_reasons_json", "feature_sample_sizes_json", "feature_expected_values_json",
        "feature_value_ranges_valid_json", "feature_upstream_tables_json", "feature_last_updated_json",
        "feature_schema_version", "breakout_v3_features_available", "upstream_processors_ran", "missing_processors",
        "feature_store_age_hours", "upstream_data_freshness_hours", "quality_computed_at", "quality_schema_version",
        "primary_data_source",
    }  # fmt: skip
    said(
        world, "unknown sources", quality_alerts=(), breakout_model_compatible=(),
        feature_fallback_reasons_json="{}", primary_data_source="unknown", available_feature_names=tuple(NAMES),
    )  # fmt: skip
    assert world.derived["unknown sources"]["is_quality_ready"] is not True


def test_seven_defaults_are_not_a_high_rate_and_eight_are(world: World) -> None:
    """More than 20% of 37 is from 8 on; the code holds the actual share, rounded: 22."""
    said(world, "seven", quality_alerts=())
    said(world, "eight", quality_alerts=("opponent_defense_missing", "high_default_rate_22pct"))


def test_more_than_ten_defaults_are_yellow(world: World) -> None:
    """Eleven defaults are yellow even where score and matchup are fine."""
    said(
        world, "eleven", default_feature_count=11, matchup_quality_pct=100.0, quality_alert_level="yellow",
        feature_quality_score=Decimal("81.11"), quality_alerts=("high_default_rate_30pct",),
    )  # fmt: skip


def test_halves_are_rounded_away_from_zero(world: World) -> None:
    """387 / 4 = 96.75 is 96.8, as BigQuery rounds."""
    said(world, "unusual vegas", vegas_quality_pct=96.8)


def test_a_row_of_phase_3(world: World) -> None:
    """87 throughout: silver, every feature at the training bar, all counted as phase3."""
    said(
        world, "labels by phase 3", feature_quality_score=Decimal("87.00"), quality_tier="silver",
        critical_features_training_quality=True, phase3_feature_count=37, primary_data_source="phase3",
    )  # fmt: skip


def test_expected_values_are_the_defaults(world: World) -> None:
    """The 31 features with a default value have it, as a decimal number."""
    text = world.scored["healthy"]["feature_expected_values_json"]
    assert json.loads(text) == {str(n): value for n, value in enumerate(STAND_INS) if value is not None}
    assert '"5":50.0,"6":0.0' in text


def test_traceability_of_a_healthy_row(world: World) -> None:
    """All five processors ran, nothing is missing, the oldest input is an hour and a half old."""
    said(
        world, "healthy", missing_processors="", upstream_data_freshness_hours=1.5, feature_store_age_hours=0.0,
        upstream_processors_ran="TeamDefenseZoneAnalysisProcessor,PlayerShotZoneAnalysisProcessor,"
        "PlayerCompositeFactorsProcessor,PlayerDailyCacheProcessor,MLFeatureStoreProcessor",
        quality_computed_at=NOW, feature_schema_version="v2_37features", quality_schema_version="v1_hybrid_20260205",
    )  # fmt: skip
    stamps = json.loads(world.scored["healthy"]["feature_last_updated_json"])
    assert stamps == {str(n): None for n in range(37)} | {
        **dict.fromkeys(map(str, (*range(9), 12, 13, 14, 18, 19, 20, 22, 23)), "2026-02-06T05:00:00Z"),
        "35": "2026-02-06T06:30:00Z",
        "36": "2026-02-06T06:30:00Z",
    }
