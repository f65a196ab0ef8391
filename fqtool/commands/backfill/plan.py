"""The plan of a backfill: the state of each partition, its journal, and what remains to score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from fqtool.commands.backfill.journal import ATTEMPTS, Event, Journal
from fqtool.commands.score.run import partition_counts
from fqtool.errors import InputError, Refusal
from fqtool.registry.alerts_and_models import Pricing
from fqtool.registry.model import Registry
from fqtool.scoring.layout import Layout
from fqtool.scoring.roles import Roles
from fqtool.sql import ident, literal
from fqtool.warehouse.protocol import Warehouse

TIB = 2**40
PHASES = (7, 30)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartitionState:
    """The counts of rows of one partition.

    Attributes:
        day: the date.
        rows: all rows.
        sourced: rows with known sources.
        unscored: rows with sources and without a score or an alert level.
        stale: rows with sources and another schema version than the registry's.
        guessed: rows with a score and without known sources.
        repeated: rows that share the key of another row.
    """

    day: date
    rows: int
    sourced: int = 0
    unscored: int = 0
    stale: int = 0
    guessed: int = 0
    repeated: int = 0


def state_counts(registry: Registry) -> dict[str, str]:
    """Return field of PartitionState -> the aggregate that counts it.

    A scored row has a score and an alert level.

    Raises:
        InputError: the registry has no score.
    """
    roles, known = Roles(registry), f"({Layout(registry).known})"
    if not roles.scored:
        raise InputError(
            f"{registry.path} has no column that is NULL only in rows without scores, so a backfill cannot find them.",
            remedy="Add a column with `expr: AVG_OVER_FEATURES(quality)` under `columns`.",
        )
    never_null = dict.fromkeys(filter(None, (roles.scored, roles.alert_level)))
    missing = " OR ".join(f"{ident(name)} IS NULL" for name in never_null)
    stale = " OR ".join(f"{ident(name)} IS DISTINCT FROM {literal(text)}" for name, text in roles.versions.items())
    return {
        "sourced": f"COUNTIF({known})",
        "unscored": f"COUNTIF({known} AND ({missing}))",
        "stale": f"COUNTIF({known} AND ({stale or 'FALSE'}))",
        "guessed": f"COUNTIF(COALESCE(NOT {known}, TRUE) AND {ident(roles.scored)} IS NOT NULL)",
    }


def partition_states(registry: Registry, warehouse: Warehouse, start: date, end: date) -> tuple[PartitionState, ...]:
    """Return the state of the partitions with rows, by one scan of a few columns."""
    counts = partition_counts(registry, warehouse, start, end, state_counts(registry))
    return tuple(PartitionState(day, **of_day) for day, of_day in counts.items())


class Task(StrEnum):
    """What a backfill does about a date, and why."""

    DO = "to do"
    DONE = "done"
    CURRENT = "current"
    SET_ASIDE = "set aside"
    REPEATED = "repeated keys"
    WITHOUT_SOURCES = "without sources"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The expected bytes of the statements of a plan.

    Attributes:
        shares: the bytes of each statement.
        pricing: the price list, if the registry has one.
        least: the minimum bytes that are billed per statement.
    """

    shares: tuple[int, ...]
    pricing: Pricing | None = None
    least: int = 0

    @property
    def bytes(self) -> int:
        """The bytes of all statements."""
        return sum(self.shares)

    @property
    def billed(self) -> int:
        """The bytes that are billed."""
        return sum(max(share, self.least) for share in self.shares)

    @property
    def price(self) -> float | None:
        """The price at the price list, without free tiers; None without a list."""
        return price_of(self.billed, self.pricing)


def price_of(billed: int, pricing: Pricing | None) -> float | None:
    """Return the price of billed bytes, None without a price list."""
    return None if pricing is None else billed / TIB * pricing.scan_per_tib


