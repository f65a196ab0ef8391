"""The newest date with rows, by queries that read one column of few partitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.sql import Query, ident

_WITHIN_DAYS = (14, 400)


def newest_date_queries(registry: Registry, today: date) -> Iterator[Query]:
    """Yield the queries to send until one finds rows; each gives one row, whose `newest` is NULL without rows.

    A store that is written daily needs the first only, which prunes the partitions before the last two weeks. The
    second one reads a year, the third one the column of all rows. Each has the filter that a table may require. Without
    partitions nothing is pruned, so one query reads the whole column.

    Args:
        registry: The store.
        today: The day from which the weeks are counted. Rows may have later dates.

    Raises:
        InputError: The rows of the table have no date.
    """
    dates, end = row_dates(registry), date.max
    for days in _WITHIN_DAYS if dates.granularity else ():
        start = today - timedelta(days=days - 1)
        yield _query(registry, start, end)
        end = start - timedelta(days=1)
    yield _query(registry, date.min, end)


def _query(registry: Registry, start: date, end: date) -> Query:
    dates = row_dates(registry)
    return Query(
        f"SELECT MAX({dates.named()}) AS `newest`\nFROM {ident(registry.table.name)}\nWHERE {dates.between(start, end)}"
    )
