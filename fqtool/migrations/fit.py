"""Whether a planned statement fits a live table, and which manual changes a plan keeps.

Some manual changes do not make a planned statement wrong: DROP NOT NULL, a wider type, a column that the statement
does not name, descriptions, defaults, options, clustering. check-drift reports them, and they do not stop a migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fqtool.table.change import ViewChange
from fqtool.table.change_fields import AddField, new_fields, with_new_fields
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    SetMode,
    SetType,
    fold,
    steps,
)
from fqtool.table.column import Column, Mode, is_widening
from fqtool.table.model import Inapplicable, State, Table
from fqtool.table.properties import creatable

_TEXT = 600


def fits(expected: Column, live: Column) -> bool:
    """Return whether a column has the expected type, or one that a change in place can reach from either side."""
    if Mode.REPEATED in (expected.mode, live.mode) and expected.mode is not live.mode:
        return False
    return _reaches(expected, live) or _reaches(live, expected)


def _reaches(old: Column, new: Column) -> bool:
    before, after = with_new_fields(old, new).type.shape, new.type.shape
    return before == after or (old.mode is not Mode.REPEATED and is_widening(before, after))


def is_legal(old: Column, new: Column) -> bool:
    """Return whether BigQuery can change a column in place from one type and mode to another."""
    state = State(Table("", (old,)))
    for change in reshaping(old, new):
        if change.refusal(state):
            return False
        state = change.apply(state)
    return True


def reshaping(old: Column, new: Column) -> Iterator[AddField | SetType | SetMode]:
    """Yield the changes of type and mode from one column to another of the same name."""
    yield from new_fields(old, new)
    if with_new_fields(old, new).type.shape != new.type.shape:
        yield SetType(old.name, new.type)
    if old.mode is not new.mode:
        yield SetMode(old.name, new.mode)


def lacks(desired: Table, live: Table | None) -> str:
    """Describe the columns of `desired` that a live table lacks or has with another type; "" for no differences."""
    if live is None:
        return "the table does not exist"
    sentences = [DropColumn(column.name).describe() for column in desired.columns if live.find(column.name) is None]
    return "; ".join([*sentences, *_unfit(desired, live)])[:_TEXT]


def misfits(expected: State, live: State, changes: Iterable[Change]) -> str:
    """Describe why a planned statement does not fit the live state.

    Args:
        expected: the state that the statement was planned for.
        live: the state of the target.
        changes: the changes of the statement.

    Returns:
        The differences; "" where the statement fits.
    """
    changes = tuple(changes)
    if all(isinstance(change, ViewChange) for change in changes):
        return ""
    creates = next((change.table for change in changes if isinstance(change, CreateTable)), None)
    if live.table is None or expected.table is None:
        if live.table is None and expected.table is None:
            renamed = all(isinstance(change, RenameTable) for change in changes)
            return "" if creates or renamed else "the table does not exist"
        if live.table is None:
            return "the table does not exist"
        return (lacks(creates, live.table) if creates else "") or "it exists already"
    return "; ".join([*_unfit(expected.table, live.table, changes), *_inapplicable(live, changes)])[:_TEXT]


def _unfit(desired: Table, live: Table, changes: Iterable[Change] = ()) -> Iterator[str]:
    """Describe the columns that have another type. The type of a dropped column does not matter."""
    dropped = {change.name.lower() for change in changes if isinstance(change, DropColumn)}
    for column in desired.columns:
        there = live.find(column.name)
        if there and column.key not in dropped and not fits(column, there):
            yield from (change.describe() for change in reshaping(column, there))


def as_added(column: Column) -> AddColumn:
    """Return a column as ADD COLUMN can create it in a table with rows, without NOT NULL and DEFAULT.

    Args:
        column: the column of another target, or of an earlier migration.
    """
    mode = Mode.NULLABLE if column.mode is Mode.REQUIRED else column.mode
    return AddColumn(replace(creatable(column), mode=mode, default=None))


def added_by_hand(column: Column) -> AddColumn:
    """Return a column as a person adds it: by its name and type. A later plan sets descriptions and other properties.

    Args:
        column: the column of a migration or of the registry.
    """
    return AddColumn(Column(column.name, column.type, as_added(column).column.mode))


def to_fit(
    expected: State, live: State, changes: Iterable[Change], renames: Mapping[str, str]
) -> Iterator[AddColumn | RenameColumn]:
    """Yield what a person can change in a target so that planned changes fit it, without loss of values.

    A column that the changes need and the target lacks is added, or gets its name back where the registry declares the
    name that it has. One of another type in the place of a new column is renamed.

    Args:
        expected: the state that the earlier migrations create.
        live: the state of the target.
        changes: the planned changes.
        renames: new column name -> old name, of the registry.
    """
    for change in changes:
        if isinstance(change, AddColumn):
            there = live.column(change.column.name)
            if there and there.shape != change.column.shape:
                yield RenameColumn(there.name, f"{there.name}_other")
        elif not isinstance(change, DropColumn | ViewChange):
            called = next((old for name in change.touched if live.column(old := renames.get(name, ""))), "")
            lost = (expected.column(name) for name in change.touched if not live.column(name))
            for column in filter(None, lost):
                yield RenameColumn(called, column.name) if called else added_by_hand(column)


def _inapplicable(live: State, changes: Iterable[Change]) -> Iterator[str]:
    """Describe the columns that exist already, and the changes that BigQuery refuses."""
    state = live
    for step in steps(changes):
        for change in step:
            known = live.column(change.column.name) if isinstance(change, AddColumn) else None
            if known:
                yield f"the column {known.name} exists already, as {known.sql_type}"
            elif refusal := change.refusal(state):
                yield refusal
        try:
            state = fold(state, step)
        except Inapplicable as error:
            if not any(isinstance(change, AddColumn) for change in step):
                yield str(error)


def leave_alterations(desired: State, live: State, recorded: State) -> State:
    """Return `desired` with the live type and mode of columns that a legal manual ALTER changed.

    A plan does not revert such a change, because BigQuery cannot. It does not record it either, because other targets
    do not need it. check-drift reports it.

    Args:
        desired: the state that the registry describes.
        live: the state of the target.
        recorded: the state that the migration files create.
    """
    if desired.table is None:
        return desired

    def left(column: Column) -> Column:
        here, before = live.column(column.name), recorded.column(column.name)
        if not here or not before or column.shape != before.shape:
            return column
        altered = here.shape != before.shape and is_legal(before, here)
        return replace(column, type=here.type, mode=here.mode) if altered else column

    return replace(desired, table=desired.table.with_columns(map(left, desired.table.columns)))
