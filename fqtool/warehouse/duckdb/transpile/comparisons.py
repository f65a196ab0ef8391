"""Translate comparisons and orders of GoogleSQL to DuckDB's SQL.

NaN compares false with every number on BigQuery, also with itself, and sorts before all numbers. On DuckDB NaN equals
itself and sorts after all numbers. The minus of a NaN is a NaN, so `-x < -y` is `x > y` with NaN at the other end.
"""

from __future__ import annotations

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled, once
from fqtool.warehouse.duckdb.transpile.structs import field_value

Comparison = exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE
_NUMBERS = ("", "INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64")
_SIGNS = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
# A type that is not known may be FLOAT64.
_IS_NAN = {"FLOAT64": "ISNAN(:{v})", "": "(TYPEOF(:{v}) = 'DOUBLE' AND CAST(:{v} AS TEXT) = 'nan')"}


def is_nan(name: str, kind: str) -> str:
    """Return the template of the question whether the part with this name is NaN."""
    return _IS_NAN[kind].replace("{v}", name)


def may_be_nan(node: exp.Expr, kinds: Kinds) -> bool:
    """Return whether a value may be NaN: it is FLOAT64 or of unknown type, and not a constant."""
    inner = node
    while isinstance(inner, exp.Paren | exp.Neg):
        inner = inner.this
    return kinds.of(node) in ("FLOAT64", "") and not isinstance(inner, exp.Literal | exp.Null | exp.Parameter)


def compare(node: Comparison, kinds: Kinds) -> exp.Expr:
    """Translate =, !=, <, <=, > and >=."""
    left, right = node.this, node.expression
    if isinstance(node.parent, exp.Update):
        return node  # an assignment
    if isinstance(left, exp.Struct) or isinstance(right, exp.Struct):
        return _structs(node, kinds)
    if isinstance(right, exp.Any | exp.All):
        raise InputError("A comparison with ANY or ALL is not supported on DuckDB.")
    return _numbers(left, right, _SIGNS[type(node)], kinds) or node


def _numbers(left: exp.Expr, right: exp.Expr, sign: str, kinds: Kinds) -> exp.Expr | None:
    """Return the comparison of two values of which one may be NaN; None if no NaN changes it."""
    kind, other = kinds.of(left), kinds.of(right)
    if kind not in _NUMBERS or other not in _NUMBERS:
        return None
    if sign in ("<", "<="):
        return _numbers(right, left, _MIRRORED[sign], kinds)
    if not may_be_nan(left, kinds) or (sign in ("=", "<>") and not _both_may_be_nan(left, right, kinds)):
        return None
    if kind == "FLOAT64" and isinstance(right, exp.Literal) and sign in (">", ">="):
        return filled(f"-:a {_MIRRORED[sign]} -:b", a=left, b=right)
    false = ":b = :b" if sign == "<>" else ":b <> :b"  # NULL if :b is NULL
    general = f"CASE WHEN {is_nan('v', kind)} THEN {false} ELSE :v {sign} :b END"
    return once(general, left, b=right)


def _both_may_be_nan(left: exp.Expr, right: exp.Expr, kinds: Kinds) -> bool:
    # Two values of unknown type are mostly keys; a CASE would make a join of them slow.
    return may_be_nan(left, kinds) and may_be_nan(right, kinds) and "FLOAT64" in (kinds.of(left), kinds.of(right))


def equal(left: exp.Expr, right: exp.Expr, kinds: Kinds) -> exp.Expr:
    """Return left = right, translated."""
    return _numbers(left, right, "=", kinds) or filled(":a = :b", a=left, b=right)


def _structs(node: Comparison, kinds: Kinds) -> exp.Expr:
    """Translate the comparison of two STRUCTs, whose fields match by position; DuckDB matches them by name."""
    left, right = node.this, node.expression
    if not (isinstance(left, exp.Struct) and isinstance(right, exp.Struct) and isinstance(node, exp.EQ | exp.NEQ)):
        raise InputError("A comparison of STRUCTs other than STRUCT(...) = STRUCT(...) is not supported on DuckDB.")
    pairs = list(zip(map(field_value, left.expressions), map(field_value, right.expressions), strict=True))
    joined = exp.and_(*(exp.paren(equal(one, other, kinds)) for one, other in pairs), copy=False)
    return exp.Not(this=exp.paren(joined)) if isinstance(node, exp.NEQ) else exp.paren(joined)


