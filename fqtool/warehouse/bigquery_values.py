"""Python values as query parameters, and the client's row values as fqtool's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter, SchemaField

from fqtool.sql import Scalar, Value

_NUMERIC_SCALE, _NUMERIC_WHOLE = 9, 29  # BIGQUERY 57


def query_parameters(
    parameters: Iterable[tuple[str, Value]],
) -> list[ScalarQueryParameter | ArrayQueryParameter]:
    """Type the parameters by their values.

    None has no type of its own and goes as a STRING, which BigQuery coerces to DATE, DATETIME, TIME and
    TIMESTAMP; elsewhere the SQL must say CAST(@name AS INT64). An array takes the type of its elements, FLOAT64
    when whole and broken numbers are mixed, STRING when it is empty. A datetime is a TIMESTAMP, UTC unless it says
    otherwise.
    """
    return [_parameter(name, value) for name, value in parameters]


def _parameter(name: str, value: Value) -> ScalarQueryParameter | ArrayQueryParameter:
    if not isinstance(value, tuple):
        return ScalarQueryParameter(name, _type_name(value), value)
    kinds = {_type_name(item) for item in value if item is not None}
    kind = next((wide for wide in _WIDEST_FIRST if wide in kinds), "STRING")
    return ArrayQueryParameter(name, kind, list(value))


# A BOOL or DATE never mixes with numbers, so only among numbers does the order matter.
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
    """Return one row as a dict in the schema's order."""
    return {field.name: _plain(value, field) for field, value in zip(schema, values, strict=True)}


def _plain(value: Any, field: SchemaField) -> Any:
    """ARRAY as tuple, STRUCT as dict, and JSON as text again, which the client had parsed."""
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
