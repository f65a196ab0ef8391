"""Translate dates and times of GoogleSQL to DuckDB's SQL."""

from __future__ import annotations

import re

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.kinds import IN_UTC, Kinds, filled, once

_MICROSECONDS = {
    "MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}  # fmt: skip
_PARTS = {
    "DAYOFWEEK": "DATE_PART('dow', :v) + 1", "DAYOFYEAR": "DATE_PART('doy', :v)", "DATE": "CAST(:v AS DATE)",
    "ISOWEEK": "DATE_PART('week', :v)", "ISOYEAR": "DATE_PART('isoyear', :v)",
    "MILLISECOND": "DATE_PART('millisecond', :v) % 1000", "MICROSECOND": "DATE_PART('microsecond', :v) % 1000000",
    "WEEK": "CAST(STRFTIME(:v, '%U') AS BIGINT)", "WEEK(SUNDAY)": "CAST(STRFTIME(:v, '%U') AS BIGINT)",
    "WEEK(MONDAY)": "CAST(STRFTIME(:v, '%W') AS BIGINT)",
} | {
    part: f"DATE_PART('{part.lower()}', :v)"
    for part in ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
}  # fmt: skip
# sqlglot counts weeks in another way, so they are counted by their Mondays.
_WEEKS = "(CAST(DATE_TRUNC('week', :a) AS DATE) - CAST(DATE_TRUNC('week', :b) AS DATE)) // 7"
_BOUNDARIES = ("DAY", "MONTH", "QUARTER", "YEAR")
_TIMES = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
# The days from Monday to the first day of a week.
_WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_WEEK_STARTS = {"ISOWEEK": 0, "WEEK": 6} | {f"WEEK({day})": number for number, day in enumerate(_WEEKDAYS)}
_FORMAT = re.compile(r"(?:[^%]|%[YmdHMSyjF%])*")


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.sql("bigquery").strip("'").upper() if unit is not None else "DAY"


def _refused(operation: str, unit: str) -> InputError:
    return InputError(f"{operation} by {unit} is not supported on DuckDB.")


def date_add(node: exp.DateAdd | exp.DateSub, kinds: Kinds) -> exp.Expr:
    """Translate DATE_ADD or DATE_SUB of a DATE, which is a DATE."""
    if kinds.of(node.this) in ("DATETIME", "TIMESTAMP"):
        return node
    return exp.cast(node.copy(), "DATE")


def date_diff(node: exp.DateDiff | exp.DatetimeDiff, _: Kinds) -> exp.Expr:
    """Translate DATE_DIFF, which counts boundaries; weeks start on Monday in DuckDB."""
    unit = _unit(node)
    if unit in _BOUNDARIES or (unit in _TIMES and isinstance(node, exp.DatetimeDiff)):
        return filled(f"DATE_DIFF('{unit.lower()}', :b, :a)", a=node.this, b=node.expression)
    if unit in _WEEK_STARTS:
        shifted = f"CAST(:a AS DATE) - {_WEEK_STARTS[unit]}", f"CAST(:b AS DATE) - {_WEEK_STARTS[unit]}"
        weeks = _WEEKS if not _WEEK_STARTS[unit] else _WEEKS.replace(":a", shifted[0]).replace(":b", shifted[1])
        return filled(weeks, a=node.this, b=node.expression)
    if unit == "ISOYEAR":
        return filled("DATE_PART('isoyear', :a) - DATE_PART('isoyear', :b)", a=node.this, b=node.expression)
    raise _refused("A difference of dates", unit)


def timestamp_diff(node: exp.TimestampDiff, _: Kinds) -> exp.Expr:
    """Translate TIMESTAMP_DIFF, which counts whole units; DuckDB counts boundaries."""
    unit = _unit(node)
    if unit not in _MICROSECONDS:
        raise _refused("TIMESTAMP_DIFF", unit)
    return filled(f"(EPOCH_US(:a) - EPOCH_US(:b)) // {_MICROSECONDS[unit]}", a=node.this, b=node.expression)


def date_trunc(node: exp.DateTrunc, kinds: Kinds) -> exp.Expr:
    """Translate DATE_TRUNC, whose weeks start on Sunday."""
    unit = _unit(node)
    if kinds.of(node.this) in ("DATETIME", "TIMESTAMP"):
        raise _refused("DATE_TRUNC of a time", unit)
    if unit in _BOUNDARIES or unit == "ISOYEAR":
        return filled(f"CAST(DATE_TRUNC('{unit.lower()}', :v) AS DATE)", v=node.this)
    if unit in _WEEK_STARTS:
        return _week_start(node.this, unit)
    raise _refused("DATE_TRUNC", unit)


def _week_start(value: exp.Expr, unit: str) -> exp.Expr:
    if not (days := _WEEK_STARTS[unit]):
        return filled("CAST(DATE_TRUNC('week', :v) AS DATE)", v=value)
    first = f"CAST(CAST(DATE_TRUNC('week', :v - {days}) AS DATE) + {days} AS DATE)"
    return filled(first, v=value)


def timestamp_trunc(node: exp.TimestampTrunc | exp.DatetimeTrunc, _: Kinds) -> exp.Expr:
    """Translate TIMESTAMP_TRUNC or DATETIME_TRUNC in UTC."""
    unit = _unit(node)
    if unit in _WEEK_STARTS and not node.args.get("zone"):
        days = f"INTERVAL {_WEEK_STARTS[unit]} DAY"
        return filled(f"DATE_TRUNC('week', :v - {days}) + {days}", v=node.this)
    if node.args.get("zone") or unit not in (*_BOUNDARIES, *_TIMES):
        raise _refused("TIMESTAMP_TRUNC", unit)
    return filled(f"DATE_TRUNC('{unit.lower()}', :v)", v=node.this)


def last_day(node: exp.LastDay, kinds: Kinds) -> exp.Expr:
    """Translate LAST_DAY: the day before the next month, week, quarter or year."""
    unit = _unit(node) if node.args.get("unit") else "MONTH"
    day = node.this if kinds.of(node.this) == "DATE" else exp.cast(node.this.copy(), "DATE")
    if unit in _WEEK_STARTS:
        return filled("CAST(:first + 6 AS DATE)", first=_week_start(day, unit))
    if unit not in ("MONTH", "QUARTER", "YEAR"):
        raise _refused("LAST_DAY", unit)
    return filled(f"CAST(DATE_TRUNC('{unit.lower()}', :v) + INTERVAL 1 {unit} - INTERVAL 1 DAY AS DATE)", v=day)


def datetime_add(node: exp.DatetimeAdd | exp.DatetimeSub, _: Kinds) -> exp.Expr:
    """Translate DATETIME_ADD or DATETIME_SUB with a constant number."""
    count, unit = node.expression, _unit(node)
    if not isinstance(count, exp.Literal) or unit not in (*_BOUNDARIES, *_TIMES, "WEEK"):
        raise _refused("DATETIME_ADD or DATETIME_SUB", unit)
    sign = "-" if isinstance(node, exp.DatetimeSub) else "+"
    return filled(f"CAST(:v {sign} INTERVAL {int(count.name)} {unit} AS TIMESTAMP)", v=node.this)


_PARSED = {"%Y-%m-%d": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "%F": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "%Y%m%d": "[0-9]{8}"}


def parse_date(node: exp.StrToDate, _: Kinds) -> exp.Expr:
    """Translate PARSE_DATE of a day with all its digits; another text is an error."""
    layout = node.args["format"]
    if not isinstance(layout, exp.Literal) or layout.name not in _PARSED:
        raise InputError("PARSE_DATE has the formats %F, %Y-%m-%d and %Y%m%d on DuckDB.")
    read = f"CAST(STRPTIME(:v, '{layout.name.replace('%F', '%Y-%m-%d')}') AS DATE)"
    bad = "ERROR('PARSE_DATE does not read ' || :v)"
    proper = f"REGEXP_FULL_MATCH(:v, '{_PARSED[layout.name]}') AND NOT STARTS_WITH(:v, '0000')"
    return once(f"CASE WHEN {proper} THEN {read} WHEN NOT :v IS NULL THEN {bad} END", node.this)


def unix_date(node: exp.UnixDate, _: Kinds) -> exp.Expr:
    """Translate UNIX_DATE."""
    return filled("DATE_DIFF('day', DATE '1970-01-01', :v)", v=node.this)


def unix_micros(node: exp.UnixMicros, _: Kinds) -> exp.Expr:
    """Translate UNIX_MICROS."""
    return filled("EPOCH_US(:v)", v=node.this)


def extract(node: exp.Extract, kinds: Kinds) -> exp.Expr:
    """Translate EXTRACT of a part that both count in the same way."""
    part = node.this.sql("bigquery").upper()
    if part not in _PARTS:
        raise _refused("EXTRACT", part)
    return filled(_PARTS[part], v=_in_utc(node.expression, kinds))


def _in_utc(value: exp.Expr, kinds: Kinds) -> exp.Expr:
    return filled(IN_UTC, v=value) if kinds.of(value) == "TIMESTAMP" else value


def without_zone(node: exp.Expr, _: Kinds) -> exp.Expr:
    """Accept a call without a time zone and with one argument; DuckDB's session is in UTC."""
    arguments = [
        argument for argument in node.args.values() if isinstance(argument, exp.Expression | list) and argument
    ]
    if node.args.get("zone") or len(arguments) > 1:
        raise InputError(f"{node.sql('bigquery')[:60]} is not supported on DuckDB.")
    return node


def current_datetime(node: exp.CurrentDatetime, kinds: Kinds) -> exp.Expr:
    """Translate CURRENT_DATETIME in UTC."""
    without_zone(node, kinds)
    if node.this is not None:
        raise InputError("CURRENT_DATETIME of a time zone is not supported on DuckDB.")
    return filled("CURRENT_TIMESTAMP AT TIME ZONE 'UTC'")


def format_time(node: exp.TimeToStr, kinds: Kinds) -> exp.Expr:
    """Translate FORMAT_DATE or FORMAT_TIMESTAMP in UTC, with the elements that both write in the same way."""
    layout = node.args["format"]
    others = [key for key, value in node.args.items() if value and key not in ("this", "format")]
    if others or not isinstance(layout, exp.Literal) or not _FORMAT.fullmatch(layout.name):
        raise InputError(f"{node.sql('bigquery')[:60]} is not supported on DuckDB.")
    value = node.this
    if isinstance(value, exp.TsOrDsToTimestamp | exp.TsOrDsToDate | exp.TsOrDsToDatetime):
        kind = "DATE" if isinstance(value, exp.TsOrDsToDate) else "TIMESTAMP"
        value = value.this if kinds.of(value.this) in ("DATE", "TIMESTAMP", "DATETIME") else exp.cast(value.this, kind)
    value = _in_utc(value, kinds)
    written = _written(layout.name)
    if "%Y" in layout.name:
        # BigQuery writes the year 999 with three digits, except in %F.
        early = " || LTRIM(STRFTIME(:v, '%Y'), '0') || ".join(map(_written, layout.name.split("%Y")))
        return once(f"CASE WHEN YEAR(:v) < 1000 THEN {early} ELSE {written} END", value)
    return filled(written, v=value)


def _written(layout: str) -> str:
    text = layout.replace("%F", "%Y-%m-%d").replace("'", "''")
    return f"STRFTIME(:v, '{text}')" if text else "''"


def unix(node: exp.Expr, _: Kinds) -> exp.Expr:
    """Translate UNIX_SECONDS or UNIX_MILLIS, which round down; DuckDB's // rounds towards zero."""
    divisor = 1_000_000 if isinstance(node, exp.UnixSeconds) else 1_000
    return filled(f"(EPOCH_US(:v) - (EPOCH_US(:v) % {divisor} + {divisor}) % {divisor}) // {divisor}", v=node.this)
