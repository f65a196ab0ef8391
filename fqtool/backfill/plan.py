"""What a backfill is to do: each date with its reason, the bytes, the price, the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fqtool.backfill.journal import ATTEMPTS, Event, Journal
from fqtool.backfill.partitions import Standing
from fqtool.errors import Refusal
from fqtool.registry.judgement import Pricing

TIB = 2**40
PHASES = (7, 30)


class Task(StrEnum):
    """What is to be done about a date, and why."""

    DO = "to do"
    DONE = "done"
    CURRENT = "current"
    SET_ASIDE = "set aside"
    REPEATED = "repeated keys"
    WITHOUT_SOURCES = "without sources"
    EMPTY = "empty"


MEANING: Mapping[Task, str] = {
    Task.DO: "will be scored",
    Task.DONE: "scored by a backfill, and still as it left them",
    Task.CURRENT: "hold this schema version already",
    Task.SET_ASIDE: f"failed {ATTEMPTS} times; --retry-failed tries them again",
    Task.REPEATED: "hold two rows of one key; which of them is scored would be chance",
    Task.WITHOUT_SOURCES: "no row has sources, so none can be scored",
    Task.EMPTY: "hold no rows",
}


@dataclass(frozen=True, slots=True)
class Bill:
    """What the statements of a plan are expected to process, in bytes each (BIGQUERY 86)."""

    shares: tuple[int, ...]
    pricing: Pricing | None = None

    @property
    def bytes(self) -> int:
        """What they process together."""
        return sum(self.shares)

    @property
    def billed(self) -> int:
        """The bytes that are paid for: no statement is below the list's minimum."""
        return sum(billed_for(one, self.pricing) for one in self.shares)

    @property
    def price(self) -> float | None:
        """What that costs by the price list, free tiers left out; None without a list."""
        return price_of(self.billed, self.pricing)


def billed_for(processed: int, pricing: Pricing | None) -> int:
    """Return the bytes that one statement is billed for (BIGQUERY 87)."""
    return max(processed, pricing.minimum_bytes_per_query if pricing else 0)


def price_of(billed: int, pricing: Pricing | None) -> float | None:
    """Return what billed bytes cost, None without a price list."""
    return None if pricing is None else billed / TIB * pricing.scan_per_tib


@dataclass(frozen=True, slots=True)
class Allowed:
    """How much a command may spend: `bytes` billed, and `cost` by the price list; None without a bound."""

    bytes: int | None = None
    cost: float | None = None
    pricing: Pricing | None = None

    def require(self, bill: Bill, spent: int = 0) -> None:
        """Raise Refusal where a bill is more than may be spent, `spent` bytes among it."""
        billed = spent + bill.billed
        price, already = price_of(billed, self.pricing), f", {spent:,} bytes of it spent already" if spent else ""
        if self.bytes is not None and billed > self.bytes:
            raise Refusal(
                f"The backfill would process about {billed:,} bytes{already}; {self.bytes:,} are allowed.",
                remedy="Allow more with --max-bytes, or take fewer dates.",
            )
        if self.cost is not None and price is not None and self.pricing is not None and price > self.cost:
            cost = f"{price:.4f} {self.pricing.currency}"
            raise Refusal(
                f"The backfill would cost about {cost}{already}; {self.cost:g} is allowed.",
                remedy="Allow more with --max-cost, or take fewer dates.",
            )

    def require_rest(self, spent: int) -> None:
        """Raise Refusal where nothing is left to spend."""
        price = price_of(spent, self.pricing) or 0.0
        if (self.bytes is not None and spent >= self.bytes) or (self.cost is not None and spent and price >= self.cost):
            raise Refusal(
                f"The statements so far have processed {spent:,} bytes, all that may be spent.",
                remedy="Run it again to go on with as much once more; what is done is left alone.",
            )


@dataclass(frozen=True)
class Plan:
    """Every date from `start` to `end` with its task; `standings` has the dates that hold rows."""

    start: date
    end: date
    tasks: Mapping[date, Task]
    standings: Mapping[date, Standing]
    seconds_each: float | None = None

    @property
    def to_do(self) -> tuple[date, ...]:
        """The dates to score, the newest first: they are the ones that models read."""
        return tuple(sorted((day for day, task in self.tasks.items() if task is Task.DO), reverse=True))

    def rows(self, task: Task = Task.DO) -> int:
        """How many rows stand on the dates with that task."""
        return sum(self.standings[day].rows for day in self.dates(task) if day in self.standings)

    def dates(self, task: Task) -> tuple[date, ...]:
        """The dates with that task."""
        return tuple(day for day, one in self.tasks.items() if one is task)

    @property
    def seconds(self) -> float | None:
        """How long the rest takes at the pace so far; None before the first partition."""
        return None if self.seconds_each is None else self.seconds_each * len(self.to_do)


def plan_of(
    start: date,
    end: date,
    standings: Sequence[Standing],
    journal: Journal,
    *,
    run: str | None = None,
    only_stale: bool = False,
    retry_failed: bool = False,
) -> Plan:
    """Give every date its task. With `run`, only what that run did counts as done."""
    last, failures = journal.last(run), journal.failures(run)
    found = {one.day: one for one in standings}
    tasks = {}
    for day in _days(start, end):
        one = found.get(day)
        event = last.get(day)
        done = event is not None and event.event == Event.DONE
        if one is None:
            tasks[day] = Task.EMPTY
        elif one.repeated:
            tasks[day] = Task.REPEATED
        elif not one.sourced and not one.guessed:
            tasks[day] = Task.WITHOUT_SOURCES
        elif done and one.scored and not one.guessed and event is not None and event.rows == one.rows:
            tasks[day] = Task.DONE
        elif only_stale and one.scored and not one.stale:
            tasks[day] = Task.CURRENT
        elif failures.get(day, 0) >= ATTEMPTS and not retry_failed:
            tasks[day] = Task.SET_ASIDE
        else:
            tasks[day] = Task.DO
    return Plan(start, end, tasks, found, journal.seconds_each)


def _days(start: date, end: date) -> Iterator[date]:
    return map(date.fromordinal, range(start.toordinal(), end.toordinal() + 1))


def batches(days: Sequence[date], size: int) -> Iterator[tuple[date, ...]]:
    """Yield the days in batches."""
    for at in range(0, len(days), size):
        yield tuple(days[at : at + size])


def phases(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield the spans of a phased backfill: the last 7 days, the last 30, all of it (DOMAIN 13)."""
    for days in PHASES:
        begin = end - timedelta(days=days - 1)
        if begin > start:
            yield begin, end
    yield start, end
