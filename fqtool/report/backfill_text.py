"""A backfill told: what it will do and cost, what became of it month by month, what the journal says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.backfill.plan import MEANING, Task
from fqtool.report.table_text import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, TextIO

    from fqtool.backfill.journal import Entry
    from fqtool.backfill.plan import Bill, Plan
    from fqtool.verbs.filling import Done

FORMAT_VERSION = 1
_MINUTE, _HOUR = 60, 3600
_TASKS = ("task", "dates", "rows", "")
_MONTHS = ("month", "dates", "rows", "scored", "without sources", "share")
_JOURNAL = ("date", "event", "attempt", "rows", "changed", "job", "error")


def print_plan(plan: Plan, bill: Bill, place: str, stream: TextIO) -> None:
    """Print how many dates are to do and why the others are not, then what it costs."""
    tasks = [(one, plan.dates(one), plan.rows(one)) for one in Task]
    rows = [(str(one), len(days), count, MEANING[one]) for one, days, count in tasks if days]
    print_table(f"Backfill {plan.start} to {plan.end} in {place}", _TASKS, rows, stream)
    for line in costs(plan, bill):
        print(line, file=stream)


def costs(plan: Plan, bill: Bill) -> Iterator[str]:
    """Yield what the plan takes: statements, bytes, price, time."""
    if not plan.to_do:
        yield "Nothing is left to do."
        return
    count = len(bill.shares)
    yield f"{count} MERGE statement{'s' * (count != 1)}: DML, which no daily quota counts."
    yield f"They process about {size(bill.bytes)}{_least(bill)}{_priced(bill)}."
    if plan.seconds is not None:
        yield f"About {duration(plan.seconds)}, at {plan.seconds_each:.2f} s a partition as measured so far."


def _least(bill: Bill) -> str:
    if bill.billed <= bill.bytes or bill.pricing is None:
        return ""
    return f", billed as {size(bill.billed)} (at least {size(bill.pricing.minimum_bytes_per_query)} a statement)"


def _priced(bill: Bill) -> str:
    if bill.price is None or bill.pricing is None:
        return ""
    return f"; on BigQuery {bill.price:.4f} {bill.pricing.currency} at the list prices of {bill.pricing.as_of}"


def size(count: int) -> str:
    """Write bytes for people, in binary units."""
    amount, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:  # noqa: PLR2004
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def duration(seconds: float) -> str:
    """Write a time for people."""
    if seconds < _MINUTE:
        return f"{max(seconds, 1):.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR / _MINUTE:.0f} min"


def line(one: Done) -> str:
    """Return one partition as a line."""
    entry = one.entry
    if one.failed:
        then = "set aside" if one.final else "tried again"
        return f"{entry.day}: attempt {entry.attempt} failed, {then}: {entry.error}"
    without = f", {entry.without_sources} without sources" if entry.without_sources > 0 else ""
    processed = f", {size(entry.bytes)}" if entry.bytes >= 0 else ""
    return f"{entry.day}: {entry.rows} rows{without}{processed}"


def print_months(months: Mapping[str, tuple[int, int, int, int]], stream: TextIO) -> None:
    """Print a line a month."""
    rows = [
        (month, dates, rows, scored, without, f"{scored / rows:.1%}" if rows else None)
        for month, (dates, rows, scored, without) in months.items()
    ]
    if rows:
        print_table("", _MONTHS, rows, stream)


def print_journal(entries: Iterable[Entry], stream: TextIO) -> None:
    """Print the last event of each partition."""
    rows = [
        (one.day, one.event, one.attempt, _known(one.rows), _known(one.changed), one.job, one.error or None)
        for one in entries
    ]
    if rows:
        print_table("What the journal says", _JOURNAL, rows, stream)


def document(plan: Plan, bill: Bill, place: str, journal: Iterable[Entry] | None) -> dict[str, Any]:
    """Return the plan as the JSON value that is printed, described by `backfill.schema.json` beside this file."""
    pricing = bill.pricing
    tasks = [(one, plan.dates(one)) for one in Task]
    return {
        "format_version": FORMAT_VERSION,
        "target": place,
        "start": str(plan.start),
        "end": str(plan.end),
        "tasks": [
            {"task": str(one), "dates": [str(day) for day in days], "rows": plan.rows(one)}
            for one, days in tasks
            if days
        ],
        "statements": len(bill.shares),
        "bytes": bill.bytes,
        "billed_bytes": bill.billed,
        "price": bill.price,
        "currency": pricing and pricing.currency,
        "prices_as_of": pricing and str(pricing.as_of),
        "seconds": plan.seconds,
        "journal": None if journal is None else [
            {
                "date": one.day, "event": one.event, "attempt": one.attempt, "rows": _known(one.rows),
                "changed": _known(one.changed), "job": one.job, "error": one.error,
            }
            for one in journal
        ],
    }  # fmt: skip


def _known(number: int) -> int | None:
    return number if number >= 0 else None
