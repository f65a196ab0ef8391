"""JSON_VALUE as GoogleSQL means it, with each row's JSON parsed once however many of its keys are read.

Parsing dominates: 37 JSON_VALUEs of one column parse it 37 times. One json_transform of all their keys into a STRUCT
parses it once; each key then is a field. What the transform would say otherwise (an object under the key, a number's
own spelling) is looked at again, which for words never happens.
"""

from __future__ import annotations

import json
import re

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb_templates import filled, once

# Text that is no JSON counts as a missing value. A number is given as it is spelt, which DuckDB forgets: it is looked
# for in the text, and refused where the text has it in no spelling of the same number.
_CALL = (
    "CASE WHEN JSON_VALID(:v) THEN CASE WHEN JSON_TYPE(:v, :path) = 'DOUBLE' THEN {number} "
    "ELSE JSON_EXTRACT_STRING(JSON_VALUE(:v, :path), '$') END END"
)
_NUMBER = (
    "CASE WHEN TRY_CAST({spelt} AS DOUBLE) = CAST(JSON_EXTRACT_STRING(:v, :path) AS DOUBLE) THEN {spelt} "
    "ELSE {refusal} END"
)
_REFUSAL = "ERROR('JSON_VALUE of a number whose spelling DuckDB does not keep')"
_SPELT = "REGEXP_EXTRACT(CAST(:v AS TEXT), :pattern, 1)"
# Words are strings: an object, an array, a number begins with another character.
_FIELD = "CASE WHEN :field >= 'a' AND :field < '{' THEN :field WHEN :field IS NOT NULL THEN :call END"
_PARSED = "TRY(JSON_TRANSFORM(:column, :shape))"
_WORTH_IT = 2


def path_keys(call: exp.JSONExtractScalar) -> list[str | int]:
    """Return the keys and indexes of a JSON_VALUE's path. Raises InputError for a path that is not a constant."""
    path = call.expression
    if not isinstance(path, exp.JSONPath):
        raise InputError("JSON_VALUE needs a constant path of keys and indexes to run on DuckDB.")
    keys: list[str | int] = []
    for part in path.expressions:
        match part:
            case exp.JSONPathRoot():
                pass
            case exp.JSONPathKey(this=str(key)):
                keys.append(key)
            case exp.JSONPathSubscript(this=int(index)):
                keys.append(index)
            case _:
                raise InputError("JSON_VALUE needs a constant path of keys and indexes to run on DuckDB.")
    return keys


def json_value(call: exp.JSONExtractScalar, *, as_number: bool) -> exp.Expression:
    """Return one JSON_VALUE by itself. `as_number`: it is cast to a number, so its spelling does not matter."""
    return _call(call.this, path_keys(call), as_number=as_number)


def _call(value: exp.Expression, keys: list[str | int], *, as_number: bool) -> exp.Expression:
    path = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{json.dumps(key)}" for key in keys)
    parts: dict[str, exp.Expression] = {"path": exp.Literal.string(path)}
    number = _REFUSAL
    if as_number:
        number = "JSON_EXTRACT_STRING(:v, :path)"
    elif keys and isinstance(keys[-1], str):
        number = _NUMBER.format(spelt=_SPELT, refusal=_REFUSAL)
        key = re.escape(json.dumps(keys[-1], ensure_ascii=False))
        parts["pattern"] = exp.Literal.string(key + r"\s*:\s*(-?[0-9][-+0-9.eE]*)")
    return once(_CALL.format(number=number), value, **parts)


def parse_once(select: exp.Select, calls: list[tuple[exp.JSONExtractScalar, bool]]) -> list[exp.JSONExtractScalar]:
    """Make all reads of one column of the SELECT's only source one parse; return the calls still to be done.

    `calls` are those that belong to this SELECT itself, each with whether it is cast to a number.
    """
    source = select.args.get("from_")
    if source is None or select.args.get("joins") or select.args.get("laterals") or _has_star(select):
        return [call for call, _ in calls]
    groups: dict[str, list[tuple[exp.JSONExtractScalar, bool, str]]] = {}
    left = []
    for call, as_number in calls:
        keys = path_keys(call)
        if isinstance(call.this, exp.Column) and len(keys) == 1 and isinstance(keys[0], str):
            groups.setdefault(call.this.name.lower(), []).append((call, as_number, keys[0]))
        else:
            left.append(call)
    for number, group in enumerate(groups.values()):
        if len({key for _, _, key in group}) < _WORTH_IT:
            left += [call for call, _, _ in group]
        else:
            _parse(select, f"_json{number}", group)
    return left


def _has_star(select: exp.Select) -> bool:
    """A star would show the parsed column."""
    return any(one.is_star for one in select.expressions)


def _parse(select: exp.Select, name: str, group: list[tuple[exp.JSONExtractScalar, bool, str]]) -> None:
    column = group[0][0].this
    shape = json.dumps({key: "VARCHAR" for _, _, key in group}, ensure_ascii=False)
    parsed = filled(_PARSED, column=column, shape=exp.Literal.string(shape))
    source = select.args["from_"].this
    inner = exp.select("*", exp.alias_(parsed, name))
    # Moved, not copied: what stands in it is still to be said in DuckDB's words.
    source.replace(inner.subquery(source.alias_or_name, copy=False))
    inner.set("from_", exp.From(this=source))
    for call, as_number, key in group:
        field = exp.Bracket(this=exp.column(name), expressions=[exp.Literal.string(key)])
        whole = _call(call.this, [key], as_number=as_number)
        call.replace(filled(_FIELD, field=field, call=whole))
