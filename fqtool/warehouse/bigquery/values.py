"""Convert Python values to query parameters, and row values of the client to those of fqtool."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter, SchemaField

from fqtool.errors import InputError
from fqtool.sql import Scalar, Value

_INT64 = 2**63
_NUMERIC_SCALE, _NUMERIC_WHOLE = 9, 29  # bigquery.md#types
_BIGNUMERIC_DIGITS = 38  # after the decimal point, and at least 38 before it


def query_parameters(
    parameters: Iterable[tuple[str, Value]],
) -> list[ScalarQueryParameter | ArrayQueryParameter]:
    """Convert parameters to those of the client, typed by their values.

    None is a STRING, which BigQuery coerces to DATE, DATETIME, TIME and TIMESTAMP; for other types the SQL needs
    CAST(@name AS INT64). An array has the type of its elements: FLOAT64 for a mix of whole and fractional numbers,
    STRING if it is empty. A datetime is a TIMESTAMP, in UTC if it has no zone. An integer outside INT64 is a NUMERIC or
    BIGNUMERIC.

    Raises:
        InputError: A text contains half of a surrogate pair, or a Decimal is outside BIGNUMERIC.
    """
    return [_parameter(name, value) for name, value in parameters]


def _parameter(name: str, value: Value) -> ScalarQueryParameter | ArrayQueryParameter:
    if not isinstance(value, tuple):
        scalar = _sendable(name, value)
        return ScalarQueryParameter(name, _type_name(scalar), scalar)
    items = [_sendable(name, item) for item in value]
    kinds = {_type_name(item) for item in items if item is not None}
    kind = next((wide for wide in _WIDEST_FIRST if wide in kinds), "STRING")
    if kind in ("NUMERIC", "BIGNUMERIC"):  # the client would send an int among Decimals as a JSON number, not as text
        items = [Decimal(item) if isinstance(item, int) else item for item in items]
    return ArrayQueryParameter(name, kind, items)


def _sendable(name: str, value: Scalar) -> Scalar:
    """Return the value in a type that can represent it. Raises InputError if BigQuery has no such type."""
    match value:
        case str() if any("\ud800" <= char <= "\udfff" for char in value):
            raise InputError(f"The value of @{name} contains half of a surrogate pair, which is not a character.")
        case int() if not -_INT64 <= value < _INT64:
            return _exact(name, Decimal(value))
        case Decimal():
            return _exact(name, value)
    return value


def _exact(name: str, value: Decimal) -> Decimal:
    """Return the number without an exponent, because the client sends str(value)."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > _BIGNUMERIC_DIGITS or value.adjusted() > _BIGNUMERIC_DIGITS:
        raise InputError(f"The value of @{name} is {value}, which is outside BIGNUMERIC.")
    return Decimal(f"{value:f}")


# A BOOL or DATE never occurs together with numbers, so the order matters only for numbers.
_WIDEST_FIRST = ("FLOAT64", "BIGNUMERIC", "NUMERIC", "INT64", "BOOL", "TIMESTAMP", "DATE", "STRING")


def _type_name(value: Scalar) -> str:
    match value:
        case bool():
            return "BOOL"
        case int():
            return "INT64"
        case float():
            return "FLOAT64"
        case Decimal():
            return "NUMERIC" if _fits_numeric(value) else "BIGNUMERIC"
        case datetime():
            return "TIMESTAMP"
        case date():
            return "DATE"
        case str() | None:
            return "STRING"


def _fits_numeric(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -exponent <= _NUMERIC_SCALE and value.adjusted() < _NUMERIC_WHOLE


def plain_row(values: Sequence[Any], schema: Sequence[SchemaField]) -> dict[str, Value]:
    """Return a row as a dict in the order of the schema."""
    return {field.name: _plain(value, field) for field, value in zip(schema, values, strict=True)}


def _plain(value: Any, field: SchemaField) -> Any:
    """Return an ARRAY as a tuple, a STRUCT as a dict, and JSON as text, which the client has parsed."""
    if field.mode == "REPEATED":
        return tuple(_single(item, field) for item in value or ())
    return _single(value, field)


def _single(value: Any, field: SchemaField) -> Any:
    if value is None:
        return None
    if field.field_type in ("RECORD", "STRUCT"):
        return {inner.name: _plain(value.get(inner.name), inner) for inner in field.fields}
    if field.field_type == "JSON":
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value
