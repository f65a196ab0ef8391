"""Convert between the types of DuckDB and BigQuery, and between DuckDB's values and those of fqtool."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fqtool.sql import Value
from fqtool.table.column import Column, Kind, Mode, Type

_PLAIN = {
    Kind.INT64: "BIGINT", Kind.FLOAT64: "DOUBLE", Kind.BOOL: "BOOLEAN", Kind.STRING: "VARCHAR", Kind.BYTES: "BLOB",
    Kind.DATE: "DATE", Kind.DATETIME: "TIMESTAMP", Kind.TIME: "TIME", Kind.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    Kind.INTERVAL: "INTERVAL", Kind.JSON: "JSON", Kind.GEOGRAPHY: "VARCHAR",
}  # fmt: skip
_KINDS = {text: kind for kind, text in _PLAIN.items() if kind is not Kind.GEOGRAPHY} | {
    "TINYINT": Kind.INT64, "SMALLINT": Kind.INT64, "INTEGER": Kind.INT64, "UTINYINT": Kind.INT64,
    "USMALLINT": Kind.INT64, "UINTEGER": Kind.INT64, "FLOAT": Kind.FLOAT64, "TIMESTAMP_S": Kind.DATETIME,
    "TIMESTAMP_MS": Kind.DATETIME, "TIMESTAMP_NS": Kind.DATETIME, "UUID": Kind.STRING, "BIT": Kind.STRING,
    "TIME WITH TIME ZONE": Kind.TIME, "TIME_NS": Kind.TIME, "BIGNUM": Kind.BIGNUMERIC, "VARINT": Kind.BIGNUMERIC,
}  # fmt: skip
_WIDE = {"UBIGINT": Type(Kind.NUMERIC, 20, 0)} | dict.fromkeys(("HUGEINT", "UHUGEINT"), Type(Kind.BIGNUMERIC, 38, 0))
_TOKEN = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|\w+|[(),\[\]])""")
_NUMERIC_WHOLE, _NUMERIC_SCALE, _DIGITS = 29, 9, 38


def text_literal(text: str) -> str:
    """Return text as a literal of DuckDB's SQL, in which only the quote is escaped."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Quote a name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def type_text(of: Type, mode: Mode) -> str:
    """Return the DuckDB type of a column.

    DuckDB's decimals have at most 38 digits. A BIGNUMERIC with more keeps 29 digits before the decimal point, as many
    as any NUMERIC has, and fewer after it. A value with more digits before the point fails when it is written.
    """
    return f"{_single(of)}[]" if mode is Mode.REPEATED else _single(of)


def _single(of: Type) -> str:
    match of.kind:
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return "DECIMAL({}, {})".format(*_digits(of))
        case Kind.STRUCT:
            fields = (f"{quoted(field.name)} {type_text(field.type, field.mode)}" for field in of.fields)
            return f"STRUCT({', '.join(fields)})"
        case Kind.RANGE:
            bound = _PLAIN[of.element or Kind.DATE]
            return f'STRUCT("start" {bound}, "end" {bound})'
        case kind:
            return _PLAIN[kind]


def _digits(of: Type) -> tuple[int, int]:
    if of.precision is None:
        return _DIGITS, _NUMERIC_SCALE
    scale = of.scale or 0
    if of.precision <= _DIGITS:
        return of.precision, scale
    return _DIGITS, min(scale, _DIGITS - min(of.precision - scale, _NUMERIC_WHOLE))


def as_stored(of: Type) -> Type:
    """Return the type without the details that DuckDB does not have."""
    match of.kind:
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return _decimal(*_digits(of))
        case Kind.STRUCT:
            return Type(
                of.kind,
                fields=tuple(
                    Column(
                        field.name, as_stored(field.type), Mode.NULLABLE if field.mode is Mode.REQUIRED else field.mode
                    )
                    for field in of.fields
                ),
            )
        case Kind.RANGE:
            bound = Type(of.element or Kind.DATE)
            return Type(Kind.STRUCT, fields=(Column("start", bound), Column("end", bound)))
        case Kind.GEOGRAPHY:
            return Type(Kind.STRING)
        case kind:
            return Type(kind)


def read_type(text: str) -> tuple[Type, Mode]:
    """Read a type of DuckDB's catalog. Raises ValueError for a type without an equivalent in BigQuery."""
    tokens = _TOKEN.findall(text)
    tokens.reverse()
    parsed = _read(tokens)
    if tokens:
        raise ValueError(text)
    return parsed


