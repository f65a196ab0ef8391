"""One suite that every warehouse passes: what it describes after a statement is what the statement's changes give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fqtool.errors import NotThere, StatementFailed
from fqtool.sql import Query, WholeTable
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import SetOption, SetProperty
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetPartitioning,
    SetType,
    fold,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.diff import diff
from fqtool.table.model import State, Table, View
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests.memory_warehouse import MemoryWarehouse
from tests.sample_table import FLOAT, HOME, INT, NUMERIC, STORE, STRING, VIEW, found, open_bigquery, statement

HOUSES = ("memory", "duckdb", "bigquery")
# Each group is one statement, on top of those before it.
LEGAL: tuple[tuple[Change, ...], ...] = (
    (AddColumn(Column("n1", FLOAT, description="new")), AddColumn(column("n2", "ARRAY<STRING>"))),
    (AddColumn(column("n3", "STRUCT<p INT64, q ARRAY<STRING>>")), AddColumn(column("n4", "NUMERIC(7, 3)"))),
    (SetType("count", FLOAT),),
    (SetType("price", Type(Kind.NUMERIC, 8, 3)),),
    (SetType("n4", NUMERIC),),
    (SetType("n3", column("x", "STRUCT<p NUMERIC, q ARRAY<STRING>>").type),),
    (AddField(("n3",), column("r", "STRUCT<s INT64, t ARRAY<DATE>>")), AddField(("other",), Column("c", FLOAT))),
    (AddField(("n3", "r"), Column("u", STRING, description="it's new")),),
    (SetDescription(("made", "at", "y"), "deep"), SetDescription(("other", "a"), "in an array")),
    (SetType("item", STRING),),
    (SetMode("item", Mode.NULLABLE),),
    (SetDefault("n1", "1.5"),),
    (SetDefault("Seen", None),),
    (SetDescription(("n1",), "it's changed"),),
    (SetDescription(("price",), ""),),
    (SetOption("description", "other words"), SetOption("labels", (("a", "b"), ("c", "d")))),
    (SetOption("require_partition_filter", value=False),),
    (RenameColumn("n1", "n5"), RenameColumn("raw", "Raw2")),
    (DropColumn("n5"), DropColumn("n2")),
    (AddColumn(Column("n1", STRING)),),
    (PutView(VIEW),),
    (PutView(View("v_store", f"SELECT 1 AS one FROM {HOME} WHERE day > '2020-01-01'")),),
    (DropView("v_store"),),
)  # fmt: skip
REFUSED: tuple[Change, ...] = (
    CreateTable(STORE),
    AddColumn(Column("DAY", INT)),
    AddColumn(Column("x", INT, Mode.REQUIRED)),
    AddColumn(Column("x", INT, default="0")),
    DropColumn("absent"),
    DropColumn("day"),
    DropColumn("item"),
    RenameColumn("item", "x"),
    RenameColumn("count", "price"),
    RenameColumn("absent", "x"),
    SetType("count", STRING),
    SetType("price", Type(Kind.NUMERIC, 4, 2)),
    SetType("item", Type(Kind.STRING, length=20)),
    SetType("tags", INT),
    SetMode("day", Mode.NULLABLE),
    SetMode("day", Mode.REQUIRED),
    SetDefault("day", None),
    SetDefault("absent", "0"),
    SetDescription(("absent",), "x"),
    DropView("absent"),
    AddField(("absent",), Column("x", INT)),
    AddField(("made", "absent"), Column("x", INT)),
    AddField(("made", "by"), Column("x", INT)),
    AddField(("made",), Column("x", INT, Mode.REQUIRED)),
    SetDescription(("made", "absent"), "x"),
    SetType("made", column("x", "STRUCT<by INT64, runs ARRAY<INT64>, at STRUCT<x FLOAT64, y BIGNUMERIC>>").type),
    SetType("other", column("x", "STRUCT<a FLOAT64, b BYTES>").type),
)
NO_SQL: tuple[Change, ...] = (
    Reorder(("day", "item")),
    SetPartitioning(None),
    SetClustering(("day",)),
    SetProperty(("item",), "policy_tags", "projects/p/taxonomies/1"),
)


@pytest.fixture(params=HOUSES)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """An empty warehouse of each kind."""
    opened: Warehouse
    if request.param == "memory":
        opened = MemoryWarehouse()
    elif request.param == "duckdb":
        opened = DuckDBWarehouse(str(tmp_path / "store.duckdb"))
    else:
        emulator = request.getfixturevalue("emulator")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        opened = open_bigquery(emulator, request.getfixturevalue("dataset"))
    with opened:
        yield opened


def test_every_legal_change_is_described_as_it_was_made(warehouse: Warehouse) -> None:
    """Describe after a statement is fold of its changes: columns, types, modes, words, defaults, options, views."""
    state = State()
    for changes in ((CreateTable(STORE),), *LEGAL):
        warehouse.run(statement("store", *changes))
        state = fold(state, changes)
        assert diff(found(warehouse, "store", "v_store"), state) == (), changes


@pytest.mark.parametrize("change", REFUSED, ids=str)
def test_a_refusal_leaves_the_table_as_it_was(warehouse: Warehouse, change: Change) -> None:
    """What BigQuery refuses is refused with StatementFailed, and describe returns what it returned before."""
    warehouse.run(statement("store", CreateTable(STORE)))
    before = found(warehouse)
    with pytest.raises((StatementFailed, NotThere)):
        warehouse.run(statement("store", change))
    assert found(warehouse) == before


@pytest.mark.parametrize("warehouse", ["memory", "duckdb"], indirect=True)
@pytest.mark.parametrize("change", NO_SQL, ids=str)
def test_what_no_statement_can_express_is_refused(warehouse: Warehouse, change: Change) -> None:
    """Changes that BigQuery has no SQL for are refused where they could be sent at all."""
    warehouse.run(statement("store", CreateTable(STORE)))
    with pytest.raises(StatementFailed, match="no SQL"):
        warehouse.run(statement("store", change))
    assert found(warehouse) == State(STORE)


def test_a_statement_is_all_or_nothing(warehouse: Warehouse) -> None:
    """A statement whose last change is refused makes none of the changes before it."""
    warehouse.run(statement("store", CreateTable(STORE)))
    before = found(warehouse)
    with pytest.raises(StatementFailed):
        warehouse.run(statement("store", AddColumn(Column("good", INT)), AddColumn(Column("count", INT))))
    assert found(warehouse) == before


def test_an_absent_name_gives_none(warehouse: Warehouse) -> None:
    """Describe of an absent name is None; altering it, and reading it, is an error."""
    warehouse.run(statement("store", CreateTable(STORE)))
    assert warehouse.describe("absent") is None
    with pytest.raises((StatementFailed, NotThere)):
        warehouse.run(statement("absent", AddColumn(Column("x", INT))))
    with pytest.raises((StatementFailed, NotThere)):
        warehouse.rows(WholeTable("absent", ("x",)))


def test_a_view_and_a_table_are_distinguished(warehouse: Warehouse) -> None:
    """A view is described as a View, and neither altered as a table nor put in a table's place."""
    warehouse.run(statement("store", CreateTable(STORE)))
    warehouse.run(statement("store", PutView(VIEW)))
    assert warehouse.describe("v_store") == VIEW
    with pytest.raises(StatementFailed):
        warehouse.run(statement("v_store", AddColumn(Column("x", INT))))
    with pytest.raises(StatementFailed):
        warehouse.run(statement("store", PutView(View("store", "SELECT 1 AS x"))))
    with pytest.raises((StatementFailed, NotThere)):
        warehouse.run(statement("store", DropView("store")))
    assert warehouse.describe("store") == STORE


