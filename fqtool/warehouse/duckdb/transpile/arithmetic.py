"""Translate ROUND, division, literals and aggregates of GoogleSQL to DuckDB's SQL."""

from __future__ import annotations

import math

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled, once

_MOST_DIGITS = 15
# DuckDB rounds x * 100, which may be a half although x was not. It is a real half only if x * 2^(n+1) is whole;
# otherwise printf, which uses the exact value, decides whether to round down.
_ROUND = (
    "ROUND(CASE WHEN {is_float}ABS(:v * 1e{n} % 1) = 0.5 AND :v * {two} % 1 <> 0 "
    "AND ABS(CAST(PRINTF('%.{n}f', :v) AS DOUBLE)) < ABS(:v) THEN :v - (ROUND(:v, {n}) - :v) ELSE :v END, {n})"
)
# NUMERIC division has nine digits and rounds halves away from zero: computed in whole numbers of 10^-9.
_NUMERIC_DIVISION = (
    "LIST_TRANSFORM([{'a': CAST(CAST(:a AS DECIMAL(38, 9)) * 1000000000 AS HUGEINT), "
    "'b': CAST(CAST(:b AS DECIMAL(38, 9)) * 1000000000 AS HUGEINT)}], LAMBDA r_ : "
    "CAST(SIGN(r_.a) * SIGN(r_.b) * ((2 * ABS(r_.a) * 1000000000 + ABS(r_.b)) // (2 * ABS(r_.b))) AS DECIMAL(38, 0)) "
    "* 0.000000001)[1]"
)
_UNSURE = "ERROR('arithmetic of NUMERIC that was not known to be one: write CAST(... AS NUMERIC)')"
_BY_ZERO = "division by zero"


def round_(node: exp.Round, kinds: Kinds) -> exp.Expr:
    """Translate ROUND, which rounds halves of the exact value away from zero."""
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
    """Translate a / b, which fails if b is zero, or SAFE_DIVIDE, which is then NULL."""
    left, right, safe = node.this, node.expression, isinstance(node, exp.SafeDivide)
    names = {kinds.of(left), kinds.of(right)}
    quotient = ":a / :b"
    if "BIGNUMERIC" in names and "FLOAT64" not in names:
        raise InputError("Division of BIGNUMERIC is not supported on DuckDB: write CAST(... AS FLOAT64).")
    if "FLOAT64" not in names and "NUMERIC" in names:
        if "" in names:
            raise InputError("Division of NUMERIC by a value of unknown type: write CAST(... AS NUMERIC).")
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
    # Literals may be translated already.
    inner = inner.this if isinstance(inner, exp.Cast) else inner
    return isinstance(inner, exp.Literal) and not inner.is_string and bool(inner.name.strip("0.e"))


def whole_division(node: exp.IntDiv | exp.Mod, _: Kinds) -> exp.Expr:
    """Translate DIV or MOD, which fail if the divisor is zero; DuckDB returns NULL."""
    right = node.expression
    if _never_zero(right):
        return node
    sign = "//" if isinstance(node, exp.IntDiv) else "%"
    return filled(f"CASE WHEN :b = 0 THEN ERROR('{_BY_ZERO}') ELSE :a {sign} :b END", a=node.this, b=right)


def multiply(node: exp.Mul, kinds: Kinds) -> exp.Expr:
    """Translate a product; a product of NUMERICs has nine digits."""
    left, right = kinds.of(node.this), kinds.of(node.expression)
    if left == right == "NUMERIC":
        return filled("CAST(:a * :b AS DECIMAL(38, 9))", a=node.this, b=node.expression)
    if {left, right} <= {"", "NUMERIC"}:
        both = "STARTS_WITH(TYPEOF(:a), 'DECIMAL') AND STARTS_WITH(TYPEOF(:b), 'DECIMAL')"
        guarded = f"CASE WHEN {both} THEN {_UNSURE} ELSE :a * :b END"
        return filled(guarded, a=node.this, b=node.expression)
    return node


def add_or_subtract(node: exp.Add | exp.Sub, kinds: Kinds) -> exp.Expr:
    """Translate a sum or difference. Days can be added to a date; the difference of two dates is an INTERVAL."""
    left, right = kinds.of(node.this), kinds.of(node.expression)
    sign = "-" if isinstance(node, exp.Sub) else "+"
    if (left, right) == ("DATE", "DATE"):
        raise InputError("The difference of two dates is not supported on DuckDB: use DATE_DIFF.")
    if (left, right) == ("DATE", "INT64"):
        return filled(f":a {sign} CAST(:b AS INTEGER)", a=node.this, b=node.expression)
    return node


