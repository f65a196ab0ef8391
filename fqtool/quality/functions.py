"""What an expression may call, as data: every function with its signature.

The list is closed: a function stands here only if DuckDB answers as Google does, and the same whenever a row is
scored. What the clock or chance decides is left out. tests/test_typecheck.py asks Google's analyser about each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fqtool.quality.expression import Expression, Literal, Name, Unary
from fqtool.quality.value_types import (
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

# Words of a signature that stand for several kinds, and how to say them. All such arguments of a call have one type.
FAMILIES = {
    "T": (tuple(Kind), "any value"),
    "COMPARABLE": ((*LADDER, *MOMENTS, Kind.BOOL, Kind.STRING, Kind.BYTES, Kind.TIME), "a value with an order"),
    "NUMBER": (LADDER, "a number"),
    "EXACT": (LADDER[:3], "INT64 or NUMERIC"),
    "INEXACT": ((Kind.INT64, Kind.FLOAT64), "FLOAT64"),
    "TELLABLE": (TELLABLE, "a number, text, truth or time"),
}
_NULL_TAKEN = ("T", "COMPARABLE", "TELLABLE")
# Words for an argument that must be written out: what it looks like, texts after ' and names after a dot; in words.
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

# Arguments -> result. FRACTION is T, but FLOAT64 for INT64. `?` may be left out, `+` repeats, `|` parts alternatives.
FUNCTIONS: dict[str, str] = {
    "IF": "BOOL T T -> T", "IFNULL": "T T -> T", "COALESCE": "T+ -> T", "NULLIF": "COMPARABLE COMPARABLE -> T",
    "GREATEST": "COMPARABLE+ -> T", "LEAST": "COMPARABLE+ -> T",
    "ROUND": "NUMBER PLACES? -> FRACTION", "ABS": "NUMBER -> T", "SIGN": "NUMBER -> T", "CEIL": "NUMBER -> FRACTION",
    "FLOOR": "NUMBER -> FRACTION", "TRUNC": "NUMBER -> FRACTION", "MOD": "EXACT EXACT -> T", "DIV": "EXACT EXACT -> T",
    "SAFE_DIVIDE": "NUMBER NUMBER -> FRACTION",
    # Of a NUMERIC, DuckDB's root has other digits.
    "SQRT": "INEXACT -> FLOAT64", "IS_NAN": "INEXACT -> BOOL", "IS_INF": "INEXACT -> BOOL",
    "CONCAT": "STRING+ -> STRING", "UPPER": "STRING -> STRING", "LOWER": "STRING -> STRING",
    "TRIM": "STRING STRING? -> STRING", "LTRIM": "STRING STRING? -> STRING", "RTRIM": "STRING STRING? -> STRING",
    "LENGTH": "STRING -> INT64", "STRPOS": "STRING STRING -> INT64", "SUBSTR": "STRING INT64 INT64? -> STRING",
    "STARTS_WITH": "STRING STRING -> BOOL", "ENDS_WITH": "STRING STRING -> BOOL",
    "REPLACE": "STRING STRING STRING -> STRING",
    "JSON_VALUE": "STRING|JSON PATH -> STRING", "TO_JSON_STRING": "TELLABLE|ARRAY<TELLABLE> -> STRING",
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
# The feature language: aggregates over a row's features, and what the registry itself knows.
OVER_FEATURES: dict[str, str] = {
    "COUNT_FEATURES": "BOOL -> INT64", "AVG_OVER_FEATURES": "NUMBER BOOL? -> FRACTION",
    "ALL_FEATURES": "BOOL -> BOOL", "ANY_FEATURE": "BOOL -> BOOL",
    "FEATURE_MAP": "TELLABLE BOOL? -> STRING", "FEATURE_LIST": "TELLABLE BOOL? -> ARRAY",
}  # fmt: skip
OF_REGISTRY: dict[str, str] = {
    "TIER": "NUMBER -> STRING", "ALERT_LEVEL": "-> STRING", "ALERT_CODES": "-> ARRAY<STRING>",
    "COMPATIBLE_MODELS": "TEXT -> ARRAY<STRING>", "PROCESSORS_RAN": "-> STRING", "MISSING_PROCESSORS": "-> STRING",
}  # fmt: skip
# Views and thresholds are plain SQL over stored rows: they use these besides, and others that are not looked at.
OVER_ROWS: dict[str, str] = {
    "AVG": "NUMBER -> FRACTION", "SUM": "NUMBER -> T", "MIN": "COMPARABLE -> T", "MAX": "COMPARABLE -> T",
    "COUNT": "T|ARRAY<T> -> INT64", "COUNTIF": "BOOL -> INT64", "LOGICAL_AND": "BOOL -> BOOL",
    "LOGICAL_OR": "BOOL -> BOOL", "CURRENT_TIMESTAMP": "-> TIMESTAMP", "CURRENT_DATE": "-> DATE",
}  # fmt: skip
# What an expression over stored rows holds to the signature: the rest may take more than is said here.
SAME_EVERYWHERE = frozenset({"IF", "IFNULL", "COALESCE", "NULLIF", "SAFE_DIVIDE", *OVER_ROWS})
WITHOUT_BRACKETS = frozenset({"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME"})
# What people write out of habit, and what does it here.
INSTEAD: dict[str, str] = {
    "CURRENT_TIMESTAMP": "@computed_at", "NOW": "@computed_at", "CURRENT_DATE": "CAST(@computed_at AS DATE)",
    "DATE": "CAST(x AS DATE)", "TIMESTAMP": "CAST(x AS TIMESTAMP)", "STRING": "CAST(x AS STRING)",
    "ISNULL": "x IS NULL", "NVL": "IFNULL(x, y)", "POW": "x * x", "POWER": "x * x", "IIF": "IF(condition, x, y)",
    "SUBSTRING": "SUBSTR(x, 1)", "DATEDIFF": "DATE_DIFF(x, y, DAY)", "EXTRACT": "DATE_DIFF or FORMAT_DATE",
}  # fmt: skip


class Argument(NamedTuple):
    """What a signature takes at one place."""

    word: str
    optional: bool
    repeats: bool


@lru_cache(maxsize=256)
def parsed(signature: str) -> tuple[tuple[Argument, ...], str]:
    """Return the arguments of a signature, and its result."""
    takes, _, gives = signature.partition("->")
    return tuple(Argument(one.rstrip("?+"), "?" in one, "+" in one) for one in takes.split()), gives.strip()


def wrong_count(takes: Sequence[Argument], count: int) -> str:
    """Say how many arguments a signature takes, where it is not `count`."""
    least, most = sum(not one.optional for one in takes), len(takes)
    if takes and takes[-1].repeats:
        return f"{least} or more arguments" if count < least else ""
    wanted = f"{least} to {most}" if least < most else f"{least}"
    return "" if least <= count <= most else f"{wanted} argument{'s' * (most != 1)}"


def result(gives: str, together: ValueType | None) -> ValueType | None:
    """Return a call's type, where its arguments of several kinds came together in one type."""
    match gives:
        case "T" | "FRACTION":
            return FLOAT64 if gives == "FRACTION" and together == INT64 else together
        case "ARRAY":
            return ValueType(together.kind, repeated=True, inner=together.inner) if together else None
        case _:
            return type_named(gives)


