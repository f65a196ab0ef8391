"""Cells as the service sends them: a TIMESTAMP is microseconds where the request asks so, else seconds as a float.

Patches the formatter of timestamps in bqemulator.storage.arrow_bridge, which always sends microseconds.
"""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal
from typing import Any

import pyarrow as pa
from bqemulator.storage import arrow_bridge

from .hooks import override

MICROSECONDS: ContextVar[bool] = ContextVar("MICROSECONDS", default=True)
"""`formatOptions.useInt64Timestamp` of the request."""
_PLAIN_FROM, _PLAIN_TO = Decimal("0.001"), Decimal(10) ** 7


def _timestamp(stock: Any) -> Any:
    def to_cell(value: Any, arrow_type: pa.DataType, column: Any) -> str:
        text = str(stock(value, arrow_type, column))
        return text if arrow_type.tz is None or MICROSECONDS.get() else _seconds(int(text))

    return to_cell


def _seconds(microseconds: int) -> str:
    """Seconds as a float in the service's spelling: 1.5, 1.704164645678901E9."""
    seconds = Decimal(microseconds).scaleb(-6).normalize()
    if seconds == 0 or _PLAIN_FROM <= abs(seconds) < _PLAIN_TO:
        text = f"{seconds:f}"
        return text if "." in text else f"{text}.0"
    digits, _, exponent = f"{seconds:E}".partition("E")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    stock = arrow_bridge._fmt_bq_timestamp
    formatters = tuple(
        (predicate, _timestamp(stock) if form is stock else form) for predicate, form in arrow_bridge._BQ_TYPE_FORMATTERS
    )
    override(arrow_bridge, "_BQ_TYPE_FORMATTERS", formatters)