def literal(node: exp.Literal, _: Kinds) -> exp.Expr:
    """Translate a literal: 1.5 is FLOAT64, 5 in constant arithmetic is INT64; DuckDB uses smaller types."""
    if node.is_string:
        return node
    if not node.is_int:
        if math.isinf(float(node.name)):
            raise InputError(f"{node.name} is not a FLOAT64.")
        text = node.name if "e" in node.name.lower() else f"{node.name}e0"
        return exp.Literal.number(text)
    parent = node.parent
    arithmetic = isinstance(parent, exp.Add | exp.Sub | exp.Mul | exp.BitwiseLeftShift | exp.IntDiv)
    if arithmetic and parent is not None and not any(parent.find_all(exp.Column, exp.Parameter)):
        return filled("CAST(:v AS BIGINT)", v=node)
    return node


def average(node: exp.Avg, kinds: Kinds) -> exp.Expr:
    """Translate AVG; of NUMERICs it is a NUMERIC."""
    if kinds.of(node.this) == "BIGNUMERIC":
        raise InputError("AVG of BIGNUMERIC is not supported on DuckDB: write CAST(... AS FLOAT64).")
    if kinds.of(node.this) == "":
        if isinstance(node.parent, exp.Window):
            raise InputError(
                "AVG over a window of an unknown type is not supported on DuckDB: write CAST(... AS FLOAT64)."
            )
        value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        guarded = f"CASE WHEN STARTS_WITH(TYPEOF(ANY_VALUE(:v)), 'DECIMAL') THEN {_UNSURE} ELSE :average END"
        return filled(guarded, v=value, average=node)
    if kinds.of(node.this) != "NUMERIC":
        return node
    if isinstance(node.parent, exp.Window) or isinstance(node.this, exp.Distinct):
        raise InputError(
            "AVG of NUMERIC over a window or DISTINCT is not supported on DuckDB: write CAST(... AS FLOAT64)."
        )
    return filled(_NUMERIC_DIVISION.replace(":b", "NULLIF(COUNT(:a), 0)").replace(":a AS", "SUM(:a) AS"), a=node.this)


def count_if(node: exp.CountIf, _: Kinds) -> exp.Expr:
    """Translate COUNTIF, which is 0 without rows."""
    return filled("COUNT(CASE WHEN :v THEN 1 END)", v=node.this)


def array_agg(node: exp.ArrayAgg | exp.IgnoreNulls | exp.RespectNulls, _: Kinds) -> exp.Expr:
    """Translate ARRAY_AGG, with a filter for IGNORE NULLS. LIMIT is refused, because DuckDB does not have it."""
    if isinstance(node.parent, exp.IgnoreNulls | exp.RespectNulls):
        return node
    aggregate = node if isinstance(node, exp.ArrayAgg) else node.this
    if not isinstance(aggregate, exp.ArrayAgg):
        return node
    inner = aggregate.this
    if isinstance(inner, exp.Limit):
        raise InputError("ARRAY_AGG with LIMIT is not supported on DuckDB.")
    value = inner.this if isinstance(inner, exp.Order) else inner
    value = value.expressions[0] if isinstance(value, exp.Distinct) else value
    listed = exp.Anonymous(this="LIST", expressions=[inner.copy()])
    if isinstance(node, exp.IgnoreNulls):
        return exp.Filter(this=listed, expression=exp.Where(this=filled("NOT :value IS NULL", value=value)))
    return listed


def sign(node: exp.Sign, kinds: Kinds) -> exp.Expr:
    """Translate SIGN, which has the type of its argument."""
    kind = {"FLOAT64": "DOUBLE", "NUMERIC": "DECIMAL(38, 9)"}.get(kinds.of(node.this), "BIGINT")
    return filled(f"CAST(SIGN(:v) AS {kind})", v=node.this)


def square_root(node: exp.Sqrt, _: Kinds) -> exp.Expr:
    """Translate SQRT, which fails below zero."""
    return once("CASE WHEN :v < 0 THEN ERROR('SQRT of a negative number') ELSE SQRT(:v) END", node.this)