def _read(tokens: list[str]) -> tuple[Type, Mode]:
    parsed = _read_single(tokens)
    mode = Mode.NULLABLE
    if isinstance(parsed, tuple):
        parsed, mode = parsed
    while tokens and tokens[-1] == "[":
        tokens.pop()
        while tokens.pop() != "]":
            pass
        if mode is Mode.REPEATED:
            raise ValueError("a list of lists")
        mode = Mode.REPEATED
    return parsed, mode


def _read_single(tokens: list[str]) -> Type | tuple[Type, Mode]:
    word = tokens.pop().upper()
    while tokens and re.fullmatch(r"\w+", tokens[-1]) and tokens[-1] in ("WITH", "TIME", "ZONE"):
        word += f" {tokens.pop()}"
    if word in _WIDE:
        return _WIDE[word]
    match word:
        case "DECIMAL":
            inside = _inside(tokens)
            return _decimal(int(inside[0]), int(inside[2]))
        case "STRUCT":
            return Type(Kind.STRUCT, fields=_fields(tokens))
        case "ENUM":
            _inside(tokens)
            return Type(Kind.STRING)
        case "MAP":
            return _map(tokens), Mode.REPEATED
        case _ if word in _KINDS:
            return Type(_KINDS[word])
        case _:
            raise ValueError(word)


def _inside(tokens: list[str]) -> list[str]:
    """Read the tokens in brackets, which are not nested."""
    inside = []
    tokens.pop()
    while (token := tokens.pop()) != ")":
        inside.append(token)
    return inside


def _decimal(precision: int, scale: int) -> Type:
    kind = Kind.NUMERIC if scale <= _NUMERIC_SCALE and precision - scale <= _NUMERIC_WHOLE else Kind.BIGNUMERIC
    return Type(kind, precision, scale)


def _fields(tokens: list[str]) -> tuple[Column, ...]:
    tokens.pop()
    fields = []
    while True:
        name = tokens.pop()
        name = name[1:-1].replace('""', '"') if name.startswith('"') else name
        fields.append(Column(name, *_read(tokens)))
        if tokens.pop() == ")":
            return tuple(fields)


def _map(tokens: list[str]) -> Type:
    tokens.pop()
    key = Column("key", *_read(tokens))
    tokens.pop()
    value = Column("value", *_read(tokens))
    tokens.pop()
    return Type(Kind.STRUCT, fields=(key, value))


def with_details(physical: Column, remembered: Column) -> Column:
    """Return the physical column with the stored details that DuckDB does not have, if they still fit."""
    same_array = (physical.mode is Mode.REPEATED) is (remembered.mode is Mode.REPEATED)
    if not same_array or as_stored(remembered.type).shape != physical.type.shape:
        return physical
    return replace(physical, type=remembered.type, properties=remembered.properties)


_INT64 = 2**63


def bound(parameters: Iterable[tuple[str, Value]], used: frozenset[str]) -> dict[str, Any]:
    """Return the parameters that a statement uses: DuckDB rejects others, BigQuery ignores them."""
    return {name: _bound(value) for name, value in parameters if name in used}


def _bound(value: Value) -> Any:
    """Bind an int as INT64: DuckDB would use the smallest type that fits, and overflow in it."""
    from duckdb.value.constant import LongValue

    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
        return LongValue(value)
    return value


def plain_rows(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows as dicts: an ARRAY is a tuple, a STRUCT a dict, a TIMESTAMP a datetime in UTC."""
    return [dict(zip(names, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    match value:
        case list():
            return tuple(map(_plain, value))
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC)
        case _:
            return value
