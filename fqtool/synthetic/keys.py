"""The values of key columns, by their types, for the keys of a synthetic season."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fqtool.table.column import Column, Kind

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


def key_value(column: Column, number: int) -> Any:
    """Return the value of a key column in the rows of a key.

    Args:
        column: The column. Values are unique for each number, except those of a BOOL or of a short NUMERIC.
        number: The number of the key, from 0.

    Returns:
        A value of JSON, or a date or time. BYTES are the text of their base64.
    """
    match column.type.kind:
        case Kind.INT64 | Kind.FLOAT64:
            return number
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            precision, scale = column.type.digits
            return number % 10 ** (precision - scale)
        case Kind.BOOL:
            return number % 2 == 1
        case Kind.DATE:
            return _FIRST.date() + timedelta(days=number)
        case Kind.DATETIME:
            return _FIRST.replace(tzinfo=None) + timedelta(minutes=number)
        case Kind.TIMESTAMP:
            return _FIRST + timedelta(minutes=number)
        case Kind.TIME:
            return (_FIRST + timedelta(seconds=number)).time()
        case Kind.BYTES:
            return f"{number:08d}"
        case _:
            text = f"{column.name}_{number:04d}"
            return text if column.type.length is None else text[-column.type.length :]
