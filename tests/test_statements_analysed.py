"""Google's own analyser reads every statement that fqtool generates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fqtool.commands.migrate.rules import judge
from fqtool.migrations.ledger import (
    TABLE,
    Entry,
    Status,
    break_lease,
    entries_of,
    free_lease,
    lease_of,
    name_entries,
    record,
    take_lease,
)
from fqtool.migrations.legality import refusals
from fqtool.migrations.plan import make_statement, plan
from fqtool.registry.load import read_registry
from fqtool.schema.build import desired_state
from fqtool.scoring import inputs
from fqtool.scoring.inputs import InputChanges
from fqtool.scoring.merge import Span, partitions_between
from fqtool.scoring.scoring import Scoring
from fqtool.sql import ident
from fqtool.table.change_options import SetOption
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetType,
    fold,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.diff import diff
from fqtool.table.model import DATASET, State, Table, View
from fqtool.table.typetext import column
from tests.bed.running import ROOT
from tests.bed.zeta import analyze
from tests.stores import small_registry
from tests.strategies import columns, tables

TABLES = Table(
    "t",
    (
        column("a", "INT64"),
        column("n", "NUMERIC(5, 2)", required=True),
        column("day", "DATE", required=True),
        column("s", "STRUCT<x INT64, y ARRAY<STRING>>"),
        column("order", "STRING(5)"),
        replace(column("made", "TIMESTAMP"), default="CURRENT_TIMESTAMP()"),
    ),
)


def catalog(table: Table) -> dict[str, dict[str, str]]:
    """The table as the analyser's catalog has it."""
    return {table.name: {one.name: one.sql_type.replace(" NOT NULL", "") for one in table.columns}}


