"""The interface of every kind of change: place in a plan, texts, effect on a table, refusal by BigQuery, reverse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from fqtool.table.model import Inapplicable, State, Table

if TYPE_CHECKING:
    from fqtool.table.changes import Change

NO_REVERSE = "irreversible because no statement reverts it"


class ChangeBase(ABC):
    """A kind of change. Class attributes with text are templates for str.format, in which {0} is the change."""

    __slots__ = ()
    outside_baseline: ClassVar[bool] = False
    """Whether drift ignores the change in base columns, because the baseline does not record it."""
    verb: ClassVar[str] = "change"
    """First word of the name of a migration file with this change."""
    of_rows: ClassVar[bool] = False
    """Whether it concerns rows, so that the columns do not show whether it was made."""
    reasons: ClassVar[str] = "the table differs from the registry"
    """Purpose of a statement with several changes; {1} is their count."""

    @property
    @abstractmethod
    def order(self) -> int:
        """Place in a plan: create, rename, add, widen, relax, default, describe, options, no SQL, drop, views."""

    @property
    @abstractmethod
    def happened(self) -> str:
        """Template of the clause for an applied change, e.g. "column a was added as STRING"."""

    @property
    @abstractmethod
    def noun(self) -> str:
        """What a check after the change counts, in the singular, e.g. "added column"."""

    @property
    def shared(self) -> bool:
        """Whether one statement can make several: ADD, DROP, RENAME, options (bigquery.md#adding), or one patch."""
        return self.by_patch

    @property
    def by_patch(self) -> bool:
        """Whether tables.patch makes it, because BigQuery has no statement for it (bigquery.md#adding)."""
        return False

    @property
    def reason(self) -> str:
        """Purpose of a statement with only this change."""
        return self.reasons

    @property
    def touched(self) -> tuple[str, ...]:
        """Names of the top-level columns that it changes; () for table options and views."""
        return ()

    @property
    def identity(self) -> tuple[str, ...]:
        """Key of what it changes, without the value: equal for two changes of one kind to the same object."""
        return tuple(name.lower() for name in self.touched)

    @property
    def object_name(self) -> str | None:
        """Name of the table or view that it creates, replaces or drops; None if it alters a table."""
        return None

    @property
    def count(self) -> int:
        """Number of items that a check after the change compares with the table."""
        return 1

    @abstractmethod
    def apply(self, state: State) -> State:
        """Return the state after the change.

        Raises:
            Inapplicable: Its column is absent, or exists already.
        """

    @abstractmethod
    def refusal(self, before: State) -> str:
        """Return why BigQuery rejects the change to the state `before`, or "" if it is legal."""

    @abstractmethod
    def reverse(self, before: State) -> Change | str:
        """Return the change that reverts it to `before`, or a clause that starts with "irreversible"."""

    def planned(self) -> tuple[Change | Self, ...]:
        """Return the changes that a plan has for it, each in its own statement; () to leave it out."""
        return (self,)

    def holds(self, state: State) -> bool | None:  # noqa: B027  None is an answer
        """Return whether the state already has the change; None: compare the state with the change applied."""

    def describe(self) -> str:
        """Return the clause for the applied change, e.g. "column a was added as STRING"."""
        return self.happened.format(self)


class TableChange(ChangeBase):
    """A change of an existing table."""

    __slots__ = ()

    @abstractmethod
    def altered(self, table: Table) -> Table:
        """Return the table after the change. Raises Inapplicable."""

    def apply(self, state: State) -> State:
        if state.table is None:
            raise Inapplicable("the table does not exist")
        return replace(state, table=self.altered(state.table))


@dataclass(frozen=True, slots=True)
class ColumnChange(TableChange):
    """A change of one column of a table."""

    name: str

    @property
    def touched(self) -> tuple[str, ...]:
        return (self.name,)

    def layout_refusal(self, before: State) -> str:
        """Return why a partition, clustering or key column cannot be dropped or renamed; "" for other columns."""
        if before.table is None:
            return ""
        if self.name.lower() in before.table.layout:
            return f"{self.name} is a partition or clustering column"
        return f"{self.name} is a column of a key" if self.name.lower() in before.table.constrained else ""


@dataclass(frozen=True, slots=True)
class FieldChange(TableChange):
    """A change of a column, or of the STRUCT field at `path`."""

    path: tuple[str, ...]

    @property
    def dotted(self) -> str:
        """The path as SQL writes it."""
        return ".".join(self.path)

    @property
    def touched(self) -> tuple[str, ...]:
        return self.path[:1]

    @property
    def identity(self) -> tuple[str, ...]:
        return tuple(name.lower() for name in self.path)


class NoSqlChange(TableChange):
    """A change of a table for which BigQuery has no SQL."""

    __slots__ = ()
    order = 8

    def refusal(self, before: State) -> str:
        return "BigQuery has no SQL statement for it"

    def reverse(self, before: State) -> Change | str:
        return NO_REVERSE


class ViewChange(ChangeBase):
    """A change of a view, which holds no data."""

    __slots__ = ()
    order = 10

    @property
    def identity(self) -> tuple[str, ...]:
        return (str(self.object_name),)

    def refusal(self, before: State) -> str:
        return ""
