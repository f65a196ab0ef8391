"""The registry of this repository against the design, in literals: it declares what the team decided, nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fqtool.registry.load import load_registry, read_registry
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.schema.build import desired_state, desired_table, expand_columns
from fqtool.table.typetext import parse_type
from tests.design import (
    CATEGORIES,
    MATCHUP,
    MIN_STDDEV,
    NAMES,
    ON_A_GOOD_DAY,
    PHASE_4,
    RANGES,
    SECTION_1_AND_2,
    SECTIONS_5_TO_8,
    STAND_INS,
)

ROOT = Path(__file__).parents[1]
PATH = ROOT / "feature_registry.yaml"


@pytest.fixture(scope="module", name="registry")
def _registry() -> Registry:
    return read_registry(PATH)


def _quality(registry: Registry, feature: Feature, *, good: bool = True) -> float:
    weights = {one.label: one.weight for one in registry.sources}
    return weights[feature.labels[0 if good else -1]]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_the_counts_are_those_of_the_design(registry: Registry) -> None:
    """37 features, 50 base columns, 122 managed ones, 9 labels, 5 tiers, 5 categories; 170 columns in the table."""
    assert len(registry.features) == 37
    assert len(registry.base_columns) == 50
    assert len(expand_columns(registry)) == 122
    assert len(registry.sources) == 9
    assert len(registry.tiers) == len(registry.categories) == 5
    assert len(desired_table(registry).columns) == 170


def test_the_sections_have_their_sizes_in_order(registry: Registry) -> None:
    """11 + 18 + 37 + 37 + 6 + 4 + 6 + 3, in that order."""
    sizes = Counter(one.spec.section for one in expand_columns(registry))
    assert list(sizes.values()) == [11, 18, 37, 37, 6, 4, 6, 3]


def test_the_columns_are_in_design_order(registry: Registry) -> None:
    """Every one of the 122 names, in the order of the design document."""
    middle = [f"feature_{n}_{what}" for what in ("quality", "source") for n in range(37)]
    assert [one.name for one in expand_columns(registry)] == SECTION_1_AND_2 + middle + SECTIONS_5_TO_8


def test_two_columns_are_base_and_managed(registry: Registry) -> None:
    """The reused columns are in both lists, with one type."""
    base = {one.name: one.type for one in registry.base_columns}
    both = {one.name: one.spec.type for one in expand_columns(registry) if one.name in base}
    assert both == {"feature_quality_score": "NUMERIC(5,2)", "is_production_ready": "BOOL"}
    assert all(parse_type(base[name]) == parse_type(text) for name, text in both.items())


def test_types_and_modes(registry: Registry) -> None:
    """Three columns are arrays; the rest are as many of each type as in the design. No managed column is required."""
    types = {one.name: one.spec.type for one in expand_columns(registry)}
    arrays = {name for name, text in types.items() if text.startswith("ARRAY")}
    assert arrays == {"quality_alerts", "available_feature_names", "breakout_model_compatible"}
    assert Counter(types.values()) == {
        "STRING": 2 + 2 + 37 + 6 + 1 + 3 + 3, "ARRAY<STRING>": 3, "NUMERIC(5,2)": 1, "TIMESTAMP": 1,
        "INT64": 5 + 7, "BOOL": 2 + 4 + 1, "FLOAT64": 5 + 37 + 2,
    }  # fmt: skip


def test_every_column_is_described(registry: Registry) -> None:
    """Each of the 170 columns and each field has a description of its own, short enough for BigQuery."""
    columns = desired_table(registry).columns
    texts = [one.description for one in columns] + [field.description for one in columns for field in one.type.fields]
    assert len(texts) == 175
    assert all(15 <= len(text) <= 1024 for text in texts)
    assert len(set(texts)) == len(texts)


def test_owners(registry: Registry) -> None:
    """Upstream keeps its two columns; one is shared; every other is computed, so has an expression."""
    owners = {one.name: one.spec.owner for one in expand_columns(registry) if one.spec.owner is not Owner.FQTOOL}
    assert owners == {
        "is_production_ready": Owner.UPSTREAM, "feature_sources": Owner.UPSTREAM, "matchup_data_status": Owner.SHARED,
    }  # fmt: skip
    assert {one.name for one in expand_columns(registry) if one.expr is None} == {
        "is_production_ready", "feature_sources",
    }  # fmt: skip


def test_legacy_columns_go_three_months_later(registry: Registry) -> None:
    """The three legacy columns are deprecated, not to be dropped before 2026-05-06, and not dropped yet."""
    told = {one.name: one.deprecated for one in registry.columns if one.deprecated}
    assert list(told) == ["feature_sources", "primary_data_source", "matchup_data_status"]
    for one in told.values():
        assert str(one.since) == "2026-02-06"
        assert str(one.remove_after) == "2026-05-06"
        assert one.replaced_by
        assert not one.dropped


def test_features_are_those_of_the_vector(registry: Registry) -> None:
    """Index and name of all 37, none retired."""
    assert [(one.index, one.name) for one in registry.features] == list(enumerate(NAMES))
    assert registry.active_features == registry.features


def test_categories_critical_optional_and_silent(registry: Registry) -> None:
    """Who belongs where; critical are the matchup six, optional 25-27, silent the 14 without a default label."""
    found = {name: {one.index for one in registry.features if one.category == name} for name in CATEGORIES}
    assert found == CATEGORIES
    assert [one.name for one in registry.categories] == list(CATEGORIES)
    assert {one.index for one in registry.features if one.critical} == MATCHUP
    assert {one.index for one in registry.features if one.optional} == {25, 26, 27}
    defaults = {one.label for one in registry.sources if one.is_default}
    silent = {one.index for one in registry.features if not defaults.intersection(one.labels)}
    assert silent == {9, 10, 11, 12, 15, 16, 17, 21, 24, 28, 33, 34, 35, 36}


def test_defaults_ranges_and_spread(registry: Registry) -> None:
    """The value written when the input is absent, the hard range, and the floor of the standard deviation."""
    assert [one.expected for one in registry.features] == STAND_INS
    assert [one.range for one in registry.features] == RANGES
    assert [one.spread.min_stddev for one in registry.features] == MIN_STDDEV
    assert {one.index for one in registry.features if one.spread.null_share == 0.55} == {25, 26, 27}
    assert {one.index for one in registry.features if one.spread.may_be_constant} == {8, 17}


def test_fallback_reasons(registry: Registry) -> None:
    """The reason code of each feature."""
    special = {
        "composite_factors_missing": {5, 6, 7, 8}, "opponent_defense_missing": {13, 14},
        "shot_zone_data_missing": {18, 19, 20}, "vegas_line_unavailable": {25, 26, 27},
        "no_opponent_history": {29, 30}, "minutes_ppm_unavailable": {31, 32},
    }  # fmt: skip
    for code, indices in special.items():
        assert {one.index for one in registry.features if one.fallback_reason == code} == indices
    rest = {one.fallback_reason for one in registry.features if one.index not in set().union(*special.values())}
    assert rest == {"data_unavailable"}


def test_sources_and_weights(registry: Registry) -> None:
    """Nine labels with weight, canonical source and whether they mean a default; an unknown one counts 40."""
    assert {one.label: (one.weight, one.canonical, one.is_default) for one in registry.sources} == {
        "phase4": (100, "phase4", False), "phase3": (87, "phase3", False), "calculated": (100, "calculated", False),
        "vegas": (100, "phase4", False), "opponent_history": (90, "phase4", False),
        "minutes_ppm": (95, "phase4", False), "default": (40, "default", True), "fallback": (40, "default", True),
        "missing": (0, "default", True),
    }  # fmt: skip
    unknown = registry.unknown_source
    assert (unknown.weight, unknown.canonical, unknown.absent_label) == (40, "default", "default")


def test_tiers(registry: Registry) -> None:
    """Five bands, from high to low."""
    assert [(one.name, one.min) for one in registry.tiers] == [
        ("gold", 95), ("silver", 85), ("bronze", 70), ("poor", 50), ("critical", 0)
    ]  # fmt: skip
    assert registry.training_quality == 85


def test_reference_scores_follow_from_the_facts(registry: Registry) -> None:
    """Labels and weights give the design's reference values: healthy 98.14, no line 90.03, 5-8 gone 91.65, ..."""
    every = registry.features

    def score(gone: set[int], among: set[int] | None = None) -> float:
        chosen = [one for one in every if among is None or one.index in among]
        return round(_mean([_quality(registry, one, good=one.index not in gone) for one in chosen]), 2)

    assert score(set()) == 98.14
    assert score({25, 26, 27}) == 90.03
    assert score({25, 26, 27}, CATEGORIES["vegas"]) == 25.0
    assert score({5, 6, 7, 8}) == 91.65
    assert score({5, 6, 7, 8}, MATCHUP) == 60.0
    assert score(MATCHUP) == 88.41
    assert score(MATCHUP, MATCHUP) == 40.0
    assert score({18, 19, 20}, CATEGORIES["game_context"]) == 69.18
    canonical = {one.label: one.canonical for one in registry.sources}
    assert Counter(canonical[one.labels[0]] for one in every) == ON_A_GOOD_DAY


