"""BigQuery's types as DuckDB stores them, and DuckDB's types as BigQuery would call them.

Law: `read_type(type_text(t, mode))` is `as_stored(t)` and the mode. What DuckDB cannot hold (a STRING's length, NOT
NULL inside a STRUCT, that a VARCHAR was a GEOGRAPHY) is left out of `as_stored`.
"""

from __future__ import annotations

import re
from dataclasses import replace

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


def quoted(name: str) -> str:
    """Quote a name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def type_text(of: Type, mode: Mode) -> str:
    """Return the DuckDB type of a column.

    DuckDB's decimals end at 38 digits, so a BIGNUMERIC of more keeps 29 digits before the point, as many as any
    NUMERIC has, and gives up digits behind it; a value that has more before it is refused when it is written.
    """
    return f"{_single(of)}[]" if mode is Mode.REPEATED else _single(of)


def _single(of: Type) -> str:
    match of.kind:
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return "DECIMAL({}, {})".format(*_digits(of))
        case Kind.STRUCT:
            return f"STRUCT({', '.join(f'{quoted(one.name)} {type_text(one.type, one.mode)}' for one in of.fields)})"
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
    """Return the type without what DuckDB cannot hold of it."""
    match of.kind:
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return _decimal(*_digits(of))
        case Kind.STRUCT:
            return Type(of.kind, fields=tuple(map(_stored_field, of.fields)))
        case Kind.RANGE:
            bound = Type(of.element or Kind.DATE)
            return Type(Kind.STRUCT, fields=(Column("start", bound), Column("end", bound)))
        case Kind.GEOGRAPHY:
            return Type(Kind.STRING)
        case kind:
            return Type(kind)


def _stored_field(inner: Column) -> Column:
    mode = Mode.REPEATED if inner.mode is Mode.REPEATED else Mode.NULLABLE
    return Column(inner.name, as_stored(inner.type), mode)


def is_stored_as(of: Type, physical: Type) -> bool:
    """Tell whether a column of type `of` looks like `physical` in DuckDB; names compare without case."""
    return as_stored(of).shape == physical.shape


def read_type(text: str) -> tuple[Type, Mode]:
    """Read a type out of DuckDB's catalog. Raises ValueError for one that BigQuery has nothing like."""
    tokens = _TOKEN.findall(text)
    tokens.reverse()
    found = _read(tokens)
    if tokens:
        raise ValueError(text)
    return found


def _read(tokens: list[str]) -> tuple[Type, Mode]:
    found = _read_single(tokens)
    mode = Mode.NULLABLE
    if isinstance(found, tuple):
        found, mode = found
    while tokens and tokens[-1] == "[":
        tokens.pop()
        while tokens.pop() != "]":
            pass
        if mode is Mode.REPEATED:
            raise ValueError("a list of lists")
        mode = Mode.REPEATED
    return found, mode


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
    """Take what stands in brackets, none of them nested."""
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
    """Return the physical column with what DuckDB cannot hold of it, where that still fits."""
    if physical.mode is Mode.REPEATED and remembered.mode is not Mode.REPEATED:
        return physical
    if remembered.mode is Mode.REPEATED and physical.mode is not Mode.REPEATED:
        return physical
    if not is_stored_as(remembered.type, physical.type):
        return physical
    return replace(physical, name=physical.name, type=remembered.type, policy_tags=remembered.policy_tags)
