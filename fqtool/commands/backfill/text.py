"""The output of a backfill: its plan and cost, the result per month, and the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.cli.counts import counted
from fqtool.commands.backfill.journal import ATTEMPTS, Event
from fqtool.commands.backfill.plan import Task
from fqtool.output.sentences import fitted
from fqtool.output.table_text import Figure, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, TextIO

    from fqtool.commands.backfill.journal import Entry
    from fqtool.commands.backfill.partition_runner import PartitionResult
    from fqtool.commands.backfill.plan import CostEstimate, Plan

FORMAT_VERSION = 1
_MINUTE, _HOUR = 60, 3600
_TASK_MEANINGS = {
    Task.DO: "will be scored",
    Task.DONE: "scored by a backfill; --no-resume scores them again",
    Task.CURRENT: "have the current schema version",
    Task.SET_ASIDE: f"failed {ATTEMPTS} times; --retry-failed retries them",
    Task.REPEATED: "have rows with the same key; remove the repeated rows",
    Task.WITHOUT_SOURCES: "no row has sources; no scoring is needed",
    Task.EMPTY: "have no rows",
}
_TASKS = ("task", "dates", "rows", "")
_MONTHS = ("month", "dates", "rows", "scored", "without sources", "share")
_JOURNAL = ("date", "event", "attempt", "rows", "changed", "job", "error")


def print_plan(plan: Plan, estimate: CostEstimate, place: str, stream: TextIO) -> None:
    """Print the tasks of the dates and the cost.

    Args:
        plan: the plan.
        estimate: its expected bytes.
        place: the URL of the target.
        stream: where to print.
    """
    tasks = [(task, len(plan.dates(task)), plan.rows(task)) for task in Task]
    rows = [(str(task), Figure(days), Figure(rows), _TASK_MEANINGS[task]) for task, days, rows in tasks if days]
    print_table(f"Backfill {plan.start} to {plan.end} in {place}", _TASKS, rows, stream)
    for sentence in _costs(plan, estimate):
        print(fitted(sentence, stream), file=stream)


def _costs(plan: Plan, estimate: CostEstimate) -> Iterator[str]:
    """Yield the statements, bytes, price and duration of the plan."""
    if not plan.to_do:
        yield "Up to date: no date needs scoring."
        return
    count, pricing, least, price = len(estimate.shares), estimate.pricing, "", ""
    if estimate.billed > estimate.bytes:
        least = f", billed as {size(estimate.billed)} (at least {size(estimate.least)} per statement)"
    if pricing is not None:
        price = f"; on BigQuery {estimate.price:.4f} {pricing.currency} at the list prices of {pricing.as_of}"
    yield f"{count:,} MERGE statement{'s' * (count != 1)}. BigQuery has no daily limit for them."
    yield f"Bytes processed: about {size(estimate.bytes)}{least}{price}."
    if plan.seconds is not None:
        yield f"Duration: about {duration(plan.seconds)}, at {plan.seconds_each:.2f} s per partition so far."


def size(count: int) -> str:
    """Return a number of bytes as text, in binary units."""
    amount, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:  # noqa: PLR2004
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def duration(seconds: float) -> str:
    """Return a duration as text."""
    if seconds < _MINUTE:
        return f"{max(seconds, 1):.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR / _MINUTE:.0f} min"


def line(result: PartitionResult) -> str:
    """Return the result of one partition as a line."""
    entry = result.entry
    if result.failed:
        then = "set aside" if result.final else "will be retried"
        return f"{entry.day}: attempt {entry.attempt} failed, {then}: {entry.error}"
    without = f", {entry.without_sources:,} without sources" if entry.without_sources > 0 else ""
    processed = f", {size(entry.bytes)}" if entry.bytes >= 0 else ""
    return f"{entry.day}: {counted(entry.rows, 'row')}{without}{processed}"


def print_months(months: Mapping[str, tuple[int, ...]], stream: TextIO) -> None:
    """Print a row per month."""
    rows = [
        (month, *map(Figure, (dates, rows, scored, without)), Figure(scored / rows if rows else None, "{:.1%}"))
        for month, (dates, rows, scored, without) in months.items()
    ]
    if rows:
        print_table("", _MONTHS, rows, stream)


def print_journal(entries: Iterable[Entry], stream: TextIO) -> None:
    """Print the last event of each partition in a table."""
    rows = [
        [Figure(value) if isinstance(value, int) else value or None for value in _event(entry).values()]
        for entry in entries
    ]
    if rows:
        print_table("Journal: the last event of each date", _JOURNAL, rows, stream)


def _event(entry: Entry) -> dict[str, Any]:
    return {
        "date": entry.day, "event": "retried" if entry.event == Event.RETRIED else entry.event,
        "attempt": entry.attempt,
        "rows": entry.rows if entry.rows >= 0 else None, "changed": entry.changed if entry.changed >= 0 else None,
        "job": entry.job, "error": entry.error,
    }  # fmt: skip


def document(plan: Plan, estimate: CostEstimate, place: str, journal: Iterable[Entry] | None) -> dict[str, Any]:
    """Return the plan as a JSON value, which `plan.schema.json` in this folder describes.

    Args:
        plan: the plan.
        estimate: its expected bytes.
        place: the URL of the target.
        journal: the last event of each date, or None.
    """
    pricing = estimate.pricing
    tasks = [(task, plan.dates(task)) for task in Task]
    return {
        "format_version": FORMAT_VERSION,
        "target": place,
        "start": str(plan.start),
        "end": str(plan.end),
        "tasks": [
            {"task": str(task), "dates": list(map(str, days)), "rows": plan.rows(task)} for task, days in tasks if days
        ],
        "statements": len(estimate.shares),
        "bytes": estimate.bytes,
        "billed_bytes": estimate.billed,
        "price": estimate.price,
        "currency": pricing and pricing.currency,
        "prices_as_of": pricing and str(pricing.as_of),
        "seconds": plan.seconds,
        "journal": None if journal is None else list(map(_event, journal)),
    }
