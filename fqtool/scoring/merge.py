"""The statement that writes the scores of dates: an UPDATE of existing rows by the keys of the table.

Literals name the dates, so BigQuery prunes both sides (bigquery.md#partitions). The statement sets only columns that
fqtool writes, each from the sources and values of the row itself. So writing twice gives the same rows.

One statement scores neighbouring dates. A statement over 120 columns takes longer to plan and to commit than 250 rows
take to score, and BigQuery bills each for at least 10 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fqtool.errors import StatementFailed
from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.overflow import Ask, with_place
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, ident

_DATE = "fqtool_date"
# DuckDB keeps the new values of a statement in memory. BigQuery changes at most 4,000 partitions by one statement, and
# a table by the hour has 24 partitions a date.
_MOST_ROWS, _MOST_DATES = 100_000, 100


def neighbours(days: Sequence[date], rows: Mapping[date, int]) -> Iterator[tuple[date, ...]]:
    """Split dates into groups, each of which one statement scores. Their order is kept.

    Args:
        days: The dates to score, in ascending or descending order.
        rows: The number of rows of each date of the table with rows, also of dates that are not scored.
    """
    places, group = {day: place for place, day in enumerate(sorted(rows))}, list[date]()
    for day in days:
        far = group and abs(places[day] - places[group[-1]]) > 1
        if far or len(group) >= _MOST_DATES or (group and sum(rows[one] for one in (*group, day)) > _MOST_ROWS):
            yield tuple(group)
            group = []
        group.append(day)
    if group:
        yield tuple(group)


@dataclass(frozen=True)
class Span:
    """One date or several neighbouring dates of the table of a registry, and the queries about them."""

    scoring: Scoring
    start: date
    end: date

    @property
    def registry(self) -> Registry:
        """The registry of the table."""
        return self.scoring.registry

    @property
    def predicate(self) -> str:
        """The filter for the rows of the dates, by literals."""
        return self._filter()

    def _filter(self, alias: str = "") -> str:
        dates = self.scoring.dates
        return dates.on(self.start, alias) if self.start == self.end else dates.between(self.start, self.end, alias)

    @property
    def _keys(self) -> tuple[str, ...]:
        """What identifies a row: with several dates the date too, which the keys of a table may leave out."""
        keys, dates = self.registry.table.keys, self.scoring.dates
        return keys if self.start == self.end or any(map(dates.names, keys)) else (*keys, dates.column)

    def merge(self, computed_at: datetime) -> Query:
        """Return the MERGE that scores the dates.

        Args:
            computed_at: The value for `quality_computed_at`.
        """
        spec = self.registry.table
        scores = self.scoring.select(ident(spec.name), self.predicate, keys=self._keys)
        keys = " AND ".join(f"t.{ident(key)} = s.{ident(key)}" for key in self._keys)
        sets = ",\n  ".join(f"{ident(one.name)} = s.{ident(one.name)}" for one in self.scoring.columns)
        return Query(
            f"MERGE {ident(spec.name)} AS t\nUSING (\n{scores}\n) AS s\n"
            f"ON {self._filter('t')} AND {keys}\nWHEN MATCHED THEN UPDATE SET\n  {sets}",
            (("computed_at", computed_at),),
        )

    def with_place(self, error: StatementFailed, computed_at: datetime, ask: Ask) -> StatementFailed:
        """Return the error of the MERGE, with column and row where a value does not fit its type."""
        source = ident(self.registry.table.name)
        return with_place(error, self.scoring, source, computed_at, ask, where=self.predicate)

    def duplicates(self, examples: int = 3) -> Query:
        """Return a query for keys with more than one row, which a MERGE refuses (bigquery.md#merge)."""
        spec = self.registry.table
        keys = ", ".join(map(ident, spec.keys))
        return Query(
            f"SELECT {keys}, COUNT(*) AS `rows` FROM {ident(spec.name)} WHERE {self.predicate}\n"
            f"GROUP BY {keys} HAVING COUNT(*) > 1 ORDER BY {keys} LIMIT {examples}"
        )


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
