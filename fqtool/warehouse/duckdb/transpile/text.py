"""Translate functions of texts of GoogleSQL to DuckDB's SQL."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.casts import to_string
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled, once

_MANY = 4
# What TRIM removes on BigQuery; DuckDB removes spaces only.
_SPACES = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000"
)
# Letters that become several on BigQuery, or another one; measured over all of Unicode.
_NOT_UPPER = (
    "[\u0149\u019b\u01f0\u0264\u0390\u03b0\u0587\u1c8a\u1e96-\u1e9a\u1f50-\u1f56\u1f80-\u1fff\ua7cd\ua7db\ufb00-\ufb17"
    "\U00010d70-\U00010d85]"
)
_NOT_LOWER = "[\u03a3\u1c89\ua7cb\ua7cc\ua7da\ua7dc\U00010d50-\U00010d65]"


def concat(node: exp.Concat, kinds: Kinds) -> exp.Expr:
    """Translate CONCAT to one call: a chain of || copies the text so far at each step.

    DuckDB's CONCAT leaves NULLs out, so it is asked only where none can be.
    """
    parts = [_as_text(part, kinds) for part in node.expressions]
    if len(parts) == 1:
        return parts[0]
    node.set("expressions", parts)
    if len(parts) < _MANY or not all(never_null(part) for part in parts):
        return node
    return exp.Anonymous(this="CONCAT", expressions=[part.copy() for part in parts])


def never_null(node: exp.Expr) -> bool:
    """Return whether a translated expression certainly has a value in every row."""
    match node:
        case exp.Literal():
            return True
        case exp.Coalesce():
            return any(map(never_null, [node.this, *node.expressions]))
        case exp.Case():
            return _never_null(*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default"))
        case exp.If():
            return _never_null(node.args["true"], node.args.get("false"))
        case exp.Paren():
            return never_null(node.this)
        case exp.Anonymous() if node.name.upper() == "CONCAT":
            return True
        case _:
            return False


def _never_null(*nodes: exp.Expr | None) -> bool:
    return all(node is not None and never_null(node) for node in nodes)


def substring(node: exp.Substring, _: Kinds) -> exp.Expr:
    """Translate SUBSTR: a start of 0 or before the text means its start; DuckDB counts characters before it."""
    start, length = node.args.get("start"), node.args.get("length")
    if start is None:
        raise InputError("SUBSTR needs a start.")
    if length is not None and not (isinstance(length, exp.Literal) and length.is_int):
        raise InputError("SUBSTR needs a constant length of 0 or more to run on DuckDB.")
    if isinstance(start, exp.Literal) and start.is_int and int(start.name) > 0:
        return node
    begin = "CASE WHEN :p = 0 OR :p < -LENGTH(:v) THEN 1 ELSE :p END"
    counted = f"SUBSTRING(:v, {begin}, :n)" if length is not None else f"SUBSTRING(:v, {begin})"
    parts: dict[str, Any] = {"p": start}
    if length is not None:
        parts["n"] = length
    return once(counted, node.this, **parts)


def like(node: exp.Like, _: Kinds) -> exp.Expr:
    """Translate LIKE with the backslash as its escape character; DuckDB has none by default."""
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
        return node
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def number_of_points(node: exp.Anonymous, _: Kinds) -> exp.Expr:
    """Translate ST_NUMPOINTS: a GEOGRAPHY is text on DuckDB, WKT with a comma between two points, or GeoJSON."""
    if node.name.upper() != "ST_NUMPOINTS":
        return node
    of_json = r"LEN(REGEXP_EXTRACT_ALL(:v, '\[\s*[-0-9]'))"
    of_wkt = "LENGTH(REGEXP_REPLACE(:v, '[^,]', '', 'g')) + 1"
    return filled(f"CASE WHEN :v LIKE '{{%' THEN {of_json} ELSE {of_wkt} END", v=node.expressions[0])


def upper(node: exp.Upper, _: Kinds) -> exp.Expr:
    """Translate UPPER; letters whose capitals differ on DuckDB are an error."""
    refused = "ERROR('UPPER of a letter whose capitals differ on DuckDB: ' || :v)"
    done = "UPPER(REPLACE(:v, '\u00df', 'SS'))"
    return once(f"CASE WHEN REGEXP_MATCHES(:v, '{_NOT_UPPER}') THEN {refused} ELSE {done} END", node.this)


def lower(node: exp.Lower, _: Kinds) -> exp.Expr:
    """Translate LOWER; a capital sigma, which has two small letters, is an error."""
    refused = "ERROR('LOWER of a letter whose small letter differs on DuckDB: ' || :v)"
    done = "LOWER(REPLACE(:v, '\u0130', 'i\u0307'))"
    return once(f"CASE WHEN REGEXP_MATCHES(:v, '{_NOT_LOWER}') THEN {refused} ELSE {done} END", node.this)


def trim(node: exp.Trim, kinds: Kinds) -> exp.Expr:
    """Translate TRIM, LTRIM and RTRIM, which remove all whitespace of Unicode."""
    if node.expression is not None:
        return node
    if kinds.of(node.this) == "BYTES":
        raise InputError("TRIM of BYTES is not supported on DuckDB.")
    trimmed = node.copy()
    trimmed.set("expression", exp.Literal.string(_SPACES))
    return trimmed


def split(node: exp.Split, _: Kinds) -> exp.Expr:
    """Translate SPLIT, which is NULL if the delimiter is. DuckDB 2.0.1 splits '' by '' into nothing."""
    by = node.expression
    if isinstance(by, exp.Literal) and by.name:
        return node
    parts = "CASE WHEN :by = '' AND :v = '' THEN [''] WHEN NOT :by IS NULL THEN :parts END"
    return filled(parts, by=by, v=node.this, parts=node)


def _as_text(node: exp.Expr, kinds: Kinds) -> exp.Expr:
    return node if kinds.of(node) in ("STRING", "BYTES", "") or isinstance(node, exp.Null) else to_string(node, kinds)


_MAY_LACK = re.compile(r"\||\)(\?|\*|\{0)")


def regexp_extract(node: exp.RegexpExtract, _: Kinds) -> exp.Expr:
    """Translate REGEXP_EXTRACT, which is NULL without a match; DuckDB's is ''."""
    group = _groups(node.expression)
    if group and _MAY_LACK.search(node.expression.name):
        raise InputError(
            "REGEXP_EXTRACT with a group that may be absent from a match is not supported on DuckDB.",
            remedy="Write the regular expression without |, and without ? or * after the group.",
        )
    found = f"REGEXP_EXTRACT(:v, :pattern, {group})"
    return once(f"CASE WHEN REGEXP_MATCHES(:v, :pattern) THEN {found} END", node.this, pattern=node.expression)


