"""Every command serves every layout: values in columns of any type, arrays or JSON; labels of four kinds, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fqtool.commands.check_drift.rules_data import check_data
from fqtool.commands.check_drift.run import audit_of
from fqtool.commands.daily.run import daily_of
from fqtool.commands.demo.run import LAST, Step, run_demo
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.commands.explain.run import explain_row
from fqtool.commands.explain.text import document, print_explanation
from fqtool.commands.learn.run import days_between, learned_limits
from fqtool.commands.models.run import judge_rows
from fqtool.commands.report.html import html_of
from fqtool.errors import OtherColumns
from fqtool.findings.finding import Finding
from fqtool.lint.check import check_registry
from fqtool.migrations.plan import make_statement
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.scoring.layout import Layout
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.transpile.dialect import to_duckdb
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.machine import patient
from tests.stores import planned_in, workspace_in

START = LAST - timedelta(days=14)

TEMPLATE = """version: 1
table: {{name: store, keys: [item, day], partition_by: day}}
inputs:
{inputs}
sources:
{sources}
tiers: [{{name: good, min: 80}}, {{name: poor, min: 0}}]
categories: {{price: {{description: Price.}}}}
features:
{features}
base_columns:
  - {{name: item, type: STRING, required: true}}
  - {{name: day, type: DATE, required: true}}
{base}
columns:
  - {{name: score, type: FLOAT64, section: aggregate, expr: AVG_OVER_FEATURES(quality)}}
{columns}
models: [{{name: m1, needs: [last_price, mean_price]}}]
thresholds: [{{name: mean_score, metric: AVG(score), good: 80, critical: 60}}]
"""
PRESENCE = """  present: {weight: 100, canonical: present}
  missing: {weight: 0, canonical: missing, is_default: true}
unknown_source: {weight: 0, canonical: missing, absent_label: missing}"""
LABELS = """  live: {weight: 100, canonical: live}
  filled: {weight: 40, canonical: filled, is_default: true}
