"""A query as a value, and the only two functions that quote: `ident` and `literal` (GoogleSQL lexical rules)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from fqtool.errors import InputError

Scalar: TypeAlias = str | int | float | bool | Decimal | date | datetime | None
Value: TypeAlias = Scalar | tuple[Scalar, ...]

TEXT_LIMIT = 1_024_000  # characters of a statement (bigquery.md#limits)
_BETWEEN = "\n"  # between the texts of `distinct_texts`
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Query:
    """A GoogleSQL statement and the values of its `@name` parameters."""

    sql: str
    parameters: tuple[tuple[str, Value], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class WholeTable:
    """All rows of a small table, read without a query job (bigquery.md#reading: tabledata.list is free).

    `types` are the GoogleSQL types of `columns` in table order. With them, the metadata of the table is not requested.
    `added` are the last of `columns`, which a table that an earlier version created may lack: there they are NULL.
    """

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def _escaped(text: str, quote: str) -> str:
    """Escape text for any quoted form of GoogleSQL, in which a newline is an error (bigquery.md#literals)."""
    if text.isascii() and text.isidentifier():
        return text
    if "\0" in text:
        raise InputError(f"The text {text[:40]!r} contains a NUL character, which SQL does not allow.")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise InputError(f"The text {text[:40]!a} contains half of a surrogate pair, which is not a character.")
    pieces = (
        _ESCAPES.get(char) or (f"\\{char}" if char == quote else char if char.isprintable() else _unprintable(char))
        for char in text
    )
    return "".join(pieces)


def _unprintable(char: str) -> str:
    """Write control, bidi and other invisible characters as escapes, so that all SQL is visible."""
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004


def ident(*parts: str) -> str:
    """Quote a name, or a path of names, for GoogleSQL (bigquery.md#names).

    Example: `ident("d", "t")` is "`d`.`t`".

    Raises:
        InputError: A part is empty, or contains a NUL character or a lone surrogate.
    """
    if not all(parts):
        raise InputError("An SQL name must not be empty.")
    return ".".join(f"`{_escaped(part, '`')}`" for part in parts)


def name_sql(name: str) -> str:
    """Return a name as people write it: in backticks only where it needs them."""
    return name if name.isidentifier() and name.isascii() else ident(name)


def literal(value: Value) -> str:
    """Return a Python value as a GoogleSQL literal.

    Example: `literal(date(2026, 2, 6))` is `"DATE '2026-02-06'"`.

    Raises:
        InputError: A text contains a NUL character or a lone surrogate.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return f"'{_escaped(value, chr(39))}'"
        case int():
            return str(value)
        case Decimal():
            return f"NUMERIC '{value}'"
        case float():
            return repr(value) if math.isfinite(value) else f"CAST('{value}' AS FLOAT64)"
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case tuple():
            return f"[{', '.join(literal(item) for item in value)}]"


def distinct_texts(text: str) -> str:
    """Return the aggregate of the distinct values of a text expression, in order, as one text: see `texts_of`."""
    return f"STRING_AGG(DISTINCT {text}, {literal(_BETWEEN)} ORDER BY {text})"


def texts_of(value: Value) -> tuple[str, ...]:
    """Return the texts in a value of `distinct_texts`; () for NULL."""
    return tuple(value.split(_BETWEEN)) if isinstance(value, str) else ()