def takes(one: Given, word: str) -> bool:
    """Tell whether an argument is of a word of a signature; what is unknown is not held against it."""
    if one.type is None:
        return not one.is_null or word.partition("|")[0] in _NULL_TAKEN
    return any(_is(one, one.type, choice) for choice in word.split("|"))


def _is(one: Given, kind: ValueType, word: str) -> bool:
    inner = word.removeprefix("ARRAY<").rstrip(">")
    if inner not in FAMILIES:
        return fits(one, type_named(word))
    # An ARRAY goes where any value goes.
    return (kind.repeated == (inner != word) or word == "T") and kind.kind in FAMILIES[inner][0]


def is_several(word: str) -> bool:
    """Tell whether a word stands for several kinds, so that its arguments must come together in one."""
    return word.removeprefix("ARRAY<").rstrip(">") in FAMILIES


def is_written(e: Expression, word: str) -> bool:
    """Tell whether an argument is written out as the word wants it."""
    sign, inner = ("-", e.operand) if isinstance(e, Unary) and e.operator == "-" else ("", e)
    value = inner.value if isinstance(inner, Literal) else f".{e.name.upper()}" if isinstance(e, Name) else None
    text = f"'{value}" if isinstance(inner, Literal) and isinstance(value, str) else f"{sign}{value}"
    return re.fullmatch(CONSTANTS[word][0], text, re.ASCII) is not None


def in_words(word: str) -> str:
    """Say what a word of a signature takes."""
    choice = word.partition("|")[0]
    return FAMILIES[choice][1] if choice in FAMILIES else CONSTANTS.get(choice, ("", choice.replace("<T>", "")))[1]