unknown_source: {weight: 40, canonical: filled, absent_label: filled}"""
SOURCES = '  - {name: "feature_{index}_source", for_each: feature, type: STRING, section: each, expr: source}'
SCHEMA = json.loads((ROOT / "fqtool/commands/explain/explanation.schema.json").read_text())
NAMES = ("last_price", "mean_price", "volume")


@dataclass(frozen=True)
class Store:
    """One layout: the lines of `inputs`, the base columns that hold values and labels, what is stored besides."""

    inputs: str
    base: str
    sources: str = PRESENCE
    columns: str = SOURCES
    own: Mapping[str, str] | None = None

    @property
    def registry(self) -> Registry:
        """The registry, without a mistake."""
        entries = (
            f"  - {{index: {number}, name: {name}, category: price{self._range(name)}{(self.own or {}).get(name, '')}}}"
            for number, name in enumerate(NAMES)
        )
        text = TEMPLATE.format(
            inputs=self.inputs, sources=self.sources, features="\n".join(entries), base=self.base, columns=self.columns
        )
        registry, findings = load_registry(text, "r.yaml")
        assert registry is not None, findings
        assert [*findings, *check_registry(registry)] == []
        return registry

    def _range(self, name: str) -> str:
        """A range of numbers, which text and times cannot have."""
        columns = {f"{{name: {name}, type: {kind}}}" for kind in ("STRING", "DATE", "TIMESTAMP")}
        return "" if any(column in self.base for column in columns) else ", range: [0, 90]"


def _columns(*types: str) -> str:
    return "\n".join(f"  - {{name: {name}, type: {kind}}}" for name, kind in zip(NAMES, types, strict=True))


ARRAY = "  - {name: values, type: ARRAY<FLOAT64>}"
STORES = {
    "columns": Store('  value: "{name}"', _columns("FLOAT64", "FLOAT64", "FLOAT64")),
    "columns, nothing stored": Store('  value: "{name}"', _columns("FLOAT64", "INT64", "FLOAT64"), columns=""),
    "exact numbers": Store('  value: "{name}"', _columns("NUMERIC", "INT64", "BIGNUMERIC")),
    "truth and text": Store(
        '  value: "{name}"',
        _columns("FLOAT64", "BOOL", "STRING"),
        own={"mean_price": ", spread: {may_be_constant: true}"},
    ),
    "times": Store('  value: "{name}"', _columns("INT64", "DATE", "TIMESTAMP")),
    "array": Store("  value: values[SAFE_OFFSET({index})]", ARRAY),
    "JSON text": Store(
        "  value: SAFE_CAST(JSON_VALUE(payload, '$.{name}') AS FLOAT64)", "  - {name: payload, type: STRING}"
    ),
    "fields of a STRUCT": Store(
        "  value: values.{name}",
        "  - {name: values, type: 'STRUCT<last_price FLOAT64, mean_price INT64, volume NUMERIC>'}",
    ),
    "entries of an ARRAY": Store(
        "  value: (SELECT value FROM UNNEST(entries) WHERE name = '{name}')",
        "  - {name: entries, type: 'ARRAY<STRUCT<name STRING, value FLOAT64>>'}",
    ),
    "labels in a STRUCT": Store(
        "  value: values.{name}\n  source: labels.{name}",
        "  - {name: values, type: 'STRUCT<last_price FLOAT64, mean_price FLOAT64, volume FLOAT64>'}\n"
        "  - {name: labels, type: 'STRUCT<last_price STRING, mean_price STRING, volume STRING>'}", LABELS,
    ),
    "JSON map of labels": Store(
        "  value: values[SAFE_OFFSET({index})]\n  source: JSON_VALUE(labels, '$.{name}')\n"
        "  sources_known: labels IS NOT NULL",
        f"{ARRAY}\n  - {{name: labels, type: STRING}}", LABELS,
    ),
    "array of labels": Store(
        "  value: values[SAFE_OFFSET({index})]\n  source: labels[SAFE_OFFSET({index})]",
        f"{ARRAY}\n  - {{name: labels, type: ARRAY<STRING>}}", LABELS,
    ),
    "column of labels": Store(
        '  value: "{name}"\n  source: "{name}_label"',
        "\n".join([
            _columns("FLOAT64", "FLOAT64", "INT64"),
            *(f"  - {{name: {name}_label, type: STRING}}" for name in NAMES),
        ]), LABELS,
    ),
    "labels by value": Store(
        "  value: \"{name}\"\n  source: IF({name} IS NULL, 'filled', 'live')",
        _columns("FLOAT64", "FLOAT64", "FLOAT64"), LABELS,
    ),
    "a value and a label of one feature": Store(
        "  value: values[SAFE_OFFSET({index})]\n  source: JSON_VALUE(labels, '$.{name}')",
        f"{ARRAY}\n  - {{name: labels, type: STRING}}\n  - {{name: volumes, type: INT64}}\n"
        "  - {name: how, type: STRING}", LABELS,
        own={"volume": ", value: volumes, source: how"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=sorted(STORES))
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    """The steps of the demo of one layout, its registry, and the file it left."""
    folder, registry = tmp_path_factory.mktemp("store"), STORES[request.param].registry
    planned_in(folder / "migrations", registry)
    steps: list[Step] = []
    run_demo(workspace_in(folder / "migrations", registry), folder / "demo.duckdb", steps.append)
    with DuckDBWarehouse(str(folder / "demo.duckdb")) as warehouse:
        yield registry, steps, warehouse


def test_the_whole_story_is_reported_for_every_layout(told: tuple[Any, ...]) -> None:
    """Migrate, drift, backfill, diagnose and report end well, and what is absent on the last date is named."""
    _, steps, _ = told
    by_command = {step.command.split(" --")[0]: step for step in steps if step.findings is not None}
    findings = by_command["fqtool diagnose"].findings
    assert [(one.rule, one.subject) for one in findings] == [("FQ604", "last_price")]
    report = steps[-1].report
    assert len(report.days) > len(NAMES)
    assert "last_price" in html_of(report)


def test_healthy_dates_of_every_layout_are_quiet(told: tuple[Any, ...]) -> None:
    """A healthy date has no finding of diagnosis and none of the thresholds; stored rows are what scoring gives."""
    registry, _, warehouse = told
    for days in (1, 2, 3):
        day = LAST - timedelta(days=days)
        assert [one.message for one in daily_of(registry, warehouse, day).findings] == []
    audited = audit_of(registry, warehouse, START, LAST)
    assert {one.rule for one in check_data(audited)} <= {"FQ706"}


def test_models_and_rows_of_every_layout_are_explained(told: tuple[Any, ...]) -> None:
    """A model is blocked by the absent feature; explain of a row names it, and what would repair it."""
    registry, _, warehouse = told
    (blocked,) = judge_rows(registry, warehouse, registry.models, LAST).findings
    assert "last_price" in (blocked.cause or "")
    assert judge_rows(registry, warehouse, registry.models, LAST - timedelta(days=1)).findings == ()
    (row,) = warehouse.rows(Query(f"SELECT item FROM store WHERE day = DATE '{LAST}' ORDER BY item LIMIT 1"))
    explained = explain_row(registry, warehouse, {"item": str(row["item"])}, LAST)
    assert explained.features[0].unusual
    jsonschema.validate(json.loads(json.dumps(document(explained))), SCHEMA)
    printed = StringIO()
    print_explanation(explained, printed, everything=True)
    assert all(name in printed.getvalue() for name in NAMES)


def test_a_layout_reports_where_nothing_can_be_written() -> None:
    """A computed value has no place; a column, an item and a key have one."""
    registry = STORES["columns"].registry
    layout = Layout(registry)
    assert [layout.value_place(one) is not None for one in registry.features] == [True] * len(NAMES)
    assert not layout.has_labels
    assert layout.vector == ""
    assert Layout(STORES["array"].registry).vector == "values"


ITEMS = 60


def rows_of(days: int, change: str = "") -> DuckDBWarehouse:
    """The store of columns with two weeks of rows, without scores; `change` is SQL that spoils them."""
    warehouse = DuckDBWarehouse(":memory:")
    warehouse.run(make_statement(State(), (CreateTable(desired_table(STORES["columns"].registry)),)))
    warehouse.connection().execute(
        "INSERT INTO store (item, day, last_price, mean_price, volume) "
        "SELECT 'i' || i, CAST(? AS DATE) + CAST(d AS INT), "
        "40 + (i * 7919 + d * 104729) % 17, 30 + (i * 31 + d * 17) % 13, 20 + (i * 11 + d * 5) % 7 "
        f"FROM range({ITEMS}) t(i), range({days}) u(d)",
        [LAST - timedelta(days=days - 1)],
    )
    if change:
        warehouse.connection().execute(change)
    return warehouse


def problems_of(registry: Registry, warehouse: DuckDBWarehouse) -> tuple[Finding, ...]:
    """The findings about the last date, but that rows are not scored."""
    return tuple(one for one in diagnosis_of(registry, warehouse, LAST).findings if one.rule != "FQ643")


DAY = f"day = DATE '{LAST}'"
OTHER = f"day = DATE '{LAST - timedelta(days=1)}'"
BEFORE = f"day = DATE '{LAST - timedelta(days=5)}'"
SPOILED = {
    "nothing": ("SELECT 1", []),
    "NULL in all rows": (f"UPDATE store SET volume = NULL WHERE {DAY}", [("FQ604", "volume")]),
    "NaN in all rows": (f"UPDATE store SET volume = 'nan' WHERE {DAY}", [("FQ614", "volume")]),
    "infinity in a third": (
        f"UPDATE store SET volume = 'inf' WHERE {DAY} AND hash(item) % 3 = 0", [("FQ614", "volume")],
    ),
    "NaN in one row": (f"UPDATE store SET volume = 'nan' WHERE {DAY} AND item = 'i3'", []),
    "a leap after one NaN": (
        f"UPDATE store SET volume = 'nan' WHERE {BEFORE} AND item = 'i3';"
        f"UPDATE store SET volume = volume * 3 WHERE {DAY}", [("FQ608", "volume")],
    ),
    "half of the rows gone": (f"DELETE FROM store WHERE {DAY} AND hash(item) % 2 = 0", [("FQ615", "rows")]),
    "half of the rows twice": (
        f"INSERT INTO store SELECT * FROM store WHERE {DAY} AND hash(item) % 2 = 0",
        [("FQ615", "rows"), ("FQ616", "rows")],
    ),
    "no rows": (f"DELETE FROM store WHERE {DAY}", [("FQ617", "rows")]),
    "no rows on this weekday": (
        f"DELETE FROM store WHERE dayofweek(day) = dayofweek(DATE '{LAST}')", [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(SPOILED))
def test_what_is_wrong_with_rows_and_values_is_named(what: str) -> None:
    """NULL, NaN, infinity, a leap beside one NaN, rows gone, rows twice, a date without rows: each by its rule."""
    change, expected = SPOILED[what]
    with rows_of(15, change) as warehouse:
        registry = STORES["columns"].registry
        found = problems_of(registry, warehouse)
        assert sorted((one.rule, one.subject) for one in found) == expected
        assert {one.rule for one in daily_of(registry, warehouse, LAST).findings} >= {rule for rule, _ in expected}


def test_fewer_rows_than_usual_name_the_absent_keys() -> None:
    """Three of them and the number of the others; a key that is absent on an earlier date too is not among them."""
    gone = f"DELETE FROM store WHERE {DAY} AND item < 'i40' OR {BEFORE} AND item = 'i1'"
    with rows_of(15, gone) as warehouse:
        (found,) = problems_of(STORES["columns"].registry, warehouse)
        (absent,) = warehouse.rows(Query(f"SELECT COUNT(*) AS n FROM store WHERE {OTHER} AND item < 'i40'"))
    assert found.rule == "FQ615"
    assert f"No rows for item i0, i10, i11 and {int(str(absent['n'])) - 4} more, with rows on each" in found.message
    assert found.message.endswith("of 14 earlier dates.")


def test_a_lasting_loss_of_rows_does_not_become_usual() -> None:
    """Half of the rows have been gone for five dates: still named, with the first of them."""
    first = LAST - timedelta(days=4)
    with rows_of(15, f"DELETE FROM store WHERE day >= DATE '{first}' AND hash(item) % 2 = 0") as warehouse:
        (found,) = problems_of(STORES["columns"].registry, warehouse)
    assert found.rule == "FQ615"
    assert f"since {first}" in found.message


def test_a_weekly_pattern_of_rows_is_usual() -> None:
    """Half as many rows on this weekday as on others, every week: nothing to find; a day later all rows are there."""
    few = f"DELETE FROM store WHERE dayofweek(day) = dayofweek(DATE '{LAST}') AND hash(item) % 2 = 0"
    with rows_of(15, few) as warehouse:
        assert problems_of(STORES["columns"].registry, warehouse) == ()


def test_nan_is_missing_where_the_registry_declares_so() -> None:
    """NaN then counts as a missing value, of a FLOAT64 feature only."""
    store = Store('  value: "{name}"\n  nan_is_missing: true', _columns("FLOAT64", "INT64", "STRING"))
    layout = Layout(store.registry)
    labels = [layout.label(one) for one in store.registry.features]
    assert ["IS_NAN" in one for one in labels] == [True, False, False]
    change = f"UPDATE store SET volume = 'nan' WHERE {DAY}"
    nan = Store('  value: "{name}"\n  nan_is_missing: true', _columns("FLOAT64", "FLOAT64", "FLOAT64"))
    with rows_of(15, change) as warehouse:
        (found,) = problems_of(nan.registry, warehouse)
    assert (found.rule, found.subject) == ("FQ604", "volume")


def test_an_entry_of_an_array_is_looked_up_once_per_row() -> None:
    """Engines plan many subqueries slowly: the statistics have one for each feature, and DuckDB's SQL has none."""
    sql = Evidence(STORES["entries of an ARRAY"].registry).query(START, LAST).sql
    assert [sql.count(f"= '{name}'") for name in NAMES] == [1, 1, 1]
    assert "UNNEST" not in to_duckdb(sql)