def regexp_replace(node: exp.RegexpReplace, _: Kinds) -> exp.Expr:
    """Translate REGEXP_REPLACE, which replaces every match; DuckDB's replaces the first."""
    _groups(node.expression)
    parts = {"v": node.this, "pattern": node.expression, "new": node.args["replacement"]}
    return filled("REGEXP_REPLACE(:v, :pattern, :new, 'g')", **parts)


def _groups(pattern: exp.Expr) -> int:
    """Return how many groups a constant pattern has: 0 or 1."""
    if not isinstance(pattern, exp.RawString) and not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise InputError("A regular expression must be a constant to run on DuckDB.")
    try:
        groups = re.compile(pattern.name).groups
    except re.error:
        raise InputError(f"The regular expression {pattern.name!r} is not supported on DuckDB.") from None
    if groups > 1:
        raise InputError(f"The regular expression {pattern.name!r} has several groups: BigQuery accepts one.")
    return groups


def side(node: exp.Left | exp.Right, kinds: Kinds) -> exp.Expr:
    """Translate LEFT or RIGHT with a constant length."""
    _require_text(node, kinds)
    name = "LEFT" if isinstance(node, exp.Left) else "RIGHT"
    _constant_length(name, node.expression)
    return filled(f"{name}(:v, :n)", v=node.this, n=node.expression)


def pad(node: exp.Pad, kinds: Kinds) -> exp.Expr:
    """Translate LPAD or RPAD with a constant length and a constant pattern."""
    _require_text(node, kinds)
    name, pattern = "LPAD" if node.args.get("is_left") else "RPAD", node.args.get("fill_pattern")
    _constant_length(name, node.expression)
    if pattern is not None and not (isinstance(pattern, exp.Literal) and pattern.name):
        raise InputError(f"{name} needs a constant pattern to run on DuckDB.")
    return filled(f"{name}(:v, :n, :p)", v=node.this, n=node.expression, p=pattern or exp.Literal.string(" "))


def _require_text(node: exp.Expr, kinds: Kinds) -> None:
    if kinds.of(node.this) not in ("STRING", ""):
        raise InputError(
            f"{node.sql('bigquery').partition('(')[0]} of {kinds.of(node.this)} is not supported on DuckDB."
        )


def _constant_length(name: str, length: exp.Expr) -> None:
    if not (isinstance(length, exp.Literal) and length.is_int):
        raise InputError(f"{name} needs a constant length of 0 or more to run on DuckDB.")


_SPEC = re.compile(r"%(?:(?P<all>%)|(?P<flags>0?\d*)(?P<whole>d)|(?P<places>\.\d+)?(?P<float>f)|(?P<text>[st]))")


def format_(node: exp.Format, kinds: Kinds) -> exp.Expr:
    """Translate FORMAT with %d, %05d, %f, %.2f, %s, %t and %%."""
    layout = node.this
    refused = InputError(f"{node.sql('bigquery')[:60]} is not supported on DuckDB, which has %d, %.2f, %s, %t and %%.")
    if not (isinstance(layout, exp.Literal) and layout.is_string):
        raise refused
    pieces, at, values = list[exp.Expr](), 0, list(node.expressions)
    for spec in _SPEC.finditer(layout.name):
        before, at = layout.name[at : spec.start()], spec.end()
        value: exp.Expr | None = exp.Literal.string("%") if spec["all"] else None
        if value is None and values:
            value = _formatted(spec, values.pop(0), kinds)
        if value is None or "%" in before:
            raise refused
        pieces += [exp.Literal.string(before), value]
    if values or "%" in layout.name[at:]:
        raise refused
    names = {f"p{number}": piece for number, piece in enumerate([*pieces, exp.Literal.string(layout.name[at:])])}
    return exp.paren(filled(" || ".join(f":{name}" for name in names), **names), copy=False)


def _formatted(spec: re.Match[str], value: exp.Expr, kinds: Kinds) -> exp.Expr | None:
    kind = kinds.of(value)
    if spec["whole"] and kind == "INT64":
        return filled(f"PRINTF('%{spec['flags']}lld', :v)" if spec["flags"] else "CAST(:v AS TEXT)", v=value)
    if spec["float"] and kind == "FLOAT64":
        finite = f"PRINTF('%{spec['places'] or '.6'}f', :v + 0e0)"  # minus zero has no sign on BigQuery
        return once(f"CASE WHEN ISFINITE(:v) THEN {finite} ELSE REPLACE(CAST(:v AS TEXT), 'inity', '') END", value)
    if spec["text"] == "s" and kind == "STRING":
        return value
    if spec["text"] == "t" and kind in ("STRING", "INT64", "BOOL", "DATE", "NUMERIC"):
        return filled("COALESCE(:text, 'NULL')", text=to_string(value, kinds))
    return None
