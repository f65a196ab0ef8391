"""Laws of values: `step`, `integer`, `equals` and `monotone` in check-drift --data, diagnosis and synthetic rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from fqtool.commands.check_drift.rules_data import check_data
from fqtool.commands.check_drift.run import audit_of
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.findings.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import BaseColumn, Feature, Inputs, Registry, Source, TableSpec, UnknownSource
from fqtool.schema.build import desired_table
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.stores import small_registry

FIRST = date(2026, 3, 2)
LAST = FIRST + timedelta(days=14)
COLUMNS = ("item STRING", "day DATE", "season INT64", "price FLOAT64", "cost FLOAT64", "margin FLOAT64")
FEATURES = (
    Feature(0, "price", "one", step=0.5, owner="team-prices", range=(0, 50)),
    Feature(1, "cost", "one", monotone="increasing", monotone_within="season", range=(0, 20)),
    Feature(2, "margin", "one", equals="price - f1", range=(-50, 50)),
)


def registry(*features: Feature) -> Registry:
    """A store of plain columns without labels: a NULL value is missing."""
    return replace(
        small_registry(),
        table=TableSpec("store", ("item", "day"), "day"),
        base_columns=tuple(BaseColumn(*one.split()) for one in COLUMNS),
        features=features or FEATURES, columns=(), processors=(), views=(), inputs=Inputs("", "{name}"),
        sources=(Source("present", 100, "present"), Source("missing", 0, "default", is_default=True)),
        unknown_source=UnknownSource(0, "default", "missing"),
    )  # fmt: skip


def right() -> list[dict[str, Any]]:
    """Rows that keep every law: the cost starts again in another season."""
    rows = []
    for at in range(15):
        for item in range(30):
            price, cost = 10 + 0.5 * ((item * 7 + at * 3) % 23), 1.0 + item / 8 + (at % 10) / 7
            day, season = FIRST + timedelta(days=at), at // 10
            rows.append(
                {"item": f"i{item}", "day": day, "season": season, "price": price, "cost": cost, "margin": price - cost}
            )
    return rows


@contextmanager
def stored(rows: list[dict[str, Any]], made: Registry) -> Iterator[DuckDBWarehouse]:
    """A warehouse with these rows."""
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(made)),)))
        load(warehouse, "store", rows)
        yield warehouse


def findings(last: dict[str, Any], *features: Feature) -> tuple[list[Finding], list[Finding]]:
    """What check-drift --data and diagnose report where the first row of the last date has other values."""
    rows, made = right(), registry(*features)
    rows[-30] |= last
    with stored(rows, made) as warehouse:
        of_data = [one for one in check_data(audit_of(made, warehouse, FIRST, LAST)) if one.rule == "FQ714"]
        of_day = [one for one in diagnosis_of(made, warehouse, LAST).findings if one.rule == "FQ622"]
    return of_data, of_day


def test_rows_that_keep_the_laws_have_no_finding() -> None:
    """A row without a value, or with one that is not finite, breaks no law of its own or of another feature."""
    assert findings({}) == ([], [])
    assert findings({"cost": None}) == ([], [])
    assert findings({"cost": math.nan}) == ([], [])
    assert findings({"price": None}) == ([], [])


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "step": ({"price": 11.3, "cost": 3.0, "margin": 8.3}, "price", "step: 0.5"),
    "equals": ({"price": 12.0, "cost": 3.0, "margin": 8.0}, "margin", "equals: price - f1"),
    "monotone": ({"price": 12.0, "cost": 0.5, "margin": 11.5}, "cost", "monotone: increasing"),
}


@pytest.mark.parametrize("law", BROKEN)
def test_one_row_that_breaks_a_law_is_reported(law: str) -> None:
    """Both commands name the feature, the law as it is declared, and the rows; and its owner."""
    values, name, text = BROKEN[law]
    (of_data,), (of_day,) = findings(values)
    assert of_data.subject == name
    assert of_data.message == f"{name} breaks `{text}` in 1 of 450 rows."
    assert of_day.message == f"{name} breaks a law of the registry in 1 of 30 rows on {LAST}: `{text}`."
    assert {of_data.owner, of_day.owner} == {"team-prices" if name == "price" else ""}


def test_a_broken_equals_names_two_swapped_features() -> None:
    """In some rows of one date, where both features have one scale; other values that break the law swap nothing."""

    def told(change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Finding]:
        rows, made = right(), registry(*(replace(one, step=None, monotone="", monotone_within="") for one in FEATURES))
        rows = [*rows[:-8], *(row | change(row) for row in rows[-8:])]
        with stored(rows, made) as warehouse:
            return [one for one in diagnosis_of(made, warehouse, LAST).findings if "swap" in one.message]

    (found,) = told(lambda row: {"price": row["cost"], "cost": row["price"]})
    assert "price, cost seem to have the values of each other in 8 of 30 rows" in found.message
    assert "8 of 8 rows that break `equals: price - f1` of margin keep it with both exchanged" in found.cause
    assert told(lambda row: {"margin": row["margin"] + 1}) == []


def test_a_whole_number_is_a_step_of_one() -> None:
    """`integer: true` reads as it is declared."""
    whole = Feature(0, "price", "one", integer=True)
    ((of_data,), _) = findings({}, whole)
    assert "price breaks `integer: true` in " in of_data.message


def test_without_a_season_a_new_start_breaks_the_order() -> None:
    """`monotone_within` is what lets a value begin again."""
    ((of_data,), _) = findings({}, replace(FEATURES[0], step=None), replace(FEATURES[1], monotone_within=""))
    assert (of_data.subject, of_data.message) == ("cost", "cost breaks `monotone: increasing` in 30 of 450 rows.")


def test_a_law_holds_on_every_date() -> None:
    """A value that breaks its law on all dates is reported, although it is usual."""
    rows = [row | {"margin": row["margin"] + 1} for row in right()]
    with stored(rows, registry()) as warehouse:
        (found,) = [one for one in diagnosis_of(registry(), warehouse, LAST).findings if one.rule == "FQ622"]
    assert f"since {FIRST}" in found.message


def test_synthetic_rows_keep_the_laws() -> None:
    """Values of a season are multiples of the step, equal their expression, and never fall."""
    made = registry()
    rows = list(Season(made, FIRST, 15, 3, rows_per_day=40).rows())
    with stored(rows, made) as warehouse:
        audited = audit_of(made, warehouse, FIRST, LAST)
    assert audited.rows > 500
    assert [one.rule for one in check_data(audited) if one.rule == "FQ714"] == []
    assert len({row["margin"] for row in rows}) > 100
    assert len({row["cost"] for row in rows}) > 40
