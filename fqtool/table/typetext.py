"""Read a GoogleSQL type from text: NUMERIC(5,2), ARRAY<STRING>, STRUCT<a INT64, b ARRAY<DATE>>."""

from __future__ import annotations

import re
from difflib import get_close_matches

from fqtool.errors import InputError
from fqtool.table.column import ALIASES, Column, Kind, Mode, Type

_TOKEN = re.compile(r"\s*(?:(`[^`]+`|\w+)|([<>(),]))")
_NESTING_LIMIT = 15  # BIGQUERY 37
_LONGEST_NUMBER = 18  # digits: more do not fit an INT64, and Python itself refuses thousands


class _Reader:
    """A cursor over the tokens of one type."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            if not (found := _TOKEN.match(text, at)):
                raise self.wrong(f"unexpected {text[at:].strip()[:1]!r}")
            self.tokens.append(found[1] or found[2])
            at = found.end()

    def wrong(self, what: str, remedy: str = "") -> InputError:
        return InputError(
            f"{self.text!r} is not a BigQuery type: {what}.",
            remedy=remedy or "Write one like INT64, NUMERIC(5, 2), ARRAY<STRING> or STRUCT<a INT64, b DATE>.",
        )

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, expected: str = "") -> str:
        token = self.tokens.pop(0) if self.tokens else ""
        if not token or (expected and token.upper() != expected):
            raise self.wrong(f"expected {expected or 'a name'}, found {token or 'the end'}")
        return token

    def taken(self, token: str) -> bool:
        if self.peek().upper() == token:
            self.tokens.pop(0)
            return True
        return False


def parse_type(text: str) -> tuple[Type, Mode]:
    """Return the type and REPEATED or NULLABLE. Raises InputError that says what was expected."""
    reader = _Reader(text)
    parsed = _read(reader, 0)
    if reader.tokens:
        raise reader.wrong(f"unexpected {reader.peek()!r} after it")
    return parsed


def column(name: str, type_text: str, *, required: bool = False, description: str = "") -> Column:
    """Build a column from its type's text. Raises InputError as `parse_type`."""
    parsed, mode = parse_type(type_text)
    if required and mode is Mode.REPEATED:
        raise InputError(f"The column {name} is an ARRAY, which is never NULL, so it cannot be required.")
    return Column(name, parsed, Mode.REQUIRED if required else mode, description)


def _read(reader: _Reader, depth: int) -> tuple[Type, Mode]:
    if depth > _NESTING_LIMIT:
        raise reader.wrong(f"nested deeper than {_NESTING_LIMIT} levels")
    word = reader.take().upper()
    if word == "ARRAY":
        reader.take("<")
        inner, mode = _read(reader, depth + 1)
        reader.take(">")
        if mode is Mode.REPEATED:
            raise reader.wrong("an ARRAY of ARRAY is not possible")
        return inner, Mode.REPEATED
    kind = ALIASES.get(word)
    if kind is None:
        near = get_close_matches(word, [*ALIASES, "ARRAY"], 1)
        raise reader.wrong(f"there is no type {word}", f"Did you mean {near[0]}?" if near else "")
    match kind:
        case Kind.STRUCT:
            return Type(kind, fields=_fields(reader, depth)), Mode.NULLABLE
        case Kind.RANGE:
            reader.take("<")
            element = ALIASES.get(reader.take().upper())
            reader.take(">")
            if element not in (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP):
                raise reader.wrong("a RANGE is over DATE, DATETIME or TIMESTAMP")
            return Type(kind, element=element), Mode.NULLABLE
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return _numeric(reader, kind), Mode.NULLABLE
        case Kind.STRING | Kind.BYTES:
            lengths = _numbers(reader)
            if len(lengths) > 1:
                raise reader.wrong(f"{kind} takes one length")
            return Type(kind, length=lengths[0] if lengths else None), Mode.NULLABLE
        case _:
            return Type(kind), Mode.NULLABLE


def _fields(reader: _Reader, depth: int) -> tuple[Column, ...]:
    reader.take("<")
    fields = []
    while not reader.taken(">"):
        name = reader.take().strip("`")
        inner, mode = _read(reader, depth + 1)
        if reader.taken("NOT"):
            reader.take("NULL")
            mode = Mode.REQUIRED
        fields.append(Column(name, inner, mode))
        if reader.peek() != ">":
            reader.take(",")
    if not fields:
        raise reader.wrong("a STRUCT needs at least one field")
    return tuple(fields)


def _numbers(reader: _Reader) -> list[int]:
    numbers: list[int] = []
    if reader.taken("("):
        while True:
            word = reader.take()
            if not word.isdecimal() or len(word) > _LONGEST_NUMBER or (int(word) == 0 and not numbers):
                raise reader.wrong(f"{word!r} is not a positive whole number")
            numbers.append(int(word))
            if reader.taken(")"):
                break
            reader.take(",")
    return numbers


def _numeric(reader: _Reader, kind: Kind) -> Type:
    """Check max(1, S) <= P <= S + 29 and S <= 9, or 38 and 38 for BIGNUMERIC (BIGQUERY 57)."""
    numbers = _numbers(reader)
    if not numbers:
        return Type(kind)
    precision, scale = (*numbers, 0)[:2]
    whole, most_scale = (29, 9) if kind is Kind.NUMERIC else (38, 38)
    if len(numbers) > 2 or scale > most_scale or not max(1, scale) <= precision <= scale + whole:  # noqa: PLR2004
        raise reader.wrong(
            f"{kind} takes a scale of at most {most_scale} and a precision from max(1, scale) to scale + {whole}"
        )
    return Type(kind, precision, scale)
