"""The types of values in expressions: coercion, casts and assignment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from fqtool.expressions.expression import Array, Expression, Literal, Name, Unary
from fqtool.table.column import Kind, Mode
from fqtool.table.typetext import parse_type


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a value: a kind without its parameters, or an ARRAY of it. `inner` distinguishes STRUCTs."""

    kind: Kind
    repeated: bool = False
    inner: str = ""

    def __str__(self) -> str:
        """Return the GoogleSQL spelling."""
        text = self.inner or str(self.kind)
        return f"ARRAY<{text}>" if self.repeated else text


@lru_cache(maxsize=1024)
def type_named(text: str) -> ValueType:
    """Return the type of the values of a column with this type. Raises InputError if it is not a type."""
    kind, mode = parse_type(text)
    return ValueType(kind.kind, mode is Mode.REPEATED, str(kind) if kind.fields or kind.element else "")


def fields_of(struct: ValueType) -> dict[str, ValueType]:
    """Return the fields of a STRUCT, or of the items of an ARRAY<STRUCT>: lower-case name -> type; {} for others."""
    fields = parse_type(struct.inner)[0].fields if struct.inner else ()
    return {one.name.lower(): type_named(one.sql_type) for one in fields}


INT64, FLOAT64, BOOL, STRING = (ValueType(kind) for kind in (Kind.INT64, Kind.FLOAT64, Kind.BOOL, Kind.STRING))
DATE, TIMESTAMP = ValueType(Kind.DATE), ValueType(Kind.TIMESTAMP)
LADDER = (Kind.INT64, Kind.NUMERIC, Kind.BIGNUMERIC, Kind.FLOAT64)  # each is coerced to those after it
_NUMERICS = frozenset({Kind.NUMERIC, Kind.BIGNUMERIC})
MOMENTS = (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP)
TELLABLE = (Kind.INT64, Kind.NUMERIC, Kind.FLOAT64, *MOMENTS, Kind.BOOL, Kind.STRING)
_CASTS: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.STRING: TELLABLE,
    Kind.INT64: (Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.STRING, Kind.BOOL),
    Kind.FLOAT64: (Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.STRING),
    Kind.NUMERIC: (Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.STRING),
    Kind.BOOL: (Kind.BOOL, Kind.INT64, Kind.STRING),
} | dict.fromkeys(MOMENTS, (*MOMENTS, Kind.STRING))
# The type to which an argument with this word of a signature is cast.
_MEANT = {"NUMBER": FLOAT64, "EXACT": INT64, "INEXACT": FLOAT64}


class Given(NamedTuple):
    """An argument or operand with its type; None is the type of NULL, and of an expression with mistakes."""

    expression: Expression
    type: ValueType | None

    @property
    def is_null(self) -> bool:
        """Whether it is the literal NULL."""
        return isinstance(self.expression, Literal) and self.expression.value is None


class NoCommonTypeError(Exception):
    """Values that need a common type have none."""


def common(given: Sequence[Given]) -> ValueType | None:
    """Return the common type to which all values are coerced: INT64 if all are NULL, None if one is unknown.

    Raises:
        NoCommonTypeError: The values have no common type.
    """
    typed = [one for one in given if not one.is_null]
    # An ARRAY without items gets the type of the others.
    firm = [one for one in typed if one.type and one.expression != Array(())] or [one for one in typed if one.type]
    kinds = {one.type for one in firm if one.type}
    if any(one.expression == Array(()) for one in typed) and not all(one.repeated for one in kinds):
        raise NoCommonTypeError
    found = next(iter(kinds), INT64) if len(kinds) <= 1 else _supertype(firm, kinds)
    return found if all(one.type for one in typed) else None


def _supertype(firm: list[Given], types: set[ValueType]) -> ValueType:
    kinds = {one.kind for one in types}
    if any(one.repeated for one in types):
        raise NoCommonTypeError
    if kinds <= set(LADDER):
        # Together with a NUMERIC, a FLOAT64 literal becomes a NUMERIC.
        fixed = {one.type.kind for one in firm if one.type and not _is_fraction(one.expression)}
        return ValueType(max(fixed if fixed & _NUMERICS else kinds, key=LADDER.index))
    moment = next((kind for kind in MOMENTS if kind in kinds), None)
    if moment is None or not all(fits(one, ValueType(moment)) for one in firm):
        raise NoCommonTypeError
    return ValueType(moment)


def _is_fraction(e: Expression) -> bool:
    inner = e.operand if isinstance(e, Unary) and e.operator == "-" else e
    return isinstance(inner, Literal) and isinstance(inner.value, float)


def fits(one: Given, wanted: ValueType) -> bool:
    """Return whether a value is coerced to a type without CAST. A text literal is also coerced to a date or time."""
    if one.type is None or one.type == wanted or (one.expression == Array(()) and wanted.repeated):
        return True
    if one.type.repeated or wanted.repeated:
        return False
    if one.type.kind in LADDER and wanted.kind in LADDER:
        return LADDER.index(one.type.kind) <= LADDER.index(wanted.kind)
    text = one.expression.value if isinstance(one.expression, Literal) else None
    return wanted.kind in MOMENTS and isinstance(text, str) and _is_moment(text, wanted.kind)


def _is_moment(text: str, kind: Kind) -> bool:
    time, zone = r"([ T]\d\d:\d\d:\d\d(\.\d{1,6})?", r"(Z|[+-]\d\d(:\d\d)?)?"
    after = {Kind.DATE: "", Kind.DATETIME: f"{time})?", Kind.TIMESTAMP: f"{time}{zone})?"}[kind]
    if not re.fullmatch(rf"\d{{4}}-\d\d-\d\d{after}", text, re.ASCII):
        return False
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def assignable(one: Given, declared: ValueType) -> bool:
    """Return whether a column of the declared type accepts a value. Scoring casts to NUMERIC in its last step."""
    wanted = FLOAT64 if declared.kind in _NUMERICS and not declared.repeated else declared
    # A text is stored unchanged; it is coerced to a date or time only in a comparison.
    return fits(Given(Name(""), one.type), wanted)


def castable(source: ValueType, target: ValueType) -> bool:
    """Return whether CAST from one type to the other is legal on BigQuery and DuckDB."""
    return not source.repeated and not target.repeated and target.kind in _CASTS.get(source.kind, ())


def conversion(text: str, have: ValueType, word: str) -> str:
    """Return the conversion of an argument to the type that a signature needs; "" if there is none.

    Args:
        text: The argument.
        have: Its type.
        word: The word of the signature.
    """
    if word == "BOOL" and not have.repeated:
        return f"{text} = '...'" if have == STRING else f"{text} > 0" if have.kind in LADDER else ""
    wanted = _MEANT.get(word) or (type_named(word) if word in {*Kind} else None)
    if wanted and castable(have, wanted):
        return f"{'SAFE_CAST' if have == STRING else 'CAST'}({text} AS {wanted})"
    return ""


def reconciled(given: Sequence[tuple[str, ValueType | None]]) -> str:
    """Return the sentence with a conversion that gives values a common type; "" if there is none."""
    kinds = [(text, kind) for text, kind in given if kind]
    for text, have in reversed(kinds):
        for _, wanted in kinds:
            if wanted != have and castable(have, wanted):
                return f"Write {conversion(text, have, str(wanted))}."
    return ""
