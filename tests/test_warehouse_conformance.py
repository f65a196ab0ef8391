"""One suite that every warehouse passes: what it describes after a statement is what the statement's changes say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fqtool.errors import NotThere, StatementFailed
from fqtool.rules.about_changes import refusals
from fqtool.sql import Query, WholeTable, ident
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    Inapplicable,
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
from fqtool.table.ddl import NoStatement, render
from fqtool.table.diff import diff
from fqtool.table.model import DATASET, Options, Partitioning, State, Table, View
from fqtool.table.statement import Statement
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb import DuckDBWarehouse
from fqtool.warehouse.memory import MemoryWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests import strategies
from tests.bed.running import PROJECT, Emulator

HOUSES = ("memory", "duckdb", "bigquery")
INT, FLOAT, NUMERIC, STRING = (Type(kind) for kind in (Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.STRING))
STORE = Table(
    "store",
    (
        Column("item", Type(Kind.STRING, length=40), Mode.REQUIRED, "who"),
        Column("day", Type(Kind.DATE)),
        Column("count", INT, Mode.REQUIRED),
        Column("price", Type(Kind.NUMERIC, 5, 2), description='it\'s "quoted" and `ticked`\nin two lines'),
        Column("Seen", Type(Kind.TIMESTAMP), default="CURRENT_TIMESTAMP()"),
        Column("tags", STRING, Mode.REPEATED),
        column("made", "STRUCT<by STRING, runs ARRAY<INT64>, at STRUCT<x FLOAT64, y BIGNUMERIC>>"),
        column("raw", "JSON"),
        column("other", "ARRAY<STRUCT<a INT64, b BYTES>>"),
    ),
    Partitioning("day"),
    ("item",),
    Options(require_partition_filter=True, description="the store", labels=(("team", "a"),)),
)
HOME = ident(DATASET, "store")
VIEW = View("v_store", f"SELECT item, count * 2 AS twice FROM {HOME} WHERE day > '2020-01-01'", "a view")

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


def open_bigquery(emulator: Emulator, dataset: str) -> Warehouse:
    """BigQuery's API over HTTP; BIGQUERY_EMULATOR_HOST must name the emulator."""
    from fqtool.warehouse.bigquery import BigQueryWarehouse

    assert emulator.url
    return BigQueryWarehouse(PROJECT, dataset, url=f"bigquery://{PROJECT}/{dataset}")


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


def statement(table: str, *changes: Change) -> Statement:
    """A statement with the SQL that BigQuery would be sent, or one that names the table where there is no SQL."""
    try:
        sql = render(table, changes)
    except (NoStatement, ValueError):
        sql = f"ALTER TABLE {ident(table)} OTHERWISE"
    return Statement(sql, changes)


def found(house: Warehouse, table: str = "store", *views: str) -> State:
    """What stands under these names."""
    live = house.describe(table)
    assert live is None or isinstance(live, Table)
    seen = (house.describe(name) for name in views)
    return State(live, tuple(view for view in seen if isinstance(view, View)))


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


# -- random changes ------------------------------------------------------------------------------------------------

DEFAULTS = {
    Kind.INT64: "7", Kind.FLOAT64: "1.5", Kind.STRING: "'it''s'".replace("''", "\\'"), Kind.BOOL: "TRUE",
    Kind.DATE: "CURRENT_DATE()", Kind.TIMESTAMP: "CURRENT_TIMESTAMP()", Kind.NUMERIC: "NUMERIC '2'",
}  # fmt: skip
WIDER = {Kind.INT64: (FLOAT, NUMERIC, Type(Kind.BIGNUMERIC)), Kind.NUMERIC: (FLOAT, Type(Kind.BIGNUMERIC))}


