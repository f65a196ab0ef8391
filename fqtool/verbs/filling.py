"""The filling of partitions: batch by batch, journalled before and after, verified by looking at the rows.

A run broken anywhere is resumed by running again: what was begun is sent again under its own job id, which a warehouse
runs at most once, and what was done is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial

from fqtool.backfill.journal import ATTEMPTS, TABLE, Entry, Event, Journal, append, job_of
from fqtool.backfill.partitions import Partitions, Standing, read
from fqtool.backfill.plan import Allowed, billed_for
from fqtool.errors import FqtoolError, QuotaSpent, StatementFailed, Throttled
from fqtool.quality.merge import Partition
from fqtool.quality.scoring import Scoring
from fqtool.registry.model import Registry
from fqtool.verbs.lease import create_once
from fqtool.verbs.pacer import Pacer
from fqtool.warehouse.protocol import Outcome, Warehouse
from fqtool.warehouse.threads import begun, ended

_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one partition: its entry in the journal, DONE or FAILED; `final` if it is not tried again."""

    entry: Entry
    final: bool = True

    @property
    def failed(self) -> bool:
        """Whether it is not scored."""
        return self.entry.event == Event.FAILED


def prepare_journal(warehouse: Warehouse, on_step: Callable[[str], None] = lambda _: None) -> None:
    """Create the journal where there is none."""
    create_once(warehouse, TABLE, "create journal", on_step)


