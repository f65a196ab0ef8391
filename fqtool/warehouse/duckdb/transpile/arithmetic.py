"""Translate ROUND, division, literals and other arithmetic of GoogleSQL to DuckDB's SQL."""

from __future__ import annotations

import math

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.comparisons import is_nan
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled, is_decimal, once

_MOST_DIGITS = 15
# DuckDB rounds x * 100, which may be a half although x was not. It is a real half only if x * 2^(n+1) is whole;
# otherwise printf, which uses the exact value, decides whether to round down. DuckDB 2.0.1 rounds some of them down.
_ROUND = (
    "ROUND(CASE WHEN {is_float}ABS(:v * 1e{n} % 1) = 0.5 AND :v * {two} % 1 <> 0 "
    "AND ABS(CAST(PRINTF('%.{n}f', :v) AS DOUBLE)) < ABS(:v) AND ABS(ROUND(:v, {n})) > ABS(:v) "
    "THEN :v - (ROUND(:v, {n}) - :v) ELSE :v END, {n})"
)
# A NUMERIC as a whole number of 10^-9; the largest one times 10^9 would not fit a DECIMAL.
SCALED = (
    "(CAST(TRUNC(CAST({x} AS DECIMAL(38, 9))) AS HUGEINT) * 1000000000 "
    "+ CAST(CAST({x} AS DECIMAL(38, 9)) % 1 * 1000000000 AS HUGEINT))"
)
# NUMERIC division has nine digits and rounds halves away from zero. The whole part and the rest are divided apart, so
# that they fit a HUGEINT.
_WHOLE, _REST = "ABS(r_.a) // ABS(r_.b)", "(ABS(r_.a) % ABS(r_.b)) * 1000000000"
NUMERIC_DIVISION = (
    f"LIST_TRANSFORM([{{'a': {SCALED.format(x=':a')}, 'b': {SCALED.format(x=':b')}}}], LAMBDA r_ : "
    f"CAST(SIGN(r_.a) * SIGN(r_.b) * (({_WHOLE}) * 1000000000 + ({_REST}) // ABS(r_.b) "
    f"+ CASE WHEN 2 * (({_REST}) % ABS(r_.b)) >= ABS(r_.b) THEN 1 ELSE 0 END) AS DECIMAL(38, 0)) * 0.000000001)[1]"
)
UNSURE = "ERROR('arithmetic of NUMERIC that was not known to be one: write CAST(... AS NUMERIC)')"
_CHECKED = "CASE WHEN :b = 0 THEN CASE WHEN :v IS NULL THEN NULL ELSE ERROR('division by zero') END ELSE {result} END"


def round_(node: exp.Round, kinds: Kinds) -> exp.Expr:
    """Translate ROUND, which rounds halves of the exact value away from zero."""
    places = node.args.get("decimals")
    digits = _whole(places) if places is not None else 0
    if digits is None or abs(digits) > _MOST_DIGITS or node.args.get("truncate"):
        raise InputError("ROUND needs a constant number of places, at most 15, to run on DuckDB.")
    kind = kinds.of(node.this)
    if kind == "INT64":
        return filled(f"ROUND(CAST(:v AS DOUBLE), {digits})", v=node.this)
    if kind == "NUMERIC":
        # The cast fails where the result has more digits than a NUMERIC.
        return filled(f"CAST(ROUND(:v, {digits}) AS DECIMAL(38, 9))", v=node.this)
    if digits <= 0:
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
        quotient = NUMERIC_DIVISION
    elif names <= {"", "INT64"} and "" in names:
        unsure = "(STARTS_WITH(TYPEOF(:a), 'DECIMAL') OR STARTS_WITH(TYPEOF(:b), 'DECIMAL'))"
        certain = "TYPEOF(:a) <> 'DOUBLE' AND TYPEOF(:b) <> 'DOUBLE'"
        quotient = f"CASE WHEN {unsure} AND {certain} THEN {UNSURE} ELSE :a / :b END"
    elif isinstance(node, exp.Div) and _never_zero(right) and (guarded := _beside_decimal(node, kinds)):
        return guarded
    if (
        _is_number(left)
        and _is_number(right)
        and float(right.name)
        and math.isinf(float(left.name) / float(right.name))
    ):
        if not safe:
            raise InputError(f"{node.sql('bigquery')} is not a FLOAT64.")
        return exp.null()
    if _never_zero(right):
        return filled(quotient, a=left, b=right)
    quotient = quotient.replace(":a", ":v")
    if safe:
        # Beyond FLOAT64 it is NULL. A large dividend is not repeated, so this is looked at for columns only.
        simple = isinstance(left, exp.Column | exp.Literal) and "FLOAT64" in names
        beyond = " OR ISINF(:v / :b) AND NOT ISINF(:v)" if simple else ""
        return filled(f"CASE WHEN :b = 0{beyond} THEN NULL ELSE {quotient} END", v=left, b=right)
    return once(_CHECKED.format(result=quotient), left, b=right)


