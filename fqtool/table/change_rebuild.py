"""Changes of a rebuild: the rows of a table are copied into a new table, compared, and the names are swapped.

The new table and the old one are tables beside the managed one (`State.beside`). `CreateTable` with another name
creates a table beside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias, final

from fqtool.table.change import ChangeBase
from fqtool.table.model import Inapplicable, State

if TYPE_CHECKING:
    from fqtool.table.changes import Change


@dataclass(frozen=True, slots=True)
class RowsChange(ChangeBase):
    """A statement of a rebuild about rows. It changes no columns, so the table does not show whether it ran.

    Attributes:
        source: the table with the rows.
        target: the new table.
        columns: the columns of the new table that have values, each with its GoogleSQL over the source.
        source_filter: a condition that every row of the source meets, where it requires a partition filter; else "".
        target_filter: the same of the new table.
    """

    source: str
    target: str
    columns: tuple[tuple[str, str], ...]
    source_filter: str = ""
    target_filter: str = ""
    order: ClassVar[int] = 0
    of_rows: ClassVar[bool] = True

    @property
    def object_name(self) -> str:
        return self.target

    @property
    def identity(self) -> tuple[str, ...]:
        return self.source, self.target

    def apply(self, state: State) -> State:
        if state.table is None or state.table.name != self.source:
            raise Inapplicable(f"the table {self.source} does not exist")
        if state.find_beside(self.target) is None:
            raise Inapplicable(f"the table {self.target} does not exist")
        return state

    def refusal(self, before: State) -> str:
        return ""

    def reverse(self, before: State) -> str:
        return f"irreversible, and not needed: {self.source} is not changed; drop {self.target} by hand"

    def holds(self, state: State) -> bool:
        return True


@final
@dataclass(frozen=True, slots=True)
class CopyRows(RowsChange):
    """All rows of the new table are replaced by those of the old one."""

    happened: ClassVar[str] = "the rows of {0.source} were copied to {0.target}"
    reasons: ClassVar[str] = "copy all rows of {0.source}; a repetition replaces the copy"
    noun: ClassVar[str] = "copy of rows"


@final
@dataclass(frozen=True, slots=True)
class VerifyCopy(RowsChange):
    """The number of rows and a checksum of all values are compared between both tables."""

    happened: ClassVar[str] = "{0.target} was found to have the rows of {0.source}"
    reasons: ClassVar[str] = (
        "the copy has as many rows as {0.source}, with the same{0.converted} values; else this statement fails"
    )
    noun: ClassVar[str] = "comparison of rows"

    @property
    def converted(self) -> str:
        """The word for values of columns with another type."""
        return " converted" if any(sql.startswith("CAST(") for _, sql in self.columns) else ""


@final
@dataclass(frozen=True, slots=True)
class RenameTable(ChangeBase):
    """A table gets another name: the managed one becomes a table beside, or the reverse."""

    name: str
    to: str
    order: ClassVar[int] = 0
    happened: ClassVar[str] = "table {0.name} was renamed to {0.to}"
    reasons: ClassVar[str] = "swap: {0.name} becomes {0.to}"
    noun: ClassVar[str] = "renamed table"

    @property
    def object_name(self) -> str:
        return self.name

    @property
    def identity(self) -> tuple[str, ...]:
        return self.name, self.to

    def apply(self, state: State) -> State:
        if state.find_beside(self.to) or (state.table and state.table.name == self.to):
            raise Inapplicable(f"the table {self.to} exists already")
        if state.table and state.table.name == self.name:
            return replace(state, table=None, beside=(*state.beside, replace(state.table, name=self.to)))
        table = state.find_beside(self.name)
        if table is None:
            raise Inapplicable(f"the table {self.name} does not exist")
        others, renamed = tuple(one for one in state.beside if one is not table), replace(table, name=self.to)
        if state.table is None:
            return replace(state, table=renamed, beside=others)
        return replace(state, beside=(*others, renamed))

    def refusal(self, before: State) -> str:
        return ""

    def reverse(self, before: State) -> Change:
        return RenameTable(self.to, self.name)

    def holds(self, state: State) -> bool:
        is_managed = state.table is not None and state.table.name == self.to
        return state.find_beside(self.to) is not None or (is_managed and state.find_beside(self.name) is None)


RebuildChange: TypeAlias = CopyRows | VerifyCopy | RenameTable
