"""Pass over lines of NDJSON with nothing wrong, most lines of a file, in a third of the time that a second look takes.

msgspec decodes a line into typed fields and refuses what does not fit. It is stricter than BigQuery, e.g. about numbers
as text. A line that it refuses may be right, and `RecordCheck` decides. It reads the last value of a key that is given
twice, and such a line has more quotes than what was read.
"""

from __future__ import annotations

import datetime as dt
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

IsRight: TypeAlias = Callable[[bytes], bool]
REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError)

_TYPES: dict[Kind, Any] = {
    Kind.INT64: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    Kind.FLOAT64: float,
    Kind.BOOL: bool,
    Kind.DATE: dt.date,
    Kind.DATETIME: Annotated[dt.datetime, msgspec.Meta(tz=False)],
    Kind.TIMESTAMP: dt.datetime,
}
_MOMENTS = [_TYPES[kind] for kind in (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP)]
_NUMBERS = (Kind.INT64, Kind.FLOAT64, Kind.BOOL)
_QUOTE = QUOTE.encode()


def right_line(check: RecordCheck, first: bytes = b"") -> IsRight:
    """Return a test of lines of NDJSON; a line that passes has nothing wrong.

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
    return other if like_first is None else lambda line: like_first(line) or other(line)


def _names(line: bytes) -> Iterable[str]:
    try:
        record = msgspec.json.decode(line)
    except REFUSED:
        return ()
    return record if isinstance(record, dict) else ()


def _test_of(check: RecordCheck, columns: Sequence[Column], *, has_all: bool) -> IsRight:
    """Return the test of lines with these columns and no other, each of them where `has_all`."""
    fields, tests = list[tuple[str, Any, Any]](), list[tuple[Callable[[Any], Any], Fits]]()
    moments, texts = list[str](), list[str]()
    for number, column in enumerate(columns):
        kind, test = _field(check, column)
        if kind in _MOMENTS:
            moments.append(f"f{number}")
        elif column.type.kind not in _NUMBERS:
            texts.append(f"f{number}")
        required = column.name in check.required
        always = required or has_all
        named = msgspec.field(name=column.name) if always else msgspec.field(name=column.name, default=UNSET)
        kind = kind if required else kind | None
        fields.append((f"f{number}", kind if always else kind | UnsetType, named))
        value_of = attrgetter(f"f{number}")
        if test is not None:
            tests.append((value_of, test))
    record = msgspec.defstruct("Record", fields, kw_only=True, forbid_unknown_fields=True, gc=False)
    decode = msgspec.json.Decoder(record).decode
    moments_of, texts_of = _values_of(moments), _values_of(texts)

    def is_right(line: bytes) -> bool:
        try:
            held = decode(line)
        except REFUSED:
            return False
        for value_of, test in tests:
            value = value_of(held)
            if value is not None and value is not UNSET and not test(value):
                return False
        pairs = len(fields) - (0 if has_all else astuple(held).count(UNSET))
        given = moments_of(held)
        pairs += len(given) - given.count(None) - given.count(UNSET)
        return line.count(b'"') == 2 * pairs + quotes_of(texts_of(held)) and _QUOTE not in line

    return is_right


def _values_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda held: tuple(getattr(held, name) for name in names)


def _is_plain(name: str) -> bool:
    """Return whether msgspec takes a name for a field: without a character that JSON escapes."""
    return not any(character in '"\\' or character < " " for character in name)


def _field(check: RecordCheck, column: Column) -> tuple[Any, Fits | None]:
    """Return the type of a column's values, and the test of what the type leaves open, None for no such test."""
    name, live = column.name, check.live.find(column.name) if check.live else column
    test = check.tests[name]
    plain = _type(column)
    if plain is None or live is None or live.shape != column.shape:
        return Any, lambda value: value is not None and test(value)
    if column.mode is Mode.REPEATED:
        is_vector = name == check.layout.vector and name not in check.label_parts
        size = len(check.registry.features) if is_vector else None
        listed = Annotated[list[plain], msgspec.Meta(min_length=size, max_length=size)]  # type: ignore[valid-type]
        return listed, None if is_vector or name not in check.rules else test
    if plain is str and name in check.label_columns:
        return _one_of(labels_of(check.label_columns[name], check.labels)), None
    if plain is str and name in check.label_parts:
        return str, _label_object(check.label_parts[name], check.labels)
    if plain is str and name in check.accepted:
        return _one_of(check.accepted[name]), None
    return plain, test if name in check.rules else None


def _type(column: Column) -> Any:
    """Return the type of a column's values in Python, None for a type of BigQuery without one."""
    of = column.type
    if of.kind is Kind.STRING:
        return str if of.length is None else Annotated[str, msgspec.Meta(max_length=of.length)]
    return _TYPES.get(of.kind)


def _one_of(texts: Sequence[str]) -> Any:
    return Literal[tuple(texts)]


def _label_object(features: Mapping[int | str, Feature], declared: Sequence[str]) -> Fits:
    """Return the test of the JSON text of an object of labels."""
    fields = [
        (
            f"f{at}",
            _one_of(labels_of(feature, declared)) | None | UnsetType,
            msgspec.field(name=str(key), default=UNSET),
        )
        for at, (key, feature) in enumerate(features.items())
        if _is_plain(str(key))
    ]
    decode = msgspec.json.Decoder(msgspec.defstruct("Labels", fields, forbid_unknown_fields=True, gc=False)).decode

    def fits(value: str) -> bool:
        try:
            held = decode(value)
        except REFUSED:
            return False
        given = astuple(held)
        texts = len(given) - given.count(UNSET)
        return value.count('"') == 4 * texts - 2 * given.count(None) and QUOTE not in value

    return fits
