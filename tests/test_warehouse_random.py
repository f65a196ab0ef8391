"""Random changes, legal and not: every warehouse describes what applying them gives and refuses what rules refuse."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fqtool.errors import StatementFailed
from fqtool.migrations.legality import refusals
from fqtool.sql import ident
from fqtool.table.change_fields import AddField
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
from fqtool.table.model import DATASET, Inapplicable, State, Table, View
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests import strategies
from tests.bed.running import Emulator
from tests.memory_warehouse import MemoryWarehouse
from tests.sample_table import FLOAT, NUMERIC, STORE, found, open_bigquery, statement

DEFAULTS = {
    Kind.INT64: "7", Kind.FLOAT64: "1.5", Kind.STRING: "'it''s'".replace("''", "\\'"), Kind.BOOL: "TRUE",
    Kind.DATE: "CURRENT_DATE()", Kind.TIMESTAMP: "CURRENT_TIMESTAMP()", Kind.NUMERIC: "NUMERIC '2'",
}  # fmt: skip
WIDER = {Kind.INT64: (FLOAT, NUMERIC, Type(Kind.BIGNUMERIC)), Kind.NUMERIC: (FLOAT, Type(Kind.BIGNUMERIC))}


def any_change(state: State) -> st.SearchStrategy[Change]:
    """A change of the table's own names, legal or not."""
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
        structs = st.sampled_from(sorted({(name,) for name, _ in inner}))
        choices.append(st.builds(AddField, structs, strategies.columns(0)))
    return st.one_of(choices)


def _nullable(one: Column) -> Column:
    mode = Mode.NULLABLE if one.mode is Mode.REQUIRED else one.mode
    return Column(one.name, one.type, mode, one.description)


def _is_legal(state: State, change: Change) -> bool:
    """The verdict of `rules.about_changes`, which know nothing of warehouses, and that of BigQuery besides."""
    table = state.table
    assert table is not None
    if refusals(state, change):
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


def _agrees(warehouse: Warehouse, data: st.DataObject, steps: int) -> None:
    state = State(data.draw(strategies.tables(depth=1)))
    assert state.table is not None
    warehouse.run(statement("t", CreateTable(state.table)))
    assert found(warehouse, "t", "v") == state
    for _ in range(steps):
        change = data.draw(any_change(state))
        if _is_legal(state, change):
            warehouse.run(statement("t", change))
            state = fold(state, (change,))
        else:
            with pytest.raises(StatementFailed):
                warehouse.run(statement("t", change))
        assert found(warehouse, "t", "v") == state


@settings(max_examples=25)
@given(st.data())
def test_random_changes_in_memory(data: st.DataObject) -> None:
    """Whatever changes come, in any order: describe is fold, and refused is what the rules and BigQuery refuse."""
    _agrees(MemoryWarehouse(), data, 6)


@settings(max_examples=35)
@given(st.data())
def test_random_changes_in_duckdb(data: st.DataObject) -> None:
    """The same in DuckDB, whose own catalog must carry it."""
    with DuckDBWarehouse(":memory:") as warehouse:
        _agrees(warehouse, data, 6)


def _sayable(change: Change) -> bool:
    """Whether SQL reaches what is changed, and the emulator knows the type."""
    match change:
        case AddColumn(added) | AddField(_, added):
            return not any(word in added.sql_type for word in ("RANGE<", "INTERVAL", "GEOGRAPHY"))
        case _:
            return True


@settings(max_examples=5, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_random_changes_in_bigquery(emulator: Emulator, data: st.DataObject) -> None:
    """The same through BigQuery's API, of the changes that its SQL can express."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        with open_bigquery(emulator, emulator.fresh_dataset()) as warehouse:
            state = State(Table("t", STORE.columns, STORE.partitioning))
            warehouse.run(statement("t", *diff(State(), state)))
            for _ in range(5):
                change = data.draw(any_change(state))
                if _is_legal(state, change) and _sayable(change):
                    warehouse.run(statement("t", change))
                    state = fold(state, (change,))
                    assert diff(found(warehouse, "t", "v"), state) == (), change
