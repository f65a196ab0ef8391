"""Which values BigQuery accepts for a column, one test per type; a value comes from JSON, a file or a program.

Numbers may come as text, as BigQuery's loads accept them; a boolean is never a number, nor a fraction an integer.
https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json#details_of_loading_json_data
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from numbers import Integral, Real
from typing import Any, TypeAlias

from fqtool.records.geography import is_geography
from fqtool.table.column import Column, Kind, Mode, Type

Fits: TypeAlias = Callable[[Any], bool]

_INT64 = 2**63
_BIGNUMERIC = Decimal("578960446186580977117854925043439539266.34992332820282019728792003956564819968")
_JSON = (Real, Decimal, date, time)
_NUMBERS = frozenset({int, float})
_NUMERIC = (Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC)
_WHOLE = re.compile(r"[+-]?\d{1,30}(\.0*)?", re.ASCII)
_FLOAT_WORDS = frozenset({"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
_BOOL_WORDS = frozenset({"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"})
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{1,2}-\d{1,2})(?:[ Tt](?P<clock>\d{1,2}:\d{1,2}(?::\d{1,2})?)(?P<fraction>\.\d+)?)?"
    r"(?: ?(?P<offset>[Zz]|UTC|[+-](?:0?\d|1[0-4])(?::?[0-5]\d)?)| (?P<zone>[A-Za-z][\w/+-]*))?",
    re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)
_TIME = re.compile(r"\d{1,2}:\d{1,2}:\d{1,2}(\.\d{1,12})?", re.ASCII)
_LONGEST = 40
SHOWN = 60
"""Characters of a name or label that messages show."""


def fits_column(column: Column) -> Fits:
    """Return the test of a column's values that are not NULL; an ARRAY is a list without NULL in it."""
    one = _fits(column.type)
    if column.mode is not Mode.REPEATED:
        return one
    if column.type.kind is Kind.FLOAT64:
        return lambda value: _is_vector(value) or _all_fit(value, one)
    return lambda value: _all_fit(value, one)


def _is_vector(value: Any) -> bool:
    return type(value) is list and _NUMBERS.issuperset(map(type, value)) and _are_floats(value)


def _are_floats(numbers: list[Any]) -> bool:
    try:
        array("d", numbers)
    except OverflowError:
        return False
    return True


def items_of(value: Any) -> list[Any] | None:
    """Return the items of a list, tuple or array of numpy, None for what is not one."""
    if isinstance(value, list | tuple):
        return list(value)
    if hasattr(value, "tolist") and not isinstance(value, str | bytes):
        listed = value.tolist()
        return listed if isinstance(listed, list) else None
    return None


def _all_fit(value: Any, fits: Fits) -> bool:
    items = items_of(value)
    return items is not None and all(item is not None and fits(item) for item in items)


def _fits(of: Type) -> Fits:
    match of.kind:
        case Kind.STRING:
            length = of.length
            if length is None:
                return _is_text
            return lambda value: _is_text(value) and len(value) <= length
        case Kind.BIGNUMERIC if of.precision is None:
            return _is_bignumeric
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            precision, scale = of.digits
            return lambda value: _is_numeric(value, precision - scale)
        case Kind.BYTES:
            return lambda value: _is_bytes(value, of.length)
        case Kind.STRUCT:
            return _struct(of.fields)
        case Kind.RANGE:
            bound = _PLAIN[of.element or Kind.DATE]
            return lambda value: _is_range(value, bound)
        case kind:
            return _PLAIN.get(kind, _is_json)


def _struct(fields: tuple[Column, ...]) -> Fits:
    tests = {field.name: fits_column(field) for field in fields}
    required = frozenset(field.name for field in fields if field.mode is Mode.REQUIRED)

    def fits(value: Any) -> bool:
        return (
            isinstance(value, Mapping)
            and all(name in tests and (item is None or tests[name](item)) for name, item in value.items())
            and all(value.get(name) is not None for name in required)
        )

    return fits


def _is_int(value: Any) -> bool:
    match value:
        case bool():
            return False
        case int():
            return -_INT64 <= value < _INT64
        case str():
            return bool(_WHOLE.fullmatch(value)) and -_INT64 <= int(value.partition(".")[0]) < _INT64
        case Decimal():
            return value.is_finite() and -_INT64 <= value < _INT64 and value == int(value)
        case float():
            return math.isfinite(value) and value == int(value) and -_INT64 <= value < _INT64
        case _:
            return isinstance(value, Integral) and -_INT64 <= int(value) < _INT64


def _is_float(value: Any) -> bool:
    if type(value) is float:
        return True
    if isinstance(value, str):
        if value.lower() in _FLOAT_WORDS:
            return True
        value = _number(value)
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return False
    try:
        return abs(float(value)) != math.inf or abs(value) == math.inf
    except OverflowError:
        return False
    except ValueError:  # a signaling NaN
        return False


def _is_numeric(value: Any, whole_digits: int) -> bool:
    number = _decimal(value)
    return number is not None and number.is_finite() and (not number or number.adjusted() < whole_digits)


def _is_bignumeric(value: Any) -> bool:
    number = _decimal(value)
    return number is not None and number.is_finite() and number.copy_abs() <= _BIGNUMERIC


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return Decimal(int(value))
    number = _number(value) if isinstance(value, str) else value
    if isinstance(number, Real):
        number = Decimal(str(number))
    return number if isinstance(number, Decimal) else None


def _number(text: str) -> Decimal | None:
    """Return the number that a text is, None for another text; underscores and blanks belong to none."""  # quotation
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and "_" not in text and text.isascii() and text == text.strip() else None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in _BOOL_WORDS)


def _is_bytes(value: Any, length: int | None) -> bool:
    if isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return False
    return isinstance(value, bytes | bytearray) and (length is None or len(value) <= length)