def between(node: exp.Between, kinds: Kinds) -> exp.Expr:
    """Translate BETWEEN, which is false if a bound is NaN."""
    if node.args.get("symmetric"):
        raise InputError("BETWEEN SYMMETRIC is not supported on DuckDB.")
    value, low, high = node.this, node.args["low"], node.args["high"]
    if not (may_be_nan(high, kinds) and kinds.of(value) in _NUMBERS and kinds.of(high) == "FLOAT64"):
        return node
    above = _numbers(value, low, ">=", kinds) or filled(":a >= :b", a=value, b=low)
    below = _numbers(value, high, "<=", kinds) or filled(":a <= :b", a=value, b=high)
    return exp.paren(exp.and_(above, below, copy=False), copy=False)


def in_(node: exp.In, kinds: Kinds) -> exp.Expr:
    """Translate IN, which never finds NaN."""
    value = node.this
    if kinds.of(value) != "FLOAT64" or not may_be_nan(value, kinds):
        return node
    if node.args.get("unnest") or node.args.get("query"):
        return filled(":found AND NOT ISNAN(:v)", found=exp.paren(node), v=value)
    if not any(may_be_nan(item, kinds) for item in node.expressions):
        return node
    return exp.paren(exp.or_(*(equal(value, item, kinds) for item in node.expressions), copy=False), copy=False)


def nullif(node: exp.Nullif, kinds: Kinds) -> exp.Expr:
    """Translate NULLIF, which keeps NaN."""
    if not _both_may_be_nan(node.this, node.expression, kinds):
        return node
    return filled("CASE WHEN :same THEN NULL ELSE :v END", same=equal(node.this, node.expression, kinds), v=node.this)


def case(node: exp.Case, kinds: Kinds) -> exp.Expr:
    """Translate CASE x WHEN y, in which NaN does not equal itself."""
    value = node.this
    if value is None or not any(_both_may_be_nan(value, branch.this, kinds) for branch in node.args["ifs"]):
        return node
    searched = node.copy()
    searched.set("this", None)
    for branch in searched.args["ifs"]:
        branch.set("this", equal(value, branch.this, kinds))
    return searched


def least(node: exp.Least, kinds: Kinds) -> exp.Expr:
    """Translate LEAST, which is NaN if one value is."""
    values = [node.this, *node.expressions]
    kind = kinds.of(node)
    if kind not in ("FLOAT64", "") or not any(may_be_nan(value, kinds) for value in values):
        return node
    if kind == "FLOAT64":
        negated = [filled("-:v", v=value) for value in values]
        greatest = exp.Greatest(this=negated[0], expressions=negated[1:], ignore_nulls=node.args.get("ignore_nulls"))
        return exp.paren(exp.Neg(this=greatest), copy=False)
    names = {f"a{number}": value for number, value in enumerate(values)}
    doubtful = [name for name, value in names.items() if may_be_nan(value, kinds)]
    null = " OR ".join(f":{name} IS NULL" for name in names)
    nan = " ".join(f"WHEN {is_nan(name, '')} THEN :{name}" for name in doubtful)
    return filled(f"CASE WHEN {null} THEN NULL {nan} ELSE :least END", least=node, **names)


def ordered(node: exp.Ordered, kinds: Kinds) -> exp.Expr:
    """Translate a key of ORDER BY: NaN sorts before all numbers."""
    item = _numbered(node)
    value = exp.column(item.alias_or_name) if item is not None and item.alias_or_name else node.this
    if kinds.of(item or node.this) != "FLOAT64":
        return node
    turned = node.copy()
    turned.set("this", filled("-:v", v=value))
    turned.set("desc", not node.args.get("desc"))
    return turned


def _numbered(node: exp.Ordered) -> exp.Expr | None:
    """Return the item of the result that a key such as 1 means."""
    select = node.parent.parent if node.parent is not None else None
    if not (isinstance(node.this, exp.Literal) and node.this.is_int and isinstance(select, exp.Select)):
        return None
    at = int(node.this.name) - 1
    return select.expressions[at] if 0 <= at < len(select.expressions) else None
