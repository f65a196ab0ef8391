"""Change: the closed vocabulary of how one table becomes another, and what each change does to a state.

A Change holds only what its SQL says, so that parse(render(change)) is the change again; what was there before is
read from the state it is applied to. Whether BigQuery allows it is for `rules.about_changes` to say: `diff` names
every difference, legal or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias, assert_never

from fqtool.table.column import Column, Mode, Type
from fqtool.table.model import Partitioning, State, Table, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class CreateTable:
    """The table with all its columns, layout and options."""

    table: Table


@dataclass(frozen=True, slots=True)
class AddColumn:
    """A new column at the end (BIGQUERY 1-10)."""

    column: Column


@dataclass(frozen=True, slots=True)
class DropColumn:
    """A column and its data go away (BIGQUERY 13-17)."""

    name: str


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """A column keeps its data under another name (BIGQUERY 18-19)."""

    name: str
    to: str


@dataclass(frozen=True, slots=True)
class SetType:
    """A column gets another type (BIGQUERY 20-24)."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class SetMode:
    """A column gets another mode; BigQuery knows only REQUIRED to NULLABLE (BIGQUERY 25)."""

    name: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class SetDefault:
    """A column's default expression for future inserts; None drops it (BIGQUERY 5-6, 25)."""

    name: str
    default: str | None


@dataclass(frozen=True, slots=True)
class SetDescription:
    """A column's description; `path` has more than one name for a field inside a STRUCT (BIGQUERY 26)."""

    path: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class SetPolicyTags:
    """A column's policy tags: reported, never written (BIGQUERY 12, 67)."""

    path: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reorder:
    """The columns stand in another order; BigQuery cannot reorder, and nothing depends on it (BIGQUERY 7)."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetPartitioning:
    """Another partitioning: needs a rebuilt table (BIGQUERY 34)."""

    partitioning: Partitioning | None


@dataclass(frozen=True, slots=True)
class SetClustering:
    """Another clustering: no DDL can do it, `bq update --clustering_fields` can."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetOption:
    """One table option, by its field name in Options (BIGQUERY 35)."""

    name: str
    value: str | float | bool | tuple[tuple[str, str], ...] | None


@dataclass(frozen=True, slots=True)
class PutView:
    """A view created or its text replaced."""

    view: View


@dataclass(frozen=True, slots=True)
class DropView:
    """A view goes away; no data is lost."""

    name: str


Change: TypeAlias = (
    CreateTable
    | AddColumn
    | DropColumn
    | RenameColumn
    | SetType
    | SetMode
    | SetDefault
    | SetDescription
    | SetPolicyTags
    | Reorder
    | SetPartitioning
    | SetClustering
    | SetOption
    | PutView
    | DropView
)


class Inapplicable(ValueError):
    """The change does not fit the state: its column is absent, or present already."""


def fold(state: State, changes: Iterable[Change]) -> State:
    """Apply changes one after another. Raises Inapplicable with the column and the reason."""
    for kind, some in groupby(changes, type):
        if kind is AddColumn and state.table is not None:
            columns = [change.column for change in some if isinstance(change, AddColumn)]
            state = replace(state, table=_longer(state.table, columns))
        else:
            for change in some:
                state = apply(state, change)
    return state


def steps(changes: Iterable[Change]) -> Iterator[tuple[Change, ...]]:
    """Yield the changes one by one, but columns that are added together: there may be thousands of them."""
    for kind, some in groupby(changes, type):
        together = tuple(some)
        yield from [together] if kind is AddColumn else ((one,) for one in together)


def apply(state: State, change: Change) -> State:
    """Return the state after one change. Raises Inapplicable."""
    match change:
        case CreateTable(table):
            if state.table is not None:
                raise Inapplicable(f"the table {table.name} exists already")
            return replace(state, table=table)
        case PutView(view):
            return replace(state, views=_with_view(state.views, view))
        case DropView(name):
            if all(view.key != name for view in state.views):
                raise Inapplicable(f"there is no view {name}")
            return replace(state, views=tuple(view for view in state.views if view.key != name))
        case _:
            if state.table is None:
                raise Inapplicable("there is no table yet")
            return replace(state, table=_altered(state.table, change))


