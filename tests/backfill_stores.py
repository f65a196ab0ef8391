"""A store of twelve past dates to fill: what tests of a backfill share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Self

import pytest

from fqtool.commands.backfill.journal import ROWS, Entry, entries_of
from fqtool.commands.backfill.partition_runner import PartitionRunner
from fqtool.commands.backfill.plan import Plan
from fqtool.commands.backfill.run import BackfillResult, Options, plan_backfill
from fqtool.schema.build import desired_table
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.ddl import Statement
from fqtool.warehouse.protocol import Budget, Outcome, Warehouse
from fqtool.warehouse.target import open_target
from tests.unscored_store import END, NOW, START, past_registry, store


@pytest.fixture
def place(warehouse: Warehouse) -> Warehouse:
    """A store of 12 past dates."""
    store(warehouse, 12, 4)
    return warehouse


@pytest.fixture
def small() -> Iterator[Warehouse]:
    """The same in memory."""
    with open_target("duckdb:///:memory:") as opened:
        store(opened, 12, 4)
        yield opened


def rows_of(warehouse: Warehouse) -> list[dict[str, Value]]:
    """The whole table in order."""
    names = [one.name for one in desired_table(past_registry()).columns]
    found = warehouse.rows(WholeTable("store", tuple(names)))
    return sorted(found, key=lambda row: (str(row["day"]), str(row["item"])))


def done_days(result: BackfillResult) -> list[str]:
    """The dates done, in order."""
    return [partition.entry.day for partition in result.partitions if not partition.failed]


def events(warehouse: Warehouse) -> tuple[Entry, ...]:
    """The journal."""
    return entries_of(warehouse.rows(ROWS))


def planned(warehouse: Warehouse, **more: Any) -> Plan:
    """The plan for all of it."""
    return plan_backfill(past_registry(), warehouse, Options(**{"start": START, "end": END} | more), NOW)[0]


def put(warehouse: Warehouse, item: str, day: date, labels: str | None = '{"0":"good"}') -> None:
    """One more row, as a daily writer would write it."""
    warehouse.run(
        Query(
            "INSERT INTO store (item, day, vector, labels) VALUES (@item, @day, [1.0, 2.0, 3.0], @labels)",
            (("item", item), ("day", day), ("labels", labels)),
        )
    )


def scores(merge: Query, day: date) -> bool:
    """Whether a statement scores that date, alone or with its neighbours."""
    dates = re.findall(r"DATE '(\d{4}-\d\d-\d\d)'", merge.sql)
    return min(dates) <= str(day) <= max(dates)


class Failing:
    """A warehouse that fails the statement of some dates, so many times."""

    def __init__(self, inner: Warehouse, days: Sequence[date], times: int, error: BaseException) -> None:
        self.inner, self.left, self.error = inner, dict.fromkeys(days, times), error
        self.url, self.pace, self.writing = inner.url, inner.pace, inner.writing
        self.budget: Budget | None = None
        self.describe, self.rows, self.close = inner.describe, inner.rows, inner.close

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Fail or pass on."""
        for day, left in self.left.items():
            if left and isinstance(work, Query) and work.sql.startswith("MERGE `store`") and scores(work, day):
                self.left[day] -= 1
                raise self.error
        return self.inner.run(work, **how)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The inner one is closed by whoever opened it."""


def unhurried(runner: PartitionRunner) -> None:
    """Do not wait between attempts."""
    runner.sleep = lambda _: None


def clock_at(moment: datetime) -> Any:
    """Stop a runner's clock at a moment."""

    def set_clock(runner: PartitionRunner) -> None:
        runner.clock = lambda: moment

    return set_clock
