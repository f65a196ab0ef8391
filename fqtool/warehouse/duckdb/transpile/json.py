"""Translate JSON_VALUE of GoogleSQL to DuckDB's SQL, with one parse of each row's JSON for all its keys.

Parsing dominates: 37 JSON_VALUEs of one column parse it 37 times. One json_transform of all their keys into a STRUCT
parses it once, and each key is a field. The transform returns another text for values other than text, truth value or
null (an object, the spelling of a number): rows with such values are read key by key.
"""

from __future__ import annotations

import json
import re

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled, once

# Text that is not JSON counts as a missing value. Words are returned unchanged, and a number with its spelling, which
# DuckDB does not keep: it is searched in the text. If the text does not have it after the key (a key with escapes, or
# one that occurs twice), DuckDB's spelling of the same number is returned.
_PLAIN = "TRY(JSON_EXTRACT_STRING(JSON_VALUE(:v, :path), '$'))"
_SPELLED = (
    "CASE WHEN :p >= 'a' AND :p < '{{' THEN :p "
    "WHEN TRY(JSON_TYPE(:v, :path)) IN ('DOUBLE', 'BIGINT') THEN {number} ELSE :p END"
)
_NUMBER = "CASE WHEN TRY_CAST({spelt} AS DOUBLE) = TRY_CAST(:p AS DOUBLE) THEN {spelt} ELSE :p END"
_SPELT = "REGEXP_EXTRACT(CAST(:v AS TEXT), :pattern, 1)"
_SPELLING = r"\s*:\s*(-?[0-9][-+0-9.eE]*)"
# A colon before anything except a text, true, false or null. A colon inside a text only costs time.
_UNUSUAL = r":\s*([^\"\sntf]|na)"
_PARSED = (
    "CASE WHEN NOT REGEXP_MATCHES(CAST(:column AS TEXT), :unusual) THEN TRY(JSON_TRANSFORM(:column, :shape)) "
    "ELSE LIST_TRANSFORM([:texts], LAMBDA s_ : :fields)[1] END"
)
_KEY_BY_KEY = "LIST_TRANSFORM(:keys, LAMBDA k_ : :plain)"
# A nested lambda would be shorter, but DuckDB confuses their arguments.
_LOOKED_AT = "LIST_TRANSFORM(LIST_ZIP(:keys, :texts), LAMBDA z_ : :spelled)"
_WORTH_IT = 2


def path_keys(call: exp.JSONExtractScalar) -> list[str | int]:
    """Return the keys and indexes of the path of a JSON_VALUE. Raises InputError if the path is not a constant."""
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
    """Translate one JSON_VALUE by itself."""
    return _call(call.this, path_keys(call), as_number=_as_number(call, kinds))


def _as_number(call: exp.JSONExtractScalar, kinds: Kinds) -> bool:
    """Return whether the text is cast directly to a number, so that its spelling does not matter."""
    return isinstance(call.parent, exp.Cast) and kinds.of(call.parent) in ("INT64", "FLOAT64", "NUMERIC")


def _call(value: exp.Expr, keys: list[str | int], *, as_number: bool) -> exp.Expr:
    path = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{json.dumps(key)}" for key in keys)
    plain = once(_PLAIN, value, path=exp.Literal.string(path))
    if as_number:
        return plain
    parts: dict[str, exp.Expr] = {"path": exp.Literal.string(path), "p": exp.column("p_")}
    number = ":p"
    if keys and isinstance(keys[-1], str):
        number = _NUMBER.format(spelt=_SPELT)
        parts["pattern"] = exp.Literal.string(re.escape(json.dumps(keys[-1], ensure_ascii=False)) + _SPELLING)
    spelled = once(_SPELLED.format(number=number), value, **parts)
    return filled("LIST_TRANSFORM([:plain], LAMBDA p_ : :spelled)[1]", plain=plain, spelled=spelled)


