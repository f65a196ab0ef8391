"""Compare two states: the changes that turn one into the other.

fold(a, diff(a, b)) equals b up to the case of names, and diff(a, a) is empty. Illegal and unimportant differences are
returned too; callers decide about them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fqtool.table.change_fields import new_fields, with_new_fields
from fqtool.table.change_options import AddForeignKey, DropForeignKey, SetOption, SetPrimaryKey, SetProperty
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
)
from fqtool.table.model import State, Table
from fqtool.table.properties import TABLE_PROPERTIES, column_values, table_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fqtool.table.column import Column

_NO_RENAMES: dict[str, str] = {}


def diff(before: State, after: State, renames: Mapping[str, str] = _NO_RENAMES) -> tuple[Change, ...]:
    """Return the changes from `before` to `after`: rename, add, retype, default, describe, options, drop, views.

    Args:
        before: The present state.
        after: The desired state.
        renames: New column name -> old column name.

    Raises:
        ValueError: `before` has a table and `after` has none. fqtool never drops a table.
    """
    return (*_tables(before.table, after.table, renames), *_views(before, after))


def rearranges(before: Table | None, changes: Iterable[Change]) -> bool:
    """Whether changes reorder columns that exist before and after. A new column between them does not count.

    Args:
        before: The table before the changes.
        changes: The changes of a plan.
    """
    columns = [key.key for key in before.columns] if before else []
    for change in changes:
        match change:
            case RenameColumn(name, to):
                columns = [to.lower() if key == name.lower() else key for key in columns]
            case Reorder(names):
                reordered = [name.lower() for name in names if name.lower() in columns]
                return reordered != [key for key in columns if key in reordered]
    return False


def _tables(before: Table | None, after: Table | None, renames: Mapping[str, str]) -> Iterator[Change]:
    if after is None:
        if before is not None:
            raise ValueError(f"{before.name}: fqtool never drops a table")
        return
    if before is None:
        yield CreateTable(after)
        return
    renamed = tuple(_renames(before, after, renames))
    yield from renamed
    names = {change.name.lower(): change.to for change in renamed}
    current = before.with_columns(replace(c, name=names.get(c.key, c.name)) for c in before.columns)
    old_columns, new_columns = current.by_key, after.by_key
    yield from (AddColumn(column) for key, column in new_columns.items() if key not in old_columns)
    both = [(old_columns[key], new_columns[key]) for key in new_columns if key in old_columns]
    yield from (change for a, b in both if a.type.fields for change in new_fields(a, b))
    both = [(with_new_fields(a, b) if a.type.fields else a, b) for a, b in both]
    yield from (SetType(a.name, b.type) for a, b in both if a.type.shape != b.type.shape)
    yield from (SetMode(a.name, b.mode) for a, b in both if a.mode is not b.mode)
    yield from (SetDefault(a.name, b.default) for a, b in both if a.default != b.default)
    inside = [fields for a, b in both for fields in _with_fields(a, b)]
    yield from (
        SetDescription(path, new.description) for path, old, new in inside if old.description != new.description
    )
    yield from (change for path, a, b in inside for change in _properties(path, a, b))
    yield from _layout(current, after)
    yield from _options(current, after)
    yield from (DropColumn(column.name) for key, column in old_columns.items() if key not in new_columns)
    order = [key for key in old_columns if key in new_columns] + [key for key in new_columns if key not in old_columns]
    if order != list(new_columns):
        yield Reorder(tuple(column.name for column in after.columns))


def _renames(before: Table, after: Table, renames: Mapping[str, str]) -> Iterator[RenameColumn]:
    """Apply a rename only if the old name exists and the new one does not, so that `renamed_from` may stay."""
    old_columns, new_columns = before.by_key, after.by_key
    for to, name in renames.items():
        if (
            name.lower() in old_columns
            and name.lower() not in new_columns
            and to.lower() in new_columns
            and to.lower() not in old_columns
        ):
            yield RenameColumn(old_columns[name.lower()].name, new_columns[to.lower()].name)


def _with_fields(
    old: Column, new: Column, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Column, Column]]:
    """Yield a column and the fields of its STRUCT with their paths. A SetType to another shape has its own fields."""
    current = (*path, old.name)
    yield current, old, new
    if old.type.shape == new.type.shape:
        for inner, other in zip(old.type.fields, new.type.fields, strict=True):
            yield from _with_fields(inner, other, current)


def _properties(path: tuple[str, ...], old: Column, new: Column) -> Iterator[SetProperty]:
    nested = len(path) > 1
    if (old.properties, old.default if nested else None) == (new.properties, new.default if nested else None):
        return
    before, after = column_values(old, nested=nested), column_values(new, nested=nested)
    for name in sorted({*before, *after}):
        if before.get(name, "") != after.get(name, ""):
            yield SetProperty(path, name, after.get(name, ""))


def _layout(old: Table, new: Table) -> Iterator[Change]:
    old_partitioning, new_partitioning = old.partitioning, new.partitioning
    if (old_partitioning and (old_partitioning.column.lower(), old_partitioning.granularity)) != (
        new_partitioning and (new_partitioning.column.lower(), new_partitioning.granularity)
    ):
        yield SetPartitioning(new_partitioning)
    if [name.lower() for name in old.clustering] != [name.lower() for name in new.clustering]:
        yield SetClustering(new.clustering)


def _options(old: Table, new: Table) -> Iterator[Change]:
    before, after = table_values(old), table_values(new)
    for name in (*TABLE_PROPERTIES, *sorted({*before, *after}.difference(TABLE_PROPERTIES))):
        if before.get(name, "") != after.get(name, ""):
            yield SetOption(name, after.get(name, ""))
    there, declared = ({key.lower(): key for key in table.foreign_keys} for table in (old, new))
    yield from (AddForeignKey(key) for low, key in declared.items() if low not in there)
    yield from (DropForeignKey(key) for low, key in there.items() if low not in declared)
    if [name.lower() for name in old.primary_key] != [name.lower() for name in new.primary_key]:
        if old.primary_key:
            yield SetPrimaryKey(())
        if new.primary_key:
            yield SetPrimaryKey(new.primary_key)


def _views(before: State, after: State) -> Iterator[Change]:
    old_views, new_views = ({view.key: view for view in state.views} for state in (before, after))
    for key, view in new_views.items():
        old = old_views.get(key)
        if old is None or not old.equals(view) or old.missing_columns(after.table):
            yield PutView(view)
    yield from (DropView(key) for key in old_views if key not in new_views)
