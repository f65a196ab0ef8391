"""Pass over lines of NDJSON with nothing wrong, most lines of a file, in a third of the time that a second look takes.

msgspec decodes many lines together into typed fields and refuses what does not fit. It is stricter than BigQuery, e.g.
about numbers as text. A line that it refuses may be right, and `RecordCheck` decides. It reads the last value of a key
that is given twice, and lines with such a key have more quotes than what was read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from fqtool.records.check import RecordCheck
from fqtool.records.column_rules import labels_of
from fqtool.records.unique_keys import QUOTE, quotes_of
from fqtool.records.values import Fits
from fqtool.registry.model import Feature
from fqtool.table.column import Column, Kind, Mode

AreRight: TypeAlias = Callable[[Sequence[bytes]], bool]
Quotes: TypeAlias = Callable[[list[Any]], int | None]
"""Returns how many quotes JSON has for values of a column, None where one of the values is wrong."""

REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError)

_TYPES: dict[Kind, Any] = {
    Kind.INT64: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    Kind.FLOAT64: float,
    Kind.BOOL: bool,
    Kind.DATE: dt.date,
    Kind.DATETIME: Annotated[dt.datetime, msgspec.Meta(tz=False)],
    Kind.TIMESTAMP: dt.datetime,
}
_ANY = bool | int | float | str | list[Any] | dict[str, Any]
"""Any value but None."""
_NUMBERS = (Kind.INT64, Kind.FLOAT64, Kind.BOOL)
_QUOTE = re.compile(re.escape(QUOTE.encode()))


def right_lines(check: RecordCheck, first: bytes = b"") -> AreRight:
    """Return a test of lines of NDJSON; lines that pass have nothing wrong, each of them.

    Args:
        check: The declared columns.
        first: The first line of a file: lines with its fields in its order are tested fastest.
    """
    if not all(_is_plain(name) for name in check.required):
        return lambda _: False
    columns = {name: column for name, column in check.declared.items() if name in check.tests and _is_plain(name)}
    usual = [columns[name] for name in _names(first) if name in columns]
    like_first = _test_of(check, usual, has_all=True) if check.required <= {column.name for column in usual} else None
    other = _test_of(check, [*columns.values()], has_all=False)
    return other if like_first is None else lambda lines: like_first(lines) or other(lines)


def _names(line: bytes) -> Iterable[str]:
    try:
        record = msgspec.json.decode(line)
    except REFUSED:
        return ()
    return record if isinstance(record, dict) else ()


def _test_of(check: RecordCheck, columns: Sequence[Column], *, has_all: bool) -> AreRight:
    """Return the test of lines with these columns and no other, each of them where `has_all`."""
    fields, quotes_by_field = list[tuple[str, Any, Any]](), list[tuple[Callable[[Any], Any], Quotes]]()
    for number, column in enumerate(columns):
        kind, quotes = _field(check, column)
        required = column.name in check.required
        always = required or has_all
        named = msgspec.field(name=column.name) if always else msgspec.field(name=column.name, default=UNSET)
        kind = kind if required else kind | None
        fields.append((f"f{number}", kind if always else kind | UnsetType, named))
        if quotes is not None:
            quotes_by_field.append((attrgetter(f"f{number}"), quotes))
    decode = _decoder("Record", fields)
    names = [column.name for column in columns]
    values = [attrgetter(f"f{names.index(name)}") for name in check.values if name in names]

    def are_right(lines: Sequence[bytes]) -> bool:
        held = decode(text := b"\n".join(lines))
        if len(held) != len(lines) or _QUOTE.search(text) or not all(map(_is_whole, lines)):
            return False
        if check.values and not all(any(get(one) not in (None, UNSET) for get in values) for one in held):
            return False
        pairs = len(fields) * len(held) - (0 if has_all else sum(astuple(one).count(UNSET) for one in held))
        expected = 2 * pairs
        for value_of, quotes in quotes_by_field:
            found = quotes([value for value in map(value_of, held) if value is not None and value is not UNSET])
            if found is None:
                return False
            expected += found
        return text.count(b'"') == expected

    return are_right


def _decoder(name: str, fields: Sequence[tuple[str, Any, Any]]) -> Callable[[bytes | str], list[Any]]:
    """Return what reads objects with these fields, one a line. It returns none where one is refused."""
    struct = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
    decode_lines = msgspec.json.Decoder(struct).decode_lines

    def decode(text: bytes | str) -> list[Any]:
        try:
            return decode_lines(text)
        except REFUSED:
            return []

    return decode


def _is_whole(line: bytes) -> bool:
    """Return whether a line has whole objects, where it is one of lines that msgspec reads.

    msgspec reads an object over two lines too, and two of one line. No JSON has `}`, a line break and `{` in an object.
    """
    return line.startswith(b"{") and line.rstrip(b"\r\n").endswith(b"}")


def _is_plain(name: str) -> bool:
    """Return whether msgspec takes a name for a field: without a character that JSON escapes."""
    return not any(character in '"\\' or character < " " for character in name)


def _field(check: RecordCheck, column: Column) -> tuple[Any, Quotes | None]:
    """Return the type of a column's values, and how to test what the type leaves open, None for numbers."""
    name, live = column.name, check.live.find(column.name) if check.live else column
    test = check.tests[name]
    plain = _type(column)
    if plain is None or live is None or live.shape != column.shape:
        return _ANY, _tested(test)
    if column.mode is Mode.REPEATED:
        is_vector = name == check.layout.vector and name not in check.label_parts
        size = len(check.registry.features) if is_vector else None
        listed = Annotated[list[plain], msgspec.Meta(min_length=size, max_length=size)]  # type: ignore[valid-type]
        return listed, _tested(None if is_vector or name not in check.rules else test, column)
    if plain is str and name in check.label_columns:
        return _one_of(labels_of(check.label_columns[name], check.labels)), _of_texts
    if plain is str and name in check.label_parts:
        return str, _of_label_objects(check.label_parts[name], check.labels)
    if plain is str and name in check.accepted:
        return _one_of(check.accepted[name]), _of_texts
    if name in check.rules:
        return plain, _tested(test)
    if column.type.kind in _NUMBERS:
        return plain, None
    return plain, _of_texts if column.type.kind is Kind.STRING else lambda values: 2 * len(values)