def parse_once(calls: list[exp.JSONExtractScalar], kinds: Kinds) -> None:
    """Parse a column once for all its reads in one SELECT, if the SELECT has one source."""
    groups: dict[tuple[int, str, bool], list[tuple[exp.JSONExtractScalar, str]]] = {}
    for call in calls:
        select, keys = call.find_ancestor(exp.Select), path_keys(call)
        single = len(keys) == 1 and isinstance(keys[0], str) and isinstance(call.this, exp.Column)
        if single and select is not None and _has_one_source(select):
            as_number = _as_number(call, kinds)
            groups.setdefault((id(select), call.this.name.lower(), as_number), []).append((call, str(keys[0])))
    for number, ((_, _, as_number), group) in enumerate(groups.items()):
        if len({key for _, key in group}) >= _WORTH_IT:
            _parse(f"_json{number}", group, kinds, as_number=as_number)


def _has_one_source(select: exp.Select) -> bool:
    has_star = any(expression.is_star for expression in select.expressions)  # it would include the parsed column
    return bool(select.args.get("from_")) and not (select.args.get("joins") or select.args.get("laterals") or has_star)


def _parse(name: str, group: list[tuple[exp.JSONExtractScalar, str]], kinds: Kinds, *, as_number: bool) -> None:
    column = group[0][0].this
    select = group[0][0].find_ancestor(exp.Select)
    assert select is not None  # noqa: S101  the group was found inside it
    source = select.args["from_"].this
    inner = exp.select("*", exp.alias_(_parsed(column, list(dict.fromkeys(key for _, key in group)), as_number), name))
    # Moved, not copied: its nodes are not translated yet.
    source.replace(inner.subquery(source.alias_or_name, copy=False))
    inner.set("from_", exp.From(this=source))
    for call, key in group:
        field = exp.Bracket(this=exp.column(name), expressions=[exp.Literal.string(key)])
        call.replace(field)
        kinds.note(field, "STRING")


def _item(array: str, number: int) -> exp.Expr:
    # Indexes on sqlglot's tree start at 0; it writes 1 for DuckDB.
    return exp.Bracket(this=exp.column(array), expressions=[exp.Literal.number(number - 1)])


def _parsed(column: exp.Expr, keys: list[str], as_number: bool) -> exp.Expr:
    """Return the STRUCT with the texts of the keys."""
    fields = [
        exp.PropertyEQ(this=exp.Literal.string(key), expression=_item("s_", number))
        for number, key in enumerate(keys, 1)
    ]
    return filled(
        _PARSED,
        column=column,
        unusual=exp.Literal.string(_UNUSUAL),
        shape=exp.Literal.string(json.dumps(dict.fromkeys(keys, "VARCHAR"), ensure_ascii=False)),
        texts=_key_by_key(column, keys, as_number=as_number),
        fields=exp.Struct(expressions=fields),
    )


def _key_by_key(column: exp.Expr, keys: list[str], *, as_number: bool) -> exp.Expr:
    """Return the array with the texts of the keys. A key in quotes ends the path and precedes the value."""
    quoted = exp.Array(expressions=[exp.Literal.string(json.dumps(key, ensure_ascii=False)) for key in keys])
    path = filled("'$.' || :k", k=exp.column("k_"))
    texts = filled(_KEY_BY_KEY, keys=quoted, plain=filled(_PLAIN, v=column, path=path))
    if as_number:
        return texts
    spelled = filled(
        _SPELLED.format(number=_NUMBER.format(spelt=_SPELT)),
        v=column,
        p=_item("z_", 2),
        path=filled("'$.' || :k", k=_item("z_", 1)),
        pattern=filled("REGEXP_ESCAPE(:k) || :spelling", k=_item("z_", 1), spelling=exp.Literal.string(_SPELLING)),
    )
    return filled(_LOOKED_AT, keys=quoted, texts=texts, spelled=spelled)