def test_entries_of_an_array_are_diagnosed_on_bigquery(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator answers the same statement: a feature that the entries of the last date lack is named."""
    registry, dataset = STORES["entries of an ARRAY"].registry, emulator.fresh_dataset()
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    rows = [
        {
            "item": f"i{item}", "day": str(LAST - timedelta(days=days)),
            "entries": [{"name": name, "value": (item * 7 + days * 13) % 17 + 10.0} for name in NAMES[not days:]],
        }
        for item in range(30)
        for days in range(15)
    ]  # fmt: skip
    with open_target(f"bigquery://{PROJECT}/{dataset}", timeout=patient(60)) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        assert emulator.client().insert_rows_json(f"{PROJECT}.{dataset}.store", rows, timeout=patient(60)) == []
        (found,) = problems_of(registry, warehouse)
    assert (found.rule, found.subject) == ("FQ604", "last_price")


@pytest.mark.parametrize(("days", "words"), [(1, "2026-02-06,"), (3, "since 2026-02-04"), (15, "since 2026-01-23")])
def test_a_date_without_labels_is_one_finding(days: int, words: str) -> None:
    """No row can be scored: FQ624 names the column to fill, and daily does not advise to score alone."""
    registry = STORES["JSON map of labels"].registry
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        warehouse.connection().execute(
            "INSERT INTO store (item, day, values, labels) SELECT 'i' || i, CAST(? AS DATE) - CAST(d AS INT), "
            f"[40 + (i * 7 + d) % 17, 1, 2], IF(d < {days}, NULL, '{{}}') FROM range(30) t(i), range(15) u(d)",
            [LAST],
        )
        (found,) = daily_of(registry, warehouse, LAST).findings
    assert found.rule == "FQ624"
    assert words in found.message
    assert "Fill `labels` in these rows" in str(found.remedy)
    assert "fqtool score --start" in str(found.remedy)


@pytest.mark.parametrize(
    ("label", "rule", "subject", "message"),
    [
        ("filled", "FQ604", "last_price", "last_price is defaulted in all 60 rows"),
        ("lve", "FQ625", "sources", "have labels that `sources` does not declare: `lve` (feature 0)."),
    ],
)
def test_values_under_labels_of_default_values_make_the_labels_doubtful(
    label: str, rule: str, subject: str, message: str
) -> None:
    """The values of a date are as before: the cause names the labels, and the fix those that are not declared."""
    registry = STORES["column of labels"].registry
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        warehouse.connection().execute(
            "INSERT INTO store (item, day, last_price, last_price_label, mean_price, mean_price_label, volume, "
            "volume_label) SELECT 'i' || i, CAST(? AS DATE) - d::INT, 40 + (i * 7 + d) % 17, "
            f"IF(d = 0, '{label}', 'live'), 20 + (i * 5 + d) % 11, 'live', i % 9, 'live' "
            f"FROM range({ITEMS}) t(i), range(15) u(d)",
            [LAST],
        )
        (found,) = problems_of(registry, warehouse)
    assert (found.rule, found.subject) == (rule, subject)
    assert message in found.message
    if rule == "FQ604":
        assert "possible" in found.cause
        assert "the labels may be wrong: 60 of 60 defaulted rows hold a value of last_price" in found.cause
    else:
        declare = "Declare each label with its weight under `sources`: `lve: {weight: 100, canonical: lve}`."
        assert str(found.remedy).startswith(declare)


def test_counts_and_truth_values_that_become_constant_are_named() -> None:
    """Also where few distinct values differ much between dates: `min_stddev` declares that rows differ."""
    base = _columns("FLOAT64", "BOOL", "INT64")
    store = Store('  value: "{name}"', base, own={"volume": ", spread: {min_stddev: 0.1}"})
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(store.registry)),)))
        warehouse.connection().execute(
            "INSERT INTO store (item, day, last_price, mean_price, volume) SELECT 'i' || i, CAST(? AS DATE) - d::INT, "
            "40 + (i * 7919 + d * 104729) % 17, d = 0 OR hash(i * 31 + d) % 2 = 0, "
            f"IF(d = 0, 1, IF(hash(i * 37 + d) % 3 = 0, 1 + d % 5, 0)) FROM range({ITEMS}) t(i), range(15) u(d)",
            [LAST],
        )
        found = problems_of(store.registry, warehouse)
    assert {(one.rule, one.subject) for one in found} == {("FQ607", "mean_price, volume")}
    assert "mean_price: TRUE in 100% of the rows (usually 5" in found[0].cause


def test_a_problem_does_not_begin_on_a_weekday_that_never_has_rows() -> None:
    """Rows of Thursdays never exist: a Friday without rows is a problem of one date."""
    absent = f"DELETE FROM store WHERE {DAY} OR dayofweek(day) = dayofweek(DATE '{LAST}' - 1)"
    with rows_of(15, absent) as warehouse:
        (found,) = problems_of(replace(STORES["columns"].registry, max_age_days=2), warehouse)
    assert (found.rule, found.since) == ("FQ617", LAST)


def test_limits_are_learned_before_the_columns_of_scores_exist() -> None:
    """A diagnosis needs them, and names the command that adds them."""
    registry = STORES["columns"].registry
    drop = "".join(f"ALTER TABLE store DROP COLUMN {one};" for one in ("score", "feature_0_source"))
    with rows_of(15, drop) as warehouse:
        assert learned_limits(registry, days_between(registry, warehouse, START, LAST), replace=True)
        with pytest.raises(OtherColumns, match="lacks the columns feature_0_source, score") as raised:
            diagnosis_of(registry, warehouse, LAST)
    assert str(raised.value.remedy) == "fqtool migrate"


def test_a_feature_without_its_field_of_a_struct_is_refused() -> None:
    """With its place, and the field of a similar name."""
    fields = "last_price FLOAT64, mean_prise FLOAT64, volume FLOAT64"
    registry = _loaded(Store("  value: values.{name}", f"  - {{name: values, type: 'STRUCT<{fields}>'}}"))
    (found,) = check_registry(registry)
    assert (found.rule, found.location) == ("FQ151", found.location)
    assert "which has no field mean_price" in found.message
    assert str(found.remedy).startswith("Write mean_prise, or add the field mean_price to the type of the column")
    assert found.location is not None
    assert found.location.line == registry.features[1].at.line


def test_a_labelled_value_that_is_null_is_named() -> None:
    """The label is live, the value is NULL in all rows."""
    registry = Store(
        "  value: \"{name}\"\n  source: IF(item = '', 'filled', 'live')",
        _columns("FLOAT64", "FLOAT64", "FLOAT64"),
        LABELS,
    )
    with rows_of(15, f"UPDATE store SET volume = NULL WHERE {DAY}") as warehouse:
        (found,) = problems_of(_loaded(registry), warehouse)
    assert (found.rule, found.subject) == ("FQ613", "volume")


def _loaded(store: Store) -> Registry:
    """The registry of a store of which validate has notes."""
    entries = (f"  - {{index: {number}, name: {name}, category: price}}" for number, name in enumerate(NAMES))
    text = TEMPLATE.format(
        inputs=store.inputs, sources=store.sources, features="\n".join(entries), base=store.base, columns=store.columns
    )
    registry, findings = load_registry(text, "r.yaml")
    assert registry is not None, findings
    return registry


def test_validate_names_the_commands_that_cannot_serve_a_layout(tmp_path: Path) -> None:
    """A whole ARRAY as a value is refused with its place and the commands concerned."""
    path = tmp_path / "r.yaml"
    text = TEMPLATE.format(
        inputs='  value: "{name}"', sources=PRESENCE, base=_columns("ARRAY<FLOAT64>", "FLOAT64", "FLOAT64"),
        features="\n".join(
            f"  - {{index: {number}, name: {name}, category: price}}" for number, name in enumerate(NAMES)
        ),
        columns=SOURCES,
    )  # fmt: skip
    path.write_text(text)
    registry, _ = load_registry(text, str(path))
    assert registry is not None
    (found,) = [one for one in check_registry(registry) if one.rule == "FQ167"]
    assert "diagnose, daily, report, models, explain and check-drift --data" in found.message
    assert found.location is not None
    assert found.location.line == text.split("\n").index('  value: "{name}"') + 1
