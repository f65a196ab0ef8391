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
from fqtool.warehouse.duckdb_kinds import Kinds
from fqtool.warehouse.duckdb_templates import filled, once

# Text that is no JSON counts as a missing value. Words are given as they are; a number as it is spelt, which DuckDB
# forgets: it is looked for in the text, and refused where the text has it in no spelling of the same number.
_PLAIN = "TRY(JSON_EXTRACT_STRING(JSON_VALUE(:v, :path), '$'))"
_CALL = (
    f"LIST_TRANSFORM([{_PLAIN}], LAMBDA p_ : CASE WHEN p_ >= 'a' AND p_ < '{{{{' THEN p_ "
    "WHEN TRY(JSON_TYPE(:v, :path)) IN ('DOUBLE', 'BIGINT') THEN {number} ELSE p_ END)[1]"
)
_NUMBER = "CASE WHEN TRY_CAST({spelt} AS DOUBLE) = TRY_CAST(p_ AS DOUBLE) THEN {spelt} ELSE {otherwise} END"
_REFUSAL = (
    "CASE WHEN CONTAINS(p_, '.') THEN ERROR('JSON_VALUE of a number whose spelling DuckDB does not keep') ELSE p_ END"
)
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


def json_value(call: exp.JSONExtractScalar, kinds: Kinds) -> exp.Expr:
    """Return one JSON_VALUE by itself."""
    return _call(call.this, path_keys(call), as_number=_as_number(call, kinds))


def _as_number(call: exp.JSONExtractScalar, kinds: Kinds) -> bool:
    """Tell whether the text is cast to a number at once, so that its spelling does not matter."""
    return isinstance(call.parent, exp.Cast) and kinds.of(call.parent) in ("INT64", "FLOAT64", "NUMERIC")


def _call(value: exp.Expr, keys: list[str | int], *, as_number: bool) -> exp.Expr:
    path = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{json.dumps(key)}" for key in keys)
    parts: dict[str, exp.Expr] = {"path": exp.Literal.string(path)}
    if as_number:
        return once(_PLAIN, value, **parts)
    number = _REFUSAL
    if keys and isinstance(keys[-1], str):
        number = _NUMBER.format(spelt=_SPELT, otherwise=_REFUSAL)
        key = re.escape(json.dumps(keys[-1], ensure_ascii=False))
        parts["pattern"] = exp.Literal.string(key + r"\s*:\s*(-?[0-9][-+0-9.eE]*)")
    return once(_CALL.format(number=number), value, **parts)


def parse_once(calls: list[exp.JSONExtractScalar], kinds: Kinds) -> None:
    """Make all reads of one column in one SELECT one parse, where the column can only be its one source's."""
    groups: dict[tuple[int, str], list[tuple[exp.JSONExtractScalar, str]]] = {}
    for call in calls:
        select, keys = call.find_ancestor(exp.Select), path_keys(call)
        single = len(keys) == 1 and isinstance(keys[0], str) and isinstance(call.this, exp.Column)
        if single and select is not None and _one_source(select):
            groups.setdefault((id(select), call.this.name.lower()), []).append((call, str(keys[0])))
    for number, group in enumerate(groups.values()):
        if len({key for _, key in group}) >= _WORTH_IT:
            _parse(f"_json{number}", group, kinds)


def _one_source(select: exp.Select) -> bool:
    return bool(select.args.get("from_")) and not (
        select.args.get("joins") or select.args.get("laterals") or _has_star(select)
    )


def _has_star(select: exp.Select) -> bool:
    """A star would show the parsed column."""
    return any(one.is_star for one in select.expressions)


def _parse(name: str, group: list[tuple[exp.JSONExtractScalar, str]], kinds: Kinds) -> None:
    column = group[0][0].this
    shape = json.dumps({key: "VARCHAR" for _, key in group}, ensure_ascii=False)
    parsed = filled(_PARSED, column=column, shape=exp.Literal.string(shape))
    select = group[0][0].find_ancestor(exp.Select)
    assert select is not None  # noqa: S101  the group was found inside it
    source = select.args["from_"].this
    inner = exp.select("*", exp.alias_(parsed, name))
    # Moved, not copied: what stands in it is still to be said in DuckDB's words.
    source.replace(inner.subquery(source.alias_or_name, copy=False))
    inner.set("from_", exp.From(this=source))
    for call, key in group:
        field = exp.Bracket(this=exp.column(name), expressions=[exp.Literal.string(key)])
        whole = _call(call.this, [key], as_number=_as_number(call, kinds))
        made = filled(_FIELD, field=field, call=whole)
        call.replace(made)
        kinds.note(made, "STRING")
