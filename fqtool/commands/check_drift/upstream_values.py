"""Compare real values with the columns that they are read from: features with an `upstream_tolerance`, by table.

A copy that is old, or that has what was known only later, differs from its source, and from nothing in the row itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from fqtool.registry.model import Feature, Registry
from fqtool.schema.row_dates import RowDates, row_dates
from fqtool.scoring.value_laws import ValueLaws
from fqtool.sql import Query, Value, ident, literal

_FRACTION = 1e-9  # the rounding of a division


@dataclass(frozen=True, slots=True)
class UpstreamFacts:
    """A feature beside the column that it is read from.

    Attributes:
        feature: the feature.
        table: the table of the column.
        real: the number of rows with a real value.
        absent: how many of them have keys that the table does not have.
        differ: how many of them differ from the column by more than the tolerance.
        owner: the owner of the feature or its processor, "" without one.
    """

    feature: Feature
    table: str
    real: int
    absent: int
    differ: int
    owner: str = ""


@dataclass(frozen=True)
class UpstreamTable:
    """A table, and the features that are compared with it.

    Attributes:
        registry: the registry.
        name: the table, with its dataset where the processor declares one.
        date_column: its column with the date of a row.
        features: the features.
    """

    registry: Registry
    name: str
    date_column: str
    features: tuple[Feature, ...]

    @cached_property
    def dates(self) -> RowDates:
        """How rows of the store are found by date."""
        return row_dates(self.registry)

    @cached_property
    def laws(self) -> ValueLaws:
        """Which values are real."""
        return ValueLaws(self.registry)

    def query(self, start: date, end: date) -> Query:
        """Return the query over a span of dates: one row of counts.

        Rows are joined by the keys and the date. Where the table has several rows of a key, a value may be any between
        the least and the greatest of them.
        """
        dated = self.dates.column
        keys = [*dict.fromkeys((*(key for key in self.registry.table.keys if not self.dates.names(key)), dated))]
        source = [f"{ident(self.date_column)} AS {ident(dated)}" if key == dated else ident(key) for key in keys]
        names = ", ".join(map(ident, keys))
        real = [f"{self._real(one)} AS real_{one.index}" for one in self.features]
        bounds = [
            f"{bound}({self.laws.layout.number(one, ident(one.upstream_column))}) AS {name}_{one.index}"
            for one in self.features
            for bound, name in (("MIN", "low"), ("MAX", "high"))
        ]
        columns = ",\n  ".join(f"{sql} AS {name}" for one in self.features for name, sql in self._counts(one))
        filtered = replace(self.dates, column=self.date_column).between(start, end)
        table = ".".join(map(ident, self.name.split(".")))
        return Query(
            f"SELECT\n  {columns}\nFROM (\n"
            f"  SELECT {names}, {', '.join(real)}\n"
            f"  FROM {ident(self.registry.table.name)}\n  WHERE {self.dates.between(start, end)}\n) AS stored\n"
            f"LEFT JOIN (\n  SELECT {', '.join(source)}, 1 AS is_there, {', '.join(bounds)}\n"
            f"  FROM {table}\n  WHERE {filtered}\n  GROUP BY {names}\n) AS source\nUSING ({names})"
        )

    def _real(self, feature: Feature) -> str:
        value = self.laws.layout.number(feature, self.laws.layout.value(feature))
        return f"IF({self.laws.is_default(feature)}, NULL, {value})"

    def _counts(self, feature: Feature) -> Iterator[tuple[str, str]]:
        real, low, high = (f"{name}_{feature.index}" for name in ("real", "low", "high"))
        far = f"{literal(float(feature.upstream_tolerance or 0))} + {_FRACTION} * ABS({real})"
        outside = f"{real} < {low} - ({far}) OR {real} > {high} + ({far}) OR {low} IS NULL"
        yield f"real_{feature.index}", f"COUNT({real})"
        yield f"absent_{feature.index}", f"COUNTIF({real} IS NOT NULL AND is_there IS NULL)"
        yield f"differ_{feature.index}", f"COUNTIF({real} IS NOT NULL AND is_there = 1 AND ({outside}))"

    def read(self, row: Mapping[str, Value]) -> tuple[UpstreamFacts, ...]:
        """Return the counts of each feature from the row of the query."""

        def facts(one: Feature) -> UpstreamFacts:
            real, absent, differ = (int(str(row[f"{name}_{one.index}"])) for name in ("real", "absent", "differ"))
            return UpstreamFacts(one, self.name, real, absent, differ, self.registry.owner(one))

        return tuple(map(facts, self.features))


def upstream_tables(registry: Registry, *, with_datasets: bool) -> tuple[UpstreamTable, ...]:
    """Return the tables that features with an `upstream_tolerance` are compared with.

    Args:
        registry: the registry.
        with_datasets: whether the target has datasets, as BigQuery has; else tables are found by name alone.
    """
    found = dict[tuple[str, str], list[Feature]]()
    processors = {processor.name: processor for processor in registry.processors}
    for one in registry.active_features:
        if one.upstream_tolerance is None or not one.upstream_table:
            continue
        writer, name, dated = processors.get(one.processor), one.upstream_table, ""
        if writer and writer.table.rpartition(".")[2] == name.rpartition(".")[2]:
            name, dated = writer.table, writer.date_column
        name = name if with_datasets else name.rpartition(".")[2]
        found.setdefault((name, dated or row_dates(registry).column), []).append(one)
    return tuple(UpstreamTable(registry, *key, tuple(features)) for key, features in found.items())
