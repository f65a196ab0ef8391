"""What may be wrong with a record, one class each; `problem` is the sentence about one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from fqtool.records.values import shown
from fqtool.registry.model import BaseColumn


@dataclass(frozen=True, slots=True)
class Unknown:
    """A field that the registry does not declare; `near` is a declared name like it, `live` its column in the table.

    `struct` is the column that the field is within, "" for a field of the record. `counterpart` is the declared name in
    another case that the record has too.
    """

    field: str
    near: str = ""
    live: BaseColumn | None = None
    struct: str = ""
    counterpart: str = ""

    @property
    def problem(self) -> str:
        """The field."""
        return f"{shown(self.field)} is not declared in the registry"


@dataclass(frozen=True, slots=True)
class NotInTable:
    """A declared field that the live table lacks; `is_base` where a plan adds it only with --include-base."""

    field: str
    table: str
    is_base: bool = False

    @property
    def problem(self) -> str:
        """The field and the table."""
        return f"{self.field} is not a column of {self.table}"


@dataclass(frozen=True, slots=True)
class Missing:
    """A required field that is absent, or NULL; `others` are so too in the same records."""

    field: str
    is_null: bool = False
    others: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """The fields."""
        *names, last = (self.field, *self.others)
        listed = f"{', '.join(names)} and {last}" if names else last
        return f"{listed} {'are' if names else 'is'} {'NULL' if self.is_null else 'missing'}"


@dataclass(frozen=True, slots=True)
class Mistyped:
    """A value that the column's type does not accept."""

    field: str
    type: str
    value: str
    live: bool = False

    @property
    def problem(self) -> str:
        """The type and the value's kind."""
        kind = self.type if self.type.startswith("a ") else f"a valid {self.type}"
        return f"{self.field} is not {kind}{' as in the table' if self.live else ''} ({self.value})"


@dataclass(frozen=True, slots=True)
class ArrayAsText:
    """An ARRAY that came as JSON text."""

    field: str
    type: str

    @property
    def problem(self) -> str:
        """The field and its type."""
        return f"{self.field} is text that holds an array, not {self.type}"


@dataclass(frozen=True, slots=True)
class WrongLength:
    """A vector, or the list of its names, of another length than the registry's features."""

    field: str
    length: int
    expected: int

    @property
    def problem(self) -> str:
        """Both lengths."""
        return f"{self.field} has {self.length} value{'' if self.length == 1 else 's'} instead of {self.expected}"


@dataclass(frozen=True, slots=True)
class WrongNames:
    """A list of names in another order than the registry's features, or with other names."""

    field: str
    position: int
    given: str
    expected: str

    @property
    def problem(self) -> str:
        """The first position that differs."""
        return f"{self.field} has {self.given} at position {self.position}, where the registry has {self.expected}"


@dataclass(frozen=True, slots=True)
class RejectedVersion:
    """A version label that readers reject."""

    field: str
    label: str
    accepted: tuple[str, ...]

    @property
    def problem(self) -> str:
        """The label and those that are accepted."""
        return f"{self.field} is {self.label!r}; readers accept {', '.join(map(repr, self.accepted))}"


@dataclass(frozen=True, slots=True)
class UnknownLabel:
    """A source label that the registry does not declare."""

    field: str
    feature: str
    label: str

    @property
    def problem(self) -> str:
        """The label and its feature."""
        return f"{self.field} has the label {self.label!r} for {self.feature}, which is not under sources"


@dataclass(frozen=True, slots=True)
class OtherLabel:
    """A source label that the registry declares, but not for this feature."""

    field: str
    feature: str
    label: str
    labels: tuple[str, ...]

    @property
    def problem(self) -> str:
        """The label, its feature and the feature's labels."""
        listed = ", ".join(map(repr, self.labels))
        return f"{self.field} has the label {self.label!r} for {self.feature}, whose labels are {listed}"


@dataclass(frozen=True, slots=True)
class UnknownPosition:
    """A label or value for a position that has no feature.

    `expected` is the key of the feature with the name `key`, "" where no feature has it; `names` is how many keys of
    the record are names of features.
    """

    field: str
    key: str
    expected: str = ""
    names: int = 0

    @property
    def problem(self) -> str:
        """The position."""
        if self.expected:
            keys = f"{self.names} keys that are names" if self.names > 1 else "a key that is the name"
            of = "features instead of their keys" if self.names > 1 else "a feature instead of its key"
            return f"{self.field} has {keys} of {of}"
        return f"{self.field} has the key {self.key!r}, which is not a feature's"


@dataclass(frozen=True, slots=True)
class Positional:
    """A record without names; its values go by the position of the table's columns."""

    field: str
    length: int
    expected: int

    @property
    def problem(self) -> str:
        """How many values there are, and how many columns."""
        values = f"{self.length} value{'' if self.length == 1 else 's'}"
        return f"The record names no columns: it has {values}, the table {self.expected} columns"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be read at all, and what to do about it."""

    field: str
    why: str
    remedy: str

    @property
    def problem(self) -> str:
        """Why."""
        return self.why


Misfit: TypeAlias = (
    Unknown | NotInTable | Missing | Mistyped | ArrayAsText | WrongLength | WrongNames | RejectedVersion
    | UnknownLabel | OtherLabel | UnknownPosition | Positional | Unreadable
)  # fmt: skip
