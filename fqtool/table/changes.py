"""Change: the closed union of the kinds of difference between two tables, with the behaviour of each kind.

A Change has only what its SQL has, so that parse(render(change)) equals the change. The previous value is in the state
that it is applied to. `diff` returns every difference, legal or not; `refusal` gives BigQuery's reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias, final

from fqtool.table.change import NO_REVERSE, ChangeBase, ColumnChange, FieldChange, NoSqlChange, TableChange
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import (
    AddForeignKey,
    DropForeignKey,
    SetOption,
    SetPrimaryKey,
    SetProperty,
    key_refusal,
)
from fqtool.table.change_rebuild import RebuildChange
from fqtool.table.change_views import DropView, PutView
from fqtool.table.column import Column, Mode, Type, is_widening
from fqtool.table.model import Inapplicable, Partitioning, State, Table
from fqtool.table.properties import TABLE_PROPERTIES, creatable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TIME_TRAVEL = "on BigQuery for 2 to 7 days, with FOR SYSTEM_TIME AS OF a time before the change"


@final
@dataclass(frozen=True, slots=True)
class CreateTable(ChangeBase):
    """The table with all its columns, layout and options."""

    table: Table
    order = 0
    happened = "table {0.table.name} was created"
    reason = "create {0.table.name} with {0.count} columns"
    noun = "column"

    @property
    def touched(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.columns)

    @property
    def object_name(self) -> str:
        return self.table.name

    @property
    def count(self) -> int:
        return len(self.table.columns)

    def apply(self, state: State) -> State:
        if state.is_beside(self.table.name) and not state.find_beside(self.table.name):
            return replace(state, beside=(*state.beside, self.table))
        if state.table is not None:
            raise Inapplicable(f"the table {self.table.name} exists already")
        return replace(state, table=self.table)

    def refusal(self, before: State) -> str:
        count = Counter(column.key for column in self.table.columns)
        twice = [column.name for column in self.table.columns if count[column.key] > 1]
        if twice or not count:
            return f"the column {twice[0]} occurs twice" if twice else "a table needs a column"
        return key_refusal(self.table, self.table.primary_key)

    def planned(self) -> tuple[Change, ...]:
        """Create the table without what only others write: access control, and settings that are newer than fqtool."""
        known = tuple((name, text) for name, text in self.table.properties if name in TABLE_PROPERTIES)
        table = self.table.with_columns(map(creatable, self.table.columns))
        return (CreateTable(replace(table, properties=known)),)

    def reverse(self, before: State) -> str:
        return f"irreversible by fqtool, which never drops a table; drop {self.table.name} by hand if it is empty"

    def holds(self, state: State) -> bool:
        there = state.find_beside(self.table.name) if state.is_beside(self.table.name) else state.table
        pairs = ((there.find(column.name), column) for column in self.table.columns) if there else ()
        return there is not None and all(live is not None and live.shape == column.shape for live, column in pairs)


@final
@dataclass(frozen=True, slots=True)
class AddColumn(TableChange):
    """A new column at the end (bigquery.md#adding)."""

    column: Column
    order, shared, verb = 2, True, "add"
    happened = "column {0.column.name} was added as {0.column.sql_type}{0.column.not_null}"
    reason = "the registry has {0.column.name}, the table does not"
    reasons = "the registry has {1} columns that the table does not have"
    noun = "added column"

    @property
    def touched(self) -> tuple[str, ...]:
        return (self.column.name,)

    def altered(self, table: Table) -> Table:
        return table.longer([self.column])

    def refusal(self, before: State) -> str:
        name = self.column.name
        if self.column.mode is Mode.REQUIRED:
            return f"cannot add required fields to an existing schema. (field: {name})"
        if self.column.default is not None:
            return f"add field with default value to an existing table schema is not supported. (field: {name})"
        return ""

    def reverse(self, before: State) -> DropColumn:
        return DropColumn(self.column.name)

    def planned(self) -> tuple[Change, ...]:
        """Add the default in a second statement: ADD COLUMN allows no DEFAULT on a table (bigquery.md#adding)."""
        added = AddColumn(replace(creatable(self.column), default=None))
        return (added,) if self.column.default is None else (added, SetDefault(self.column.name, self.column.default))

    def holds(self, state: State) -> bool:
        live = state.column(self.column.name)
        return live is not None and (live.shape, live.description) == (self.column.shape, self.column.description)


@final
@dataclass(frozen=True, slots=True)
class DropColumn(ColumnChange):
    """A column and its data are dropped (bigquery.md#dropping)."""

    order, shared, verb = 9, True, "drop"
    happened = "column {0.name} was dropped"
    reason = reasons = "the registry has `dropped: true`"
    noun = "dropped column"

    def altered(self, table: Table) -> Table:
        dropped = table.present(self.name)
        return table.with_columns(column for column in table.columns if column is not dropped)

    def refusal(self, before: State) -> str:
        only = before.table is not None and len(before.table.columns) == 1
        return self.layout_refusal(before) or (f"{self.name} is the only column" if only else "")

    def reverse(self, before: State) -> str:
        return f"irreversible because the values are deleted; read them {_TIME_TRAVEL}"

    def holds(self, state: State) -> bool:
        return state.table is not None and state.column(self.name) is None


@final
@dataclass(frozen=True, slots=True)
class RenameColumn(ColumnChange):
    """A column keeps its data under another name (bigquery.md#renaming)."""

    to: str
    order, shared, verb = 1, True, "rename"
    happened = "column {0.name} was renamed to {0.to}"
    reason = reasons = "the registry has `renamed_from`"
    noun = "renamed column"

    @property
    def touched(self) -> tuple[str, ...]:
        return self.name, self.to

    def altered(self, table: Table) -> Table:
        if table.find(self.to) and self.to.lower() != self.name.lower():
            raise Inapplicable(f"the column {self.to} exists already")
        return table.with_column(self.name, name=self.to)

    def refusal(self, before: State) -> str:
        return self.layout_refusal(before)

    def reverse(self, before: State) -> RenameColumn:
        return RenameColumn(self.to, self.name)

    def holds(self, state: State) -> bool:
        return state.column(self.name) is None and state.column(self.to) is not None


@final
@dataclass(frozen=True, slots=True)
class SetType(ColumnChange):
    """The type of a column changes (bigquery.md#widening)."""

    type: Type
    order = 3
    happened = "column {0.name} was changed to {0.type}"
    reason = "{0.name} is {0.type} in the registry"
    noun = "type"

    def altered(self, table: Table) -> Table:
        return table.with_column(self.name, type=self.type)

    def refusal(self, before: State) -> str:
        old = before.column(self.name)
        if old is None:
            return ""
        if old.mode is Mode.REPEATED or not is_widening(old.type, self.type.shape):
            return f"{self.name} is {old.sql_type} and cannot become {self.type}"
        return f"{self.name} has policy tags or properties inside the STRUCT" if old.type.is_governed else ""

    def reverse(self, before: State) -> str:
        return f"irreversible because BigQuery only widens types; read the old {self.name} {_TIME_TRAVEL}"

    def planned(self) -> tuple[Change, ...]:
        """Describe the fields of a STRUCT again: SET DATA TYPE has no descriptions (bigquery.md#widening)."""
        described = (SetDescription((self.name, *path), text) for path, text in self.type.descriptions)
        return SetType(self.name, self.type.undescribed), *described

    def holds(self, state: State) -> bool:
        live = state.column(self.name)
        return live is not None and live.type.shape == self.type.shape


@final
@dataclass(frozen=True, slots=True)
class SetMode(ColumnChange):
    """The mode of a column changes; BigQuery allows only REQUIRED to NULLABLE (bigquery.md#modes)."""

    mode: Mode
    order = 4
    happened = "column {0.name} was changed to {0.mode}"
    reason = "{0.name} is {0.mode} in the registry"
    noun = "mode"

    def altered(self, table: Table) -> Table:
        return table.with_column(self.name, mode=self.mode)

    def refusal(self, before: State) -> str:
        old = before.column(self.name)
        if old is None or (old.mode, self.mode) == (Mode.REQUIRED, Mode.NULLABLE):
            return ""
        return f"{self.name} is {old.mode} and cannot become {self.mode}"

    def reverse(self, before: State) -> str:
        return f"irreversible because BigQuery cannot make {self.name} REQUIRED again"


@final
@dataclass(frozen=True, slots=True)
class SetDefault(ColumnChange):
    """The default expression of a column for future inserts; None drops it (bigquery.md#adding)."""

    noun = "default"

    default: str | None
    order, outside_baseline = 5, True
    reason = "the default of {0.name} differs from the registry"

    @property
    def happened(self) -> str:
        if self.default:
            return "the default of column {0.name} was changed to {0.default}"
        return "the default of column {0.name} was dropped"

    def altered(self, table: Table) -> Table:
        return table.with_column(self.name, default=self.default)

    def refusal(self, before: State) -> str:
        old = before.column(self.name)
        return f"{self.name} has no default to drop" if self.default is None and old and old.default is None else ""

    def reverse(self, before: State) -> SetDefault | str:
        old = before.column(self.name)
        return SetDefault(self.name, old.default) if old else NO_REVERSE


@final
@dataclass(frozen=True, slots=True)
class SetDescription(FieldChange):
    """The description of a column; `path` has several names for a field of a STRUCT (bigquery.md#descriptions)."""

    description: str
    order, outside_baseline = 6, True
    happened = "the description of {0.dotted} was changed"
    reason = "the description of {0.dotted} differs from the registry"
    reasons = "the descriptions of {1} fields differ from the registry"
    noun = "description"

    @property
    def by_patch(self) -> bool:
        return len(self.path) > 1

    def altered(self, table: Table) -> Table:
        return table.with_field(self.path, description=self.description)

    def refusal(self, before: State) -> str:
        return ""

    def reverse(self, before: State) -> SetDescription | str:
        old = before.column(self.path[0]) if len(self.path) == 1 else None
        return SetDescription(self.path, old.description) if old else NO_REVERSE


@final
@dataclass(frozen=True, slots=True)
class Reorder(NoSqlChange):
    """The order of the columns changes; BigQuery cannot reorder, and no query depends on it (bigquery.md#order)."""

    names: tuple[str, ...]
    happened = "the order of the columns was changed"
    noun = "column order"

    def altered(self, table: Table) -> Table:
        return table.with_columns(table.present(name) for name in self.names)

    def planned(self) -> tuple[Change, ...]:
        return ()


@final
@dataclass(frozen=True, slots=True)
class SetPartitioning(NoSqlChange):
    """The partitioning changes, which requires a rebuilt table (bigquery.md#options)."""

    partitioning: Partitioning | None
    noun = "partitioning"

    @property
    def happened(self) -> str:
        return f"partitioning was changed to {'{0.partitioning.column}' if self.partitioning else 'none'}"

    def altered(self, table: Table) -> Table:
        return replace(table, partitioning=self.partitioning)


@final
@dataclass(frozen=True, slots=True)
class SetClustering(NoSqlChange):
    """The clustering changes: BigQuery has no DDL for it, only `bq update --clustering_fields`."""

    columns: tuple[str, ...]
    happened = "clustering was changed to {0.names}"
    noun = "clustering"

    @property
    def names(self) -> str:
        """The columns as a list in a sentence."""
        return ", ".join(self.columns) or "none"

    def altered(self, table: Table) -> Table:
        return replace(table, clustering=self.columns)


Change: TypeAlias = (
    CreateTable
    | AddColumn
    | AddField
    | DropColumn
    | RenameColumn
    | SetType
    | SetMode
    | SetDefault
    | SetDescription
    | SetProperty
    | Reorder
    | SetPartitioning
    | SetClustering
    | SetOption
    | SetPrimaryKey
    | AddForeignKey
    | DropForeignKey
    | PutView
    | DropView
    | RebuildChange
)


def fold(state: State, changes: Iterable[Change]) -> State:
    """Apply changes one after another.

    Args:
        state: The state before the changes.
        changes: The changes, in order.

    Returns:
        The state after the changes.

    Raises:
        Inapplicable: A change does not fit the state; the message has the column and the reason.
    """
    for step in steps(changes):
        columns = [change.column for change in step if isinstance(change, AddColumn)]
        if columns and state.table is not None:
            state = replace(state, table=state.table.longer(columns))
        else:
            state = step[0].apply(state)
    return state


def steps(changes: Iterable[Change]) -> Iterator[tuple[Change, ...]]:
    """Yield the changes one by one, except added columns in one group: there may be thousands of them."""
    for kind, group in groupby(changes, type):
        together = tuple(group)
        yield from [together] if kind is AddColumn else ((change,) for change in together)