def test_processors(registry: Registry) -> None:
    """Five are expected, in the order they run; each Phase 4 input is known by its base columns."""
    expected = [one for one in registry.processors if one.expected]
    assert [one.name for one in expected] == PHASE_4
    assert [one.minimum_rows for one in expected] == [20, 100, 100, 100, None]
    written = {one.name: {f.index for f in registry.features if f.processor == one.name} for one in expected}
    assert list(written.values()) == [{13, 14}, {18, 19, 20}, {5, 6, 7, 8}, {0, 1, 2, 3, 4, 12, 22, 23}, {35, 36}]
    prefixes = ["source_team_defense", "source_shot_zones", "source_composite", "source_daily_cache"]
    assert [one.last_updated for one in expected] == [*(f"{one}_last_updated" for one in prefixes), "created_at"]
    assert [one.rows_found for one in expected] == [*(f"{one}_rows_found" for one in prefixes), ""]


def test_alerts_and_levels(registry: Registry) -> None:
    """The six codes of the design in its order, with the one added for features 5-8; three levels, grave first."""
    codes = [one.code for one in registry.alerts]
    assert codes == [
        "all_matchup_features_defaulted", "all_composite_factors_defaulted", "composite_factors_missing",
        "opponent_defense_missing", "high_default_rate_{number}pct", "matchup_quality_critical",
        "game_context_quality_critical",
    ]  # fmt: skip
    assert [one.name for one in registry.alert_levels] == ["red", "yellow", "green"]
    red = registry.alert_levels[0].when
    assert registry.alerts[1].when in red
    assert {"matchup_quality_pct < 50", "feature_quality_score < 50"} < set(red)


