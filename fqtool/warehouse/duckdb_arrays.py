"""Arrays, tables and text patterns as GoogleSQL means them, said in DuckDB's SQL."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb_kinds import Kinds
from fqtool.warehouse.duckdb_templates import filled, once

_MANY = 4
_OUT_OF_BOUNDS = "ERROR('Array index ' || :i || ' is out of bounds')"


def element(node: exp.Bracket, _: Kinds) -> exp.Expr:
    """Return array[OFFSET(i)] and its kin: DuckDB counts from 1, and from the end where an index is negative."""
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        raise InputError("An array takes one OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL to run on DuckDB.")
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
    """Return ARRAY_TO_STRING, which is '' where DuckDB finds nothing to join."""
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
    """Return ARRAY_CONCAT, NULL where one of them is."""
    arrays = [node.this, *node.expressions]
    joined = exp.Anonymous(this="LIST_CONCAT", expressions=[one.copy() for one in arrays])
    doubtful = [one for one in arrays if not isinstance(one, exp.Array)]
    if not doubtful:
        return joined
    names = {f"a{number}": one for number, one in enumerate(doubtful)}
    null = " OR ".join(f":{name} IS NULL" for name in names)
    return filled(f"CASE WHEN NOT ({null}) THEN :joined END", joined=joined, **names)


def concat(node: exp.Concat, kinds: Kinds) -> exp.Expr:
    """Return CONCAT of many texts in one go: a chain of || copies what it has so far at each step.

    DuckDB's CONCAT leaves NULLs out, so it is asked only where none can be.
    """
    parts = node.expressions
    if len(parts) < _MANY or not all(kinds.of(one) == "STRING" and never_null(one) for one in parts):
        return node
    return exp.Anonymous(this="CONCAT", expressions=[one.copy() for one in parts])


def never_null(node: exp.Expr) -> bool:
    """Tell whether an expression, said in DuckDB's words already, certainly has a value on every row."""
    match node:
        case exp.Literal():
            return True
        case exp.Coalesce():
            return any(map(never_null, [node.this, *node.expressions]))
        case exp.Case():
            return _never_null(*(one.args["true"] for one in node.args["ifs"]), node.args.get("default"))
        case exp.If():
            return _never_null(node.args["true"], node.args.get("false"))
        case exp.Paren():
            return never_null(node.this)
        case exp.Anonymous() if node.name.upper() == "CONCAT":
            return True
        case _:
            return False


def _never_null(*nodes: exp.Expr | None) -> bool:
    return all(one is not None and never_null(one) for one in nodes)


def unnest(node: exp.Unnest, _: Kinds) -> exp.Expr:
    """Return UNNEST, its offset counted from 0 as a column of a subquery of its own."""
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
    """Let UNPIVOT through where both see the same rows and labels."""
    if not node.args.get("unpivot"):
        raise InputError("PIVOT is nothing that DuckDB does as BigQuery does.")
    if any(isinstance(one, exp.Tuple) for one in node.expressions) and not node.args.get("include_nulls"):
        raise InputError(
            "UNPIVOT of several columns drops other rows in DuckDB.",
            remedy="Write UNPIVOT INCLUDE NULLS and say in WHERE which rows to drop.",
        )
    select = node.find_ancestor(exp.Select)
    if select is not None and any(one.is_star for one in select.expressions):
        raise InputError(
            "The columns of an UNPIVOT stand in another order in DuckDB.", remedy="Name them instead of SELECT *."
        )
    for label in node.find_all(exp.PivotAlias):
        if isinstance(label.args["alias"], exp.Literal) and not label.args["alias"].is_string:
            raise InputError("UNPIVOT with numbers as labels: DuckDB makes them text.", remedy="Use string labels.")
    return node


def substring(node: exp.Substring, _: Kinds) -> exp.Expr:
    """Return SUBSTR: 0 and what lies before the text mean its beginning; DuckDB counts what lies before it."""
    start, length = node.args.get("start"), node.args.get("length")
    if length is not None and not (isinstance(length, exp.Literal) and length.is_int):
        raise InputError("SUBSTR needs a constant length, not below zero, to run on DuckDB.")
    if isinstance(start, exp.Literal) and start.is_int and int(start.name) > 0:
        return node
    begin = "CASE WHEN :p = 0 OR :p < -LENGTH(:v) THEN 1 ELSE :p END"
    counted = f"SUBSTRING(:v, {begin}, :n)" if length is not None else f"SUBSTRING(:v, {begin})"
    parts: dict[str, Any] = {"p": start}
    if length is not None:
        parts["n"] = length
    return once(counted, node.this, **parts)


def table(node: exp.Table, _: Kinds) -> exp.Expr:
    """Drop project and dataset, which a file has none of."""
    if node.args.get("version") or node.args.get("when") or node.args.get("sample"):
        raise InputError(f"{node.sql('bigquery')[:60]} is nothing that DuckDB does as BigQuery does.")
    if any("INFORMATION_SCHEMA" in part.name.upper() for part in node.parts):
        raise InputError("INFORMATION_SCHEMA is another one in DuckDB.")
    if not isinstance(node.this, exp.Identifier):
        raise InputError(f"{node.sql('bigquery')[:60]} is no table of a DuckDB file.")
    node.set("db", None)
    node.set("catalog", None)
    return node


def like(node: exp.Like, _: Kinds) -> exp.Expr:
    """Return LIKE with the backslash as its escape character, which DuckDB has none of by itself."""
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
        return node
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def column(node: exp.Column, _: Kinds) -> exp.Expr:
    """Return DEFAULT as the keyword it is in DML; sqlglot takes it for a column."""
    identifier = node.this
    if isinstance(identifier, exp.Identifier) and identifier.name.upper() == "DEFAULT" and not identifier.quoted:
        return exp.Var(this="DEFAULT")
    return node
