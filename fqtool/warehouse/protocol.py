"""The protocol of a warehouse, and the budget of bytes that a command may be billed for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from fqtool.errors import NotThere
from fqtool.findings.remedy import commands
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.ddl import Statement
from fqtool.table.model import Table, View

# BigQuery bills at least this many bytes for each table that a query references.
MINIMUM = 10 * 2**20
MINIMUM_BILLED = f"BigQuery bills at least {MINIMUM:,} bytes for each table that a query reads."


@dataclass
class Budget:
    """A limit of bytes billed. `spent` are used, and `keep` are reserved for the last statements.

    BigQuery rejects a statement that would exceed the rest before it runs, and bills nothing for it.
    """

    limit: int
    keep: int = 0
    spent: int = 0

    @property
    def left(self) -> int:
        """Bytes that the next statement may be billed for; at least 1, with which only a query without tables runs."""
        return max(self.limit - self.spent - self.keep, 1)

    def pay(self, billed: int | None, processed: int | None) -> None:
        """Add the bytes of a statement to `spent`.

        Args:
            billed: Bytes billed; None if the warehouse does not report them.
            processed: Bytes processed, from which unknown billed bytes follow.
        """
        self.spent += billed if billed is not None else max(processed, MINIMUM) if processed else 0


@contextmanager
def within(warehouse: Warehouse, budget: Budget | None) -> Iterator[None]:
    """Apply a budget to every statement of a warehouse in a block. None sets no limit."""
    before, warehouse.budget = warehouse.budget, budget
    try:
        yield
    finally:
        warehouse.budget = before


def limited(max_bytes: int | None) -> Budget | None:
    """Return a budget of bytes; None without a limit."""
    return None if max_bytes is None else Budget(max_bytes)


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `operations` on one table within `seconds`."""

    operations: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Writing:
    """The limit for DML on one table: at most `pace` (bigquery.md#dml).

    `exclusive` is whether only one process at a time can open the dataset.
    """

    pace: Pace | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run: id of the job, bytes processed (in a dry run: estimated), rows changed; None if unknown.

    Instead of the id of a job, a change by tables.patch has the etag of the table after it.
    """

    job: str | None = None
    bytes_processed: int | None = None
    rows_changed: int | None = None

    def share(self, rows: int, of: int) -> Outcome:
        """Return the part of a statement over several dates that falls to one of them.

        Args:
            rows: The rows of the date.
            of: The rows of all dates of the statement.
        """

        def part(number: int | None) -> int | None:
            return number if number is None or rows == of else round(number * rows / of)

        return Outcome(self.job, part(self.bytes_processed), part(self.rows_changed))


class Warehouse(Protocol):
    """A dataset. Every method raises only the errors of `fqtool.errors`.

    `url` is its URL for messages, without secrets. `pace` limits metadata updates of a (standard, partitioned) table;
    None: no limit (bigquery.md#metadata). `writing` limits DML. `budget` limits the bytes billed, if statements are
    billed.
    """

    url: str
    pace: tuple[Pace, Pace] | None
    writing: Writing
    budget: Budget | None

    def describe(self, name: str) -> Table | View | None:
        """Return the table or view with this name, or None if it does not exist. One metadata request, no query.

        Raises:
            NotThere: The project or dataset does not exist.
            Denied: A permission is missing.
            Unreachable: There is no answer.
            Throttled: A rate limit is exceeded.
        """
        ...

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return rows as dicts in the column order of the result. TIMESTAMPs are datetimes in UTC.

        Raises:
            NoTable: The table of a `WholeTable` does not exist.
        """
        ...

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,
        rejoin: str = "",
    ) -> Outcome:
        """Apply a schema change or run DML. A statement is atomic.

        Args:
            work: The statement.
            job: An id under which the work is done at most once.
            dry_run: Whether to only check the statement and estimate its bytes.
            max_bytes: The most bytes that the statement may be billed for.
            rejoin: The name of the table that DML changes. If an earlier process left a job of the same statement
                running, and the table was not changed since it started, wait for that job instead.

        Raises:
            StatementFailed: The warehouse rejected the statement; the message has its words.
        """
        ...

    def close(self) -> None:
        """Release locks and connections."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def no_table(name: str, url: str) -> NotThere:
    """Return the error for a table that a migration would create."""
    path = url.removeprefix("duckdb:///")
    if path not in (url, ":memory:") and not Path(path).exists():
        remedy = commands("migrate", first="Correct --target. Or create the file and the table:")
        return NotThere(f"There is no table {name} in {url}: the file does not exist.", remedy=remedy)
    return NotThere(f"There is no table {name} in {url}.", remedy=commands("migrate"))


def existing_table(warehouse: Warehouse, name: str) -> Table:
    """Return a table as it exists. Raises NotThere for an absent table and for a view."""
    table = warehouse.describe(name)
    if not isinstance(table, Table):
        raise no_table(name, warehouse.url)
    return table


@dataclass(frozen=True, slots=True)
class UnfinishedJob:
    """A job that is still running after Ctrl-C: its id, and the command that cancels it."""

    id: str
    cancel: str


@dataclass
class Waiting:
    """How a warehouse waits for jobs.

    Args:
        longest: The longest wait for a job, in seconds.
        report: Prints a line of progress.
        cancels: Decides at Ctrl-C whether to cancel the job; otherwise it continues to run.
        unfinished: The jobs that are waited for now, by id. The jobs of other threads continue to run without a
            question. The location of a job may become known only while it runs.
    """

    longest: float = 600.0
    report: Callable[[str], None] = lambda _: None
    cancels: Callable[[UnfinishedJob], bool] = lambda _: False
    unfinished: dict[str, Callable[[], UnfinishedJob]] = field(default_factory=dict)


@runtime_checkable
class Patient(Protocol):
    """A warehouse that waits for remote jobs."""

    waiting: Waiting
