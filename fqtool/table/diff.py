"""diff: the only comparer. What would have to change so that one state becomes another.

Laws: fold(a, diff(a, b)) is b up to the case of names; diff(a, a) is empty; nothing is left out because it is
illegal or unimportant: others decide that.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

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
)
from fqtool.table.model import Options, State, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fqtool.table.column import Column

_NO_RENAMES: dict[str, str] = {}


def diff(before: State, after: State, renames: Mapping[str, str] = _NO_RENAMES) -> tuple[Change, ...]:
    """Return the changes from `before` to `after`: rename, add, retype, default, describe, options, drop, views.

    `renames` maps a new column name to the old one it comes from. Raises ValueError when `after` has no table
    while `before` has: fqtool never drops a table.
    """
    return (*_tables(before.table, after.table, renames), *_views(before, after))


def rearranges(before: Table | None, changes: Iterable[Change]) -> bool:
    """Whether columns that stay change places among themselves; one that comes between them moves none."""
    columns = [one.key for one in before.columns] if before else []
    for change in changes:
        match change:
            case RenameColumn(name, to):
                columns = [to.lower() if one == name.lower() else one for one in columns]
            case Reorder(names):
                now = [name.lower() for name in names if name.lower() in columns]
                return now != [one for one in columns if one in now]
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
    old = {change.name.lower(): change.to for change in renamed}
    now = before.with_columns(replace(c, name=old.get(c.key, c.name)) for c in before.columns)
    was, will = now.by_key, after.by_key
    yield from (AddColumn(column) for key, column in will.items() if key not in was)
    for compare in (_type, _mode, _default, _describe, _tags):
        for key in (key for key in will if key in was):
            yield from compare(was[key], will[key])
    yield from _layout(now, after)
    yield from _options(now.options, after.options)
    yield from (DropColumn(column.name) for key, column in was.items() if key not in will)
    order = [key for key in was if key in will] + [key for key in will if key not in was]
    if order != list(will):
        yield Reorder(tuple(column.name for column in after.columns))


def _renames(before: Table, after: Table, renames: Mapping[str, str]) -> Iterator[RenameColumn]:
    """A rename holds only while the old name is there and the new is not, so it is safe to leave it written."""
    was, will = before.by_key, after.by_key
    for to, name in renames.items():
        if name.lower() in was and name.lower() not in will and to.lower() in will and to.lower() not in was:
            yield RenameColumn(was[name.lower()].name, will[to.lower()].name)


def _type(was: Column, will: Column) -> Iterator[Change]:
    if was.type.shape != will.type.shape:
        yield SetType(was.name, will.type)


def _mode(was: Column, will: Column) -> Iterator[Change]:
    if was.mode is not will.mode:
        yield SetMode(was.name, will.mode)


def _default(was: Column, will: Column) -> Iterator[Change]:
    if was.default != will.default:
        yield SetDefault(was.name, will.default)


def _describe(was: Column, will: Column, path: tuple[str, ...] = ()) -> Iterator[Change]:
    if was.description != will.description:
        yield SetDescription((*path, was.name), will.description)
    for inner, wanted in _common_fields(was, will):
        yield from _describe(inner, wanted, (*path, was.name))


def _tags(was: Column, will: Column, path: tuple[str, ...] = ()) -> Iterator[Change]:
    if was.policy_tags != will.policy_tags:
        yield SetPolicyTags((*path, was.name), will.policy_tags)
    for inner, wanted in _common_fields(was, will):
        yield from _tags(inner, wanted, (*path, was.name))


def _common_fields(was: Column, will: Column) -> Iterator[tuple[Column, Column]]:
    """Pair the fields of two STRUCTs of one shape; a SetType of another shape brings its own fields along."""
    if was.type.shape == will.type.shape:
        yield from zip(was.type.fields, will.type.fields, strict=True)


def _layout(was: Table, will: Table) -> Iterator[Change]:
    ours, theirs = was.partitioning, will.partitioning
    if (ours and (ours.column.lower(), ours.granularity)) != (theirs and (theirs.column.lower(), theirs.granularity)):
        yield SetPartitioning(theirs)
    if [name.lower() for name in was.clustering] != [name.lower() for name in will.clustering]:
        yield SetClustering(will.clustering)


def _options(was: Options, will: Options) -> Iterator[Change]:
    for option in fields(Options):
        if getattr(was, option.name) != getattr(will, option.name):
            yield SetOption(option.name, getattr(will, option.name))


def _views(before: State, after: State) -> Iterator[Change]:
    was, will = ({view.key: view for view in state.views} for state in (before, after))
    for key, view in will.items():
        old = was.get(key)
        if old is None or (old.text, old.description) != (view.text, view.description):
            yield PutView(view)
    yield from (DropView(key) for key in was if key not in will)
