"""Parse a GoogleSQL type: NUMERIC(5,2), ARRAY<STRING>, STRUCT<a INT64, b ARRAY<DATE>>.

DDL and a type by itself share one grammar; they differ in what may follow the type of a STRUCT's field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import TypeVar

from fqtool.errors import InputError
from fqtool.table.column import ALIASES, MICROSECONDS, NESTING_LIMIT, OF_SCHEMAS, PICOSECONDS, Column, Kind, Mode, Type
from fqtool.table.tokens import Cursor, cut, first_comment

_NAME = re.compile(r"`[^`]+`|\w+")
_LONGEST_NUMBER = 18  # digits: more do not fit an INT64, and Python itself refuses thousands
C = TypeVar("C", bound=Cursor)


class _Text(Cursor):
    """A cursor over a type by itself: errors quote the type instead of a place."""

    def wrong(self, expected: str, remedy: str = "") -> InputError:
        return self.no_type(f"expected {expected}, found {self.found}", remedy)

    def no_type(self, why: str, remedy: str = "") -> InputError:
        return InputError(
            f"{self.sql!r} is not a BigQuery type: {why}.",
            remedy=remedy or "Write one like INT64, NUMERIC(5, 2), ARRAY<STRING> or STRUCT<a INT64, b DATE>.",
        )


def parse_type(text: str) -> tuple[Type, Mode]:
    """Parse a type.

    Example: `parse_type("ARRAY<STRING>")` is `(Type(Kind.STRING), Mode.REPEATED)`.

    Returns:
        The type, and the mode REPEATED for an ARRAY or else NULLABLE.

    Raises:
        InputError: The text is not a type; the message has what was expected.
    """
    cursor = _Text(text, cut(text))
    if (comment := first_comment(text)) is not None:
        raise cursor.no_type(f"unexpected {text[comment]!r}")
    parsed = read_type(cursor, _field)
    if not cursor.done:
        raise cursor.no_type(f"unexpected {cursor.next('the end').raw!r} after it")
    return parsed


def column(name: str, type_text: str, *, required: bool = False, description: str = "") -> Column:
    """Build a column from the text of its type. Raises InputError as `parse_type`, or for a required ARRAY.

    Args:
        name: The name, without backticks.
        type_text: GoogleSQL such as `NUMERIC(5,2)` or `ARRAY<STRING>`.
        required: Whether NULL is refused.
        description: The description of the column.
    """
    parsed, mode = parse_type(type_text)
    if required and mode is Mode.REPEATED:
        raise InputError(f"The column {name} is an ARRAY, which is never NULL, so it cannot be required.")
    return Column(name, parsed, Mode.REQUIRED if required else mode, description)


def _field(cursor: Cursor, depth: int) -> Column:
    """Read name, type and NOT NULL. A reserved word is allowed as a name here, because types have no backticks."""
    name = cursor.next("a name").raw
    if not _NAME.fullmatch(name):
        cursor.at -= 1
        raise cursor.wrong("a name")
    kind, mode = read_type(cursor, _field, depth)
    return Column(name.strip("`"), kind, not_null(cursor, name, mode) if cursor.sees("NOT", "NULL") else mode)


def not_null(cursor: Cursor, name: str, mode: Mode) -> Mode:
    """Read NOT NULL. Raises InputError for an ARRAY, which cannot be REQUIRED in BigQuery."""
    if mode is Mode.REPEATED:
        raise cursor.refused(
            f"`{name.strip('`')}` is an ARRAY, which is never NULL; BigQuery rejects NOT NULL on it.",
            "Remove NOT NULL.",
        )
    cursor.take("NOT", "NULL")
    return Mode.REQUIRED


def read_type(cursor: C, field: Callable[[C, int], Column], depth: int = 0) -> tuple[Type, Mode]:
    """Read the type at the cursor.

    Args:
        cursor: A cursor at the first word of the type.
        field: Reads a field of a STRUCT at a depth.
        depth: The number of STRUCTs around it; BigQuery does not count ARRAYs.

    Raises:
        InputError: There is no valid type at the cursor.
    """
    if depth > NESTING_LIMIT:
        raise cursor.no_type(f"STRUCTs are nested deeper than {NESTING_LIMIT} levels")
    start = cursor.at
    word = cursor.next("a name").word
    if word == "ARRAY":
        cursor.take("<")
        if cursor.sees("ARRAY"):
            raise _refused(cursor, start, "BigQuery has no ARRAY of ARRAY", "Put a STRUCT between the two.")
        inner, _ = read_type(cursor, field, depth)
        cursor.take_element_options()
        cursor.take(">")
        return inner, Mode.REPEATED
    kind = ALIASES.get(word)
    if word in OF_SCHEMAS and not isinstance(cursor, _Text):
        raise _refused(cursor, start, f"BigQuery's SQL has no type {word}", f"Write {kind}.")
    if word in (",", ">"):
        raise _refused(cursor, start, "a field of a STRUCT has a name and a type", "Write a name before the type.")
    if kind is None and not word.isidentifier():
        cursor.at = start
        raise cursor.wrong("a type")
    if kind is None:
        near = get_close_matches(word, [*ALIASES, "ARRAY"], 1)
        raise _refused(cursor, start, f"unknown type {word}", f"Write {near[0]}." if near else "")
    return _parameterized(cursor, kind, start, field, depth), Mode.NULLABLE


def _parameterized(cursor: C, kind: Kind, start: int, field: Callable[[C, int], Column], depth: int) -> Type:
    match kind:
        case Kind.STRUCT:
            return Type(kind, fields=_fields(cursor, start, field, depth))
        case Kind.RANGE:
            cursor.take("<")
            element = ALIASES.get(cursor.next("a name").word)
            cursor.take(">")
            if element not in (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP):
                raise _refused(cursor, start, "a RANGE must be of DATE, DATETIME or TIMESTAMP")
            return Type(kind, element=element)
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return _numeric(cursor, kind, start)
        case Kind.STRING | Kind.BYTES:
            lengths = _numbers(cursor, start)
            if len(lengths) > 1:
                raise _refused(cursor, start, f"{kind} has one length")
            return Type(kind, length=lengths[0] if lengths else None)
        case Kind.TIMESTAMP:
            digits = _numbers(cursor, start)
            if digits and digits not in ([MICROSECONDS], [PICOSECONDS]):
                why = f"a TIMESTAMP has {MICROSECONDS} or {PICOSECONDS} digits of a second"
                raise _refused(cursor, start, why)
            return Type(kind, digits[0] if digits else None)
        case _:
            return Type(kind)


def _refused(cursor: Cursor, start: int, why: str, remedy: str = "") -> InputError:
    """Refuse a type at its first word."""
    cursor.at = start
    return cursor.no_type(why, remedy)


def _fields(cursor: C, start: int, field: Callable[[C, int], Column], depth: int) -> tuple[Column, ...]:
    if cursor.sees("<>"):
        raise _refused(cursor, start, "a STRUCT needs at least one field")
    cursor.take("<")
    fields = [field(cursor, depth + 1)]
    while cursor.took(","):
        fields.append(field(cursor, depth + 1))
    if not cursor.took(">"):
        raise cursor.wrong("`,` or `>` after the field")
    known = set[str]()
    for one in fields:
        if one.key in known:
            raise _refused(cursor, start, f"the field {one.name} occurs twice; the case of names is ignored")
        known.add(one.key)
    return tuple(fields)


def _numbers(cursor: Cursor, start: int) -> list[int]:
    numbers: list[int] = []
    if cursor.took("("):
        while True:
            word = cursor.next("a number").raw
            if not word.isdecimal() or len(word) > _LONGEST_NUMBER or (int(word) == 0 and not numbers):
                what = f"the length or precision {word} of {cursor.tokens[start].word}"
                raise _refused(cursor, start, f"{what} is not a positive whole number")
            numbers.append(int(word))
            if cursor.took(")"):
                break
            cursor.take(",")
    return numbers


def _numeric(cursor: Cursor, kind: Kind, start: int) -> Type:
    """Check max(1, S) <= P <= S + 29 and S <= 9, or 38 and 38 for BIGNUMERIC (bigquery.md#types)."""
    numbers = _numbers(cursor, start)
    if not numbers:
        return Type(kind)
    precision, scale = (*numbers, 0)[:2]
    most_whole, most_scale = (29, 9) if kind is Kind.NUMERIC else (38, 38)
    text = f"{kind}({', '.join(map(str, numbers))})"
    if len(numbers) > 2:  # noqa: PLR2004
        raise _refused(cursor, start, f"{text} has more than a precision and a scale")
    if scale > most_scale:
        raise _refused(cursor, start, f"{text} has the scale {scale}, and BigQuery allows at most {most_scale}")
    least, most = max(1, scale), scale + most_whole
    if not least <= precision <= most:
        why = f"{text} has the precision {precision}, and BigQuery allows {least} to {most} with the scale {scale}"
        raise _refused(cursor, start, why)
    return Type(kind, precision, scale)
