"""The journal of backfills: what was begun, done and failed, a row an event, in the dataset itself.

Rows are only ever appended, so nothing waits for anything (BIGQUERY 42); the last event of a partition counts. An event
is written before its statement is sent, with the job id that it will have: a run that dies in between is resumed under
the same id, which a warehouse runs at most once (BIGQUERY 76, 103).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from fqtool.quality.merge import Partition
from fqtool.sql import Query, WholeTable, ident
from fqtool.table.model import Table
from fqtool.table.typetext import column

JOURNAL = "_fqtool_backfill"
ATTEMPTS = 3
REST, ANEW = "rest", "anew"
_LASTS = timedelta(days=1)


class Event(StrEnum):
    """What happened. OPENED and CLOSED are of a whole run and have no date; FORGIVEN lets a partition be tried anew."""

    OPENED = "opened"
    CLOSED = "closed"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    FORGIVEN = "forgiven"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event.

    `scoring` marks what is computed, `as_of` is what the rows will hold as their time of scoring. A run of `mode`
    "anew" does over what others did, one of mode "rest" leaves it alone.

    `day` is "" for a run's own events. `rows`, `without_sources` and `changed` tell what a DONE partition held and
    how many rows its statement wrote; `bytes` is what it processed. -1 is unknown. Times are RFC 3339 in UTC.
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
ROWS = WholeTable(JOURNAL, COLUMNS, tuple(one.sql_type for one in TABLE.columns))


def entries_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """Read the journal's rows, in the order in which things happened."""
    read = (Entry(**{name: _plain(name, row[name]) for name in COLUMNS}) for row in rows)
    return tuple(sorted(read, key=lambda one: (one.at, _ORDER[one.event])))


def _plain(name: str, value: Any) -> Any:
    return value if value is not None else (-1 if name in _NUMBERS else "")


_ORDER = {str(one): number for number, one in enumerate(Event)}


def append(entries: Sequence[Entry]) -> Query:
    """Return the INSERT that writes some events. Its text depends on their number alone."""
    names = ", ".join(map(ident, COLUMNS))
    rows = ",\n  ".join(f"({', '.join(f'@{name}_{n}' for name in COLUMNS)})" for n in range(len(entries)))
    values = tuple((f"{name}_{n}", getattr(one, name)) for n, one in enumerate(entries) for name in COLUMNS)
    return Query(f"INSERT INTO {ident(JOURNAL)} ({names}) VALUES\n  {rows}", values)


def scoring_of(partition: Partition, as_of: datetime) -> str:
    """Mark what is computed: the statement's text, the date apart, so that an edited registry is another scoring."""
    text = partition.merge(as_of).sql.replace(partition.day.isoformat(), "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_of(target: str, scoring: str, as_of: datetime, opened: datetime) -> str:
    """Name a run: the same scoring of the same target, begun at the same time, is the same run."""
    told = f"{target}\n{scoring}\n{as_of.isoformat()}\n{opened.isoformat()}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def job_of(run: str, day: date, attempt: int) -> str:
    """Name the job of one attempt on one partition."""
    return f"fqtool_backfill_{run}_{day:%Y%m%d}_{attempt}"


@dataclass(frozen=True)
class Journal:
    """What the journal says of one scoring."""

    entries: tuple[Entry, ...]
    scoring: str

    def open_run(self, now: datetime, *, anew: bool) -> Entry | None:
        """Return the newest run that was begun within a day and not ended; `anew`, only one that does all over.

        A longer break would give rows a time of scoring from before they were written.
        """
        closed = {one.run for one in self._mine if one.event == Event.CLOSED}
        since = (now - _LASTS).isoformat(timespec="microseconds")
        modes = (ANEW,) if anew else (ANEW, REST)
        opened = [one for one in self._mine if one.event == Event.OPENED and one.at >= since and one.mode in modes]
        return next((one for one in reversed(opened) if one.run not in closed), None)

    def last(self, run: str | None = None) -> dict[date, Entry]:
        """Return the last event of each partition; with `run`, of that run alone."""
        events = [one for one in self._mine if one.day and run in (None, one.run)]
        return {date.fromisoformat(one.day): one for one in events}

    def failures(self, run: str | None = None) -> dict[date, int]:
        """Return how often each partition failed since it was last done or forgiven."""
        counted: dict[date, int] = {}
        for one in self._mine:
            if one.day and run in (None, one.run):
                day = date.fromisoformat(one.day)
                if one.event == Event.FAILED:
                    counted[day] = counted.get(day, 0) + 1
                elif one.event in (Event.DONE, Event.FORGIVEN):
                    counted[day] = 0
        return counted

    def attempt(self, run: str, day: date) -> int:
        """Return the number of the attempt to make: the one begun and not ended, or else the next."""
        last = self.last(run).get(day)
        if last is None:
            return 1
        return last.attempt if last.event == Event.STARTED else last.attempt + 1

    @property
    def newest(self) -> datetime | None:
        """When the newest event happened by the clock of whoever wrote it; None where there is none, or no time."""
        with suppress(ValueError, IndexError):
            return datetime.fromisoformat(self.entries[-1].at).astimezone(UTC)
        return None

    @property
    def seconds_each(self) -> float | None:
        """How long a partition took on the mean of the newest done; None where none is."""
        took = [one.milliseconds for one in self._mine if one.event == Event.DONE and one.milliseconds >= 0][-50:]
        return sum(took) / len(took) / 1000 if took else None

    @property
    def _mine(self) -> list[Entry]:
        return [one for one in self.entries if one.scoring == self.scoring]
