"""Laws of the synthetic season: the same by seed, healthy by the registry's rules, and broken exactly as asked."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from fqtool import load_registry
from fqtool.errors import InputError
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import BaseColumn, TableSpec
from fqtool.schema.build import desired_table
from fqtool.sql import Query, WholeTable
from fqtool.synthetic.incidents import INCIDENTS, Incident
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.scorer import scorer_of
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import ROOT
from tests.stores import BASE, small_registry

START = date(2026, 1, 20)
DAY = date(2026, 2, 6)
REGISTRY = load_registry(ROOT / "feature_registry.yaml")
COMPOSITE = next(one.processor for one in REGISTRY.features if one.index == 5)
HIT = [one.index for one in REGISTRY.features if one.processor == COMPOSITE]


def rows_of(day: date = DAY, *incidents: Incident, seed: int = 0) -> list[dict[str, Any]]:
    """One date's rows."""
    return list(Season(REGISTRY, day, 1, seed, 201).rows(incidents))


def broken(kind: str, **more: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The date's rows, healthy and with an incident of the processor of feature 5."""
    return rows_of(), rows_of(DAY, Incident(kind, DAY, DAY, **({"processor": COMPOSITE} | more)))


def changed(healthy: list[dict[str, Any]], other: list[dict[str, Any]]) -> Counter[str]:
    """In how many rows each column differs."""
    pairs = list(zip(healthy, other, strict=True))
    return Counter(name for one, two in pairs for name in one if one[name] != two[name])


def test_a_date_is_the_same_whatever_the_span() -> None:
    """Rows come from seed, key and date alone: a long season holds the rows of a short one; another seed, others."""
    long = [row for row in Season(REGISTRY, START, 20, 3).rows() if row["game_date"] == DAY]
    assert long == list(Season(REGISTRY, DAY, 1, 3).rows())
    assert long != list(Season(REGISTRY, DAY, 1, 4).rows())


def test_a_date_has_the_rows_that_are_promised() -> None:
    """Volumes hold for their dates, with none too; other dates are as they would be without."""
    told = {DAY: 201, DAY - timedelta(days=1): 0}
    rows = Counter(row["game_date"] for row in Season(REGISTRY, START, 20, 1, volumes=told).rows())
    free = Counter(row["game_date"] for row in Season(REGISTRY, START, 20, 1).rows())
    assert rows[DAY] == 201
    assert {day: rows[day] for day in free if day not in told} == {day: free[day] for day in free if day not in told}
    assert DAY - timedelta(days=1) not in rows


def test_volumes_are_those_of_a_season() -> None:
    """140 to 340 rows a date, some dates without any, each key once a date, keys that come again."""
    rows = list(Season(REGISTRY, START, 60, 1).rows())
    per_day = Counter(row["game_date"] for row in rows)
    assert all(140 <= count <= 340 for count in per_day.values())
    assert 50 <= len(per_day) < 60
    assert len({(row["player_lookup"], row["game_date"]) for row in rows}) == len(rows)
    assert len({row["player_lookup"] for row in rows}) < len(rows) / 5


@pytest.mark.parametrize("seed", range(3))
def test_healthy_values_are_what_the_registry_expects(seed: int) -> None:
    """Inside the range, spread wide enough, zero about as often as declared, under labels that the feature can have."""
    rows = rows_of(seed=seed)
    labels = [json.loads(row["feature_sources"]) for row in rows]
    for one in REGISTRY.features:
        values = [row["features"][one.index] for row in rows]
        low, high = one.range or (min(values), max(values))
        assert all(low <= value <= high or value in (0.0, one.expected) for value in values), one.name
        real = [v for v, told in zip(values, labels, strict=True) if told[str(one.index)] not in ("default", "missing")]
        if not one.spread.may_be_constant:
            assert statistics.stdev(real) >= (one.spread.min_stddev or 0.0), one.name
        if one.labels:
            assert {told[str(one.index)] for told in labels} <= set(one.labels), one.name


def test_averages_hang_together_over_time() -> None:
    """A key's level lasts: its values of two dates are closer than those of two keys."""
    first, second = ({row["player_lookup"]: row["features"][0] for row in rows_of(day)} for day in (START, DAY))
    both = sorted(first.keys() & second.keys())
    own = statistics.mean(abs(first[key] - second[key]) for key in both)
    other = statistics.mean(abs(first[a] - second[b]) for a, b in pairwise(both))
    assert own < other


def test_defaulted_rows_are_labelled() -> None:
    """Every row has the defaults under a default label, and the processor recorded no run; nothing else differs."""
    healthy, other = broken("defaulted")
    assert set(changed(healthy, other)) == {
        "feature_sources", "features", "source_composite_last_updated", "source_composite_rows_found",
    }  # fmt: skip
    for row in other:
        assert {json.loads(row["feature_sources"])[str(index)] for index in HIT} == {"default"}
        assert [row["features"][index] for index in HIT] == [REGISTRY.features[index].expected for index in HIT]
        assert (row["source_composite_last_updated"], row["source_composite_rows_found"]) == (None, 0)


def test_masked_rows_keep_good_labels() -> None:
    """Labels stay; half of the features repeat the key's date before, the others are 0.0 for all."""
    healthy, other = broken("masked")
    assert "feature_sources" not in changed(healthy, other)
    yesterday = Season(REGISTRY, DAY, 1, 0, 201)
    for row in other:
        before = yesterday._synthetic_row(int(row["player_lookup"].rpartition("_")[2]), DAY - timedelta(days=1)).values
        assert [row["features"][index] for index in HIT[::2]] == [before[index] for index in HIT[::2]]
        assert [row["features"][index] for index in HIT[1::2]] == [0.0] * len(HIT[1::2])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_partial_incident_hits_its_share(share: float) -> None:
    """About that part of the rows, and the processor still records a run."""
    healthy, other = broken("partial", share=share)
    count = changed(healthy, other)
    assert abs(count["feature_sources"] / len(healthy) - share) < 0.1
    assert set(count) == {"feature_sources", "features"}


def test_the_other_incidents_spoil_what_they_name() -> None:
    """Constant, stale, late and short vectors change their columns alone."""
    assert set(changed(*broken("constant", processor="", features=("fatigue_score",)))) == {"features"}
    assert set(changed(*broken("stale"))) == {"features", "source_composite_last_updated"}
    assert set(changed(*broken("late"))) == {"source_composite_last_updated"}
    healthy, short = broken("wrong_length")
    assert {len(row["features"]) for row in short} == {len(healthy[0]["features"]) - 2}


def test_a_decline_grows() -> None:
    """Each date has more rows without input than the one before, from few to the given share."""
    season = Season(REGISTRY, START, 10, 0, 300)
    incident = Incident("decline", START, START + timedelta(days=9), COMPOSITE, share=0.6)
    told = [json.loads(row["feature_sources"])["5"] for row in season.rows([incident])]
    shares = [told[at : at + 300].count("default") / 300 for at in range(0, len(told), 300)]
    assert shares[0] < 0.15
    assert shares[-1] > 0.5
    assert sum(later > earlier for earlier, later in pairwise(shares)) >= 7


@pytest.mark.parametrize("kind", INCIDENTS)
def test_every_incident_works_for_another_store(kind: str) -> None:
    """Nothing is known of this repository's features: names, columns and labels come from the registry."""
    registry = small_registry()
    incident = Incident(kind, DAY, DAY, features=(registry.features[0].name,))
    rows = list(Season(registry, DAY, 1, 0, 20).rows([incident]))
    assert len(rows) == 20
    assert {row["day"] for row in rows} == {DAY}


def test_an_unknown_incident_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(InputError, match="Unknown incident 'flood'"):
        rows_of(DAY, Incident("flood", DAY, DAY))


def test_rows_are_loaded_as_they_are() -> None:
    """Every row once, with its types; an absent table is reported."""
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(REGISTRY)),)))
        rows = rows_of()
        assert load(warehouse, REGISTRY.table.name, rows) == len(rows)
        names = ("player_lookup", "game_date", "features", "feature_sources", "created_at", "actual_games_count")
        found = warehouse.rows(WholeTable(REGISTRY.table.name, names, ("",) * len(names)))
        expected = [{name: tuple(row[name]) if name == "features" else row[name] for name in names} for row in rows]
        assert found == expected
        assert load(warehouse, REGISTRY.table.name, []) == 0
        assert warehouse.rows(Query(f"SELECT COUNT(*) AS n FROM {REGISTRY.table.name}")) == [{"n": len(rows)}]


KEY_TYPES = ("INT64", "NUMERIC(3, 0)", "DATE", "DATETIME", "TIMESTAMP", "TIME", "BYTES", "BOOL", "STRING(4)")


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_keys_of_every_type_can_be_loaded_and_scored(kind: str) -> None:
    """Each row has a key of its own; of a BOOL there are two."""
    others = [BaseColumn("weight", "TIME", required=True), BaseColumn("note", "BYTES", required=True)]
    base = tuple(replace(one, type=kind) if one.name == "item" else one for one in BASE)
    table = TableSpec("store", ("item", "day"), "day")
    registry = small_registry(base_columns=(*base, *others), table=table)
    rows = list(Season(registry, START, 1, rows_per_day=200).rows())
    assert len({row["item"] for row in rows}) == len(rows) == (2 if kind == "BOOL" else 200)
    assert len(scorer_of(registry).records(rows, datetime.now(UTC))) == len(rows)
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        assert load(warehouse, "store", rows) == len(rows)
