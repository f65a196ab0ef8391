"""Question: something that people ask of the stored rows, as one query with a name; and what all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from fqtool.quality.build import feature_values, fill
from fqtool.quality.roles import Roles
from fqtool.quality.views import unpivoted
from fqtool.registry.model import Feature, Registry
from fqtool.sql import ident, literal


@dataclass(frozen=True, slots=True)
class Question:
    """One query: its name, what it answers in one line, and its GoogleSQL with the parameters that it says."""

    name: str
    about: str
    sql: str

    @property
    def head(self) -> str:
        """What it is for, as an SQL comment."""
        return f"-- {self.name}: {self.about}"

    def __str__(self) -> str:
        """Return the query below what it is for."""
        return f"{self.head}\n{self.sql}"


@dataclass(frozen=True)
class Stored:
    """A registry's stored rows as queries name them: the table, its date, its keys, its features."""

    registry: Registry

    @cached_property
    def roles(self) -> Roles:
        """Which column plays which part."""
        return Roles(self.registry)

    @cached_property
    def table(self) -> str:
        """The table, quoted."""
        return ident(self.registry.table.name)

    @cached_property
    def day(self) -> str:
        """The partition column, quoted."""
        return ident(self.registry.table.partition_by or self.registry.table.keys[-1])

    @cached_property
    def on_date(self) -> str:
        """The filter of one date."""
        return f"{self.day} = @date"

    @cached_property
    def between(self) -> str:
        """The filter of a span of dates."""
        return f"{self.day} BETWEEN @start AND @end"

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys, quoted."""
        return tuple(map(ident, self.registry.table.keys))

    @cached_property
    def who(self) -> tuple[str, ...]:
        """The keys without the date, quoted: who a row is of."""
        return tuple(key for key in self.keys if key != self.day) or self.keys

    @cached_property
    def stand_ins(self) -> tuple[str, ...]:
        """The stored sources that mean a stand-in."""
        told = {one.canonical for one in self.registry.sources if one.is_default}
        return tuple(sorted(told | {self.registry.unknown_source.canonical}))

    @cached_property
    def worst_level(self) -> str:
        """The gravest alert level, "" where there is none."""
        return next((one.name for one in self.registry.alert_levels), "")

    @cached_property
    def low(self) -> float | int:
        """The quality below which a feature is in the lowest band."""
        bounds = sorted(one.min for one in self.registry.tiers)
        bound = bounds[1] if len(bounds) > 1 else bounds[0]
        return int(bound) if float(bound).is_integer() else bound

    def is_stand_in(self, source: str) -> str:
        """Return the condition that a stored source means a stand-in."""
        return f"{source} IN ({', '.join(map(literal, self.stand_ins))})"

    def value(self, feature: Feature) -> str:
        """Return the SQL of a feature's value."""
        return fill(self.registry.inputs.value, feature_values(feature))

    def by_feature(self, *, details: bool = False) -> str:
        """Return the table beside a row per feature: index, name, category, value, quality, source.

        With `details`, what each JSON column says of the feature, too.
        """
        qualities, sources = self.roles.of_features("quality"), self.roles.of_features("source")
        rows = []
        for one in self.registry.active_features:
            row = {
                "feature_index": str(one.index),
                "feature_name": literal(one.name),
                "category": literal(one.category),
                "value": self.value(one),
                "quality": ident(qualities[one.index]),
                "source": ident(sources[one.index]),
            }
            for name in self.roles.details if details else ():
                row[name] = f"JSON_VALUE({ident(name)}, '$.\"{one.index}\"')"
            rows.append(row)
        return unpivoted(self.table, rows)


def lines(parts: Iterable[str]) -> str:
    """Return the parts of a list, one a line."""
    return ",\n  ".join(parts)


def select(columns: Iterable[str], source: str, where: str, *rest: str) -> str:
    """Return a SELECT, a clause a line."""
    return "\n".join([f"SELECT\n  {lines(columns)}", f"FROM {source}", f"WHERE {where}", *rest])
