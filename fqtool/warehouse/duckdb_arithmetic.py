"""ROUND, division, literals and aggregates as GoogleSQL means them, said in DuckDB's SQL."""

from __future__ import annotations

import math

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb_kinds import Kinds
from fqtool.warehouse.duckdb_templates import filled, once

_MOST_DIGITS = 15
# DuckDB rounds x * 100, which may have become a half that x was not. It is a real half only where x * 2^(n+1) is
# whole; elsewhere printf, which looks at the exact value, says whether to come down again.
_ROUND = (
    "ROUND(CASE WHEN {is_float}ABS(:v * 1e{n} % 1) = 0.5 AND :v * {two} % 1 <> 0 "
    "AND ABS(CAST(PRINTF('%.{n}f', :v) AS DOUBLE)) < ABS(:v) THEN :v - (ROUND(:v, {n}) - :v) ELSE :v END, {n})"
)
# NUMERIC divides to nine digits, halves away from zero: done in whole numbers of 10^-9.
_NUMERIC_DIVISION = (
    "LIST_TRANSFORM([{'a': CAST(CAST(:a AS DECIMAL(38, 9)) * 1000000000 AS HUGEINT), "
    "'b': CAST(CAST(:b AS DECIMAL(38, 9)) * 1000000000 AS HUGEINT)}], LAMBDA r_ : "
    "CAST(SIGN(r_.a) * SIGN(r_.b) * ((2 * ABS(r_.a) * 1000000000 + ABS(r_.b)) // (2 * ABS(r_.b))) AS DECIMAL(38, 0)) "
    "* 0.000000001)[1]"
)
_UNSURE = "ERROR('arithmetic of NUMERIC that was not known to be one: say CAST(... AS NUMERIC)')"
_BY_ZERO = "division by zero"


def round_(node: exp.Round, kinds: Kinds) -> exp.Expr:
    """Return ROUND, halves away from zero, of the exact value."""
    places = node.args.get("decimals")
    digits = _whole(places) if places is not None else 0
    if digits is None or abs(digits) > _MOST_DIGITS or node.args.get("truncate"):
        raise InputError("ROUND needs a constant number of places, at most 15, to run on DuckDB.")
    kind = kinds.of(node.this)
    if kind == "INT64":
        return filled(f"ROUND(CAST(:v AS DOUBLE), {digits})", v=node.this)
    if digits <= 0 or kind == "NUMERIC":
        return filled(f"ROUND(:v, {digits})", v=node.this)
    is_float = "" if kind == "FLOAT64" else "TYPEOF(:v) = 'DOUBLE' AND "
    return once(_ROUND.format(is_float=is_float, n=digits, two=f"{2 ** (digits + 1)}e0"), node.this)


def _whole(node: exp.Expr) -> int | None:
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and node.this.is_int:
        return -int(node.this.name)
    return int(node.name) if isinstance(node, exp.Literal) and node.is_int else None


def divide(node: exp.Div | exp.SafeDivide, kinds: Kinds) -> exp.Expr:
    """Return a / b, an error where b is zero, or SAFE_DIVIDE, NULL there."""
    left, right, safe = node.this, node.expression, isinstance(node, exp.SafeDivide)
    names = {kinds.of(left), kinds.of(right)}
    quotient = ":a / :b"
    if "BIGNUMERIC" in names and "FLOAT64" not in names:
        raise InputError("Division of BIGNUMERIC: say CAST(... AS FLOAT64) to run on DuckDB.")
    if "FLOAT64" not in names and "NUMERIC" in names:
        if "" in names:
            raise InputError("Division of NUMERIC by a value of unknown type: say CAST(... AS NUMERIC).")
        quotient = _NUMERIC_DIVISION
    elif names <= {"", "INT64"} and "" in names:
        unsure = "(STARTS_WITH(TYPEOF(:a), 'DECIMAL') OR STARTS_WITH(TYPEOF(:b), 'DECIMAL'))"
        certain = "TYPEOF(:a) <> 'DOUBLE' AND TYPEOF(:b) <> 'DOUBLE'"
        quotient = f"CASE WHEN {unsure} AND {certain} THEN {_UNSURE} ELSE :a / :b END"
    if _never_zero(right):
        return filled(quotient, a=left, b=right)
    zero = "NULL" if safe else f"ERROR('{_BY_ZERO}')"
    return filled(f"CASE WHEN :b = 0 THEN {zero} ELSE {quotient} END", a=left, b=right)


def _never_zero(node: exp.Expr) -> bool:
    inner = node.unnest()
    if isinstance(inner, exp.Nullif):
        inner = inner.expression
        return isinstance(inner, exp.Literal) and not inner.name.strip("0.e")
    # Literals may have been said in DuckDB's words already.
    inner = inner.this if isinstance(inner, exp.Cast) else inner
    return isinstance(inner, exp.Literal) and not inner.is_string and bool(inner.name.strip("0.e"))


def whole_division(node: exp.IntDiv | exp.Mod, _: Kinds) -> exp.Expr:
    """Return DIV or MOD, an error where the divisor is zero, which DuckDB answers with NULL."""
    right = node.expression
    if _never_zero(right):
        return node
    sign = "//" if isinstance(node, exp.IntDiv) else "%"
    return filled(f"CASE WHEN :b = 0 THEN ERROR('{_BY_ZERO}') ELSE :a {sign} :b END", a=node.this, b=right)


