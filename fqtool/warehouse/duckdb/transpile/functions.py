"""The constructs of GoogleSQL that DuckDB runs after a correction, each with the function that corrects it.

`constructs` lists everything that is accepted, also what both run in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery

from fqtool.warehouse.duckdb.transpile import aggregates as duckdb_aggregates
from fqtool.warehouse.duckdb.transpile import arithmetic as duckdb_arithmetic
from fqtool.warehouse.duckdb.transpile import arrays as duckdb_arrays
from fqtool.warehouse.duckdb.transpile import casts as duckdb_casts
from fqtool.warehouse.duckdb.transpile import comparisons as duckdb_comparisons
from fqtool.warehouse.duckdb.transpile import dates as duckdb_dates
from fqtool.warehouse.duckdb.transpile import text as duckdb_text
from fqtool.warehouse.duckdb.transpile.json import json_value
from fqtool.warehouse.duckdb.transpile.kinds import Kinds

Correction = Callable[[Any, Kinds], exp.Expr]

CORRECTIONS: dict[type[exp.Expr], Correction] = {
    exp.Anonymous: duckdb_text.number_of_points,
    exp.Add: duckdb_arithmetic.add_or_subtract,
    exp.ArrayAgg: duckdb_aggregates.array_agg,
    exp.ArrayConcat: duckdb_arrays.array_concat,
    exp.ArrayToString: duckdb_arrays.array_to_string,
    exp.Bracket: duckdb_arrays.element,
    exp.BitwiseXorAgg: duckdb_aggregates.fingerprint,
    exp.ByteLength: duckdb_casts.byte_length,
    exp.Cast: duckdb_casts.cast,
    exp.Column: duckdb_arrays.column,
    exp.Concat: duckdb_text.concat,
    exp.Corr: duckdb_aggregates.correlation,
    exp.CountIf: duckdb_aggregates.count_if,
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
    exp.IgnoreNulls: duckdb_aggregates.array_agg,
    exp.IntDiv: duckdb_arithmetic.whole_division,
    exp.JSONExtractScalar: json_value,
    exp.JSONFormat: duckdb_casts.to_json_string,
    exp.Like: duckdb_text.like,
    exp.Literal: duckdb_arithmetic.literal,
    exp.Mod: duckdb_arithmetic.whole_division,
    exp.Mul: duckdb_arithmetic.multiply,
    exp.Pivot: duckdb_arrays.unpivot,
    exp.RespectNulls: duckdb_aggregates.array_agg,
    exp.Round: duckdb_arithmetic.round_,
    exp.SafeDivide: duckdb_arithmetic.divide,
    exp.Sign: duckdb_arithmetic.sign,
    exp.Sqrt: duckdb_arithmetic.square_root,
    exp.Sub: duckdb_arithmetic.add_or_subtract,
    exp.Subquery: duckdb_arrays.entry,
    exp.Substring: duckdb_text.substring,
    exp.Table: duckdb_arrays.table,
    exp.TimeToStr: duckdb_dates.format_time,
    exp.Timestamp: duckdb_dates.without_zone,
    exp.TimestampDiff: duckdb_dates.timestamp_diff,
    exp.TimestampTrunc: duckdb_dates.timestamp_trunc,
    exp.TryCast: duckdb_casts.cast,
    exp.UnixMillis: duckdb_dates.unix,
    exp.UnixSeconds: duckdb_dates.unix,
    exp.Unnest: duckdb_arrays.unnest,
    exp.Floor: duckdb_arithmetic.whole,
    exp.Ceil: duckdb_arithmetic.whole,
    exp.Trunc: duckdb_arithmetic.whole,
    exp.Between: duckdb_comparisons.between,
    exp.In: duckdb_comparisons.in_,
    exp.Nullif: duckdb_comparisons.nullif,
    exp.Case: duckdb_comparisons.case,
    exp.Least: duckdb_comparisons.least,
    exp.Ordered: duckdb_comparisons.ordered,
    exp.Window: duckdb_aggregates.window,
    exp.Upper: duckdb_text.upper,
    exp.Lower: duckdb_text.lower,
    exp.Trim: duckdb_text.trim,
    exp.Split: duckdb_text.split,
    exp.RegexpExtract: duckdb_text.regexp_extract,
    exp.RegexpReplace: duckdb_text.regexp_replace,
    exp.Left: duckdb_text.side,
    exp.Right: duckdb_text.side,
    exp.Pad: duckdb_text.pad,
    exp.Format: duckdb_text.format_,
    exp.Pow: duckdb_arithmetic.power,
    exp.Ln: duckdb_arithmetic.logarithm,
    exp.Exp: duckdb_arithmetic.exponential,
    exp.LastDay: duckdb_dates.last_day,
    exp.StrToDate: duckdb_dates.parse_date,
    exp.DatetimeTrunc: duckdb_dates.timestamp_trunc,
    exp.DatetimeAdd: duckdb_dates.datetime_add,
    exp.DatetimeSub: duckdb_dates.datetime_add,
    exp.UnixDate: duckdb_dates.unix_date,
    exp.UnixMicros: duckdb_dates.unix_micros,
    exp.ArgMax: duckdb_aggregates.chosen,
    exp.ArgMin: duckdb_aggregates.chosen,
    exp.AnyValue: duckdb_aggregates.chosen,
    exp.GenerateSeries: duckdb_arrays.generate_array,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), duckdb_comparisons.compare),
    **dict.fromkeys(duckdb_aggregates.AGGREGATES, duckdb_aggregates.aggregate),
}


def correction_of(node: exp.Expr) -> Correction | None:
    """Return the correction of a node, or None if it needs none."""
    return CORRECTIONS.get(type(node))


class GoogleSQL(BigQuery):
    """BigQuery's dialect, in which `x = 1` within STRUCT() is a comparison; sqlglot reads a field x.

    %F stays apart from %Y-%m-%d, because only %F writes a year before 1000 with four digits.
    """

    TIME_MAPPING = {spelt: meant for spelt, meant in BigQuery.TIME_MAPPING.items() if spelt != "%F"}  # noqa: RUF012

    class Parser(BigQuery.Parser):  # type: ignore[misc, valid-type]  # it is compiled
        """The parser; only AS names a field."""

        KEY_VALUE_DEFINITIONS = (exp.Alias, exp.PropertyEQ)
