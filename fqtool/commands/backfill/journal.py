"""The journal of backfills: one row per event, in the dataset itself.

Rows are only appended, so no writer waits for another (bigquery.md#dml). The last event of a partition counts. An event
is written before its statement is sent, with the job id of the statement. A run that crashes in between is resumed
under the same id, which a warehouse runs at most once (bigquery.md#job-ids).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from fqtool.errors import NoTable
from fqtool.registry.model import Registry
from fqtool.scoring.merge import Span
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, WholeTable, ident
from fqtool.table.model import Table
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse

JOURNAL = "_fqtool_backfill"
ATTEMPTS = 3
# The modes of a run, as stored in the journal.
REMAINING, FROM_SCRATCH = "rest", "anew"  # quotation: journals of earlier versions have this word
_RUN_LASTS = timedelta(days=1)


class Event(StrEnum):
    """The kind of an event, in the order of events with the same time.

    OPENED and CLOSED belong to a whole run and have no date. RETRIED resets the failures of a partition.
    """

    OPENED = "opened"
    CLOSED = "closed"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    RETRIED = "forgiven"  # quotation: journals of earlier versions have this word


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. Times are RFC 3339 in UTC; -1 is an unknown number.

    Attributes:
        run: the id of the run.
        event: a value of Event.
        day: the date of the partition; "" for events of a run.
        attempt: the number of the attempt, from 1.
        job: the id of the job, which may score other partitions too.
        scoring: identifies what is computed.
        mode: FROM_SCRATCH scores again what other runs did; REMAINING skips it.
        as_of: the time of scoring that is stored in the rows.
        rows: the rows of the partition.
        without_sources: the rows without sources.
        changed: the rows that the statement wrote.
        bytes: the bytes that the statement processed.
        milliseconds: the duration.
        runner: the user, host and process.
        tool: the version of fqtool.
        at: the time of the event.
        error: the message of a failed attempt.
    """

    run: str
    event: str
    day: str
    attempt: int
    job: str
    scoring: str
    mode: str
    as_of: str
    rows: int
    without_sources: int
    changed: int
    bytes: int
    milliseconds: int
    runner: str
    tool: str
    at: str
    error: str = ""


COLUMNS = tuple(field.name for field in fields(Entry))
_NUMBERS = ("attempt", "rows", "without_sources", "changed", "bytes", "milliseconds")
TABLE = Table(JOURNAL, tuple(column(name, "INT64" if name in _NUMBERS else "STRING") for name in COLUMNS))
ROWS = WholeTable(JOURNAL, COLUMNS, tuple(of_table.sql_type for of_table in TABLE.columns))


def entries_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """Read the journal's rows, in the order of events."""
    null = {name: -1 if name in _NUMBERS else "" for name in COLUMNS}
    entries = [
        Entry(**{name: null[name] if row[name] is None else row[name] for name in COLUMNS})  # type: ignore[arg-type]
        for row in rows
    ]
    order = list(map(str, Event))
    return tuple(sorted(entries, key=lambda entry: (entry.at, order.index(entry.event))))


def append(entries: Sequence[Entry]) -> Query:
    """Return the INSERT that writes events. Its text depends only on their number."""
    names = ", ".join(map(ident, COLUMNS))
    rows = ",\n  ".join(f"({', '.join(f'@{name}_{n}' for name in COLUMNS)})" for n in range(len(entries)))
    values = tuple((f"{name}_{n}", getattr(entry, name)) for n, entry in enumerate(entries) for name in COLUMNS)
    return Query(f"INSERT INTO {ident(JOURNAL)} ({names}) VALUES\n  {rows}", values)


def job_of(run: str, days: Sequence[date], attempt: int) -> str:
    """Return the id of the job of an attempt on neighbouring partitions. It identifies the text of the statement."""
    dates = "_".join(f"{day:%Y%m%d}" for day in dict.fromkeys((min(days), max(days))))
    return f"fqtool_backfill_{run}_{dates}_{attempt}"


