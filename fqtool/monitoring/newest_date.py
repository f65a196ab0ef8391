"""The newest date with rows, by queries that read one column of few partitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.sql import Query, ident

_WITHIN_DAYS = (14, 400)


@dataclass(frozen=True, slots=True)
class NewestDate:
    """The newest date with rows.

    Attributes:
        day: The newest date with rows up to today, None without such rows.
        later: The last date with rows after today, None without such rows.
    """

    day: date | None
    later: date | None


def newest_date_queries(registry: Registry, today: date) -> Iterator[Query]:
    """Yield the queries to send until one finds rows up to today; each gives one row.

    Its `newest` is the largest value up to today, its `latest` the largest of all; NULL without such rows.

    A store that is written daily needs the first only, which prunes the partitions before the last two weeks. The
    second one reads a year, the third one the column of all rows. Each has the filter that a table may require. Without
    partitions nothing is pruned, so one query reads the whole column.

    Args:
        registry: The store.
        today: The day from which the weeks are counted. Only the first query reads later dates.

    Raises:
        InputError: The rows of the table have no date.
    """
    dates, end = row_dates(registry), date.max
    for days in _WITHIN_DAYS if dates.granularity else ():
        start = today - timedelta(days=days - 1)
        yield _query(registry, start, end, today)
        end = start - timedelta(days=1)
    yield _query(registry, date.min, end, today)


def _query(registry: Registry, start: date, end: date, today: date) -> Query:
    dates = row_dates(registry)
    column = dates.named()
    return Query(
        f"SELECT MAX(IF({dates.between(date.min, today)}, {column}, NULL)) AS `newest`, MAX({column}) AS `latest`\n"
        f"FROM {ident(registry.table.name)}\nWHERE {dates.between(start, end)}"
    )
