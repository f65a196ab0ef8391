"""JSON objects in which no key is given twice.

Of a key that is given twice, DuckDB reads the first value, and Python and msgspec the last one. BigQuery refuses the
row.
"""

from __future__ import annotations

import json
from typing import Any

from fqtool.records.values import shown

# Blanks are left out. What may follow a backslash is kept, and what dates and times have before their first colon.
_OTHERS = bytes(set(range(256)) - set(b'":\\/bfnrtuT012'))


class RepeatedKey(ValueError):
    """A key that an object has more than once."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {shown(key)} is given more than once")


def loads(text: str) -> Any:
    """Return the value of a JSON text. Raises RepeatedKey, and ValueError for other text, NaN and Infinity."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)


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


def may_repeat(text: bytes, keys: int) -> bool:
    """Return whether valid JSON may have a key more than once, given how many different keys its objects have.

    It is never False for a text with such a key: each quote before a colon that is not escaped is counted, and some
    that open a value.
    """
    marks = text.translate(None, _OTHERS)
    if b"\\" not in marks:
        return marks.count(b'":') != keys
    return b"\\\\" in marks or marks.count(b'":') - marks.count(b'\\":') != keys


def keys_of(value: Any) -> int:
    """Return the number of keys of a value and of what it holds."""
    if type(value) is dict:
        return len(value) + sum(keys_of(item) for item in value.values() if type(item) in (dict, list))
    if type(value) is list:
        return sum(keys_of(item) for item in value if type(item) in (dict, list))
    return 0
