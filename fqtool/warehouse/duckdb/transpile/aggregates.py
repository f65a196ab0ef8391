"""Translate aggregates of GoogleSQL, also over windows, to DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.arithmetic import SCALED, UNSURE
from fqtool.warehouse.duckdb.transpile.comparisons import is_nan
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled

Over = Callable[[str], exp.Expr]
"""From a template of an aggregate to the aggregate over the window of the original; :w is :v without DISTINCT."""

_MOST = 2**63 - 1
# The sum of NUMERICs by their count, with nine digits and halves away from zero.
_SUM = SCALED.format(x=":s")
_NUMERIC_AVERAGE = (
    f"CAST(SIGN({_SUM}) * (ABS({_SUM}) // :n + CASE WHEN 2 * (ABS({_SUM}) % :n) >= :n THEN 1 ELSE 0 END) "
    "AS DECIMAL(38, 0)) * 0.000000001"
)


def aggregate(node: exp.AggFunc, kinds: Kinds) -> exp.Expr:
    """Translate an aggregate that has no window."""
    if isinstance(node.parent, exp.Window):
        return node
    translated: exp.Expr | None = _TRANSLATED[type(node)](node, kinds, lambda template: _filled(template, node))
    return translated or node


def window(node: exp.Window, kinds: Kinds) -> exp.Expr:
    """Translate an aggregate over a window."""
    inner = node.this
    translate = _TRANSLATED.get(type(inner))
    if translate is None:
        return node

    def over(template: str) -> exp.Expr:
        windowed: exp.Expr = node.copy()
        windowed.set("this", _filled(template, inner))
        return windowed

    translated: exp.Expr | None = translate(inner, kinds, over)
    return translated or node


def _filled(template: str, node: exp.AggFunc) -> exp.Expr:
    return filled(template, v=node.this, w=_value(node))


def _value(node: exp.AggFunc) -> exp.Expr:
    value: exp.Expr = node.this
    return value.expressions[0] if isinstance(value, exp.Distinct) else value


def _sum(node: exp.Sum, kinds: Kinds, over: Over) -> exp.Expr | None:
    """Return SUM, which fails if INT64 or FLOAT64 overflows; DuckDB's is a HUGEINT or infinite."""
    kind, total = kinds.of(_value(node)), over("SUM(:v)")
    match kind:
        case "INT64":
            return filled("CAST(:total AS BIGINT)", total=total)
        case "FLOAT64":
            infinite = over("BOOL_OR(ISINF(:w))")
            checked = "CASE WHEN ISINF(:total) AND NOT :infinite THEN ERROR('FLOAT64 overflow') ELSE :total END"
            return filled(checked, total=total, infinite=infinite)
        case "":
            outside = f"TYPEOF(:total) = 'HUGEINT' AND NOT :total BETWEEN -{_MOST} AND {_MOST}"
            return filled(f"CASE WHEN {outside} THEN ERROR('INT64 overflow') ELSE :total END", total=total)
        case _:
            return None


def _minimum(node: exp.Min, kinds: Kinds, over: Over) -> exp.Expr | None:
    """Return MIN, which is NaN if one value is."""
    match kinds.of(node.this):
        case "FLOAT64":
            return filled("-:greatest", greatest=over("MAX(-:v)"))
        case "" if not isinstance(node.this, exp.Distinct):
            found = over(f"BOOL_OR({is_nan('v', '')})")
            return filled(
                "CASE WHEN :nan THEN :most ELSE :least END", nan=found, most=over("MAX(:v)"), least=over("MIN(:v)")
            )
        case _:
            return None


def _spread(node: exp.AggFunc, kinds: Kinds, over: Over) -> exp.Expr | None:
    """Return STDDEV or VARIANCE, which is NaN if a value is infinite."""
    if kinds.of(_value(node)) not in ("FLOAT64", "") or isinstance(node.this, exp.Distinct):
        return None
    name = _SPREADS[type(node)]
    infinite = over("BOOL_OR(NOT ISFINITE(CAST(:v AS DOUBLE)))")
    least = 1 if name.endswith("_POP") else 2
    return filled(
        f"CASE WHEN :infinite AND :count >= {least} THEN CAST('NaN' AS DOUBLE) ELSE :spread END",
        infinite=infinite,
        count=over("COUNT(:v)"),
        spread=over(f"{name}(:v)"),
    )


def _average(node: exp.Avg, kinds: Kinds, over: Over) -> exp.Expr | None:
    """Return AVG; of NUMERICs it is a NUMERIC."""
    kind = kinds.of(_value(node))
    match kind:
        case "BIGNUMERIC":
            raise InputError("AVG of BIGNUMERIC is not supported on DuckDB: write CAST(... AS FLOAT64).")
        case "NUMERIC":
            return filled(_NUMERIC_AVERAGE, s=over("SUM(:v)"), n=over("COUNT(:v)"))
        case "" if isinstance(node.parent, exp.Window):
            raise InputError(
                "AVG over a window of an unknown type is not supported on DuckDB: write CAST(... AS FLOAT64)."
            )
        case "":
            value = _value(node)
            guarded = f"CASE WHEN STARTS_WITH(TYPEOF(ANY_VALUE(:v)), 'DECIMAL') THEN {UNSURE} ELSE :average END"
            return filled(guarded, v=value, average=over("AVG(:v)"))
        case _:
            return None


