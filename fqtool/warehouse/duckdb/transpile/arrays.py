"""Translate arrays, tables and text patterns of GoogleSQL to DuckDB's SQL."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled, once

_MANY = 4
_OUT_OF_BOUNDS = "ERROR('Array index ' || :i || ' is out of bounds')"


def element(node: exp.Bracket, _: Kinds) -> exp.Expr:
    """Translate array[OFFSET(i)] and the like: DuckDB counts from 1, and from the end for a negative index."""
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        raise InputError("An array needs one OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL to run on DuckDB.")
    index, first = node.expressions[0], node.args.get("offset") or 0
    safe = bool(node.args.get("safe"))
    shift = "" if first == 1 else " + 1"
    if safe and isinstance(index, exp.Literal) and index.is_int:
        at = int(index.name)
        return filled(f"LIST_EXTRACT(:v, {at + (first != 1)})", v=node.this) if at >= first else exp.null()
    inside = f":i >= {first}" if safe else f":i >= {first} AND :i{shift} <= LEN(:v)"
    outside = "" if safe else f" WHEN :v IS NULL OR :i IS NULL THEN NULL ELSE {_OUT_OF_BOUNDS}"
    return once(f"CASE WHEN {inside} THEN LIST_EXTRACT(:v, :i{shift}){outside} END", node.this, i=index)


def array_to_string(node: exp.ArrayToString, _: Kinds) -> exp.Expr:
    """Translate ARRAY_TO_STRING, which is '' without items."""
    if not isinstance(node.expression, exp.Literal):
        raise InputError("ARRAY_TO_STRING needs a constant separator to run on DuckDB.")
    null = node.args.get("null")
    value = node.this
    if null is not None:
        value = filled("LIST_TRANSFORM(:v, LAMBDA n_ : COALESCE(n_, :n))", v=value, n=null)
    joined = "COALESCE(ARRAY_TO_STRING(:v, :by), '')"
    if isinstance(value, exp.Array):
        return filled(joined, v=value, by=node.expression)
    return once(f"CASE WHEN NOT :v IS NULL THEN {joined} END", value, by=node.expression)


def array_concat(node: exp.ArrayConcat, _: Kinds) -> exp.Expr:
    """Translate ARRAY_CONCAT, which is NULL if one array is NULL."""
    arrays = [node.this, *node.expressions]
    joined = exp.Anonymous(this="LIST_CONCAT", expressions=[array.copy() for array in arrays])
    doubtful = [array for array in arrays if not isinstance(array, exp.Array)]
    if not doubtful:
        return joined
    names = {f"a{number}": array for number, array in enumerate(doubtful)}
    null = " OR ".join(f":{name} IS NULL" for name in names)
    return filled(f"CASE WHEN NOT ({null}) THEN :joined END", joined=joined, **names)


def concat(node: exp.Concat, kinds: Kinds) -> exp.Expr:
    """Translate CONCAT to one call: a chain of || copies the text so far at each step.

    DuckDB's CONCAT leaves NULLs out, so it is asked only where none can be.
    """
    parts = node.expressions
    if len(parts) < _MANY or not all(kinds.of(part) == "STRING" and never_null(part) for part in parts):
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


def unnest(node: exp.Unnest, _: Kinds) -> exp.Expr:
    """Translate UNNEST, with its offset from 0 as a column of a subquery."""
    offset = node.args.get("offset")
    if not offset:
        return node
    alias = node.args.get("alias")
    columns = alias.args.get("columns") if alias else None
    name = columns[0] if columns else alias.this if alias else exp.to_identifier("_value")
    called = offset if isinstance(offset, exp.Identifier) else exp.to_identifier("offset")
    value = node.expressions[0]
    select = exp.select(
        exp.alias_(filled("UNNEST(:v)", v=value), name.copy()),
        exp.alias_(filled("UNNEST(RANGE(LEN(:v)))", v=value), called.copy()),
    )
    return exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier(f"_of_{name.name}")))


def unpivot(node: exp.Pivot, _: Kinds) -> exp.Expr:
    """Accept UNPIVOT where the rows and labels are the same on both."""
    if not node.args.get("unpivot"):
        raise InputError("PIVOT is not supported on DuckDB.")
    if any(isinstance(expression, exp.Tuple) for expression in node.expressions) and not node.args.get("include_nulls"):
        raise InputError(
            "UNPIVOT of several columns drops other rows on DuckDB than on BigQuery.",
            remedy="Write UNPIVOT INCLUDE NULLS, and filter the rows with WHERE.",
        )
    select = node.find_ancestor(exp.Select)
    if select is not None and any(expression.is_star for expression in select.expressions):
        raise InputError(
            "The columns of an UNPIVOT have another order on DuckDB.", remedy="Name them instead of SELECT *."
        )
    for label in node.find_all(exp.PivotAlias):
        if isinstance(label.args["alias"], exp.Literal) and not label.args["alias"].is_string:
            raise InputError(
                "UNPIVOT with numbers as labels is not supported on DuckDB, which makes them text.",
                remedy="Use string labels.",
            )
    return node


def substring(node: exp.Substring, _: Kinds) -> exp.Expr:
    """Translate SUBSTR: a start of 0 or before the text means its start; DuckDB counts characters before it."""
    start, length = node.args.get("start"), node.args.get("length")
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


def table(node: exp.Table, _: Kinds) -> exp.Expr:
    """Remove project and dataset, which a DuckDB file does not have."""
    if node.args.get("version") or node.args.get("when") or node.args.get("sample"):
        raise InputError(f"{node.sql('bigquery')[:60]} is not supported on DuckDB.")
    if any("INFORMATION_SCHEMA" in part.name.upper() for part in node.parts):
        raise InputError("INFORMATION_SCHEMA of BigQuery is not supported on DuckDB.")
    if not isinstance(node.this, exp.Identifier):
        raise InputError(f"{node.sql('bigquery')[:60]} is not a table of a DuckDB file.")
    node.set("db", None)
    node.set("catalog", None)
    return node


def like(node: exp.Like, _: Kinds) -> exp.Expr:
    """Translate LIKE with the backslash as its escape character; DuckDB has none by default."""
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
        return node
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def column(node: exp.Column, _: Kinds) -> exp.Expr:
    """Translate DEFAULT in DML, which sqlglot reads as a column."""
    identifier = node.this
    if isinstance(identifier, exp.Identifier) and identifier.name.upper() == "DEFAULT" and not identifier.quoted:
        return exp.Var(this="DEFAULT")
    return node
