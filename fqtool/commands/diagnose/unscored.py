"""A date with rows that are not scored, although they have labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.layout import Layout
from fqtool.scoring.roles import Roles
from fqtool.sql import Query, ident
from fqtool.warehouse.protocol import Warehouse

_Counts = tuple[date, int, int]
"""A date, its scored rows, and its rows with labels."""


def not_scored(days: Sequence[Day]) -> tuple[Cause, ...]:
    """Return the root cause of a last date with rows that are not scored; () where all rows with labels are."""
    today = days[-1]
    if today.labelled <= today.scored:
        return ()
    since = _first_waiting([(one.day, one.scored, one.labelled) for one in days]) or today.day
    hit = today.rows - today.scored
    return (Cause(Kind.NOT_SCORED, today.day, since, today.rows, hit, (), None, None, ()),)


def with_first_unscored(cause: Cause, registry: Registry, warehouse: Warehouse, first: date) -> Cause:
    """Return the root cause since the first date that is not scored, also before the dates that were read.

    Only rows that are not scored are about earlier dates, and only where the first date that was read has them too.
    One query counts the rows of all dates before.

    Args:
        cause: A root cause.
        registry: The registry.
        warehouse: The target.
        first: The first date that was read.
    """
    if cause.kind is not Kind.NOT_SCORED or cause.since > first:
        return cause
    dates = row_dates(registry)
    rows = warehouse.rows(
        Query(
            f"SELECT {dates.of_row()} AS `day`, COUNT({ident(Roles(registry).scored)}) AS `scored`,\n"
            f"  COUNTIF({Layout(registry).known}) AS `labelled`\nFROM {ident(registry.table.name)}\n"
            f"WHERE {dates.between(date.min, cause.since - timedelta(days=1))}\nGROUP BY 1\nORDER BY 1"
        )
    )
    earlier = _first_waiting([(row["day"], row["scored"], row["labelled"]) for row in rows])  # type: ignore[misc]
    return replace(cause, since=earlier or cause.since, at_least=False)


def _first_waiting(counts: Sequence[_Counts]) -> date | None:
    """The first of the last dates in sequence that have rows to score; a date without any is passed over."""
    since = None
    for day, scored, labelled in reversed(counts):
        if labelled > scored:
            since = day
        elif scored:
            break
    return since
