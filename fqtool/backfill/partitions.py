"""What stands in each partition of a span of dates: one scan, a row a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from fqtool.errors import InputError
from fqtool.quality.roles import Roles
from fqtool.registry.model import Registry
from fqtool.sql import Query, Value, ident, literal


@dataclass(frozen=True, slots=True)
class Standing:
    """One partition as its rows tell.

    Of its `rows`, `sourced` have known sources. Of those, `unscored` lack a score or an alert level, and `stale` hold
    another schema version than the registry's. `guessed` rows have a score though their sources are unknown.
    `repeated` is how many rows share the key of another.
    """

    day: date
    rows: int
    sourced: int
    unscored: int
    stale: int
    guessed: int
    repeated: int

    @property
    def scored(self) -> bool:
        """Whether every row that can be scored is."""
        return not self.unscored


@dataclass(frozen=True)
class Partitions:
    """The question what stands in partitions, and how its answer is read."""

    registry: Registry

    @cached_property
    def evidence(self) -> tuple[str, ...]:
        """The columns that a scored row never leaves NULL. Raises InputError where the registry has no score."""
        roles = Roles(self.registry)
        level = roles.found("ALERT_LEVEL()")
        return (roles.score, *([level] if level else []))

    def query(self) -> Query:
        """Return the query over @start to @end; rows of one key are counted together, so that repeats are seen."""
        day, known = self.day, f"({self.registry.inputs.sources_known})"
        missing = " OR ".join(f"{ident(name)} IS NULL" for name in self.evidence)
        versions = Roles(self.registry).versions
        stale = [f"{ident(name)} IS DISTINCT FROM {literal(text)}" for name, text in versions.items()]
        counts = {
            "all": "COUNT(*)",
            "sourced": f"COUNTIF({known})",
            "unscored": f"COUNTIF({known} AND ({missing}))",
            "stale": f"COUNTIF({known} AND ({' OR '.join(stale) or 'FALSE'}))",
            "guessed": f"COUNTIF(COALESCE(NOT {known}, TRUE) AND {ident(self.evidence[0])} IS NOT NULL)",
        }
        keys = ", ".join(map(ident, dict.fromkeys([self.registry.table.partition_by or "", *self.registry.table.keys])))
        inner = ",\n  ".join(f"{text} AS {ident(name)}" for name, text in counts.items())
        outer = ", ".join(f"SUM({ident(name)}) AS {ident(name)}" for name in counts)
        return Query(
            f"SELECT {day} AS `day`, {outer}, SUM(`all`) - COUNT(*) AS `repeated`\n"
            f"FROM (\n  SELECT {keys},\n  {inner}\n  FROM {ident(self.registry.table.name)}\n"
            f"  WHERE {day} BETWEEN @start AND @end\n  GROUP BY {keys}\n)\nGROUP BY {day}\nORDER BY {day}"
        )

    @property
    def day(self) -> str:
        """The partitioning column, quoted. Raises InputError where there is none."""
        if not self.registry.table.partition_by:
            raise InputError(
                f"{self.registry.path}: {self.registry.table.name} has no partition_by, so there are no partitions to "
                "fill.",
                remedy="fqtool score --input scores a file",
            )
        return ident(self.registry.table.partition_by)

    def between(self, start: date, end: date) -> Query:
        """Return the query over these dates."""
        return Query(self.query().sql, (("start", start), ("end", end)))


def read(row: Mapping[str, Value]) -> Standing:
    """Read one row of the answer."""
    day = row["day"]
    if not isinstance(day, date):
        raise InputError("The table is not partitioned by dates, so there are no dates to fill.")
    named = {"rows": "all", **{name: name for name in ("sourced", "unscored", "stale", "guessed", "repeated")}}
    return Standing(day, **{name: _int(row[told]) for name, told in named.items()})


def _int(value: Value) -> int:
    return int(value) if isinstance(value, int | float | Decimal) else 0
