"""The scoring of past partitions: batch by batch, recorded before and after, verified by counting the rows.

One statement scores the neighbouring partitions of a batch; if it fails, each has a statement of its own in the next
attempt. A run that failed is resumed by running again. A statement that was started is sent again under the same job
id, which a warehouse runs at most once. Partitions that are done are skipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from fqtool.cli.counts import counted
from fqtool.commands.backfill.journal import ATTEMPTS, TABLE, Entry, Event, Journal, append, job_of
from fqtool.commands.backfill.plan import CostEstimate, PartitionState, Plan, SpendingLimit, partition_states
from fqtool.commands.migrate.executor import Pacer
from fqtool.errors import BytesLimitExceeded, FqtoolError, QuotaSpent, StatementFailed, Throttled
from fqtool.registry.model import Registry
from fqtool.scoring.merge import Span, neighbours
from fqtool.scoring.scoring import Scoring
from fqtool.warehouse.bookkeeping import create_once
from fqtool.warehouse.protocol import MINIMUM, Budget, Outcome, Warehouse

_PAUSE = 2.0
# Reserved bytes: the queries after scoring that verify the rows.
_LOOKS = 2 * MINIMUM


@dataclass(frozen=True, slots=True)
class PartitionResult:
    """The result of one partition.

    Attributes:
        entry: its event in the journal, DONE or FAILED.
        final: whether it is not retried.
    """

    entry: Entry
    final: bool = True

    @property
    def failed(self) -> bool:
        """Whether scoring failed."""
        return self.entry.event == Event.FAILED


@dataclass
class Observer:
    """The callbacks of a backfill.

    Attributes:
        on_phase: called with the plan and the cost of each phase.
        on_partition: called with each partition that is done or failed.
        on_step: called with the name of each step before it.
        stopping: returns whether to stop; called between partitions.
        configure: called with the runner, for tests.
    """

    on_phase: Callable[[Plan, CostEstimate], None] = lambda _plan, _estimate: None
    on_partition: Callable[[PartitionResult], None] = lambda _: None
    on_step: Callable[[str], None] = lambda _: None
    stopping: Callable[[], bool] = lambda: False
    configure: Callable[[PartitionRunner], None] = lambda _: None


class Attempt(NamedTuple):
    """An attempt on neighbouring partitions, by one statement."""

    days: tuple[date, ...]
    number: int


def attempts_on(pending: Mapping[date, int], rows: Mapping[date, int]) -> Iterator[Attempt]:
    """Yield the statements of dates: neighbours together in their first attempt, then each alone.

    Args:
        pending: Each date with the number of its attempt.
        rows: The number of rows of each date with rows, also of dates that are not scored.
    """
    for number, days in groupby(pending, lambda day: pending[day]):
        same = list(days)
        for group in neighbours(same, rows) if number == 1 else ((day,) for day in same):
            yield Attempt(group, number)


def prepare_journal(warehouse: Warehouse, on_step: Callable[[str], None] = lambda _: None) -> None:
    """Create the journal if it does not exist."""
    if warehouse.describe(TABLE.name) is None:
        create_once(warehouse, TABLE, "create journal", on_step)


@dataclass
class PartitionRunner:
    """Scores partitions of one table in one run.

    Attributes:
        registry: the registry.
        warehouse: the target.
        run: the id of the run.
        scoring: identifies what is computed.
        mode: a mode of the journal.
        as_of: the time of scoring to store in the rows.
        runner: the user, host and process, for the journal.
        tool: the version of fqtool, for the journal.
        limit: how much the command may spend.
        observer: called with progress.
        last: the time of the newest event; every further event is later.
        budget: the bytes that are left to spend.
        renew: called between partitions; may raise an error that ends the run.
        clock: the clock, which a test may replace.
        sleep: the wait, which a test may replace.
    """

    registry: Registry
    warehouse: Warehouse
    run: str
    scoring: str
    mode: str
    as_of: datetime
    runner: str
    tool: str
    limit: SpendingLimit
    observer: Observer
    last: datetime | None = None
    budget: Budget | None = None
    renew: Callable[[], None] = lambda: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    _unwritten: list[Entry] = field(default_factory=list)
    _pacer: Pacer = field(default_factory=Pacer)

    @cached_property
    def _scores(self) -> Scoring:
        return Scoring(self.registry)

    @property
    def spent(self) -> int:
        """The bytes that were billed for the statements of this command."""
        return self.budget.spent if self.budget else 0

    def write(self, entries: Sequence[Entry], step: str) -> None:
        """Write events to the journal, together with events of `write_later`."""
        entries, self._unwritten = [*self._unwritten, *entries], []
        self.observer.on_step(step)
        self.warehouse.run(append(entries))

    def write_later(self, entries: Sequence[Entry]) -> None:
        """Write events together with the next ones, which saves a job.

        A run that crashes before is resumed like one that crashed in a statement: each is found by its job id.
        """
        self._unwritten += entries

    def write_rest(self) -> None:
        """Write the remaining events of `write_later`."""
        if self._unwritten:
            self.write((), "record end")

    def event(self, event: Event, day: date | None = None, attempt: int = 0, **more: object) -> Entry:
        """Return an event with the current time. No two events have the same time, so their order is unique."""
        now = self.clock()
        if self.last is not None:
            # A clock may be behind that of the machine whose run is continued.
            now = max(now, self.last + timedelta(microseconds=1))
        self.last = now
        values: dict[str, object] = dict.fromkeys(("rows", "without_sources", "changed", "bytes", "milliseconds"), -1)
        values |= {
            "run": self.run, "event": str(event), "day": day.isoformat() if day else "", "attempt": attempt,
            "job": job_of(self.run, (day,), attempt) if day else "", "scoring": self.scoring, "mode": self.mode,
            "as_of": self.as_of.isoformat(), "runner": self.runner, "tool": self.tool,
            "at": now.isoformat(timespec="microseconds"),
        }  # fmt: skip
        return Entry(**values | more)  # type: ignore[arg-type]

    def score(self, days: Sequence[date], journal: Journal, rows: Mapping[date, int]) -> list[PartitionResult]:
        """Score partitions, each until it is done or has failed three times.

        Args:
            days: the dates.
            journal: the journal.
            rows: the number of rows of each date with rows, also of dates that are not scored.

        Returns:
            The result of each partition.

        Raises:
            WorldError: the warehouse failed for another reason than a statement.
            Refusal: the limit of bytes is reached.
        """
        failures = dict(journal.failures(self.run))
        last = {day: entry for day, entry in journal.last(self.run).items() if day in days}
        # The attempt that was started and did not end, or else the next.
        started = {day: entry.attempt + (entry.event != Event.STARTED) for day, entry in last.items()}
        pending, results = dict.fromkeys(days, 1) | started, list[PartitionResult]()
        while pending and not self.observer.stopping():
            began = time.monotonic()
            attempts = list(attempts_on(pending, rows))
            jobs = {day: job_of(self.run, attempt.days, attempt.number) for attempt in attempts for day in attempt.days}
            starts = [self.event(Event.STARTED, day, number, job=jobs[day]) for day, number in pending.items()]
            self.write(starts, "record start")
            outcomes, stop = self._statements(attempts, rows)
            self.observer.on_step("verify")
            span = (min(outcomes), max(outcomes)) if outcomes else None
            states = partition_states(self.registry, self.warehouse, *span) if span else ()
            by_day = {day: PartitionState(day, 0) for day in outcomes} | {state.day: state for state in states}
            milliseconds = round((time.monotonic() - began) * 1000 / max(len(outcomes), 1))
            entries = {
                day: self._ended(
                    pending[day], outcome, by_day[day], rows[day], milliseconds=milliseconds, job=jobs[day]
                )
                for day, outcome in outcomes.items()
            }
            self.write_later(list(entries.values()))
            pending = {}
            for day, entry in entries.items():
                failures[day] = failures.get(day, 0) + (entry.event == Event.FAILED)
                result = PartitionResult(entry, entry.event == Event.DONE or failures[day] >= ATTEMPTS)
                self.observer.on_partition(result)
                if result.final:
                    results.append(result)
                else:
                    pending[day] = entry.attempt + 1
            if stop is not None:
                self.write_rest()
                raise stop
            if pending and not self.observer.stopping():
                self.sleep(_PAUSE * max(failures[day] for day in pending))
        return results

    def _statements(
        self, attempts: Sequence[Attempt], rows: Mapping[date, int]
    ) -> tuple[dict[date, Outcome | FqtoolError], FqtoolError | None]:
        """Run the statements.

        Returns the outcome of each date, and the error that stops the run, if there is one.
        """
        outcomes: dict[date, Outcome | FqtoolError] = {}
        for attempt in attempts:
            if self.observer.stopping():
                break
            try:
                self.renew()
                self.limit.require_rest(self.spent)
                outcome = self._statement(attempt)
            except BytesLimitExceeded as error:
                # It did not run, so it is not a failed attempt: the next command sends it again.
                return outcomes, error
            except (StatementFailed, Throttled) as error:
                outcomes |= dict.fromkeys(attempt.days, error)
                if isinstance(error, QuotaSpent):
                    return outcomes, error
            except FqtoolError as error:
                return outcomes, error
            else:
                total = sum(rows[day] for day in attempt.days)
                outcomes |= {day: outcome.share(rows[day], total) for day in attempt.days}
        return outcomes, None

    def _statement(self, attempt: Attempt) -> Outcome:
        first, last = min(attempt.days), max(attempt.days)
        self._pacer.wait(self.warehouse.writing.pace)
        self.observer.on_step(f"{last} run")
        most = None if self.budget is None else max(self.budget.left - _LOOKS, 1)
        span = Span(self._scores, first, last)
        job = job_of(self.run, attempt.days, attempt.number)
        try:
            return self.warehouse.run(span.merge(self.as_of), job=job, max_bytes=most)
        except StatementFailed as error:
            if self.budget is not None:
                raise
            raise span.with_place(error, self.as_of, self.warehouse.rows) from None

    def _ended(
        self, attempt: int, outcome: Outcome | FqtoolError, state: PartitionState, planned_rows: int, **more: object
    ) -> Entry:
        """Return the event that ends an attempt: the result of the statement, and the rows of the partition.

        More rows than before were added by another writer, which is not a failure.
        """
        more["rows"] = state.rows
        if isinstance(outcome, FqtoolError):
            return self.event(Event.FAILED, state.day, attempt, error=str(outcome)[:1000], **more)
        more |= {
            "changed": -1 if outcome.rows_changed is None else outcome.rows_changed,
            "bytes": -1 if outcome.bytes_processed is None else outcome.bytes_processed,
            "without_sources": state.rows - state.sourced,
        }
        error = ""
        if state.rows < planned_rows:
            error = f"It had {counted(planned_rows, 'row')} before and {state.rows:,} after: another writer changes it."
        elif state.unscored:
            error = f"{state.unscored:,} rows with sources have no score: another writer changes it."
        return self.event(Event.FAILED if error else Event.DONE, state.day, attempt, error=error, **more)