def _infinite(left: exp.Expr, right: exp.Expr) -> bool:
    return bool(float(right.name)) and math.isinf(float(left.name) / float(right.name))


def _is_number(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string


def _never_zero(node: exp.Expr) -> bool:
    inner = node.unnest()
    if isinstance(inner, exp.Nullif):
        inner = inner.expression
        return isinstance(inner, exp.Literal) and not inner.name.strip("0.e")
    # Literals may be translated already.
    inner = inner.this if isinstance(inner, exp.Cast) else inner
    return isinstance(inner, exp.Literal) and not inner.is_string and bool(inner.name.strip("0.e"))


def whole_division(node: exp.IntDiv | exp.Mod, kinds: Kinds) -> exp.Expr:
    """Translate DIV or MOD, which fail if the divisor is zero; DuckDB returns NULL."""
    right = node.expression
    if {kinds.of(node.this), kinds.of(right)} & {"NUMERIC", "BIGNUMERIC", "FLOAT64"} and isinstance(node, exp.IntDiv):
        raise InputError("DIV of NUMERIC is not supported on DuckDB: write CAST(... AS INT64).")
    if _never_zero(right):
        return node
    sign = "//" if isinstance(node, exp.IntDiv) else "%"
    return once(_CHECKED.format(result=f":v {sign} :b"), node.this, b=right)


def multiply(node: exp.Mul, kinds: Kinds) -> exp.Expr:
    """Translate a product; a product of NUMERICs has nine digits."""
    left, right = kinds.of(node.this), kinds.of(node.expression)
    values = [node.this, node.expression]
    if all(map(_is_number, values)) and math.isinf(math.prod(float(value.name) for value in values)):
        raise InputError(f"{node.sql('bigquery')} is not a FLOAT64.")
    if {left, right} <= {"NUMERIC", "INT64"} and "NUMERIC" in (left, right):
        return filled("CAST(:a * :b AS DECIMAL(38, 9))", a=node.this, b=node.expression)
    if {left, right} <= {"", "NUMERIC"}:
        both = "STARTS_WITH(TYPEOF(:a), 'DECIMAL') AND STARTS_WITH(TYPEOF(:b), 'DECIMAL')"
        guarded = f"CASE WHEN {both} THEN {UNSURE} ELSE :a * :b END"
        return filled(guarded, a=node.this, b=node.expression)
    return _beside_decimal(node, kinds) or node


def add_or_subtract(node: exp.Add | exp.Sub, kinds: Kinds) -> exp.Expr:
    """Translate a sum or difference. Days can be added to a date; the difference of two dates is an INTERVAL."""
    left, right = kinds.of(node.this), kinds.of(node.expression)
    sign = "-" if isinstance(node, exp.Sub) else "+"
    if (left, right) == ("DATE", "DATE"):
        raise InputError("The difference of two dates is not supported on DuckDB: use DATE_DIFF.")
    if (left, right) == ("DATE", "INT64"):
        return filled(f":a {sign} CAST(:b AS INTEGER)", a=node.this, b=node.expression)
    return _beside_decimal(node, kinds) or node


def _beside_decimal(node: exp.Binary, kinds: Kinds) -> exp.Expr | None:
    """Return an operation of a value of unknown type and a decimal literal, which is NUMERIC if the value is one."""
    pairs = ((node.this, node.expression), (node.expression, node.this))
    for value, other in pairs:
        if kinds.of(value) == "" and isinstance(value, exp.Column | exp.Dot | exp.Bracket) and is_decimal(other):
            plain = exp.paren(node, copy=True)
            return filled(
                f"CASE WHEN STARTS_WITH(TYPEOF(:v), 'DECIMAL') THEN {UNSURE} ELSE :plain END", v=value, plain=plain
            )
    return None


def literal(node: exp.Literal, kinds: Kinds) -> exp.Expr:
    """Translate a literal: 1.5 is FLOAT64, or NUMERIC beside one; 5 in constant arithmetic is INT64."""
    if node.is_string:
        return node
    if not node.is_int:
        if kinds.of(node) in ("NUMERIC", "BIGNUMERIC"):
            return exact(node)
        if math.isinf(float(node.name)):
            raise InputError(f"{node.name} is not a FLOAT64.")
        text = node.name if "e" in node.name.lower() else f"{node.name}e0"
        return exp.Literal.number(text)
    parent = node.parent
    arithmetic = isinstance(parent, exp.Add | exp.Sub | exp.Mul | exp.BitwiseLeftShift | exp.IntDiv)
    if arithmetic and parent is not None and not any(parent.find_all(exp.Column, exp.Parameter)):
        return filled("CAST(:v AS BIGINT)", v=node)
    return node


def exact(node: exp.Literal) -> exp.Expr:
    """Return a decimal literal as a NUMERIC, from its text, because DuckDB reads 30 digits as a float."""
    return filled("CAST(:v AS DECIMAL(38, 9))", v=exp.Literal.string(node.name))


def sign(node: exp.Sign, kinds: Kinds) -> exp.Expr:
    """Translate SIGN, which has the type of its argument; the sign of NaN is NaN."""
    kind = kinds.of(node.this)
    if kind == "FLOAT64":
        return once("CASE WHEN ISNAN(:v) THEN :v ELSE CAST(SIGN(:v) AS DOUBLE) END", node.this)
    plain = f"CAST(SIGN(:v) AS {'DECIMAL(38, 9)' if kind == 'NUMERIC' else 'BIGINT'})"
    if kind == "":
        refused = "ERROR('SIGN of a NaN that was not known to be FLOAT64: write CAST(... AS FLOAT64)')"
        return once(f"CASE WHEN {is_nan('v', kind)} THEN {refused} ELSE {plain} END", node.this)
    return filled(plain, v=node.this)


def square_root(node: exp.Sqrt, kinds: Kinds) -> exp.Expr:
    """Translate SQRT, which fails below zero. The root of a NUMERIC has other digits in DuckDB."""
    if kinds.of(node.this) in ("NUMERIC", "BIGNUMERIC"):
        raise InputError("SQRT of NUMERIC is not supported on DuckDB: write CAST(... AS FLOAT64).")
    unsure = f"WHEN STARTS_WITH(TYPEOF(:v), 'DECIMAL') THEN {UNSURE} " if kinds.of(node.this) == "" else ""
    return once(f"CASE {unsure}WHEN :v < 0 THEN ERROR('SQRT of a negative number') ELSE SQRT(:v) END", node.this)


def whole(node: exp.Floor | exp.Ceil | exp.Trunc, kinds: Kinds) -> exp.Expr:
    """Translate FLOOR, CEIL and TRUNC, which keep NUMERIC and make INT64 a FLOAT64."""
    if node.args.get("decimals") is not None or node.args.get("to") is not None:
        raise InputError(f"{node.sql('bigquery').partition('(')[0]} to a number of places is not supported on DuckDB.")
    to = {"INT64": "DOUBLE", "NUMERIC": "DECIMAL(38, 9)"}.get(kinds.of(node.this))
    name = {exp.Floor: "FLOOR", exp.Ceil: "CEIL", exp.Trunc: "TRUNC"}[type(node)]
    return filled(f"{name}(:v)" if to is None else f"CAST({name}(:v) AS {to})", v=node.this)


def power(node: exp.Pow, kinds: Kinds) -> exp.Expr:
    """Translate POW of FLOAT64, which fails where the result is not a number."""
    left, right = node.this, node.expression
    if {kinds.of(left), kinds.of(right)} - {"INT64", "FLOAT64"}:
        raise InputError("POW of other types than FLOAT64 and INT64 is not supported on DuckDB: write a CAST.")
    refused = "ISFINITE(CAST(:v AS DOUBLE)) AND ISFINITE(CAST(:b AS DOUBLE)) AND NOT ISFINITE(POW(:v, :b))"
    return once(f"CASE WHEN {refused} THEN ERROR('POW out of range') ELSE POW(:v, :b) END", left, b=right)


def logarithm(node: exp.Ln, kinds: Kinds) -> exp.Expr:
    """Translate LN, which fails at and below zero."""
    if kinds.of(node.this) not in ("INT64", "FLOAT64"):
        raise InputError("LN of another type than FLOAT64 is not supported on DuckDB: write CAST(... AS FLOAT64).")
    refused = "WHEN :v <= 0 AND ISFINITE(CAST(:v AS DOUBLE)) THEN ERROR('LN of zero or less')"
    return once(f"CASE {refused} WHEN :v < 0 THEN CAST('NaN' AS DOUBLE) ELSE LN(:v) END", node.this)


def exponential(node: exp.Exp, kinds: Kinds) -> exp.Expr:
    """Translate EXP, which fails if the result is beyond FLOAT64."""
    if kinds.of(node.this) not in ("INT64", "FLOAT64"):
        raise InputError("EXP of another type than FLOAT64 is not supported on DuckDB: write CAST(... AS FLOAT64).")
    beyond = "ISINF(EXP(:v)) AND NOT ISINF(CAST(:v AS DOUBLE))"
    return once(f"CASE WHEN {beyond} THEN ERROR('EXP out of range') ELSE EXP(:v) END", node.this)
