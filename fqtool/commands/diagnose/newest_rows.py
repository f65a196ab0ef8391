"""The age of the newest rows: a store without rows for a while is not healthy, however healthy its last date is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from fqtool.cli.output import current_run
from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.known_events import event_of, with_event
from fqtool.errors import Refusal
from fqtool.findings.finding import Finding, Group, rule
from fqtool.monitoring.newest_date import NewestDate
from fqtool.registry.model import Registry
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import newest_date


def age_findings(
    registry: Registry, warehouse: Warehouse, day: date, *, has_rows: bool, given: bool
) -> tuple[Finding, ...]:
    """Return the finding about rows that are too old, () where rows are recent enough.

    They are too old for the date that was asked for, or for today where the newest date with rows is used. Where
    later rows exist, a date without rows is a gap, and its age does not count.

    Args:
        registry: The registry.
        warehouse: The target; it is queried where the date has no rows.
        day: The date.
        has_rows: Whether it has rows.
        given: Whether a user named the date; else it is the newest one with rows.

    Raises:
        Refusal: The store has no rows.
    """
    today = current_run().today
    if has_rows:
        return () if given else newest_date_too_old(registry, day, today)
    newest = newest_date(registry, warehouse, max(day, today))
    if newest.day is None:
        raise _without_rows(registry, warehouse, newest)
    return newest_date_too_old(registry, newest.day, day) if newest.day < day else ()


def _without_rows(registry: Registry, warehouse: Warehouse, newest: NewestDate) -> Refusal:
    later = f" up to today; the last date with rows is {newest.later}" if newest.later else ""
    return Refusal(
        f"{registry.table.name} in {warehouse.url} has no rows{later}.",
        remedy="Run the pipeline that writes the table.",
    )


@rule("FQ644", group=Group.DAILY)
def newest_date_too_old(registry: Registry, newest: date, expected: date) -> Iterator[Finding]:
    """The newest date with rows is older than `max_age_days` allows.

    Problem: The store has no rows for the dates since then, so models read old features or none.

    Why: The pipeline that writes the table did not run or failed; or the store is written less often than every day.

    Example: The newest date with rows is 2026-02-06, 3 days before 2026-02-09; `max_age_days` is 1.

    Fix: Run the pipeline for the missing dates. For a store that is written less often, set `max_age_days`. The age is
    counted to `--date`, where the date has no rows, and without `--date` to today.
    """
    age = (expected - newest).days
    if age > registry.max_age_days:
        document = registry.document
        declared = document is not None and "max_age_days" in document.data
        found = Finding(
            registry.table.name,
            f"The newest date with rows is {newest}, {age} day{'s' * (age != 1)} before {expected}; `max_age_days` is "
            f"{registry.max_age_days}{'' if declared else ' by default'}.",
            remedy="Run the pipeline that writes the table; if it runs less often, set `max_age_days` in the registry.",
            location=document.at_key(("max_age_days",)) if document and declared else None,
        )
        cause = Cause(Kind.NO_ROWS, expected, newest + timedelta(days=1), 0, 0, (), None, None, ())
        yield with_event(found, replace(cause, event=event_of(registry, cause)))
