"""JSON objects in which no key is given twice.

Of a key that is given twice, DuckDB reads the first value, and Python and msgspec the last one. BigQuery refuses the
row.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from decimal import Decimal
from typing import Any

from fqtool.records.values import shown

_LARGE = re.compile(r"\d[eE]\+?\d{3}|\d{300}", re.ASCII)


class RepeatedKey(ValueError):
    """A key that an object has more than once."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {shown(key)} is given more than once")


def loads(text: str) -> Any:
    """Return the value of a JSON text. Raises RepeatedKey, and ValueError for other text, NaN and Infinity.

    A number that is too large for a float is a Decimal; Python would read an infinity.
    """
    parse_float = _float if _LARGE.search(text) else None
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=parse_float)


def _float(text: str) -> float | Decimal:
    number = float(text)
    return Decimal(text) if math.isinf(number) else number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        seen = set[str]()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKey(key)
            seen.add(key)
    return held


def _refuse(word: str) -> None:
    raise ValueError(word)


QUOTE = r"\u0022"
"""A quote in a JSON string, written as no quote."""


def quotes_of(value: Any) -> int:
    """Return how many quotes JSON has for a value that was read from it, where none is written as QUOTE.

    A text that has more quotes than its value has a key more than once.
    """
    of = type(value)
    if of is str:
        return 2 + str.count(value, '"')
    if of is dt.datetime or of is dt.date:
        return 2
    if of is dict:
        return sum(quotes_of(key) + quotes_of(item) for key, item in value.items())
    if of is list or of is tuple:
        return sum(map(quotes_of, value))
    return 0
