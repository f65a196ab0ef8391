"""The statement that writes one partition's scores: an UPDATE of rows that are there, keyed on the table's keys.

A partition is named by a literal, so BigQuery prunes both sides (BIGQUERY 88-90); only columns that fqtool writes are
set; every one is set to what the row's own sources and values give, so writing twice is writing once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from fqtool.quality.scoring import Scoring
from fqtool.registry.model import Registry
from fqtool.sql import Query, ident, literal


@dataclass(frozen=True)
class Partition:
    """One date of a registry's table, and the queries about it."""

    scoring: Scoring
    day: date

    @property
    def registry(self) -> Registry:
        """The registry whose table it is."""
        return self.scoring.registry

    @property
    def predicate(self) -> str:
        """The filter that names the partition, by a literal."""
        return f"{ident(self.registry.table.partition_by or '')} = {literal(self.day)}"

    def merge(self, computed_at: datetime) -> Query:
        """Return the MERGE that scores the partition. `computed_at` is what quality_computed_at will hold."""
        spec = self.registry.table
        target = f"t.{ident(spec.partition_by or '')} = {literal(self.day)}"
        keys = " AND ".join(f"t.{ident(key)} = s.{ident(key)}" for key in spec.keys)
        sets = ",\n  ".join(f"{ident(one.name)} = s.{ident(one.name)}" for one in self.scoring.columns)
        return Query(
            f"MERGE {ident(spec.name)} AS t\nUSING (\n{self.scoring.select(ident(spec.name), self.predicate)}\n) AS s\n"
            f"ON {target} AND {keys}\nWHEN MATCHED THEN UPDATE SET\n  {sets}",
            (("computed_at", computed_at),),
        )

    def duplicates(self, examples: int = 3) -> Query:
        """Return a query for keys that stand on more than one row: a MERGE would refuse or guess (BIGQUERY 99)."""
        spec = self.registry.table
        keys = ", ".join(map(ident, spec.keys))
        return Query(
            f"SELECT {keys}, COUNT(*) AS `rows` FROM {ident(spec.name)} WHERE {self.predicate}\n"
            f"GROUP BY {keys} HAVING COUNT(*) > 1 ORDER BY {keys} LIMIT {examples}"
        )

    def counts(self) -> Query:
        """Return a query for rows, and rows whose sources are unknown."""
        spec = self.registry.table
        return Query(
            f"SELECT COUNT(*) AS `rows`, COUNTIF(NOT ({self.registry.inputs.sources_known})) AS `without_sources`\n"
            f"FROM {ident(spec.name)} WHERE {self.predicate}"
        )


def partitions_between(registry: Registry, start: date, end: date) -> Query:
    """Return a query for the dates that hold rows, with how many."""
    spec = registry.table
    day = ident(spec.partition_by or "")
    return Query(
        f"SELECT {day} AS `day`, COUNT(*) AS `rows` FROM {ident(spec.name)}\n"
        f"WHERE {day} BETWEEN {literal(start)} AND {literal(end)} GROUP BY {day} ORDER BY {day}"
    )
