"""What a property of BigQuery is: its place in the API, the form of its value, and what writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from fqtool.sql import literal
from fqtool.table.column import Kind
from fqtool.table.spellings import EPOCH, interval, is_interval, moment, rfc_3339

OptionValue = str | float | bool | tuple[tuple[str, str], ...] | None
DAY_MS = 86_400_000  # milliseconds


class Form(Enum):
    """How a value is spelled. NAMES and TAGS are one text here: `a, b` and `key=value, key=value`."""

    TEXT = auto()
    WORD = auto()
    """TRUE or FALSE as text."""
    NAMES = auto()
    TAGS = auto()
    INTERVAL = auto()
    """Text as the API writes it, e.g. 0-0 0 4:0:0."""
    BOOL = auto()
    DAYS = auto()
    """A number of days here and in DDL, milliseconds in the API."""
    MOMENT = auto()
    """RFC 3339 here, milliseconds since 1970 in the API."""
    LABELS = auto()


class Written(Enum):
    """What writes a property."""

    OPTIONS = auto()
    """OPTIONS of CREATE, and SET OPTIONS of ALTER."""
    CLAUSE = auto()
    """A clause of CREATE, and a clause of ALTER."""
    CREATION = auto()
    """A clause of CREATE TABLE and ADD COLUMN only: BigQuery does not change it later."""
    OWNER = auto()
    """The data owner, with `bq update`: access control is not a migration."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property.

    Args:
        path: The keys to it in the resource of tables.get; () if tables.get does not report it.
        form: How its value is spelled.
        each: The key of the name in each entry of a list of the API.
        sql: Its name in OPTIONS and in the registry, if that is not the name of the row.
        written: What writes it.
        dataset: The key of a dataset's resource with the default of new tables.
        fixed: Why it does not change later, and what to do instead.
        values: The values that BigQuery has; () for any.
        kinds: The types of the columns that may have it; () for any.
    """

    path: tuple[str, ...] = ()
    form: Form = Form.TEXT
    each: str = ""
    sql: str = ""
    written: Written = Written.OPTIONS
    dataset: str = ""
    fixed: str = ""
    values: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()

    @property
    def unset(self) -> OptionValue:
        """The value of a property that is not set."""
        match self.form:
            case Form.BOOL:
                return False
            case Form.DAYS | Form.MOMENT:
                return None
            case Form.LABELS:
                return ()
            case _:
                return ""

    def raw(self, resource: Mapping[str, Any]) -> Any:
        """Return the value in a resource as the API has it; None if it is absent."""
        value: Any = resource if self.path else None
        for key in self.path:
            value = (value or {}).get(key)
        return value

    def read(self, resource: Mapping[str, Any]) -> Any:
        """Return the value in a resource; the value of an unset property if it is absent.

        Raises:
            TypeError, ValueError, KeyError: The resource is malformed.
        """
        value = self.raw(resource)
        match self.form:
            case Form.BOOL:
                return bool(value)
            case Form.DAYS:
                return int(value) / DAY_MS if value else None
            case Form.MOMENT:
                return rfc_3339(int(value)) if value else None
            case Form.LABELS:
                return tuple(sorted((value or {}).items()))
            case Form.INTERVAL:
                value = interval(value) if value else ""
            case Form.TAGS:
                value = ", ".join(f"{key}={text}" for key, text in sorted((value or {}).items()))
            case Form.NAMES:
                value = ", ".join(entry[self.each] if self.each else entry for entry in value or ())
        if not isinstance(value, str | None):
            raise TypeError(self.path)
        return value or ""

    def write(self, value: Any, resource: dict[str, Any]) -> None:
        """Write a value into a resource."""
        match self.form:
            case Form.DAYS:
                value = str(round(value * DAY_MS))
            case Form.MOMENT:
                value = str(round((datetime.fromisoformat(value) - EPOCH) / timedelta(milliseconds=1)))
            case Form.LABELS:
                value = dict(value)
            case Form.TAGS:
                value = dict(part.split("=", 1) for part in value.split(", "))
            case Form.NAMES:
                value = [{self.each: part} if self.each else part for part in value.split(", ")]
        for key in self.path[:-1]:
            resource = resource.setdefault(key, {})
        resource[self.path[-1]] = value

    def literal(self, value: OptionValue) -> str:
        """Return a value as GoogleSQL; NULL for an unset one."""
        match self.form, value:
            case _, None | "" | ():
                return "NULL"
            case Form.MOMENT, str():
                return f"TIMESTAMP {literal(value)}"
            case Form.LABELS, tuple():
                return _pairs(value)
            case Form.TAGS, str():
                return _pairs(tuple(_pair(part) for part in value.split(", ")))
            case Form.NAMES, str():
                return f"[{', '.join(map(literal, value.split(', ')))}]"
            case Form.INTERVAL, str():
                return f"INTERVAL {literal(value)} YEAR TO SECOND"
            case Form.WORD, str():
                return value
            case _, str() | bool() | int() | float():
                return literal(value)
            case _:
                raise ValueError(f"invalid value of an option: {value!r}")

    def refusal(self, value: Any, kind: Kind | None = None) -> str:
        """Return why BigQuery refuses a value, as a predicate about the property; "" if it accepts it.

        Args:
            value: The value in the spelling of `read`.
            kind: The type of the column; None for a table.
        """
        if value == self.unset:
            return ""
        if self.kinds and kind not in self.kinds:
            return f"is only for {' and '.join(self.kinds)}, not for {kind}"
        if self.values and value not in self.values:
            return f"is {value!r}; BigQuery has only {' and '.join(map(repr, self.values))}"
        if self.form is Form.INTERVAL and not is_interval(value):
            return f"is {value!r}, not an INTERVAL such as INTERVAL 4 HOUR"
        if self.form is Form.MOMENT and moment(value) is None:
            return f"is {value!r}, not a time such as 2030-01-01T00:00:00Z"
        return ""

    def declared(self, value: Any) -> Any:
        """Return the value of a registry in the spelling of `read`. An empty value means that it must not be set."""
        match self.form:
            case Form.WORD:
                return str(value).upper()
            case Form.NAMES:
                return ", ".join(value)
            case Form.TAGS:
                return ", ".join(sorted(map("=".join, value)))
            case Form.INTERVAL:
                return interval(value)
            case Form.MOMENT:
                return (moment(value) or value) if value else None
            case _:
                return value

    def in_registry(self, value: Any) -> object:
        """Return a value of `read` as a registry declares it: the inverse of `declared`."""
        match self.form:
            case Form.WORD:
                return value == "TRUE"
            case Form.NAMES:
                return tuple(value.split(", "))
            case Form.TAGS:
                return tuple(map(_pair, value.split(", ")))
            case _:
                return value


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return "[" + ", ".join(f"({literal(key)}, {literal(text)})" for key, text in pairs) + "]"
