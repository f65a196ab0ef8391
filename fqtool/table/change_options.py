"""Changes of table options, of properties of columns, and of the primary key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from fqtool.table.change import NO_REVERSE, FieldChange, NoSqlChange, TableChange
from fqtool.table.column import Kind, Mode
from fqtool.table.model import Inapplicable, State, Table, key_parts
from fqtool.table.properties import (
    COLUMN_PROPERTIES,
    TABLE_PROPERTIES,
    column_values,
    table_values,
    with_value,
    with_values,
)
from fqtool.table.property import OptionValue, Written

if TYPE_CHECKING:
    from fqtool.table.changes import Change

_KEY_LIMIT = 16
_KEY_KINDS = frozenset(
    {Kind.BIGNUMERIC, Kind.BOOL, Kind.DATE, Kind.DATETIME, Kind.INT64, Kind.NUMERIC, Kind.STRING, Kind.TIMESTAMP}
)


@final
@dataclass(frozen=True, slots=True)
class SetOption(TableChange):
    """One property of a table, by the name of its row in `TABLE_PROPERTIES` (bigquery.md#options)."""

    name: str
    value: OptionValue
    happened = "option {0.name} was changed to {0.value!r}"
    reason = reasons = "table options differ from the registry"
    noun = "option"

    @property
    def order(self) -> int:
        return 7 if self.shared else 8

    @property
    def shared(self) -> bool:
        return self.name in TABLE_PROPERTIES and TABLE_PROPERTIES[self.name].written is Written.OPTIONS

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.name,)

    def altered(self, table: Table) -> Table:
        return with_values(table, {self.name: self.value})

    def refusal(self, before: State) -> str:
        unpartitioned = before.table is not None and before.table.partitioning is None
        refused = self.name == "partition_expiration_days" and unpartitioned
        return "only a partitioned table can have partitions that expire" if refused else ""

    def planned(self) -> tuple[Change, ...]:
        """Leave out a property that this version does not know: no statement is known to write it."""
        return (self,) if self.name in TABLE_PROPERTIES else ()

    def reverse(self, before: State) -> SetOption | str:
        return SetOption(self.name, table_values(before.table).get(self.name, "")) if before.table else NO_REVERSE


@final
@dataclass(frozen=True, slots=True)
class SetProperty(FieldChange):
    """One property of a column or field, by its row in `COLUMN_PROPERTIES`; "" unsets it (bigquery.md#descriptions)."""

    name: str
    value: str
    outside_baseline = True
    happened = "{0.name} of {0.dotted} was changed to {0.words}"
    reason = "{0.name} of {0.dotted} differs from the registry"
    noun = "property"

    @property
    def order(self) -> int:
        return 6 if self.writable else 8

    @property
    def words(self) -> str:
        """The value in a sentence."""
        return self.value or "none"

    @property
    def writable(self) -> bool:
        """Whether a statement or a patch changes it on an existing column."""
        return self.name in COLUMN_PROPERTIES and COLUMN_PROPERTIES[self.name].written is Written.OPTIONS

    @property
    def by_patch(self) -> bool:
        return self.writable and len(self.path) > 1

    @property
    def identity(self) -> tuple[str, ...]:
        return (*(name.lower() for name in self.path), self.name)

    def altered(self, table: Table) -> Table:
        made = with_value(table.present_field(self.path), self.name, self.value)
        return table.with_field(self.path, default=made.default, properties=made.properties)

    def refusal(self, before: State) -> str:
        return "" if self.writable else "BigQuery has no SQL statement for it"

    def planned(self) -> tuple[Change, ...]:
        """Leave out what no statement writes: check-drift reports it, and it does not stop a plan."""
        return (self,) if self.writable else ()

    def reverse(self, before: State) -> SetProperty | str:
        old = before.table.find_field(self.path) if before.table and not self.by_patch else None
        if old is None:
            return NO_REVERSE
        return SetProperty(self.path, self.name, column_values(old, nested=False).get(self.name, ""))


@final
@dataclass(frozen=True, slots=True)
class SetPrimaryKey(TableChange):
    """The primary key, which BigQuery does not enforce; () drops it (bigquery.md#keys)."""

    columns: tuple[str, ...]
    order = 8
    reason = reasons = "the primary key differs from the registry"
    noun = "primary key"

    @property
    def happened(self) -> str:
        return "the primary key was set to {0.names}" if self.columns else "the primary key was dropped"

    @property
    def names(self) -> str:
        """The columns as a list in a sentence."""
        return ", ".join(self.columns) or "none"

    def altered(self, table: Table) -> Table:
        if self.columns and table.primary_key:
            raise Inapplicable("the table has a primary key already")
        for name in self.columns:
            table.present(name)
        return replace(table, primary_key=self.columns)

    def refusal(self, before: State) -> str:
        if before.table is None:
            return ""
        if not self.columns:
            return "" if before.table.primary_key else "the table has no primary key to drop"
        return key_refusal(before.table, self.columns)

    def holds(self, state: State) -> bool:
        there = state.table.primary_key if state.table else ()
        return [name.lower() for name in there] == [name.lower() for name in self.columns]

    def reverse(self, before: State) -> SetPrimaryKey | str:
        return SetPrimaryKey(before.table.primary_key) if before.table else NO_REVERSE


@final
@dataclass(frozen=True, slots=True)
class AddForeignKey(TableChange):
    """A foreign key, as text like that of `Table.foreign_keys`; BigQuery does not enforce it (bigquery.md#keys)."""

    key: str
    order = 8
    happened = "{0.key} was added"
    reason = "the registry has a foreign key that the table does not have"
    noun = "foreign key"

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.key.lower(),)

    def altered(self, table: Table) -> Table:
        if self.key.lower() in map(str.lower, table.foreign_keys):
            raise Inapplicable(f"{self.key} exists already")
        return replace(table, foreign_keys=(*table.foreign_keys, self.key))

    def refusal(self, before: State) -> str:
        columns, _, _ = key_parts(self.key)
        absent = [name for name in columns if before.table and not before.table.find(name)]
        return f"the column {absent[0]} does not exist" if absent else ""

    def reverse(self, before: State) -> str:
        return "irreversible by fqtool because BigQuery names the constraint: ALTER TABLE ... DROP CONSTRAINT by hand"

    def holds(self, state: State) -> bool:
        return state.table is not None and self.key.lower() in map(str.lower, state.table.foreign_keys)


@final
@dataclass(frozen=True, slots=True)
class DropForeignKey(NoSqlChange):
    """A foreign key that the registry does not have. Only its name, which tables.get gives, can drop it."""

    key: str
    happened = "{0.key} was dropped"
    noun = "dropped foreign key"

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.key.lower(),)

    def altered(self, table: Table) -> Table:
        return replace(table, foreign_keys=tuple(key for key in table.foreign_keys if key.lower() != self.key.lower()))

    def planned(self) -> tuple[Change, ...]:
        """Leave it out: check-drift reports it, and it does not stop a plan."""
        return ()


def key_refusal(table: Table, names: tuple[str, ...]) -> str:
    """Return why BigQuery refuses columns as a primary key, or "" (bigquery.md#keys)."""
    if len(names) > _KEY_LIMIT:
        return f"a primary key has at most {_KEY_LIMIT} columns"
    for name in names:
        column = table.find(name)
        if column and (column.mode is Mode.REPEATED or column.type.kind not in _KEY_KINDS):
            return f"{name} is {column.sql_type}, which cannot be in a primary key"
        if column and column.default is not None:
            return f"{name} has a default, which a column of a primary key cannot have"
    return ""