CHANGES: list[Change] = [
    AddColumn(column("b", "NUMERIC(5, 2)", description='it\'s "b" \\ `x`\n--')),
    AddColumn(column("select", "ARRAY<STRUCT<x INT64, from STRING>>")),
    DropColumn("order"),
    RenameColumn("order", "group"),
    SetType("a", Type(Kind.FLOAT64)),
    SetType("n", Type(Kind.NUMERIC, 7, 3)),
    SetType("order", Type(Kind.STRING)),
    SetMode("n", Mode.NULLABLE),
    SetDefault("a", "7"),
    SetDefault("made", None),
    SetDescription(("order",), "x'); DROP TABLE t; --"),
    SetOption("description", "d"),
    SetOption("labels", (("team", "ml"),)),
    SetOption("require_partition_filter", True),
    SetOption("partition_expiration_days", None),
    SetOption("partition_expiration_days", 30.0),
    SetOption("expiration", "2030-01-01 00:00:00+00:00"),
    SetOption("friendly_name", "f"),
    PutView(View("v", "SELECT a FROM t", "what")),
    DropView("v"),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_every_kind_of_change_is_a_statement_google_accepts(change: Change) -> None:
    """The SQL of each legal kind of change, and its rollback, pass GoogleSQL's analyser against the table."""
    before = State(TABLES, (View("v", "SELECT 1 AS a"),))
    statement = make_statement(before, (change,))
    assert not refusals(before, change)
    assert analyze(statement.sql, catalog(TABLES)) is None
    if not statement.way_back.startswith("irreversible") and not isinstance(change, AddColumn | RenameColumn):
        assert analyze(statement.way_back, catalog(TABLES)) is None


@settings(max_examples=12)
@given(tables())
def test_any_table_is_created(table: Table) -> None:
    """CREATE TABLE of any types, names and texts is accepted, but for layouts on types that cannot carry them."""
    bare = replace(table, partitioning=None, clustering=())
    error = analyze(make_statement(State(), (CreateTable(bare),)).sql, {})
    assert error is None


@settings(max_examples=12)
@given(st.lists(columns(), min_size=1, max_size=5, unique_by=lambda one: one.key))
def test_any_columns_are_added(added: list[Column]) -> None:
    """One ALTER TABLE with any nullable or repeated columns is accepted; REQUIRED ones fqtool refuses itself."""
    fresh = [replace(one, name=f"new_{one.name}") for one in added]
    legal = [AddColumn(one) for one in fresh if not refusals(State(TABLES), AddColumn(one))]
    assert [one.mode for one in fresh if AddColumn(one) not in legal] == [
        Mode.REQUIRED for one in fresh if one.mode is Mode.REQUIRED
    ]
    if legal:
        assert analyze(make_statement(State(TABLES), tuple(legal)).sql, catalog(TABLES)) is None


@settings(max_examples=10)
@given(tables(depth=1), tables(depth=1))
def test_every_statement_of_any_plan_is_accepted(before: Table, after: Table) -> None:
    """From any table to any other: what is not refused is accepted, each statement against the state it meets."""
    layout = replace(after, partitioning=before.partitioning, clustering=before.clustering)
    made = plan(State(), State(before), State(layout), judge=judge)
    state: State | None = State(before)
    for statement in made.statements:
        assert state is not None
        assert state.table is not None
        assert analyze(statement.sql, catalog(state.table)) is None
        state = fold(state, statement.changes)
    assert all(found.message for found in made.refused)


def test_the_ledger_and_its_queries_are_accepted() -> None:
    """CREATE TABLE of the ledger, every MERGE on it and the lease's are accepted."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert analyze(make_statement(State(), (CreateTable(TABLE),)).sql, {}) is None
    entry = Entry("0001", 1, 1, Status.STARTED, 1, "f", "h", "p", "j", "r", "t", now.isoformat())
    one = lease_of("t", "r", "token", "place")
    second = replace(entry, statement=2)
    for query in (
        record(entry),
        record(entry, second),
        take_lease(one, "migrating"),
        free_lease(one),
        break_lease(one),
        name_entries("t"),
    ):
        assert analyze(query.sql, catalog(TABLE), dict(query.parameters)) is None
    assert entries_of([]) == ()


def test_the_views_name_their_dataset() -> None:
    """A view's text holds the placeholder of its dataset, which each warehouse fills in."""
    state = desired_state(small_registry())
    assert state.table is not None
    for view in state.views:
        assert DATASET in view.query
        named = view.text.replace(ident(DATASET), ident("p", "d"))
        known = {f"p.d.{state.table.name}": catalog(state.table)[state.table.name]}
        assert analyze(make_statement(State(state.table), (PutView(replace(view, query=named)),)).sql, known) is None
    assert diff(state, state) == ()


def test_the_scoring_statements_are_accepted() -> None:
    """Scoring the real registry is one SELECT with one scan and no join, and one MERGE a date; Google accepts both."""
    registry = read_registry(ROOT / "feature_registry.yaml")
    table = desired_state(registry).table
    assert table is not None
    select = Scoring(registry).select(ident(table.name))
    assert analyze(select, catalog(table), {"computed_at": datetime(2026, 2, 7, tzinfo=UTC)}) is None
    assert select.count(f"FROM {ident(table.name)}") == 1
    assert not re.search(r"\b(JOIN|UNNEST|CREATE)\b", select)
    partition = Span(Scoring(registry), date(2026, 2, 6), date(2026, 2, 6))
    counts = partitions_between(registry, partition.start, partition.end, {"bad": "COUNTIF(FALSE)"})
    fingerprints = InputChanges(Scoring(registry), "0").query(partition.start, partition.end)
    for query in (partition.merge(datetime(2026, 2, 7, tzinfo=UTC)), partition.duplicates(), counts, fingerprints):
        assert analyze(query.sql, catalog(table), dict(query.parameters)) is None


def test_the_statements_about_scored_dates_are_accepted() -> None:
    """CREATE TABLE and INSERT of the table that `score --only-changed` keeps are accepted."""
    assert analyze(make_statement(State(), (CreateTable(inputs.TABLE),)).sql, {}) is None
    changes, days = InputChanges(Scoring(small_registry()), "0"), [date(2026, 2, 6), date(2026, 2, 7)]
    query = changes.append(days, {day: {"inputs": 1} for day in days}, datetime(2026, 2, 7, tzinfo=UTC))
    assert analyze(query.sql, catalog(inputs.TABLE), dict(query.parameters)) is None