@dataclass
class Filler:
    """Scores partitions of one table under one run.

    `another` opens one more connection, for statements beside one another. `stopping` is asked between partitions,
    and `renew` called, which may raise what ends the run.
    `last` is the time of the newest event that is known, which every further one is later than.
    `spent` counts the bytes that the statements of this command were billed for, `allowed` bounds it.
    `on_step` is told every boundary in words before anything happens there, `on_done` every partition that is done or
    set aside. `clock` and `sleep` are the world's unless a test brings its own.
    """

    registry: Registry
    warehouse: Warehouse
    another: Callable[[], Warehouse]
    run: str
    scoring: str
    mode: str
    as_of: datetime
    runner: str
    tool: str
    allowed: Allowed = field(default_factory=Allowed)
    stopping: Callable[[], bool] = lambda: False
    on_step: Callable[[str], None] = lambda _: None
    on_done: Callable[[Done], None] = lambda _: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    renew: Callable[[], None] = lambda: None
    last: datetime | None = None
    spent: int = 0
    _others: list[Warehouse] = field(default_factory=list)
    _pacer: Pacer = field(default_factory=Pacer)

    @cached_property
    def _scoring(self) -> Scoring:
        return Scoring(self.registry)

    def note(self, entries: Sequence[Entry], step: str) -> None:
        """Write events to the journal."""
        self.on_step(step)
        self.warehouse.run(append(entries))

    def event(self, event: Event, day: date | None = None, attempt: int = 0, **more: object) -> Entry:
        """Return an event of now. No two have the same time, so that their order is never in doubt."""
        told: dict[str, object] = dict.fromkeys(("rows", "without_sources", "changed", "bytes", "milliseconds"), -1)
        told |= {
            "run": self.run, "event": str(event), "day": day.isoformat() if day else "", "attempt": attempt,
            "job": job_of(self.run, day, attempt) if day else "", "scoring": self.scoring, "mode": self.mode,
            "as_of": self.as_of.isoformat(), "runner": self.runner, "tool": self.tool, "at": self._now(),
        }  # fmt: skip
        return Entry(**told | more)  # type: ignore[arg-type]

    def _now(self) -> str:
        now = self.clock()
        if self.last is not None:
            # A clock may be slow, or behind that of the machine whose run this one goes on with.
            now = max(now, self.last + timedelta(microseconds=1))
        self.last = now
        return now.isoformat(timespec="microseconds")

    def batch(self, days: Sequence[date], journal: Journal, expected: dict[date, int]) -> tuple[Done, ...]:
        """Score some partitions, each until it is done or has failed three times; return what came of each.

        `expected` has the rows that each held when it was planned. Raises what stops the whole run: WorldErrors that
        are no statement's fault, and Refusal when the bytes are spent.
        """
        failed = {day: journal.failures(self.run).get(day, 0) for day in days}
        attempts = {day: journal.attempt(self.run, day) for day in days}
        pending, done = list(days), list[Done]()
        while pending and not self.stopping():
            began = time.monotonic()
            self.note([self.event(Event.STARTED, day, attempts[day]) for day in pending], "record start")
            outcomes, broken = self._statements([(day, attempts[day]) for day in pending])
            self.on_step("verify")
            standings = self._standings(outcomes) if outcomes else {}
            each = round((time.monotonic() - began) * 1000 / max(len(outcomes), 1))
            told = [
                self._told(day, attempts[day], outcome, standings.get(day), expected[day], each)
                for day, outcome in outcomes.items()
            ]
            if told:
                self.note(told, "record end")
            pending = []
            for entry in told:
                day = date.fromisoformat(entry.day)
                failed[day] += entry.event == Event.FAILED
                final = entry.event == Event.DONE or failed[day] >= ATTEMPTS
                done += [Done(entry)] if final else []
                self.on_done(Done(entry, final))
                if not final:
                    pending.append(day)
                    attempts[day] += 1
            if broken is not None:
                raise broken
            if pending and not self.stopping():
                self.sleep(_PAUSE * max(failed[day] for day in pending))
        return tuple(done)

    def _statements(
        self, work: Sequence[tuple[date, int]]
    ) -> tuple[dict[date, Outcome | FqtoolError], FqtoolError | None]:
        """Run the statements, as many beside one another as the warehouse takes; return how each ended.

        The second is what stops the run, if anything does: what ended before it is told all the same.
        """
        outcomes: dict[date, Outcome | FqtoolError] = {}
        broken: FqtoolError | None = None
        for some in _together(work, self.warehouse.writing.at_once):
            if broken is not None or self.stopping():
                break
            try:
                self.renew()
                self.allowed.require_rest(self.spent)
            except FqtoolError as error:
                broken = error
                break
            for (day, _), outcome in zip(some, self._beside(some), strict=True):
                if isinstance(outcome, Outcome):
                    self.spent += billed_for(outcome.bytes_processed or 0, self.registry.pricing)
                    outcomes[day] = outcome
                elif isinstance(outcome, StatementFailed | Throttled):
                    outcomes[day] = outcome
                    broken = outcome if isinstance(outcome, QuotaSpent) else broken
                else:
                    broken = outcome
        return outcomes, broken

    def _beside(self, some: Sequence[tuple[date, int]]) -> list[Outcome | FqtoolError]:
        for _ in some:
            self._pacer.wait(self.warehouse.writing.pace)
        if len(some) == 1:
            return [self._one(self.warehouse, *some[0])]
        while len(self._others) < len(some) - 1:
            self._others.append(self.another())
        places = [self.warehouse, *self._others][: len(some)]
        under_way = [begun(partial(self._one, place, *one)) for place, one in zip(places, some, strict=True)]
        return ended(under_way)

    def close(self) -> None:
        """Close the connections that were opened for statements beside one another."""
        while self._others:
            self._others.pop().close()

    def _one(self, warehouse: Warehouse, day: date, attempt: int) -> Outcome | FqtoolError:
        self.on_step(f"{day} run")
        try:
            merge = Partition(self._scoring, day).merge(self.as_of)
            return warehouse.run(merge, job=job_of(self.run, day, attempt))
        except FqtoolError as error:
            return error

    def _standings(self, days: dict[date, Outcome | FqtoolError]) -> dict[date, Standing]:
        query = Partitions(self.registry).between(min(days), max(days))
        return {one.day: one for one in map(read, self.warehouse.rows(query))}

    def _told(
        self, day: date, attempt: int, outcome: Outcome | FqtoolError, standing: Standing | None, before: int, took: int
    ) -> Entry:
        """Tell how an attempt ended, the statement's own word and what then stands."""
        rows = standing.rows if standing else 0
        more: dict[str, object] = {"rows": rows, "milliseconds": took}
        if isinstance(outcome, FqtoolError):
            return self.event(Event.FAILED, day, attempt, error=str(outcome)[:1000], **more)
        more |= {
            "changed": -1 if outcome.rows_changed is None else outcome.rows_changed,
            "bytes": -1 if outcome.bytes_processed is None else outcome.bytes_processed,
            "without_sources": rows - standing.sourced if standing else 0,
        }
        wrong = _wrong(standing, before)
        return self.event(Event.FAILED if wrong else Event.DONE, day, attempt, error=wrong, **more)


def _wrong(standing: Standing | None, before: int) -> str:
    """Say what is wrong with a partition after its statement ran, or "". More rows than before are another's doing."""
    rows = standing.rows if standing else 0
    if rows < before:
        return f"It held {before} rows before and {rows} afterwards: another writer is at work on it."
    if standing and standing.unscored:
        return f"{standing.unscored} rows with sources have no score: another writer is at work on it."
    return ""


def _together(work: Sequence[tuple[date, int]], size: int) -> Iterator[Sequence[tuple[date, int]]]:
    for at in range(0, len(work), size):
        yield work[at : at + size]
