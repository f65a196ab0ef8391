"""Propose keys and features of a table from its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from unicodedata import normalize

from fqtool.errors import InputError
from fqtool.expressions.value_types import LADDER
from fqtool.registry.model import TableSpec
from fqtool.registry.yaml.edit import NewFeature
from fqtool.schema.row_dates import DATED, RowDates
from fqtool.sql import Query, ident
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.model import Table
from fqtool.table.tokens import RESERVED
from fqtool.warehouse.protocol import Warehouse

_KEY_KINDS = (Kind.STRING, Kind.INT64, *DATED)
_MOST_KEYS = 6  # candidates: all sets of three or fewer of them are counted in one scan
_MOST_CATEGORIES = 100  # distinct values of a text that is a feature
_SCORES = re.compile(
    r"feature_quality_score|quality_tier|default_feature_count|.*_quality_pct|feature_\d+_(quality|source)"
)
_LABELS = ("_label", "_source", "_status")
_OF_LABEL = "the label of another column: to use it, set `source` of that feature to its name"
_IN_TEXT = "several values in one column: see docs/how-to/declare-where-values-are.md"
# Columns that identify a row or record when it was written. No model reads them.
_ABOUT_ROWS = re.compile(r"(.*_)?(id|key|uuid|guid|hash|row_?names?)|(created|updated|inserted|loaded|written)(_.*)?")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Whole numbers that repeat the date of the row.
_OF_DATE = re.compile(r"year|quarter|month|week|weekday|day|hour|minute|second|iso_?week|(day|week)_?of_?\w+")


@dataclass(frozen=True, slots=True)
class Profile:
    """The columns of some dates.

    Args:
        rows: The number of rows.
        nulls: Column -> rows in which it is NULL.
        distinct: Column -> distinct values.
        objects: The text columns in which every value is a JSON object, such as a map of labels.
    """

    rows: int
    nulls: dict[str, int]
    distinct: dict[str, int]
    objects: frozenset[str] = frozenset()


def date_column(table: Table, spec: TableSpec) -> Column:
    """Return the column with the date of a row: that of the partitions, a key, or the first one with a date or time.

    Raises:
        InputError: The table has none.
    """
    dated = [one for one in table.columns if one.type.kind in DATED and one.mode is not Mode.REPEATED]
    named = [spec.partition_by or "", *spec.keys]
    ordered = sorted(
        dated,
        key=lambda one: (
            named.index(one.name) if one.name in named else len(named), one.mode is not Mode.REQUIRED,
            one.type.kind is not Kind.DATE,
        ),
    )  # fmt: skip
    if not ordered:
        raise InputError(
            f"{table.name} has no DATE, TIMESTAMP or DATETIME column, so nothing can be learned by date.",
            remedy="Remove --learn.",
        )
    return ordered[0]


def profile_of(warehouse: Warehouse, table: Table, dates: RowDates, start: date, end: date) -> Profile:
    """Count rows, NULLs and distinct values of the columns of some dates, by one scan."""
    kinds = (*_KEY_KINDS, *LADDER, Kind.BOOL)
    columns = [one for one in table.columns if one.mode is not Mode.REPEATED and one.type.kind in kinds]
    parts = [f"COUNTIF({ident(one.name)} IS NULL) AS n{number}" for number, one in enumerate(columns)]
    parts += [f"COUNT(DISTINCT {ident(one.name)}) AS d{number}" for number, one in enumerate(columns)]
    texts = {number: ident(one.name) for number, one in enumerate(columns) if one.type.kind is Kind.STRING}
    parts += [f"COUNTIF({one} IS NOT NULL AND NOT STARTS_WITH({one}, '{{')) AS t{n}" for n, one in texts.items()]
    row = _one_row(warehouse, ["COUNT(*) AS c", *parts], table, dates.between(start, end))
    return Profile(
        row["c"],
        {one.name: row[f"n{number}"] for number, one in enumerate(columns)},
        {one.name: row[f"d{number}"] for number, one in enumerate(columns)},
        frozenset(one.name for number, one in enumerate(columns) if not row.get(f"t{number}", 1)),
    )


def keys_of(
    warehouse: Warehouse, table: Table, profile: Profile, dates: RowDates, start: date, end: date
) -> tuple[tuple[str, ...], int]:
    """Return the fewest columns, with the date among them, that identify the rows of some dates.

    Sets with a column of times are used only where no other set is unique.

    Returns:
        The keys, and the number of rows that have the keys of another row: 0 where they are unique.
    """
    candidates = [
        one.name
        for one in sorted(table.columns, key=lambda one: one.mode is not Mode.REQUIRED)
        if one.name in profile.nulls
        and one.type.kind in _KEY_KINDS
        and not profile.nulls[one.name]
        and not dates.names(one.name)
    ][:_MOST_KEYS]
    # The moment when a row was written is often unique, and identifies nothing.
    moments = {one.name for one in table.columns if one.type.kind in DATED and one.type.kind is not Kind.DATE}
    sets = [one for size in range(4) for one in combinations(candidates, size)]
    sets.sort(key=lambda one: not moments.isdisjoint(one))
    row = _one_row(
        warehouse,
        [f"COUNT(DISTINCT {_joined((dates.column, *one))}) AS s{number}" for number, one in enumerate(sets)],
        table,
        dates.between(start, end),
    )
    counts = [row[f"s{number}"] for number in range(len(sets))]
    best = next((number for number, count in enumerate(counts) if count == profile.rows), counts.index(max(counts)))
    keys = {*sets[best], dates.column}
    return tuple(one.name for one in table.columns if one.name in keys), profile.rows - counts[best]


def _joined(names: Sequence[str]) -> str:
    """The values of some columns as one text."""
    parts = [f"CAST({ident(name)} AS STRING)" for name in names]
    between = ", '\\n', "
    return f"CONCAT({between.join(parts)})" if len(parts) > 1 else parts[0]


def _one_row(warehouse: Warehouse, columns: Sequence[str], table: Table, where: str) -> dict[str, int]:
    listed = ",\n  ".join(columns)
    (row,) = warehouse.rows(Query(f"SELECT\n  {listed}\nFROM {ident(table.name)}\nWHERE {where}"))
    return dict(row)  # type: ignore[arg-type]


def features_of(table: Table, spec: TableSpec, profile: Profile) -> tuple[tuple[NewFeature, ...], tuple[str, ...]]:
    """Propose features: numbers, truth values and texts with few values, but no keys or descriptions of the row.

    Returns:
        The features with a category by name prefix, and a sentence per kind of column that is left out.
    """
    if scores := [one.name for one in table.columns if _SCORES.fullmatch(one.key)]:
        return (), (f"No features are proposed: the table has columns of scores already, such as {scores[0]}.",)
    apart = {one.lower() for one in (*spec.keys, *spec.cluster_by, spec.partition_by or "")}
    chosen, left = list[Column](), dict[str, list[str]]()
    keys = {one.key for one in table.columns}
    for one in table.columns:
        if one.key in apart:
            continue
        if why := _OF_LABEL if _is_label(one, keys) else _why_not(one, profile):
            left.setdefault(why, []).append(one.name)
        else:
            chosen.append(one)
    names = _plain_names(one.name for one in chosen)
    prefixes = Counter(map(_prefix, names))
    categories = {prefix: prefix if count > 1 else "other" for prefix, count in prefixes.items()}
    features = (
        NewFeature(number, name, categories[_prefix(name)], description=one.description, value=_own_value(one.name))
        for number, (name, one) in enumerate(zip(names, chosen, strict=True))
    )
    return tuple(features), tuple(
        f"Not proposed as features: {', '.join(names)} ({why})." for why, names in left.items()
    )


def _plain_names(columns: Iterable[str]) -> list[str]:
    """The names of features: those of the columns, but only with letters, digits and _, each once."""
    names = dict[str, None]()
    for column in columns:
        name = re.sub(r"\W+", "_", normalize("NFKD", column), flags=re.ASCII).strip("_") or "feature"
        name = column if _PLAIN.fullmatch(column) else f"_{name}" if name[0].isdigit() else name
        while name.lower() in map(str.lower, names):
            name += "_2"
        names[name] = None
    return [*names]


def _own_value(column: str) -> str:
    """The expression of a column whose name is not an expression without backticks, else ""."""
    return "" if _PLAIN.fullmatch(column) and column.upper() not in RESERVED else ident(column)


def _why_not(one: Column, profile: Profile) -> str:
    if one.mode is Mode.REPEATED or one.type.kind in (Kind.STRUCT, Kind.JSON):
        return _IN_TEXT
    if one.name not in profile.nulls:
        return "neither a number nor a text nor a truth value"
    if one.type.kind in DATED:
        return "a date or time"
    if _ABOUT_ROWS.fullmatch(one.key):
        return "the name of an identifier or of a time of writing"
    if one.type.kind is Kind.INT64 and _OF_DATE.fullmatch(one.key):
        return "a part of the date"
    if profile.nulls[one.name] == profile.rows:
        return "NULL in all rows"
    if one.name in profile.objects:
        return _IN_TEXT
    if one.type.kind is Kind.STRING and profile.distinct[one.name] > _MOST_CATEGORIES:
        return f"text with more than {_MOST_CATEGORIES} values"
    return ""


def _is_label(one: Column, names: set[str]) -> bool:
    """Whether a text column is named as the label of another column, such as `price_label` beside `price`."""
    return one.type.kind is Kind.STRING and any(one.key.removesuffix(end) in names - {one.key} for end in _LABELS)


def _prefix(name: str) -> str:
    return name.partition("_")[0].lower()
