"""A regular expression that matches only lines of NDJSON with nothing wrong: most lines of a file need no second look.

It knows the fields of one record in their order. A line that it does not match may be right; `RecordCheck` decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from fqtool.records.check import RecordCheck
from fqtool.table.column import Column, Kind, Mode

_BLANK = r"[ \t]*"
_WHOLE = r"-?(?:0|[1-9]\d{0,17})"
_NUMBER = rf"{_WHOLE}(?:\.\d{{1,20}})?(?:[eE][-+]?\d{{1,2}})?"
_DAY = (
    r"[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_CLOCK = r"[ T](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(?:\d{3}|\d{6}))?"
_VALUES: Mapping[Kind, str] = {
    Kind.INT64: _WHOLE, Kind.FLOAT64: _NUMBER, Kind.BOOL: "(?:true|false)", Kind.DATE: f'"{_DAY}"',
    Kind.TIMESTAMP: rf'"{_DAY}{_CLOCK}(?:Z|\+00:00)?"', Kind.DATETIME: f'"{_DAY}{_CLOCK}"',
}  # fmt: skip
_SIMPLE = re.compile(r"[A-Za-z0-9_.-]+")
_NO_VALUE = "null"


def right_lines(check: RecordCheck, fields: Sequence[str]) -> str:
    """Return the pattern of lines with these fields in this order; those that are not required may be absent."""
    parts = []
    for name in fields:
        column = check.declared.get(name)
        if column is None or name not in check.tests or not _SIMPLE.fullmatch(name):
            continue
        required = name in check.required
        value = _value(check, column)
        value = value if required else f"(?:{value}|null)"
        parts.append((rf'"{re.escape(name)}"{_BLANK}:{_BLANK}{value}{_BLANK}', required))
    if not parts:
        return r"\{\}"
    before = "".join(rf"(?:{part},{_BLANK}){'' if required else '?'}" for part, required in parts[:-1])
    return rf"{_BLANK}\{{{_BLANK}{before}{parts[-1][0]}\}}{_BLANK}"


def _value(check: RecordCheck, column: Column) -> str:
    """Return the pattern of a column's values; NULL alone where a second look is needed for each."""
    name, live = column.name, check.live.find(column.name) if check.live else column
    if live is None or live.shape != column.shape:
        return _NO_VALUE
    if name in check.accepted:
        return _one_of(check.accepted[name])
    if name == check.registry.inputs.names:
        names = rf"{_BLANK},{_BLANK}".join(re.escape(json.dumps(one.name)) for one in check.registry.features)
        return rf"\[{_BLANK}{names}{_BLANK}\]"
    if name in check.label_keys:
        return _labels(check, tuple(check.label_keys[name]))
    if name in check.label_columns:
        return _one_of(tuple(source.label for source in check.registry.sources))
    value = _single(column)
    if column.mode is not Mode.REPEATED or value == _NO_VALUE:
        return value
    more = rf"(?:{_BLANK},{_BLANK}{value})"
    if name == check.layout.vector:
        return rf"\[{_BLANK}{value}{more}{{{len(check.registry.features) - 1}}}{_BLANK}\]"
    return rf"\[{_BLANK}(?:{value}{more}*{_BLANK})?\]"


def _single(column: Column) -> str:
    of = column.type
    match of.kind:
        case Kind.STRING if of.length is None:
            return r'"[^"\\\x00-\x1f]*"'
        case Kind.NUMERIC:
            precision, scale = of.digits
            whole = precision - scale
            return rf"-?(?:0|[1-9]\d{{0,{whole - 1}}})(?:\.\d{{1,9}})?" if whole else _NO_VALUE
        case kind:
            return _VALUES.get(kind, _NO_VALUE)


def _one_of(texts: Sequence[str]) -> str:
    simple = [text for text in texts if _SIMPLE.fullmatch(text)]
    return f'"(?:{"|".join(map(re.escape, simple))})"' if simple else _NO_VALUE


def _labels(check: RecordCheck, keys: Sequence[str]) -> str:
    """Return the pattern of a JSON object of labels within a string."""
    labels = [source.label for source in check.registry.sources if _SIMPLE.fullmatch(source.label)]
    known = [key for key in keys if _SIMPLE.fullmatch(key)]
    if not labels or not known:
        return _NO_VALUE
    pair = rf'\\"(?:{"|".join(map(re.escape, known))})\\"[ ]?:[ ]?\\"(?:{"|".join(map(re.escape, labels))})\\"'
    return rf'"\{{(?:{pair}(?:,[ ]?{pair})*)?\}}"'