@dataclass(frozen=True, slots=True)
class SpendingLimit:
    """How much a command may spend.

    Attributes:
        bytes: the most bytes that may be billed, or None.
        cost: the highest cost in the currency of the price list, or None.
        pricing: the price list, or None.
    """

    bytes: int | None = None
    cost: float | None = None
    pricing: Pricing | None = None

    @property
    def most_bytes(self) -> int | None:
        """The most bytes that may be billed by both bounds."""
        bounds = [] if self.bytes is None else [self.bytes]
        if self.cost is not None and self.pricing is not None and self.pricing.scan_per_tib:
            bounds.append(int(self.cost / self.pricing.scan_per_tib * TIB))
        return min(bounds, default=None)

    def require(self, estimate: CostEstimate, spent: int = 0) -> None:
        """Check that an estimate is within the limit.

        Args:
            estimate: the expected bytes.
            spent: the bytes that were billed already.

        Raises:
            Refusal: the estimate exceeds the limit.
        """
        billed = spent + estimate.billed
        already = f", including {spent:,} bytes that are spent" if spent else ""
        if self.bytes is not None and billed > self.bytes:
            raise Refusal(
                f"The backfill would process about {billed:,} bytes{already}; --max-bytes allows {self.bytes:,} bytes.",
                remedy="Raise --max-bytes, or use fewer dates.",
            )
        price = price_of(billed, self.pricing)
        if self.cost is not None and price is not None and self.pricing is not None and price > self.cost:
            cost = f"{price:.4f} {self.pricing.currency}"
            raise Refusal(
                f"The backfill would cost about {cost}{already}; --max-cost allows {self.cost:g}.",
                remedy="Raise --max-cost, or use fewer dates.",
            )

    def require_rest(self, spent: int) -> None:
        """Check that bytes are left.

        Args:
            spent: the bytes that were billed already.

        Raises:
            Refusal: the limit is reached.
        """
        price = price_of(spent, self.pricing) or 0.0
        if (self.bytes is not None and spent >= self.bytes) or (self.cost is not None and spent and price >= self.cost):
            raise Refusal(
                f"The backfill stopped: its statements were billed for {spent:,} bytes, the limit.",
                remedy="Run it again to continue with the same limit; dates that are done are skipped.",
            )


@dataclass(frozen=True)
class Plan:
    """The task of every date of a span.

    Attributes:
        start: the first date.
        end: the last date.
        tasks: each date with its task.
        states: the dates with rows.
        seconds_each: the mean duration of a partition in seconds; None before the first.
    """

    start: date
    end: date
    tasks: Mapping[date, Task]
    states: Mapping[date, PartitionState]
    seconds_each: float | None = None

    @property
    def to_do(self) -> tuple[date, ...]:
        """The dates to score, the newest first, because models read those."""
        return tuple(sorted(self.dates(Task.DO), reverse=True))

    def dates(self, task: Task) -> tuple[date, ...]:
        """The dates with that task."""
        return tuple(day for day, of_day in self.tasks.items() if of_day is task)

    @cached_property
    def rows_of(self) -> Mapping[date, int]:
        """The number of rows of each date with rows."""
        return {day: state.rows for day, state in self.states.items()}

    def rows(self, task: Task) -> int:
        """The number of rows of the dates with that task."""
        return sum(self.states[day].rows for day in self.dates(task) if day in self.states)

    @property
    def seconds(self) -> float | None:
        """The expected duration in seconds; None before the first partition."""
        return None if self.seconds_each is None else self.seconds_each * len(self.to_do)


def plan_of(
    start: date,
    end: date,
    states: Sequence[PartitionState],
    journal: Journal,
    *,
    run: str | None = None,
    only_stale: bool = False,
    retry_failed: bool = False,
) -> Plan:
    """Return the plan of a span of dates.

    Args:
        start: the first date.
        end: the last date.
        states: the state of the partitions with rows.
        journal: the journal.
        run: count only dates of this run as done. Default: of all runs.
        only_stale: skip dates of the current schema version.
        retry_failed: retry dates that failed three times.
    """
    last, failures = journal.last(run), journal.failures(run)
    by_day = {state.day: state for state in states}

    def task(day: date) -> Task:
        state, event = by_day.get(day), last.get(day)
        if state is None:
            return Task.EMPTY
        if state.repeated:
            return Task.REPEATED
        done = event is not None and event.event == Event.DONE and event.rows == state.rows
        if done and not state.unscored and not state.guessed:
            return Task.DONE
        if not state.sourced and not state.guessed:
            return Task.WITHOUT_SOURCES
        if only_stale and not state.unscored and not state.stale:
            return Task.CURRENT
        set_aside = failures.get(day, 0) >= ATTEMPTS and not retry_failed
        return Task.SET_ASIDE if set_aside else Task.DO

    days = map(date.fromordinal, range(start.toordinal(), end.toordinal() + 1))
    return Plan(start, end, {day: task(day) for day in days}, by_day, journal.seconds_each)


def phases(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield the spans of a phased backfill: the last 7 days, the last 30 days, all dates."""
    for days in PHASES:
        begin = end - timedelta(days=days - 1)
        if begin > start:
            yield begin, end
    yield start, end


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in order, in groups of `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
