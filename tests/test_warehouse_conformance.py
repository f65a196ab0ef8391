"""One suite that every warehouse passes: what it describes after a statement is what the statement's changes say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fqtool.errors import NotThere, StatementFailed
from fqtool.sql import Query, WholeTable
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetPartitioning,
    SetPolicyTags,
    SetType,
    fold,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.diff import diff
from fqtool.table.model import State, Table, View
from fqtool.table.statement import Statement
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb import DuckDBWarehouse
from fqtool.warehouse.memory import MemoryWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests.houses import FLOAT, HOME, INT, NUMERIC, STORE, STRING, VIEW, found, open_bigquery, statement

HOUSES = ("memory", "duckdb", "bigquery")
# Each group is one statement, on top of those before it.
LEGAL: tuple[tuple[Change, ...], ...] = (
    (AddColumn(Column("n1", FLOAT, description="new")), AddColumn(column("n2", "ARRAY<STRING>"))),
    (AddColumn(column("n3", "STRUCT<p INT64, q ARRAY<STRING>>")), AddColumn(column("n4", "NUMERIC(7, 3)"))),
    (SetType("count", FLOAT),),
    (SetType("price", Type(Kind.NUMERIC, 8, 3)),),
    (SetType("n4", NUMERIC),),
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
)
NO_SQL: tuple[Change, ...] = (
    Reorder(("day", "item")),
    SetPartitioning(None),
    SetClustering(("day",)),
    SetPolicyTags(("item",), ("projects/p/taxonomies/1",)),
)


@pytest.fixture(params=HOUSES)
def house(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """An empty warehouse of each kind."""
    opened: Warehouse
    if request.param == "memory":
        opened = MemoryWarehouse()
    elif request.param == "duckdb":
        opened = DuckDBWarehouse(str(tmp_path / "house.duckdb"))
    else:
        emulator = request.getfixturevalue("emulator")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        opened = open_bigquery(emulator, request.getfixturevalue("dataset"))
    with opened:
        yield opened


def test_every_legal_change_is_described_as_it_was_made(house: Warehouse) -> None:
    """Describe after a statement is fold of its changes: columns, types, modes, words, defaults, options, views."""
    state = State()
    for changes in ((CreateTable(STORE),), *LEGAL):
        house.run(statement("store", *changes))
        state = fold(state, changes)
        assert diff(found(house, "store", "v_store"), state) == (), changes


@pytest.mark.parametrize("change", REFUSED, ids=str)
def test_a_refusal_leaves_the_table_as_it_was(house: Warehouse, change: Change) -> None:
    """What BigQuery refuses is refused with StatementFailed, and describe says what it said before."""
    house.run(statement("store", CreateTable(STORE)))
    before = found(house)
    with pytest.raises((StatementFailed, NotThere)):
        house.run(statement("store", change))
    assert found(house) == before


@pytest.mark.parametrize("house", ["memory", "duckdb"], indirect=True)
@pytest.mark.parametrize("change", NO_SQL, ids=str)
def test_what_no_statement_says_is_refused(house: Warehouse, change: Change) -> None:
    """Changes that BigQuery has no SQL for are refused where they could be sent at all."""
    house.run(statement("store", CreateTable(STORE)))
    with pytest.raises(StatementFailed, match="no SQL"):
        house.run(statement("store", change))
    assert found(house) == State(STORE)


@pytest.mark.parametrize("house", ["memory", "duckdb"], indirect=True)
def test_a_nested_description_is_held(house: Warehouse) -> None:
    """A description inside a STRUCT, and inside an ARRAY of STRUCT, comes back; no other detail is lost by it."""
    house.run(statement("store", CreateTable(STORE)))
    changes = (SetDescription(("made", "at", "y"), "deep"), SetDescription(("other", "a"), "in an array"))
    house.run(Statement("ALTER TABLE `store` OTHERWISE", changes))
    assert found(house) == fold(State(STORE), changes)


def test_a_statement_is_all_or_nothing(house: Warehouse) -> None:
    """A statement whose last change is refused makes none of the changes before it."""
    house.run(statement("store", CreateTable(STORE)))
    before = found(house)
    with pytest.raises(StatementFailed):
        house.run(statement("store", AddColumn(Column("good", INT)), AddColumn(Column("count", INT))))
    assert found(house) == before


def test_what_is_not_there_is_none(house: Warehouse) -> None:
    """Describe of an absent name is None; altering it, and reading it, is an error."""
    house.run(statement("store", CreateTable(STORE)))
    assert house.describe("absent") is None
    with pytest.raises((StatementFailed, NotThere)):
        house.run(statement("absent", AddColumn(Column("x", INT))))
    with pytest.raises((StatementFailed, NotThere)):
        house.rows(WholeTable("absent", ("x",)))


def test_a_view_and_a_table_are_told_apart(house: Warehouse) -> None:
    """A view is described as a View, and neither altered as a table nor put in a table's place."""
    house.run(statement("store", CreateTable(STORE)))
    house.run(statement("store", PutView(VIEW)))
    assert house.describe("v_store") == VIEW
    with pytest.raises(StatementFailed):
        house.run(statement("v_store", AddColumn(Column("x", INT))))
    with pytest.raises(StatementFailed):
        house.run(statement("store", PutView(View("store", "SELECT 1 AS x"))))
    with pytest.raises((StatementFailed, NotThere)):
        house.run(statement("store", DropView("store")))
    assert house.describe("store") == STORE


def test_a_dry_run_changes_nothing(house: Warehouse) -> None:
    """A dry run of a schema change leaves everything as it was."""
    house.run(statement("store", CreateTable(STORE)))
    house.run(statement("store", AddColumn(Column("x", INT))), dry_run=True)
    assert found(house) == State(STORE)


def test_a_job_is_done_once(house: Warehouse) -> None:
    """The same statement under the same job id is done once and told twice."""
    house.run(statement("store", CreateTable(STORE)))
    add = statement("store", AddColumn(Column("x", INT)))
    assert house.run(add, job="fqtool_1") == house.run(add, job="fqtool_1")
    assert found(house) == fold(State(STORE), add.changes)


def test_memory_has_no_rows() -> None:
    """The warehouse in memory says that it holds no rows, rather than that there are none."""
    house = MemoryWarehouse()
    house.run(statement("store", CreateTable(STORE)))
    for use in (
        lambda: house.rows(WholeTable("store", ("item",))),
        lambda: house.rows(Query("SELECT 1")),
        lambda: house.run(Query("DELETE FROM store WHERE TRUE")),
    ):
        with pytest.raises(StatementFailed, match="no rows"):
            use()


@pytest.mark.parametrize("house", ["duckdb", "bigquery"], indirect=True)
def test_rows_of_before_read_null_or_empty(house: Warehouse) -> None:
    """A row written before a column was added reads NULL there, or [] if it is an ARRAY."""
    house.run(statement("plain", CreateTable(Table("plain", (Column("k", INT),)))))
    house.run(Query("INSERT INTO plain (k) VALUES (1)"))
    added = (AddColumn(column("one", "STRING")), AddColumn(column("many", "ARRAY<INT64>")))
    house.run(statement("plain", *added))
    house.run(Query("INSERT INTO plain (k) VALUES (@k)", (("k", 2),)))
    assert house.rows(Query("SELECT k, one, many FROM plain ORDER BY k")) == [
        {"k": 1, "one": None, "many": ()},
        {"k": 2, "one": None, "many": ()},
    ]
