"""Question: a named query about stored rows, and the parts that all of these queries share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from fqtool.registry.model import Feature, Registry
from fqtool.schema.build import desired_table
from fqtool.schema.row_dates import RowDates, row_dates
from fqtool.schema.views import free_alias, unpivoted
from fqtool.scoring.layout import Layout
from fqtool.scoring.roles import Roles
from fqtool.sql import ident, literal


@dataclass(frozen=True, slots=True)
class Question:
    """One query: its name, its purpose in one line, and its GoogleSQL, whose parameters the purpose names."""

    name: str
    about: str
    sql: str

    @property
    def head(self) -> str:
        """Its name and purpose as an SQL comment."""
        return f"-- {self.name}: {self.about}"

    def __str__(self) -> str:
        """Return the query below its comment."""
        return f"{self.head}\n{self.sql}"


@dataclass(frozen=True)
class Stored:
    """The stored rows of a registry as SQL: the table, its date, its keys, its features."""

    registry: Registry

    @cached_property
    def roles(self) -> Roles:
        """The roles of the columns."""
        return Roles(self.registry)

    @cached_property
    def layout(self) -> Layout:
        """Where values and labels are read."""
        return Layout(self.registry)

    @cached_property
    def table(self) -> str:
        """The table, quoted."""
        return ident(self.registry.table.name)

    def alias(self, preferred: str) -> str:
        """Return an alias that no column of the table has: `preferred`, or with _ at its end."""
        return free_alias(desired_table(self.registry), preferred)

    @cached_property
    def f(self) -> str:
        """The alias of the features of a row."""
        return self.alias("f")

    @cached_property
    def dates(self) -> RowDates:
        """The date of rows as SQL. Raises InputError where rows have no date."""
        return row_dates(self.registry)

    @cached_property
    def day(self) -> str:
        """The date of a row, as SQL."""
        return self.dates.of_row()

    @cached_property
    def on_date(self) -> str:
        """The filter of one date."""
        return self.dates.on("@date")

    @cached_property
    def between(self) -> str:
        """The filter of a span of dates."""
        return self.dates.between("@start", "@end")

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys, quoted."""
        return tuple(map(ident, self.registry.table.keys))

    @cached_property
    def who(self) -> tuple[str, ...]:
        """The keys without the date, quoted."""
        return tuple(ident(key) for key in self.registry.table.keys if not self.dates.names(key)) or self.keys

    @cached_property
    def default_sources(self) -> tuple[str, ...]:
        """The stored sources that mean a default value."""
        labels = {source.canonical for source in self.registry.sources if source.is_default}
        return tuple(sorted(labels | {self.registry.unknown_source.canonical}))

    @cached_property
    def worst_level(self) -> str:
        """The most severe alert level, "" without alert levels."""
        return next((one.name for one in self.registry.alert_levels), "")

    @cached_property
    def low(self) -> float | int:
        """The quality below which a feature is in the lowest band."""
        bounds = sorted(one.min for one in self.registry.tiers)
        bound = bounds[1] if len(bounds) > 1 else bounds[0]
        return int(bound) if float(bound).is_integer() else bound

    @cached_property
    def per_feature(self) -> dict[str, Mapping[int, str]]:
        """`quality` and `source`, where stored for every feature -> the columns by feature index."""
        stored = {what: self.roles.of_features(what) for what in ("quality", "source")}
        count = len(self.registry.active_features)
        return {what: columns for what, columns in stored.items() if count and len(columns) >= count}

    def is_default(self, source: str) -> str:
        """Return the condition that a stored source means a default value."""
        return f"{source} IN ({', '.join(map(literal, self.default_sources))})"

    def value(self, feature: Feature) -> str:
        """Return the SQL of a feature's value."""
        return self.layout.value(feature)

    def by_feature(self, *, details: bool = False) -> str:
        """Return the table joined with one row per feature: index, name, category, value, stored quality and source.

        A value that is not a number is NULL.

        Args:
            details: Whether to add the value of the feature in each JSON column.
        """
        rows = []
        for one in self.registry.active_features:
            row = {
                "feature_index": str(one.index),
                "feature_name": literal(one.name),
                "category": literal(one.category),
                "value": self.layout.number(one, self.value(one)) or "CAST(NULL AS FLOAT64)",
            }
            row |= {what: ident(columns[one.index]) for what, columns in self.per_feature.items()}
            for name in self.roles.details if details else ():
                row[name] = f"JSON_VALUE({ident(name)}, '$.\"{one.index}\"')"
            rows.append(row)
        return unpivoted(self.table, rows, self.f)


def lines(parts: Iterable[str]) -> str:
    """Return the parts of a list, one per line."""
    return ",\n  ".join(parts)


def select(columns: Iterable[str], source: str, where: str, *rest: str) -> str:
    """Return a SELECT, one clause per line.

    Args:
        columns: The result columns as GoogleSQL, each with its alias.
        source: The table or subquery after FROM.
        where: The condition.
        rest: Further clauses, each a line.
    """
    return "\n".join([f"SELECT\n  {lines(columns)}", f"FROM {source}", f"WHERE {where}", *rest])