def _type(column: Column) -> Any:
    """Return the type of a column's values in Python, None for a type of BigQuery without one."""
    of = column.type
    if of.kind is Kind.STRING:
        return str if of.length is None else Annotated[str, msgspec.Meta(max_length=of.length)]
    return _TYPES.get(of.kind)


def _one_of(texts: Sequence[str]) -> Any:
    return Literal[tuple(texts)]


def _of_texts(values: list[Any]) -> int:
    return 2 * len(values) + "".join(values).count('"')


def _tested(test: Fits | None, column: Column | None = None) -> Quotes | None:
    """Return how to test values of any type one by one."""
    if test is None:
        return (
            None if column is not None and column.type.kind in _NUMBERS else lambda values: sum(map(quotes_of, values))
        )
    return lambda values: sum(map(quotes_of, values)) if all(map(test, values)) else None


def _of_label_objects(features: Mapping[int | str, Feature], declared: Sequence[str]) -> Quotes:
    """Return the test of JSON texts of objects of labels, of which equal ones are looked at one time."""
    labels = {
        str(key): _one_of(labels_of(feature, declared)) for key, feature in features.items() if _is_plain(str(key))
    }
    fields = [(f"f{at}", key, of) for at, (key, of) in enumerate(labels.items())]
    decode_whole = _decoder("Whole", [(name, of, msgspec.field(name=key)) for name, key, of in fields])
    decode = _decoder(
        "Labels",
        [(name, of | None | UnsetType, msgspec.field(name=key, default=UNSET)) for name, key, of in fields],
    )

    def quotes(values: list[str]) -> int | None:
        texts = list(set(values))
        joined = "\n".join(texts)
        if len(decode_whole(joined)) == len(texts):
            return (2 + 4 * len(fields)) * len(values)
        held = decode(joined)
        if len(held) != len(texts):
            return None
        found = {text: _quotes_of_labels(astuple(one)) for text, one in zip(texts, held, strict=True)}
        return sum(map(found.__getitem__, values))

    return quotes


def _quotes_of_labels(labels: tuple[Any, ...]) -> int:
    return 2 + 4 * (len(labels) - labels.count(UNSET)) - 2 * labels.count(None)