def test_a_dry_run_changes_nothing(warehouse: Warehouse) -> None:
    """A dry run of a schema change leaves everything as it was."""
    warehouse.run(statement("store", CreateTable(STORE)))
    warehouse.run(statement("store", AddColumn(Column("x", INT))), dry_run=True)
    assert found(warehouse) == State(STORE)


def test_a_job_is_done_once(warehouse: Warehouse) -> None:
    """The same statement under the same job id is done once and reported twice."""
    warehouse.run(statement("store", CreateTable(STORE)))
    add = statement("store", AddColumn(Column("x", INT)))
    assert warehouse.run(add, job="fqtool_1") == warehouse.run(add, job="fqtool_1")
    assert found(warehouse) == fold(State(STORE), add.changes)


def test_memory_has_no_rows() -> None:
    """The warehouse in memory reports that it holds no rows, rather than an empty table."""
    warehouse = MemoryWarehouse()
    warehouse.run(statement("store", CreateTable(STORE)))
    for use in (
        lambda: warehouse.rows(WholeTable("store", ("item",))),
        lambda: warehouse.rows(Query("SELECT 1")),
        lambda: warehouse.run(Query("DELETE FROM store WHERE TRUE")),
    ):
        with pytest.raises(StatementFailed, match="no rows"):
            use()


@pytest.mark.parametrize("warehouse", ["duckdb", "bigquery"], indirect=True)
def test_rows_of_before_read_null_or_empty(warehouse: Warehouse) -> None:
    """A row written before a column was added reads NULL there, or [] if it is an ARRAY."""
    warehouse.run(statement("plain", CreateTable(Table("plain", (Column("k", INT),)))))
    warehouse.run(Query("INSERT INTO plain (k) VALUES (1)"))
    added = (AddColumn(column("one", "STRING")), AddColumn(column("many", "ARRAY<INT64>")))
    warehouse.run(statement("plain", *added))
    warehouse.run(Query("INSERT INTO plain (k) VALUES (@k)", (("k", 2),)))
    assert warehouse.rows(Query("SELECT k, one, many FROM plain ORDER BY k")) == [
        {"k": 1, "one": None, "many": ()},
        {"k": 2, "one": None, "many": ()},
    ]
