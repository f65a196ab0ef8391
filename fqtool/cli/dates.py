"""Dates on the command line: `2026-02-06`, `today`, `yesterday` or `-3d`. Days are UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from fqtool.cli.output import current_run, say

if TYPE_CHECKING:
    from fqtool.registry.model import Registry
    from fqtool.warehouse.protocol import Warehouse

FORMS = "2026-02-06, today, yesterday or -3d"
_DAYS_AGO = re.compile(r"-([0-9]+)d")
_DAYS_OF_DATA = 14


def date_option(meaning: str, *flags: str) -> Any:
    """Return an option that takes a date.

    Args:
        meaning: What the date is for, as a sentence without its full stop: the help adds the accepted forms.
        flags: Its spellings, such as `--date`; by default the name of the parameter.
    """
    return typer.Option(*flags, metavar="DATE", help=f"{meaning}. Format: {FORMS}.")


def day_of(text: str) -> date:
    """Return the date that a user names; a relative one counts from the UTC day on which the command began.

    Args:
        text: `2026-02-06`, `today`, `yesterday`, or `-3d` for three days before today.

    Raises:
        UsageError: The text has none of these forms, or names a day before the year 1.
    """
    from fqtool.errors import UsageError

    today = current_run().today
    ago = _DAYS_AGO.fullmatch(text)
    try:
        if ago or text in ("today", "yesterday"):
            return today - timedelta(days=int(ago[1]) if ago else int(text == "yesterday"))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not a date.", remedy=f"Use {FORMS}; days are UTC.") from None


def days_of(start: str | None, end: str | None) -> tuple[date, date]:
    """Return the dates of a span: the last one is today unless given, the first one 13 days before the last.

    Raises:
        UsageError: One of the texts is not a date, or the first date is after today and no last one is given.
    """
    last = current_run().today if end is None else day_of(end)
    first = date.fromordinal(max(last.toordinal() - _DAYS_OF_DATA + 1, 1)) if start is None else day_of(start)
    if end is None and first > last:
        from fqtool.errors import UsageError

        message = f"--start {first} is after today, {last}, which is the last date without --end."
        raise UsageError(message, remedy="Give an earlier --start, or add --end.")
    return first, last


def newest_day(registry: Registry, warehouse: Warehouse, option: str = "--date", *, first: date | None = None) -> date:
    """Return the newest date with rows up to today, and print that it is used.

    Args:
        registry: The store.
        warehouse: Where its table is.
        option: The option that was not given.
        first: The date of --start, which must not be later.

    Raises:
        UsageError: The newest date with rows is earlier than `first`.
        Refusal: The table has no rows up to today.
        InputError, NotThere: See `fqtool.workspace.newest_date`.
    """
    from fqtool.errors import Refusal, UsageError
    from fqtool.workspace import newest_date

    today, table = current_run().today, f"{registry.table.name} in {warehouse.url}"
    newest = newest_date(registry, warehouse, today)
    if newest.day is None and newest.later is None:
        raise Refusal(f"{table} has no rows, so it has no newest date.", remedy=f"Load rows, or give {option}.")
    if newest.day is None:
        raise Refusal(
            f"{table} has no rows up to today ({today}).",
            remedy=f"Give {option}; the last date with rows is {newest.later}.",
        )
    if first and first > newest.day:
        raise UsageError(
            f"No date from {first} on has rows in {warehouse.url}; the newest date with rows is {newest.day}.",
            remedy=f"Give a --start up to {newest.day}.",
        )
    later = f" up to today. Later rows exist, up to {newest.later}" if newest.later else ""
    say(f"No {option} given: using {newest.day}, the newest date with rows{later}.")
    return newest.day


def moment_of(text: str) -> datetime:
    """Return the time that a user names, in UTC where it names no zone.

    Raises:
        UsageError: The text is not an ISO 8601 time.
    """
    from fqtool.errors import UsageError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time.", remedy="Use the form 2026-02-06T18:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
