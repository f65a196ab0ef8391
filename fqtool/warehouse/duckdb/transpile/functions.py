"""The constructs of GoogleSQL that DuckDB runs, directly or after a correction. Others are refused by name.

To accept another function, compare it with Google's reference implementation in tests/test_duckdb_dialect.py, and add
it to LIKE_GOOGLE, or to CORRECTIONS with the function that corrects it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile import arithmetic as duckdb_arithmetic
from fqtool.warehouse.duckdb.transpile import arrays as duckdb_arrays
from fqtool.warehouse.duckdb.transpile import casts as duckdb_casts
from fqtool.warehouse.duckdb.transpile import dates as duckdb_dates
from fqtool.warehouse.duckdb.transpile.json import json_value
from fqtool.warehouse.duckdb.transpile.kinds import Kinds

Correction = Callable[[Any, Kinds], exp.Expr]

CORRECTIONS: dict[type[exp.Expr], Correction] = {
    exp.Add: duckdb_arithmetic.add_or_subtract,
    exp.ArrayAgg: duckdb_arithmetic.array_agg,
    exp.ArrayConcat: duckdb_arrays.array_concat,
    exp.ArrayToString: duckdb_arrays.array_to_string,
    exp.Avg: duckdb_arithmetic.average,
    exp.Bracket: duckdb_arrays.element,
    exp.ByteLength: duckdb_casts.byte_length,
    exp.Cast: duckdb_casts.cast,
    exp.Column: duckdb_arrays.column,
    exp.Concat: duckdb_arrays.concat,
    exp.CountIf: duckdb_arithmetic.count_if,
    exp.CurrentDate: duckdb_dates.without_zone,
    exp.CurrentDatetime: duckdb_dates.current_datetime,
    exp.CurrentTimestamp: duckdb_dates.without_zone,
    exp.DataType: duckdb_casts.data_type,
    exp.Date: duckdb_dates.without_zone,
    exp.DateAdd: duckdb_dates.date_add,
    exp.DateDiff: duckdb_dates.date_diff,
    exp.DateSub: duckdb_dates.date_add,
    exp.DateTrunc: duckdb_dates.date_trunc,
    exp.DatetimeDiff: duckdb_dates.date_diff,
    exp.Div: duckdb_arithmetic.divide,
    exp.Extract: duckdb_dates.extract,
    exp.IgnoreNulls: duckdb_arithmetic.array_agg,
    exp.IntDiv: duckdb_arithmetic.whole_division,
    exp.JSONExtractScalar: json_value,
    exp.JSONFormat: duckdb_casts.to_json_string,
    exp.Like: duckdb_arrays.like,
    exp.Literal: duckdb_arithmetic.literal,
    exp.Mod: duckdb_arithmetic.whole_division,
    exp.Mul: duckdb_arithmetic.multiply,
    exp.Pivot: duckdb_arrays.unpivot,
    exp.RespectNulls: duckdb_arithmetic.array_agg,
    exp.Round: duckdb_arithmetic.round_,
    exp.SafeDivide: duckdb_arithmetic.divide,
    exp.Sign: duckdb_arithmetic.sign,
    exp.Sqrt: duckdb_arithmetic.square_root,
    exp.Sub: duckdb_arithmetic.add_or_subtract,
    exp.Substring: duckdb_arrays.substring,
    exp.Table: duckdb_arrays.table,
    exp.TimeToStr: duckdb_dates.format_time,
    exp.Timestamp: duckdb_dates.without_zone,
    exp.TimestampDiff: duckdb_dates.timestamp_diff,
    exp.TimestampTrunc: duckdb_dates.timestamp_trunc,
    exp.TryCast: duckdb_casts.cast,
    exp.UnixMillis: duckdb_dates.unix,
    exp.UnixSeconds: duckdb_dates.unix,
    exp.Unnest: duckdb_arrays.unnest,
}

LIKE_GOOGLE: tuple[type[exp.Expr], ...] = (
    exp.Abs, exp.And, exp.AnyValue, exp.Array, exp.ArraySize, exp.Case, exp.Ceil, exp.Coalesce,
    exp.Count, exp.DateFromParts,
    exp.DenseRank, exp.EndsWith, exp.Exists, exp.FirstValue, exp.Floor, exp.GenerateDateArray,
    exp.GenerateSeries, exp.Greatest, exp.GroupConcat, exp.If, exp.IsInf, exp.IsNan, exp.Lag, exp.LastValue, exp.Lead,
    exp.Least, exp.Length, exp.LogicalAnd, exp.LogicalOr, exp.Lower, exp.Max, exp.Min, exp.Not, exp.Nullif, exp.Or,
    exp.Rand, exp.Rank, exp.RegexpLike, exp.Replace, exp.RowNumber, exp.SessionUser, exp.Split,
    exp.StartsWith, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.StrPosition, exp.Struct, exp.Sum,
    exp.TimestampAdd, exp.TimestampSub, exp.Trim, exp.Trunc, exp.TsOrDsToDate, exp.TsOrDsToDatetime,
    exp.TsOrDsToTimestamp, exp.Upper, exp.Uuid, exp.Variance, exp.VariancePop, exp.Xor,
)  # fmt: skip
_CALLED_SO = {"ERROR"}
_REFUSED: dict[type[exp.Expr], str] = {
    exp.BitwiseRightShift: "Shifting right",
    exp.TableSample: "TABLESAMPLE",
    exp.Command: "This statement",
    exp.SafeFunc: "SAFE.function",
    exp.AtTimeZone: "AT TIME ZONE",
    exp.Collate: "COLLATE",
    exp.HavingMax: "HAVING MAX",
    exp.Placeholder: "A parameter without a name",
}


def correction_of(node: exp.Expr) -> Correction | None:
    """Return the correction of a node, or None if it needs none."""
    return CORRECTIONS.get(type(node))


def check(node: exp.Expr) -> None:
    """Raise InputError for a construct with other results on DuckDB, or one that was never compared."""
    kind = type(node)
    if kind in _REFUSED:
        raise _refusal(_REFUSED[kind])
    match node:
        case exp.Anonymous() | exp.AnonymousAggFunc():
            if node.name.upper() not in _CALLED_SO:
                raise _refusal(f"{node.name.upper()}()")
        case exp.Parameter() if isinstance(node.this, exp.Parameter):
            raise _refusal("A system variable")
        case exp.Select() if node.args.get("kind"):
            raise _refusal(f"SELECT AS {node.args['kind']}")
        case exp.Insert() if node.args.get("conflict") or node.args.get("overwrite"):
            raise _refusal("This INSERT")
        case exp.Insert() if isinstance(node.parent, exp.When) and isinstance(node.this, exp.Var):
            raise _refusal("INSERT ROW")
        case exp.Unnest() if node.args.get("offset") and isinstance(node.parent, exp.Join) and node.parent.side:
            raise _refusal("An outer join of UNNEST WITH OFFSET")
        case exp.Func() if node.arg_key == "unit":
            return  # a WEEK, which looks like a function
        case exp.Func() if kind not in CORRECTIONS and kind not in LIKE_GOOGLE:
            raise _refusal(f"{node.sql('bigquery').partition('(')[0]}()")
        case _:
            return


def _refusal(construct: str) -> InputError:
    return InputError(
        f"{construct} is not supported on DuckDB, or was never compared.",
        remedy="Rewrite the expression, or run it on BigQuery.",
    )


class GoogleSQL(BigQuery):
    """BigQuery's dialect, in which `x = 1` within STRUCT() is a comparison; sqlglot reads a field x."""

    class Parser(BigQuery.Parser):  # type: ignore[misc, valid-type]  # it is compiled
        """The parser; only AS names a field."""

        KEY_VALUE_DEFINITIONS = (exp.Alias, exp.PropertyEQ)
