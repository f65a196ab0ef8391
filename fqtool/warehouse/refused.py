"""What BigQuery's back end refuses of an ALTER TABLE, for warehouses that would do it without a murmur.

The rules in `rules.about_changes` advise before a plan; these are the warehouse saying no, as BigQuery itself does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from fqtool.errors import StatementFailed
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
    steps,
)
from fqtool.table.column import Column, Mode, is_widening
from fqtool.table.model import State, Table


def changed(before: State, changes: Iterable[Change]) -> State:
    """Return the state after the changes. Raises StatementFailed where BigQuery would refuse one of them."""
    state = before
    for step in steps(changes):
        try:
            after = fold(state, step)
        except Inapplicable as error:
            raise StatementFailed(f"{type(step[0]).__name__}: {error}.") from None
        for change in step:
            if why := _refusal(state.table, change):
                raise StatementFailed(f"{type(change).__name__}: {why}.")
        state = after
    return state


def _refusal(table: Table | None, change: Change) -> str:
    """Say why BigQuery will not make the change to the table, or "" where it will."""
    match change:
        case CreateTable(created):
            keys = [column.key for column in created.columns]
            twice = [column.name for column in created.columns if keys.count(column.key) > 1]
            return f"the column {twice[0]} is there twice" if twice else "" if keys else "a table needs a column"
        case AddColumn(column):
            return _adding(column)
        case DropColumn(name) | RenameColumn(name, _) if table and name.lower() in _layout(table):
            return f"the partitioning or clustering rests on {name}"
        case DropColumn(name) if table and len(table.columns) == 1:
            return f"{name} is the only column"
        case SetType(name, new) if table and (old := table.find(name)):
            legal = old.mode is not Mode.REPEATED and is_widening(old.type, new.shape)
            return "" if legal else f"{name} is {old.sql_type} and cannot become {new}"
        case SetMode(name, mode) if table and (old := table.find(name)):
            legal = (old.mode, mode) == (Mode.REQUIRED, Mode.NULLABLE)
            return "" if legal else f"{name} is {old.mode} and cannot become {mode}"
        case SetDefault(name, None) if table and (old := table.find(name)) and old.default is None:
            return f"{name} has no default to drop"
        case SetOption("partition_expiration_days", _) if table and table.partitioning is None:
            return "only a partitioned table has partitions that expire"
        case SetPartitioning() | SetClustering() | SetPolicyTags() | Reorder():
            return "no SQL statement can do that"
        case (
            DropColumn() | RenameColumn() | SetType() | SetMode() | SetDefault() | SetDescription() | SetOption()
            | PutView() | DropView()
        ):  # fmt: skip
            return ""
        case _:
            assert_never(change)


def _adding(column: Column) -> str:
    if column.mode is Mode.REQUIRED:
        return f"cannot add required fields to an existing schema. (field: {column.name})"
    if column.default is not None:
        return f"add field with default value to an existing table schema is not supported. (field: {column.name})"
    return ""


def _layout(table: Table) -> set[str]:
    partition = [table.partitioning.column] if table.partitioning else []
    return {name.lower() for name in (*partition, *table.clustering)}
