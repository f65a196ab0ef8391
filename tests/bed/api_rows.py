"""Whether the rows of an answer are written as its schema declares: values are texts, and each type has a form.

Source: REST reference, TableRow and DataFormatOptions; data types, canonical formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DATE, _TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(\.\d{1,6})?"
_NUMBER = r"-?\d+(\.\d+)?([eE][-+]?\d+)?"
_FORMS = {
    "INTEGER": r"-?\d+",
    "FLOAT": rf"{_NUMBER}|NaN|-?Infinity",
    "NUMERIC": r"-?\d+(\.\d+)?",
    "BIGNUMERIC": r"-?\d+(\.\d+)?",
    "BOOLEAN": r"true|false",
    "DATE": _DATE,
    "TIME": _TIME,
    "DATETIME": f"{_DATE}T{_TIME}",
    "BYTES": r"[A-Za-z0-9+/]*={0,2}",
}
_MICROSECONDS, _SECONDS = r"-?\d+", _NUMBER
_ALIASES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
Forms = dict[str, re.Pattern[str]]


def row_misfits(answer: dict[str, Any], *, int64_timestamps: bool) -> Iterator[str]:
    """Describe what is wrong with the rows, if the answer has rows and a schema.

    A TIMESTAMP is a count of microseconds where the request asked for that, else of seconds, with a fraction.
    """
    timestamp = _MICROSECONDS if int64_timestamps else _SECONDS
    forms = {kind: re.compile(form) for kind, form in (_FORMS | {"TIMESTAMP": timestamp}).items()}
    forms |= {alias: forms[kind] for alias, kind in _ALIASES.items() if kind in forms}
    fields = (answer.get("schema") or {}).get("fields")
    for row in answer.get("rows") or () if fields else ():
        yield from _record(row, fields, forms)


def _record(row: Any, fields: list[dict[str, Any]], forms: Forms) -> Iterator[str]:
    cells = row.get("f") if isinstance(row, dict) else None
    if not isinstance(cells, list) or len(cells) != len(fields):
        yield f"a row of {len(fields)} fields is {row!r:.80}"
        return
    for field, cell in zip(fields, cells, strict=True):
        value, form = cell.get("v"), forms.get(field["type"])
        if field.get("mode") != "REPEATED":
            if form is None or not isinstance(value, str) or not form.fullmatch(value):  # few values of an answer
                yield from _value(value, field, forms)
        elif not isinstance(value, list):
            yield f"the repeated field {field['name']} is {value!r:.80}, and not a list"
        else:
            for item in value:
                yield from _value(item.get("v"), field, forms)


def _value(value: Any, field: dict[str, Any], forms: Forms) -> Iterator[str]:
    kind = field["type"]
    if value is None:
        return
    if kind in ("RECORD", "STRUCT"):
        yield from _record(value, field.get("fields", []), forms)
    elif not isinstance(value, str) or (kind in forms and not forms[kind].fullmatch(value)):
        yield f"the field {field['name']} of type {kind} is written as {value!r:.80}"