def _percentile(node: exp.PercentileCont, kinds: Kinds, over: Over) -> exp.Expr:
    """Return PERCENTILE_CONT of FLOAT64 without NaN."""
    at = node.expression
    if kinds.of(node.this) not in ("INT64", "FLOAT64") or not isinstance(at, exp.Literal):
        raise InputError("PERCENTILE_CONT needs a FLOAT64 and a constant to run on DuckDB.")
    found = over("BOOL_OR(NOT ISFINITE(CAST(:v AS DOUBLE)))")
    refused = "ERROR('PERCENTILE_CONT of a NaN or an infinite value is not supported on DuckDB')"
    value = over(f"QUANTILE_CONT(CAST(:v AS DOUBLE), {at.name})")
    return filled(f"CASE WHEN :found THEN {refused} ELSE :value END", found=found, value=value)


def chosen(node: exp.AnyValue | exp.ArgMax | exp.ArgMin, kinds: Kinds) -> exp.Expr:
    """Translate MAX_BY and MIN_BY, also as ANY_VALUE(x HAVING MAX y): the value may be NULL, the key not."""
    by = node if isinstance(node, exp.ArgMax | exp.ArgMin) else node.this
    if not isinstance(by, exp.ArgMax | exp.ArgMin | exp.HavingMax):
        return node
    if isinstance(node.parent, exp.Window):
        raise InputError("MAX_BY and MIN_BY over a window are not supported on DuckDB.")
    least = isinstance(by, exp.ArgMin) or (isinstance(by, exp.HavingMax) and not by.args.get("max"))
    kind = kinds.of(by.expression)
    if kind == "":
        raise InputError("MAX_BY and MIN_BY by a key of unknown type are not supported on DuckDB: write a CAST.")
    found = "ARG_MIN_NULL(:v, :k)" if least else "ARG_MAX_NULL(:v, :k)"
    if kind == "FLOAT64":
        found = f"CASE WHEN NOT BOOL_OR(ISNAN(:k)) THEN {found} END"  # a NaN among the keys makes it NULL
    return filled(found, v=by.this, k=by.expression)


def count_if(node: exp.CountIf, _: Kinds) -> exp.Expr:
    """Translate COUNTIF, which is 0 without rows."""
    return filled("COUNT(CASE WHEN :v THEN 1 END)", v=node.this)


def fingerprint(node: exp.BitwiseXorAgg, _: Kinds) -> exp.Expr:
    """Translate a fingerprint of rows (see `constructs.is_fingerprint`) to another number with the same use.

    The outer HASH is necessary: DuckDB joins the hashes of columns by XOR, so without it two rows could exchange the
    values of their last column.
    """
    columns = node.this.expressions[0].this.expressions
    hashed = exp.Anonymous(this="HASH", expressions=[column.copy() for column in columns])
    return filled("BIT_XOR(CAST(HASH(:hashed) // 2 AS BIGINT))", hashed=hashed)


def correlation(node: exp.Corr, _: Kinds) -> exp.Expr:
    """Translate CORR: NULL with fewer than two pairs, NaN with a value that is not finite or with one value only."""
    if isinstance(node.parent, exp.Window):
        raise InputError("CORR over a window is not supported on DuckDB.")
    return filled("CASE WHEN REGR_COUNT(:x, :y) > 1 THEN CORR(:x, :y) END", x=node.this, y=node.expression)


def array_agg(node: exp.ArrayAgg | exp.IgnoreNulls | exp.RespectNulls, _: Kinds) -> exp.Expr:
    """Translate ARRAY_AGG, with a filter for IGNORE NULLS and a slice for LIMIT."""
    if isinstance(node.parent, exp.IgnoreNulls | exp.RespectNulls):
        return node
    collected = node if isinstance(node, exp.ArrayAgg) else node.this
    if not isinstance(collected, exp.ArrayAgg):
        return node
    inner, limit = collected.this, None
    if isinstance(inner, exp.Limit):
        inner, limit = inner.this, inner.expression
    value = inner.this if isinstance(inner, exp.Order) else inner
    value = value.expressions[0] if isinstance(value, exp.Distinct) else value
    listed: exp.Expr = exp.Anonymous(this="LIST", expressions=[inner.copy()])
    if isinstance(node, exp.IgnoreNulls):
        listed = exp.Filter(this=listed, expression=exp.Where(this=filled("NOT :value IS NULL", value=value)))
    if limit is None:
        return listed
    if not (isinstance(limit, exp.Literal) and limit.is_int and int(limit.name)):
        raise InputError("ARRAY_AGG needs a constant LIMIT of 1 or more to run on DuckDB.")
    return filled("LIST_SLICE(:listed, 1, :most)", listed=listed, most=limit)


_SPREADS: dict[type[exp.Expr], str] = {
    exp.Stddev: "STDDEV_SAMP", exp.StddevSamp: "STDDEV_SAMP", exp.StddevPop: "STDDEV_POP",
    exp.Variance: "VAR_SAMP", exp.VariancePop: "VAR_POP",
}  # fmt: skip
_TRANSLATED: dict[type[exp.Expr], Callable[..., exp.Expr | None]] = {
    exp.Avg: _average, exp.Min: _minimum, exp.Sum: _sum, exp.PercentileCont: _percentile,
    **dict.fromkeys(_SPREADS, _spread),
}  # fmt: skip
AGGREGATES = tuple(_TRANSLATED)
