"""Categorical and boolean features: how many categories, the most frequent ones, unseen ones, and the share of TRUE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from fqtool.registry.model import Feature, Registry
from fqtool.schema.build import desired_table
from fqtool.schema.row_dates import row_dates
from fqtool.schema.views import free_alias, unpivoted
from fqtool.scoring.layout import Layout
from fqtool.sql import Query, Value, ident, literal
from fqtool.table.column import Kind

_TOP = 3  # categories that are listed
_MOST = 10_000  # pairs of feature and category that are read
_KINDS = (Kind.STRING, Kind.BOOL)


@dataclass(frozen=True, slots=True)
class Share:
    """A category, with its share of the values of a feature: on the last date, and on the earlier ones (0 to 1)."""

    category: str
    last: float
    earlier: float | None


@dataclass(frozen=True, slots=True)
class CategoryStats:
    """The values of a categorical or boolean feature on the last date of a span.

    Attributes:
        feature: The feature.
        is_boolean: Whether its values are TRUE and FALSE.
        rows: Rows with a value on the last date.
        distinct: Distinct values on the last date.
        earlier_distinct: Distinct values on the earlier dates.
        top: The most frequent values of the last date; of a boolean feature only TRUE.
        unseen: Values of the last date that no earlier date has, with their rows; () without earlier values.
    """

    feature: Feature
    is_boolean: bool
    rows: int
    distinct: int
    earlier_distinct: int
    top: tuple[Share, ...]
    unseen: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class CategoryQuery:
    """The query for the statistics of the categorical and boolean features of a registry, and how it is read."""

    registry: Registry

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The features with text or truth values; without any, no query is needed."""
        layout = Layout(self.registry)
        return tuple(one for one in self.registry.active_features if _kind(layout, one) in _KINDS)

    def query(self, start: date, end: date) -> Query:
        """Return the query over the dates from `start` to `end`, the last date: one scan."""
        layout, dates = Layout(self.registry), row_dates(self.registry)
        f = free_alias(desired_table(self.registry), "f")
        pairs = [
            {"feature": str(one.index), "category": f"CAST({layout.value(one)} AS STRING)"} for one in self.features
        ]
        return Query(
            f"SELECT\n  {f}.`feature`,\n  {f}.`category`,\n"
            f"  COUNTIF({dates.of_row()} = {literal(end)}) AS `last`,\n"
            f"  COUNTIF({dates.of_row()} < {literal(end)}) AS `earlier`\n"
            f"FROM {unpivoted(ident(self.registry.table.name), pairs, f)}\n"
            f"WHERE {dates.between(start, end)} AND {f}.`category` IS NOT NULL\n"
            f"GROUP BY 1, 2\nORDER BY `last` DESC, `earlier` DESC, 1, 2\nLIMIT {_MOST}"
        )

    def read(self, rows: Sequence[Mapping[str, Value]]) -> tuple[CategoryStats, ...]:
        """Return the rows of the query as statistics, in the order of the features."""
        counted = {one.index: list[_Counted]() for one in self.features}
        for row in rows:
            index, last, earlier = (int(str(row[name])) for name in ("feature", "last", "earlier"))
            counted[index].append(_Counted(str(row["category"]), last, earlier))
        layout = Layout(self.registry)
        return tuple(_stats(one, _kind(layout, one) is Kind.BOOL, counted[one.index]) for one in self.features)


class _Counted(NamedTuple):
    category: str
    last: int
    earlier: int


def _kind(layout: Layout, feature: Feature) -> Kind | None:
    found = layout.type_of(feature)
    return None if found is None or found.repeated else found.kind


def _stats(feature: Feature, is_boolean: bool, counted: Sequence[_Counted]) -> CategoryStats:
    last, earlier = sum(one.last for one in counted), sum(one.earlier for one in counted)
    return CategoryStats(
        feature,
        is_boolean,
        last,
        sum(one.last > 0 for one in counted),
        sum(one.earlier > 0 for one in counted),
        tuple(_top(counted, last, earlier, is_boolean)),
        tuple((one.category, one.last) for one in counted if one.last and not one.earlier) if earlier else (),
    )


def _top(counted: Sequence[_Counted], last: int, earlier: int, is_boolean: bool) -> Iterator[Share]:
    """The shares of the most frequent values of the last date, or of TRUE."""
    shown = [one for one in counted if one.last][:_TOP]
    if is_boolean:
        shown = [one for one in counted if one.category == "true"] or [_Counted("true", 0, 0)]
    for one in shown:
        if last:
            name = "TRUE" if is_boolean else one.category
            yield Share(name, one.last / last, one.earlier / earlier if earlier else None)