@dataclass(frozen=True)
class Journal:
    """The events of one scoring.

    Attributes:
        entries: the events of all scorings.
        scoring: identifies what is computed.
    """

    entries: tuple[Entry, ...]
    scoring: str

    @cached_property
    def _of_scoring(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.scoring == self.scoring]

    def open_run(self, now: datetime, *, from_scratch: bool) -> Entry | None:
        """Return the newest run that was opened within a day and not closed, or None.

        After a longer break the rows would get a time of scoring from before they were written.

        Args:
            now: the current time.
            from_scratch: accept only a run of mode FROM_SCRATCH.
        """
        since = (now - _RUN_LASTS).isoformat(timespec="microseconds")
        modes = (FROM_SCRATCH,) if from_scratch else (FROM_SCRATCH, REMAINING)
        closed = {entry.run for entry in self._of_scoring if entry.event == Event.CLOSED}
        for entry in reversed(self._of_scoring):
            if entry.event == Event.OPENED and entry.at >= since and entry.mode in modes and entry.run not in closed:
                return entry
        return None

    def _of_partitions(self, run: str | None) -> list[tuple[date, Entry]]:
        """The events of partitions; with `run`, only of that run."""
        events = (entry for entry in self._of_scoring if entry.day and run in (None, entry.run))
        return [(date.fromisoformat(entry.day), entry) for entry in events]

    def last(self, run: str | None = None) -> dict[date, Entry]:
        """Return the last event of each partition; with `run`, only of that run."""
        return dict(self._of_partitions(run))

    def between(self, start: date, end: date) -> dict[date, Entry]:
        """Return the last event of each partition of a span, in order of dates."""
        return {day: entry for day, entry in sorted(self.last().items()) if start <= day <= end}

    def failures(self, run: str | None = None) -> Mapping[date, int]:
        """Return the number of failures of each partition since it was last done or retried."""
        counts = Counter[date]()
        for day, entry in self._of_partitions(run):
            if entry.event == Event.FAILED:
                counts[day] += 1
            elif entry.event in (Event.DONE, Event.RETRIED):
                counts[day] = 0
        return counts

    @property
    def newest(self) -> datetime | None:
        """The time of the newest event, by the clock of its writer; None without events."""
        with suppress(ValueError, IndexError):
            return datetime.fromisoformat(self.entries[-1].at).astimezone(UTC)
        return None

    @property
    def seconds_each(self) -> float | None:
        """The mean duration of the last 50 partitions in seconds; None before the first."""
        done = [entry.milliseconds for entry in self._of_scoring if entry.event == Event.DONE]
        newest = [milliseconds for milliseconds in done if milliseconds >= 0][-50:]
        return sum(newest) / len(newest) / 1000 if newest else None


# A journal knows a scoring by the hash of its text, comments included. They are hashed as 0.1 worded them: another
# wording would score every date of every journal again.
_COMMENTS = {
    "-- stored columns, and the label and value of each feature":
        "-- what the row says of itself, and the label and value of each feature",  # quotation
    "-- the weight and canonical source of the label, and whether it means a default value":
        "-- the label's weight, canonical source, and whether it is a stand-in",  # quotation
}  # fmt: skip


def journal_of(registry: Registry, warehouse: Warehouse) -> Journal:
    """Read the journal of what the registry computes today.

    The text of the statement without the date identifies it, so an edited registry is another scoring.
    """
    try:
        entries = entries_of(warehouse.rows(ROWS))
    except NoTable:
        entries = ()
    day = date(2000, 1, 1)
    statement = Span(Scoring(registry), day, day).merge(datetime(2000, 1, 1, tzinfo=UTC)).sql
    for comment, former in _COMMENTS.items():
        statement = statement.replace(comment, former)
    return Journal(entries, hashlib.sha256(statement.replace(day.isoformat(), "").encode()).hexdigest()[:16])