def any_change(state: State) -> st.SearchStrategy[Change]:
    """A change that speaks of the table's own names, legal or not."""
    table = state.table
    assert table is not None
    old = st.sampled_from([one.name for one in table.columns])
    name = st.one_of(old, strategies.names)
    settable = [(one.name, DEFAULTS[one.type.kind]) for one in table.columns
                if one.type.kind in DEFAULTS and one.mode is not Mode.REPEATED]  # fmt: skip
    typed = [(one.name, wide) for one in table.columns for wide in WIDER.get(one.type.kind, ())]
    inner = [(one.name, two.name) for one in table.columns for two in one.type.fields]
    choices: list[st.SearchStrategy[Change]] = [
        st.builds(AddColumn, strategies.columns(1)),
        st.builds(AddColumn, strategies.columns(1).map(_nullable)),
        st.builds(DropColumn, old),
        st.builds(RenameColumn, old, name),
        st.builds(SetType, old, strategies.types(1)),
        st.builds(SetMode, old, st.sampled_from(Mode)),
        st.builds(SetDefault, old, st.none()),
        st.builds(SetDescription, old.map(lambda one: (one,)), strategies.texts),
        st.builds(SetOption, st.just("description"), strategies.texts),
        st.builds(SetOption, st.just("partition_expiration_days"), st.none() | st.just(30.0)),
        st.builds(PutView, st.builds(View, st.just("v"), st.just(f"SELECT COUNT(*) AS n FROM {ident(DATASET, 't')}"))),
        st.just(DropView("v")),
    ]
    if settable:
        choices.append(st.sampled_from(settable).map(lambda pair: SetDefault(*pair)))
    if typed:
        choices.append(st.sampled_from(typed).map(lambda pair: SetType(*pair)))
    if inner:
        choices.append(st.builds(SetDescription, st.sampled_from(inner), strategies.texts))
    return st.one_of(choices)


def _nullable(one: Column) -> Column:
    mode = Mode.NULLABLE if one.mode is Mode.REQUIRED else one.mode
    return Column(one.name, one.type, mode, one.description)


def _is_legal(state: State, change: Change) -> bool:
    """What `rules.about_changes` says, who knows nothing of warehouses, and what BigQuery says besides."""
    table = state.table
    assert table is not None
    nested = isinstance(change, SetDescription) and len(change.path) > 1
    if refusals(state, change) and not nested:
        return False
    try:
        fold(state, (change,))
    except Inapplicable:
        return False
    match change:
        case DropColumn():
            return len(table.columns) > 1
        case SetMode(name, _):
            old = table.find(name)
            return old is not None and old.mode is Mode.REQUIRED
        case SetDefault(name, None):
            old = table.find(name)
            return old is not None and old.default is not None
        case SetOption("partition_expiration_days", _):
            return table.partitioning is not None
        case _:
            return True


def _agrees(house: Warehouse, data: st.DataObject, steps: int) -> None:
    state = State(data.draw(strategies.tables(depth=1)))
    assert state.table is not None
    house.run(statement("t", CreateTable(state.table)))
    assert found(house, "t", "v") == state
    for _ in range(steps):
        change = data.draw(any_change(state))
        if _is_legal(state, change):
            house.run(statement("t", change))
            state = fold(state, (change,))
        else:
            with pytest.raises(StatementFailed):
                house.run(statement("t", change))
        assert found(house, "t", "v") == state


@settings(max_examples=25)
@given(st.data())
def test_random_changes_in_memory(data: st.DataObject) -> None:
    """Whatever changes come, in any order: describe is fold, and refused is what the rules and BigQuery refuse."""
    _agrees(MemoryWarehouse(), data, 6)


@settings(max_examples=35)
@given(st.data())
def test_random_changes_in_duckdb(data: st.DataObject) -> None:
    """The same in DuckDB, whose own catalog must carry it."""
    with DuckDBWarehouse(":memory:") as house:
        _agrees(house, data, 6)


def _sayable(change: Change) -> bool:
    """Whether SQL reaches what is changed, and the emulator knows the type."""
    match change:
        case SetDescription(path, _):
            return len(path) == 1
        case AddColumn(added):
            return not any(word in added.sql_type for word in ("RANGE<", "INTERVAL", "GEOGRAPHY"))
        case _:
            return True


@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_random_changes_in_bigquery(emulator: Emulator, data: st.DataObject) -> None:
    """The same through BigQuery's API, of the changes that its SQL can say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        with open_bigquery(emulator, emulator.fresh_dataset()) as house:
            state = State(Table("t", STORE.columns, STORE.partitioning))
            house.run(statement("t", *diff(State(), state)))
            for _ in range(5):
                change = data.draw(any_change(state))
                if _is_legal(state, change) and _sayable(change):
                    house.run(statement("t", change))
                    state = fold(state, (change,))
                    assert diff(found(house, "t", "v"), state) == (), change