def multiply(node: exp.Mul, kinds: Kinds) -> exp.Expr:
    """Return a product; that of NUMERICs keeps nine digits."""
    left, right = kinds.of(node.this), kinds.of(node.expression)
    if left == right == "NUMERIC":
        return filled("CAST(:a * :b AS DECIMAL(38, 9))", a=node.this, b=node.expression)
    if {left, right} <= {"", "NUMERIC"}:
        both = "STARTS_WITH(TYPEOF(:a), 'DECIMAL') AND STARTS_WITH(TYPEOF(:b), 'DECIMAL')"
        guarded = f"CASE WHEN {both} THEN {_UNSURE} ELSE :a * :b END"
        return filled(guarded, a=node.this, b=node.expression)
    return node


def add_or_subtract(node: exp.Add | exp.Sub, kinds: Kinds) -> exp.Expr:
    """Return a sum or difference; days are added to a date, and two dates have no difference but an INTERVAL."""
    left, right = kinds.of(node.this), kinds.of(node.expression)
    sign = "-" if isinstance(node, exp.Sub) else "+"
    if (left, right) == ("DATE", "DATE"):
        raise InputError("The difference of two dates is nothing that DuckDB does as BigQuery does: use DATE_DIFF.")
    if (left, right) == ("DATE", "INT64"):
        return filled(f":a {sign} CAST(:b AS INTEGER)", a=node.this, b=node.expression)
    return node


def literal(node: exp.Literal, _: Kinds) -> exp.Expr:
    """Return a literal of Google's type: 1.5 is FLOAT64, 5 in constant arithmetic INT64; DuckDB takes less."""
    if node.is_string:
        return node
    if not node.is_int:
        if math.isinf(float(node.name)):
            raise InputError(f"{node.name} is no FLOAT64.")
        text = node.name if "e" in node.name.lower() else f"{node.name}e0"
        return exp.Literal.number(text)
    parent = node.parent
    arithmetic = isinstance(parent, exp.Add | exp.Sub | exp.Mul | exp.BitwiseLeftShift | exp.IntDiv)
    if arithmetic and parent is not None and not any(parent.find_all(exp.Column, exp.Parameter)):
        return filled("CAST(:v AS BIGINT)", v=node)
    return node


def average(node: exp.Avg, kinds: Kinds) -> exp.Expr:
    """Return AVG; that of NUMERICs is a NUMERIC."""
    if kinds.of(node.this) == "BIGNUMERIC":
        raise InputError("AVG of BIGNUMERIC: say CAST(... AS FLOAT64) to run on DuckDB.")
    if kinds.of(node.this) == "":
        if isinstance(node.parent, exp.Window):
            raise InputError("AVG over a window of an unknown type: say CAST(... AS FLOAT64) to run on DuckDB.")
        value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        guarded = f"CASE WHEN STARTS_WITH(TYPEOF(ANY_VALUE(:v)), 'DECIMAL') THEN {_UNSURE} ELSE :average END"
        return filled(guarded, v=value, average=node)
    if kinds.of(node.this) != "NUMERIC":
        return node
    if isinstance(node.parent, exp.Window) or isinstance(node.this, exp.Distinct):
        raise InputError("AVG of NUMERIC over a window or DISTINCT: say CAST(... AS FLOAT64) to run on DuckDB.")
    return filled(_NUMERIC_DIVISION.replace(":b", "NULLIF(COUNT(:a), 0)").replace(":a AS", "SUM(:a) AS"), a=node.this)


def count_if(node: exp.CountIf, _: Kinds) -> exp.Expr:
    """Return COUNTIF, 0 over no rows."""
    return filled("COUNT(CASE WHEN :v THEN 1 END)", v=node.this)


def array_agg(node: exp.ArrayAgg | exp.IgnoreNulls | exp.RespectNulls, _: Kinds) -> exp.Expr:
    """Return ARRAY_AGG, IGNORE NULLS as a filter. LIMIT is refused: DuckDB has none there."""
    if isinstance(node.parent, exp.IgnoreNulls | exp.RespectNulls):
        return node
    aggregate = node if isinstance(node, exp.ArrayAgg) else node.this
    if not isinstance(aggregate, exp.ArrayAgg):
        return node
    inner = aggregate.this
    if isinstance(inner, exp.Limit):
        raise InputError("ARRAY_AGG with LIMIT is nothing that DuckDB does as BigQuery does.")
    value = inner.this if isinstance(inner, exp.Order) else inner
    value = value.expressions[0] if isinstance(value, exp.Distinct) else value
    made = exp.Anonymous(this="LIST", expressions=[inner.copy()])
    if isinstance(node, exp.IgnoreNulls):
        return exp.Filter(this=made, expression=exp.Where(this=filled("NOT :value IS NULL", value=value)))
    return made


def sign(node: exp.Sign, kinds: Kinds) -> exp.Expr:
    """Return SIGN in its argument's type."""
    kind = {"FLOAT64": "DOUBLE", "NUMERIC": "DECIMAL(38, 9)"}.get(kinds.of(node.this), "BIGINT")
    return filled(f"CAST(SIGN(:v) AS {kind})", v=node.this)


def square_root(node: exp.Sqrt, _: Kinds) -> exp.Expr:
    """Return SQRT, an error below zero."""
    return once("CASE WHEN :v < 0 THEN ERROR('SQRT of a negative number') ELSE SQRT(:v) END", node.this)