def _with_view(views: tuple[View, ...], view: View) -> tuple[View, ...]:
    if any(old.key == view.key for old in views):
        return tuple(view if old.key == view.key else old for old in views)
    return (*views, view)


def _altered(table: Table, change: Change) -> Table:
    match change:
        case AddColumn(column):
            return _longer(table, (column,))
        case DropColumn(name):
            dropped = _present(table, name)
            return table.with_columns(c for c in table.columns if c is not dropped)
        case RenameColumn(name, to):
            if table.find(to) and to.lower() != name.lower():
                raise Inapplicable(f"the column {to} exists already")
            return _replaced(table, name, name=to)
        case SetType(name, new):
            return _replaced(table, name, type=new)
        case SetMode(name, mode):
            return _replaced(table, name, mode=mode)
        case SetDefault(name, default):
            return _replaced(table, name, default=default)
        case SetDescription(path, description):
            return table.with_columns(_at_path(table.columns, path, description=description))
        case SetPolicyTags(path, tags):
            return table.with_columns(_at_path(table.columns, path, policy_tags=tags))
        case Reorder(names):
            return table.with_columns(_present(table, name) for name in names)
        case SetPartitioning(partitioning):
            return replace(table, partitioning=partitioning)
        case SetClustering(columns):
            return replace(table, clustering=columns)
        case SetOption(name, value):
            return replace(table, options=replace(table.options, **{name: value}))  # type: ignore[arg-type]
        case CreateTable() | PutView() | DropView():
            raise AssertionError(change)
        case _:
            assert_never(change)


def _longer(table: Table, columns: Sequence[Column]) -> Table:
    """Thousands at once, without looking through all that were there for each."""
    there = set(table.by_key)
    for column in columns:
        if column.key in there:
            raise Inapplicable(f"the column {column.name} exists already")
        there.add(column.key)
    return table.with_columns((*table.columns, *columns))


def _present(table: Table, name: str) -> Column:
    found = table.find(name)
    if found is None:
        raise Inapplicable(f"there is no column {name}")
    return found


def _replaced(table: Table, name: str, /, **new: object) -> Table:
    old = _present(table, name)
    return table.with_columns(replace(c, **new) if c is old else c for c in table.columns)  # type: ignore[arg-type]


def _at_path(columns: tuple[Column, ...], path: tuple[str, ...], **new: object) -> tuple[Column, ...]:
    """Change the column or STRUCT field that `path` names."""
    head, rest = path[0].lower(), path[1:]
    if all(column.key != head for column in columns):
        raise Inapplicable(f"there is no column or field {path[0]}")
    return tuple(_inside(c, rest, new) if c.key == head else c for c in columns)


def _inside(column: Column, rest: tuple[str, ...], new: dict[str, object]) -> Column:
    if not rest:
        return replace(column, **new)  # type: ignore[arg-type]
    return replace(column, type=replace(column.type, fields=_at_path(column.type.fields, rest, **new)))


def touched(change: Change) -> tuple[str, ...]:
    """Return the names of the top-level columns a change speaks of; () for table options and views."""
    match change:
        case CreateTable(table):
            return tuple(column.name for column in table.columns)
        case AddColumn(column):
            return (column.name,)
        case RenameColumn(name, to):
            return (name, to)
        case DropColumn(name) | SetType(name) | SetMode(name) | SetDefault(name):
            return (name,)
        case SetDescription(path) | SetPolicyTags(path):
            return path[:1]
        case Reorder() | SetPartitioning() | SetClustering() | SetOption() | PutView() | DropView():
            return ()
        case _:
            assert_never(change)
