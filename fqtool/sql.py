"""Query as a value, and the only two places that quote: `ident` and `literal` (GoogleSQL lexical rules)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from fqtool.errors import InputError

Scalar: TypeAlias = str | int | float | bool | Decimal | date | datetime | None
Value: TypeAlias = Scalar | tuple[Scalar, ...]

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Query:
    """One GoogleSQL statement and the values of its `@name` parameters."""

    sql: str
    parameters: tuple[tuple[str, Value], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class WholeTable:
    """All rows of one small table, read without a query job (BIGQUERY 52: tabledata.list is free).

    With `types`, the GoogleSQL types of `columns` in table order, not even the table's metadata is asked for.
    """

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()


def _escaped(text: str, quote: str) -> str:
    """Escape for any GoogleSQL quoted form; a raw newline in one is an error (BIGQUERY 50)."""
    if "\0" in text:
        raise InputError(f"The text {text[:40]!r} holds a NUL character, which SQL text cannot carry.")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise InputError(f"The text {text[:40]!a} holds half of a surrogate pair, which is no character.")
    pieces = (
        _ESCAPES.get(char) or (f"\\{char}" if char == quote else char if char.isprintable() else _unprintable(char))
        for char in text
    )
    return "".join(pieces)


def _unprintable(char: str) -> str:
    """Write control, bidi and other invisible characters as escapes, so that SQL reads as it runs."""
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004


def ident(*parts: str) -> str:
    """Quote a name, or a path of names, for GoogleSQL (BIGQUERY 49): `d`.`t` for d and t.

    Raises InputError for an empty part, a NUL character or a lone surrogate.
    """
    if not all(parts):
        raise InputError("An SQL name must not be empty.")
    return ".".join(f"`{_escaped(part, '`')}`" for part in parts)


def literal(value: Value) -> str:
    """Write a Python value as a GoogleSQL literal. Raises InputError for NUL or a lone surrogate in text."""
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