def _is_date(value: Any) -> bool:
    if isinstance(value, str):
        try:
            date.fromisoformat(value if len(value) == 10 else _padded(value))  # noqa: PLR2004  YYYY-MM-DD
        except ValueError:
            return False
        return bool(_DATE.fullmatch(value))
    return isinstance(value, date) and not isinstance(value, datetime)


def _padded(text: str) -> str:
    return "-".join(part.zfill(2) for part in text.split("-"))


def _moment(text: str) -> datetime | None:
    """Return the moment of a text, None for another text. Dates come with dashes, and may come alone."""  # quotation
    parts = _MOMENT.fullmatch(text)
    if parts is None or not (parts["zone"] is None or _is_zone(parts["zone"])):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass  # a part with one digit, or a name of a zone
    clock = ":".join(part.zfill(2) for part in (parts["clock"] or "0:0").split(":"))
    zone = "" if parts["offset"] is None and parts["zone"] is None else "+00:00"
    try:
        return datetime.fromisoformat(f"{_padded(parts['day'])}T{clock}{parts['fraction'] or ''}{zone}")
    except ValueError:
        return None


def _is_zone(name: str) -> bool:
    import pytz

    return name in pytz.all_timezones_set


def _is_timestamp(value: Any) -> bool:
    if isinstance(value, str):
        return _moment(value) is not None
    if isinstance(value, datetime):
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def _is_datetime(value: Any) -> bool:
    moment = _moment(value) if isinstance(value, str) else value
    return isinstance(moment, datetime) and moment.tzinfo is None


def _is_time(value: Any) -> bool:
    if isinstance(value, time):
        return value.tzinfo is None
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    hours, minutes, seconds = value.partition(".")[0].split(":")
    return int(hours) < 24 and int(minutes) < 60 and int(seconds) < 60  # noqa: PLR2004  a day


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and (value.isascii() or not _has_lone_surrogate(value))


def _is_geography(value: Any) -> bool:
    return isinstance(value, str) and is_geography(value)


def _has_lone_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_range(value: Any, bound: Fits) -> bool:
    if isinstance(value, str):
        if value[:1] != "[" or value[-1:] != ")" or value.count(",") != 1:
            return False
        ends = [end.strip() for end in value[1:-1].split(",")]
        return all(end.upper() in ("UNBOUNDED", "NULL") or bound(end) for end in ends)
    if isinstance(value, Mapping):
        return value.keys() <= {"start", "end"} and all(end is None or bound(end) for end in value.values())
    return False


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, str):
        return _is_text(value)
    items = items_of(value)
    return all(map(_is_json, items)) if items is not None else value is None or isinstance(value, _JSON)


_PLAIN: Mapping[Kind, Fits] = {
    Kind.INT64: _is_int, Kind.FLOAT64: _is_float, Kind.BOOL: _is_bool, Kind.DATE: _is_date,
    Kind.DATETIME: _is_datetime, Kind.TIME: _is_time, Kind.TIMESTAMP: _is_timestamp, Kind.INTERVAL: _is_text,
    Kind.GEOGRAPHY: _is_geography,
}  # fmt: skip


def is_array_text(value: Any) -> bool:
    """Return whether a value is the JSON text of an array instead of an array."""
    if not isinstance(value, str) or value.strip()[:1] != "[":
        return False
    try:
        return isinstance(json.loads(value), list)
    except (ValueError, RecursionError):
        return False


def shown(value: object) -> str:
    """Return a name or label as messages show it: quoted where it has blanks or other invisible characters."""
    text = str(value)[:SHOWN]
    return text if text.isprintable() and text and " " not in text else repr(text)


def described(value: Any) -> str:
    """Return what a value is, without what a longer text holds: it may be private."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "a boolean"
        case str() if _has_lone_surrogate(value):
            return r"text with half of a character, such as \ud800"
        case str():
            return f"text of {len(value)} character{'' if len(value) == 1 else 's'}"
        case bytes():
            return f"{len(value)} byte{'' if len(value) == 1 else 's'}"
        case datetime(tzinfo=zone) if zone is not None:
            return "a datetime with a time zone"
        case Mapping():
            return "an object"
        case int() | float() | Decimal():
            try:
                text = str(value)
            except ValueError:  # more digits than Python writes
                text = "9" * _LONGEST * 2
            return f"the number {text}" if len(text) <= _LONGEST else "a number of many digits"
        case list() | tuple():
            nulls = [position for position, item in enumerate(value) if item is None]
            return f"an array with NULL at position {nulls[0]}" if nulls else "an array"
        case _:
            return f"a {type(value).__name__}"


def reason(column: Column, value: Any) -> str:
    """Return what a value is that a column does not accept, with the item of an ARRAY that is the reason."""
    items = items_of(value)
    if items is not None and column.mode is Mode.REPEATED:
        single = replace(column, mode=Mode.NULLABLE)
        fits = fits_column(single)
        wrong = next((at for at, item in enumerate(items) if item is not None and not fits(item)), None)
        if None in items or wrong is None:
            return described(items)
        return f"item {wrong} is {reason(single, items[wrong])}"
    if isinstance(value, str):
        if column.type.kind in _NUMERIC and (number := _number(value)) is not None:
            return f"{described(number)} as text"
        if column.type.kind in _NUMERIC and _number(value.replace(",", ".", 1)) is not None:
            return "a number with a comma, as text"
        moment = _moment(value) if column.type.kind is Kind.DATETIME else None
        if moment is not None:
            return "text with a time zone"
        if column.type.kind is Kind.BYTES and _is_bytes(value, None):
            return f"base64 of {described(base64.b64decode(value))}"
    return described(value if items is None else items)
