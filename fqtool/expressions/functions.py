"""The functions that an expression may call, as data: one entry each, with its signature and its law for NULL.

The list is closed. A function is listed only if DuckDB and BigQuery return the same value at any time. Functions that
depend on the clock or on chance are left out. A name is that of GoogleSQL; `warehouse/duckdb/transpile` has its
rendering in DuckDB (docs/adr/0016). tests/test_typecheck.py checks each entry with Google's reference implementation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fqtool.expressions.expression import Expression, Literal, Name, Unary
from fqtool.expressions.value_types import (
    FLOAT64,
    INT64,
    LADDER,
    MOMENTS,
    TELLABLE,
    Given,
    ValueType,
    fits,
    type_named,
)
from fqtool.table.column import Kind

# Words of a signature for several kinds, with their description. All such arguments of a call have one type.
FAMILIES = {
    "T": (tuple(Kind), "any value"),
    "COMPARABLE": ((*LADDER, *MOMENTS, Kind.BOOL, Kind.STRING, Kind.BYTES, Kind.TIME), "a value with an order"),
    "NUMBER": (LADDER, "a number"),
    "EXACT": (LADDER[:3], "INT64 or NUMERIC"),
    "INEXACT": ((Kind.INT64, Kind.FLOAT64), "FLOAT64"),
    "TELLABLE": (TELLABLE, "a number, text, truth or time"),
}
_NULL_TAKEN = ("T", "COMPARABLE", "TELLABLE")
# Words for an argument that must be a constant: its pattern (texts after ', names after a dot), and its description.
_TIMES = "MICROSECOND|MILLISECOND|SECOND|MINUTE|HOUR|DAY"
CONSTANTS = {
    "DATE_PART": (r"\.(DAY|WEEK|ISOWEEK|MONTH|QUARTER|YEAR)", "DAY, WEEK, ISOWEEK, MONTH, QUARTER or YEAR"),
    "TIME_PART": (rf"\.({_TIMES})", "MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR or DAY"),
    "TRUNC_PART": (rf"\.({_TIMES}|MONTH|QUARTER|YEAR)", "MICROSECOND to DAY, MONTH, QUARTER or YEAR"),
    "PLACES": (r"-?(\d|1[0-5])", "a whole number from -15 to 15"),
    "FORMAT": (r"'([^%]|%[YmdHMSyjFT%])*", "a text in quotes, of %Y %m %d %H %M %S %F %T %y %j"),
    "PATH": (r"'\$(\.\w+|\.\"[^\"\\]+\"|\[\d+\])*", "a path in quotes, such as '$.name' or '$.\"5\"'"),
    "TEXT": (r"'(?s:.*)", "a text in quotes"),
}

# Arguments -> result. FRACTION is T, but FLOAT64 for INT64. `?` is optional, `+` repeats, `|` separates alternatives.
# A call is NULL if an argument is NULL, except an argument with `~`.
FUNCTIONS: dict[str, str] = {
    "IF": "BOOL~ T~ T~ -> T", "IFNULL": "T~ T~ -> T", "COALESCE": "T~+ -> T",
    "NULLIF": "COMPARABLE COMPARABLE~ -> T",
    "GREATEST": "COMPARABLE+ -> T", "LEAST": "COMPARABLE+ -> T",
    "ROUND": "NUMBER PLACES? -> FRACTION", "ABS": "NUMBER -> T", "SIGN": "NUMBER -> T", "CEIL": "NUMBER -> FRACTION",
    "FLOOR": "NUMBER -> FRACTION", "TRUNC": "NUMBER -> FRACTION", "MOD": "EXACT EXACT -> T", "DIV": "EXACT EXACT -> T",
    "SAFE_DIVIDE": "NUMBER NUMBER -> FRACTION",
    # The root of a NUMERIC has other digits in DuckDB.
    "SQRT": "INEXACT -> FLOAT64", "IS_NAN": "INEXACT -> BOOL", "IS_INF": "INEXACT -> BOOL",
    "CONCAT": "STRING+ -> STRING", "UPPER": "STRING -> STRING", "LOWER": "STRING -> STRING",
    "TRIM": "STRING STRING? -> STRING", "LTRIM": "STRING STRING? -> STRING", "RTRIM": "STRING STRING? -> STRING",
    "LENGTH": "STRING -> INT64", "STRPOS": "STRING STRING -> INT64", "SUBSTR": "STRING INT64 INT64? -> STRING",
    "STARTS_WITH": "STRING STRING -> BOOL", "ENDS_WITH": "STRING STRING -> BOOL",
    "REPLACE": "STRING STRING STRING -> STRING",
    "JSON_VALUE": "STRING|JSON PATH -> STRING", "TO_JSON_STRING": "TELLABLE|ARRAY<TELLABLE>~ -> STRING",
    "ARRAY_LENGTH": "ARRAY<T> -> INT64", "ARRAY_CONCAT": "ARRAY<T>+ -> ARRAY",
    "ARRAY_TO_STRING": "ARRAY<STRING> STRING STRING? -> STRING",
    "TIMESTAMP_DIFF": "TIMESTAMP TIMESTAMP TIME_PART -> INT64", "TIMESTAMP_TRUNC": "TIMESTAMP TRUNC_PART -> TIMESTAMP",
    "DATE_DIFF": "DATE DATE DATE_PART -> INT64", "DATE_TRUNC": "DATE DATE_PART -> DATE",
    "UNIX_SECONDS": "TIMESTAMP -> INT64", "UNIX_MILLIS": "TIMESTAMP -> INT64",
    "FORMAT_TIMESTAMP": "FORMAT TIMESTAMP -> STRING", "FORMAT_DATE": "FORMAT DATE -> STRING",
}  # fmt: skip
CASTS = ("CAST", "SAFE_CAST")
OPERATORS: dict[str, str] = {
    "NOT": "BOOL -> BOOL", "LIKE": "STRING STRING -> BOOL", "+": "NUMBER NUMBER -> T", "-": "NUMBER NUMBER? -> T",
    "*": "NUMBER NUMBER -> T", "/": "NUMBER NUMBER -> FRACTION", "||": "STRING STRING -> STRING",
}  # fmt: skip
# The feature language: aggregates over the features of a row, and functions of the registry.
OVER_FEATURES: dict[str, str] = {
    "COUNT_FEATURES": "BOOL -> INT64", "AVG_OVER_FEATURES": "NUMBER BOOL? -> FRACTION",
    "ALL_FEATURES": "BOOL -> BOOL", "ANY_FEATURE": "BOOL -> BOOL",
    "FEATURE_MAP": "TELLABLE BOOL? -> STRING", "FEATURE_LIST": "TELLABLE BOOL? -> ARRAY",
}  # fmt: skip
OF_REGISTRY: dict[str, str] = {
    "TIER": "NUMBER -> STRING", "ALERT_LEVEL": "-> STRING", "ALERT_CODES": "-> ARRAY<STRING>",
    "COMPATIBLE_MODELS": "TEXT -> ARRAY<STRING>", "PROCESSORS_RAN": "-> STRING", "MISSING_PROCESSORS": "-> STRING",
}  # fmt: skip
# Views and thresholds are plain SQL over stored rows. They may use these too, and other functions without a check.
OVER_ROWS: dict[str, str] = {
    "AVG": "NUMBER -> FRACTION", "SUM": "NUMBER -> T", "MIN": "COMPARABLE -> T", "MAX": "COMPARABLE -> T",
    "COUNT": "T|ARRAY<T> -> INT64", "COUNTIF": "BOOL -> INT64", "LOGICAL_AND": "BOOL -> BOOL",
    "LOGICAL_OR": "BOOL -> BOOL", "CURRENT_TIMESTAMP": "-> TIMESTAMP", "CURRENT_DATE": "STRING? -> DATE",
}  # fmt: skip
# The functions whose arguments are checked over stored rows; others may accept more than their signature here.
SAME_EVERYWHERE = frozenset({"IF", "IFNULL", "COALESCE", "NULLIF", "SAFE_DIVIDE", *OVER_ROWS})
WITHOUT_BRACKETS = frozenset({"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME"})
# Common functions that are not in the list, and their replacement.
INSTEAD: dict[str, str] = {
    "CURRENT_TIMESTAMP": "@computed_at", "NOW": "@computed_at", "CURRENT_DATE": "CAST(@computed_at AS DATE)",
    "DATE": "CAST(x AS DATE)", "TIMESTAMP": "CAST(x AS TIMESTAMP)", "STRING": "CAST(x AS STRING)",
    "ISNULL": "x IS NULL", "NVL": "IFNULL(x, y)", "POW": "x * x", "POWER": "x * x", "IIF": "IF(condition, x, y)",
    "SUBSTRING": "SUBSTR(x, 1)", "DATEDIFF": "DATE_DIFF(x, y, DAY)", "EXTRACT": "DATE_DIFF or FORMAT_DATE",
}  # fmt: skip


class Argument(NamedTuple):
    """An argument of a signature. `lenient`: a call may have another value than NULL although it is NULL."""

    word: str
    optional: bool
    repeats: bool
    lenient: bool


@lru_cache(maxsize=256)
def parsed(signature: str) -> tuple[tuple[Argument, ...], str]:
    """Return the arguments of a signature and its result."""
    takes, _, gives = signature.partition("->")
    marked = ((one.rstrip("?+~"), one) for one in takes.split())
    return tuple(Argument(word, "?" in one, "+" in one, "~" in one) for word, one in marked), gives.strip()


def wrong_count(takes: Sequence[Argument], count: int) -> str:
    """Return how many arguments a signature has, such as "2 to 3 arguments"; "" if `count` is valid."""
    least, most = sum(not one.optional for one in takes), len(takes)
    if takes and takes[-1].repeats:
        return f"{least} or more arguments" if count < least else ""
    expected = f"{least} to {most}" if least < most else f"{least}"
    return "" if least <= count <= most else f"{expected} argument{'s' * (most != 1)}"


def null_makes_null(name: str, position: int) -> bool:
    """Return whether every call is NULL in which the argument at a position is NULL; False for an unknown function."""
    if name in CASTS:
        return True
    arguments = parsed(FUNCTIONS[name])[0] if name in FUNCTIONS else ()
    return bool(arguments) and not arguments[min(position, len(arguments) - 1)].lenient


def result(gives: str, together: ValueType | None) -> ValueType | None:
    """Return the type of a call.

    Args:
        gives: The result of the signature.
        together: The common type of the arguments of several kinds, or None.
    """
    match gives:
        case "T" | "FRACTION":
            return FLOAT64 if gives == "FRACTION" and together == INT64 else together
        case "ARRAY":
            return ValueType(together.kind, repeated=True, inner=together.inner) if together else None
        case _:
            return type_named(gives)


def takes(one: Given, word: str) -> bool:
    """Return whether an argument matches a word of a signature. An unknown type matches every word."""
    if one.type is None:
        return not one.is_null or word.partition("|")[0] in _NULL_TAKEN
    return any(_is(one, one.type, choice) for choice in word.split("|"))


def _is(one: Given, kind: ValueType, word: str) -> bool:
    inner = word.removeprefix("ARRAY<").rstrip(">")
    if inner not in FAMILIES:
        return fits(one, type_named(word))
    # T accepts an ARRAY.
    return (kind.repeated == (inner != word) or word == "T") and kind.kind in FAMILIES[inner][0]


def is_several(word: str) -> bool:
    """Return whether a word means several kinds, so that its arguments need a common type."""
    return word.removeprefix("ARRAY<").rstrip(">") in FAMILIES


def is_written(e: Expression, word: str) -> bool:
    """Return whether an argument is a constant that matches a word of `CONSTANTS`."""
    sign, inner = ("-", e.operand) if isinstance(e, Unary) and e.operator == "-" else ("", e)
    value = inner.value if isinstance(inner, Literal) else f".{e.name.upper()}" if isinstance(e, Name) else None
    text = f"'{value}" if isinstance(inner, Literal) and isinstance(value, str) else f"{sign}{value}"
    return re.fullmatch(CONSTANTS[word][0], text, re.ASCII) is not None


def in_words(word: str) -> str:
    """Return the description of a word of a signature."""
    choice = word.partition("|")[0]
    return FAMILIES[choice][1] if choice in FAMILIES else CONSTANTS.get(choice, ("", choice.replace("<T>", "")))[1]
