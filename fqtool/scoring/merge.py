"""The statement that writes the scores of one partition: an UPDATE of existing rows by the keys of the table.

A literal names the partition, so BigQuery prunes both sides (bigquery.md#partitions). The statement sets only columns
that fqtool writes, each from the sources and values of the row itself. So writing twice gives the same rows. The scores
are those of a query in the statement, or of a table that holds the result of this query for several partitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, ident, literal

_DATE = "fqtool_date"


@dataclass(frozen=True)
class Partition:
    """One date of the table of a registry, and the queries about it."""

    scoring: Scoring
    day: date

    @property
    def registry(self) -> Registry:
        """The registry of the table."""
        return self.scoring.registry

    @property
    def predicate(self) -> str:
        """The filter for the rows of the date, by literals."""
        return self.scoring.dates.on(self.day)

    def merge(self, computed_at: datetime) -> Query:
        """Return the MERGE that scores the partition.

        Args:
            computed_at: The value for `quality_computed_at`.
        """
        scores = self.scoring.select(ident(self.registry.table.name), self.predicate)
        return Query(self._merge(scores), (("computed_at", computed_at),))

    def merge_from(self, staged: str) -> Query:
        """Return the MERGE that writes scores of `scores_between`.

        Args:
            staged: The table that holds these scores.
        """
        return Query(self._merge(f"SELECT * FROM {ident(staged)} WHERE {ident(_DATE)} = {literal(self.day)}"))

    def _merge(self, scores: str) -> str:
        spec = self.registry.table
        target = self.scoring.dates.on(self.day, "t")
        keys = " AND ".join(f"t.{ident(key)} = s.{ident(key)}" for key in spec.keys)
        sets = ",\n  ".join(f"{ident(one.name)} = s.{ident(one.name)}" for one in self.scoring.columns)
        return (
            f"MERGE {ident(spec.name)} AS t\nUSING (\n{scores}\n) AS s\n"
            f"ON {target} AND {keys}\nWHEN MATCHED THEN UPDATE SET\n  {sets}"
        )

    def duplicates(self, examples: int = 3) -> Query:
        """Return a query for keys with more than one row, which a MERGE refuses (bigquery.md#merge)."""
        spec = self.registry.table
        keys = ", ".join(map(ident, spec.keys))
        return Query(
            f"SELECT {keys}, COUNT(*) AS `rows` FROM {ident(spec.name)} WHERE {self.predicate}\n"
            f"GROUP BY {keys} HAVING COUNT(*) > 1 ORDER BY {keys} LIMIT {examples}"
        )


def scores_between(scoring: Scoring, start: date, end: date, computed_at: datetime) -> Query:
    """Return a query for the scores of the rows of several dates, for `Partition.merge_from`.

    Args:
        scoring: The scoring of the registry.
        start: The first date.
        end: The last date.
        computed_at: The value for `quality_computed_at`.
    """
    source, where = ident(scoring.registry.table.name), scoring.dates.between(start, end)
    select = scoring.select(source, where, beside={_DATE: scoring.dates.of_row()})
    return Query(select, (("computed_at", computed_at),))


def partitions_between(registry: Registry, start: date, end: date, counts: Mapping[str, str]) -> Query:
    """Return a query for the dates that have rows: their rows, rows that repeat a key, and further counts.

    Args:
        registry: The registry.
        start: The first date.
        end: The last date.
        counts: The name of each further count -> its aggregate, as SQL.

    Raises:
        InputError: The rows of the table have no date.
    """
    spec, dates = registry.table, row_dates(registry)
    counts = {"rows": "COUNT(*)", **counts}
    keys = ", ".join(dict.fromkeys([dates.of_row(), *map(ident, spec.keys)]))
    inner = ",\n  ".join(f"{aggregate} AS {ident(name)}" for name, aggregate in counts.items())
    sums = ", ".join(f"SUM({ident(name)}) AS {ident(name)}" for name in counts)
    return Query(
        f"SELECT {ident(_DATE)} AS `day`, {sums}, SUM(`rows`) - COUNT(*) AS `repeated`\n"
        f"FROM (\n  SELECT {dates.of_row()} AS {ident(_DATE)},\n  {inner}\n  FROM {ident(spec.name)}\n"
        f"  WHERE {dates.between(start, end)}\n  GROUP BY {keys}\n)\n"
        f"GROUP BY {ident(_DATE)}\nORDER BY {ident(_DATE)}"
    )
