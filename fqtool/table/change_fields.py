"""New fields at the end of the STRUCTs of a column, which BigQuery adds in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from fqtool.table.change import FieldChange
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.model import Inapplicable, State, Table


@final
@dataclass(frozen=True, slots=True)
class AddField(FieldChange):
    """A new field at the end of the STRUCT at `path`, which may be the element of an ARRAY (bigquery.md#adding)."""

    column: Column
    order, by_patch, verb = 2, True, "add"
    happened = "field {0.full_name} was added as {0.column.sql_type}{0.column.not_null}"
    reason = "the registry has {0.full_name}, the table does not"
    reasons = "the registry has {1} fields that the table does not have"
    noun = "added field"

    @property
    def full_name(self) -> str:
        """The path of the new field as SQL writes it."""
        return f"{self.dotted}.{self.column.name}"

    @property
    def identity(self) -> tuple[str, ...]:
        return (*(name.lower() for name in self.path), self.column.key)

    def altered(self, table: Table) -> Table:
        struct = table.present_field(self.path)
        if self.column.key in (field.key for field in struct.type.fields):
            raise Inapplicable(f"the field {self.full_name} exists already")
        return table.with_field(self.path, type=replace(struct.type, fields=(*struct.type.fields, self.column)))

    def refusal(self, before: State) -> str:
        if self.column.mode is Mode.REQUIRED:
            return f"cannot add required fields to an existing schema. (field: {self.full_name})"
        struct = before.table and before.table.find_field(self.path)
        return f"{self.dotted} is not a STRUCT" if struct and struct.type.kind is not Kind.STRUCT else ""

    def reverse(self, before: State) -> str:
        return "irreversible because BigQuery does not drop fields of a STRUCT"

    def holds(self, state: State) -> bool:
        live = state.table.find_field((*self.path, self.column.name)) if state.table else None
        return live is not None and (live.shape, live.description) == (self.column.shape, self.column.description)


def new_fields(old: Column, new: Column, path: tuple[str, ...] = ()) -> Iterator[AddField]:
    """Yield the fields that the STRUCTs of `new` have after those of `old`, inner fields first.

    Args:
        old: The column or field before.
        new: The column or field after.
        path: The path of the STRUCT around it.
    """
    if _continues(old, new):
        here = (*path, old.name)
        for inner, other in zip(old.type.fields, new.type.fields, strict=False):
            yield from new_fields(inner, other, here)
        yield from (AddField(here, field) for field in new.type.fields[len(old.type.fields) :])


def with_new_fields(old: Column, new: Column) -> Column:
    """Return `old` with its `new_fields`."""
    if not _continues(old, new):
        return old
    kept = map(with_new_fields, old.type.fields, new.type.fields)
    return replace(old, type=replace(old.type, fields=(*kept, *new.type.fields[len(old.type.fields) :])))


def _continues(old: Column, new: Column) -> bool:
    """Whether both are STRUCTs, and the first fields of `new` have the names of those of `old`."""
    if not old.type.kind is new.type.kind is Kind.STRUCT:
        return False
    names = [field.key for field in old.type.fields]
    return names == [field.key for field in new.type.fields[: len(names)]]