def test_models(registry: Registry) -> None:
    """The breakout models need the same eight features; the points models read 33 or 37 by position."""
    needs = {one.name: [NAMES.index(name) for name in one.needs] for one in registry.models}
    eight = [35, 3, 13, 15, 16, 0, 2, 31]
    assert needs == {
        "v1_10features": eight, "v2_14features": eight, "v3_13features": eight,
        "catboost_v8": list(range(33)), "catboost_v9": list(range(33)), "catboost_v10": list(range(37)),
    }  # fmt: skip
    inputs = {one.name: len(one.needs) + len(one.external) for one in registry.models if one.external}
    assert inputs == {"v1_10features": 10, "v2_14features": 14, "v3_13features": 13}
    assert [one.name for one in registry.models if one.family == "breakout"] == ["v2_14features", "v3_13features"]


def test_the_table_and_its_layout(registry: Registry) -> None:
    """Partitioned by game date with a required filter, clustered by three columns, one row a player and date."""
    table = registry.table
    assert table.name == "ml_feature_store_v2"
    assert table.keys == ("player_lookup", "game_date")
    assert (table.partition_by, table.partition_granularity) == ("game_date", "DAY")
    assert table.cluster_by == ("player_lookup", "feature_version", "game_date")
    assert table.require_partition_filter
    assert table.partition_expiration_days is None
    required = {one.name for one in registry.base_columns if one.required}
    assert required == {
        "player_lookup", "game_date", "game_id", "feature_count", "feature_version", "data_source", "created_at"
    }  # fmt: skip
    assert {one.name: one.default for one in registry.base_columns if one.default} == {
        "created_at": "CURRENT_TIMESTAMP()"
    }


def test_views_and_thresholds(registry: Registry) -> None:
    """Two derived views, one scan each; the nine daily checks with good and critical as in the design."""
    assert [one.name for one in desired_state(registry).views] == [
        "v_feature_quality_unpivot", "v_feature_quality_derived"
    ]  # fmt: skip
    assert {one.name: (one.good, one.critical) for one in registry.thresholds} == {
        "quality_ready_share": (0.8, 0.6), "red_share": (0.05, 0.15), "mean_matchup": (70, 50),
        "mean_player_history": (80, 60), "mean_vegas": (40, 30), "mean_defaults": (3, 6), "mean_score": (80, 70),
        "training_contamination": (0.05, 0.15), "rows_per_date": (100, 50),
    }  # fmt: skip


def test_versions_prices_and_targets(registry: Registry) -> None:
    """The two version texts, the day of the prices, and the two places."""
    assert dict(registry.schema_versions) == {
        "feature_schema_version": "v2_37features", "quality_schema_version": "v1_hybrid_20260205",
    }  # fmt: skip
    assert registry.pricing is not None
    assert (str(registry.pricing.as_of), registry.pricing.scan_per_tib) == ("2026-08-05", 6.25)
    assert [name for name, _ in registry.targets] == ["local", "production"]
    assert registry.drift == ()


def test_adding_a_feature_is_one_entry() -> None:
    """A thirty-eighth feature appended to the file gives its two columns and no problem."""
    text = PATH.read_text(encoding="utf-8")
    entry = "  - {index: 37, name: star_teammates_out, category: game_context}\n"
    registry, findings = load_registry(text.replace("\n# --- The table", f"{entry}\n# --- The table", 1), "x")
    assert registry is not None, findings
    names = [one.name for one in expand_columns(registry)]
    assert len(names) == 124
    assert {"feature_37_quality", "feature_37_source"} < set(names)


def test_the_first_line_names_the_schema() -> None:
    """Editors find the schema by the first line of the file."""
    first = PATH.read_text(encoding="utf-8").partition("\n")[0]
    assert first == "# yaml-language-server: $schema=fqtool/registry/schema.json"
    assert (ROOT / first.partition("=")[2]).is_file()
