"""A warehouse that wraps another one and reports each request when it ends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, Self, runtime_checkable

from fqtool.sql import Query, Value, WholeTable
from fqtool.table.ddl import Statement
from fqtool.table.model import Table, View
from fqtool.warehouse.protocol import Budget, Outcome, Warehouse

OK = "ok"
_COMMENTS = re.compile(r"--[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)
_TWO_WORDS = ("ALTER", "CREATE", "DROP")
_HTTP_ERROR = 400


@dataclass(slots=True)
class Request:
    """A request, its duration and its outcome.

    `kind` is describe, rows, run or stage, or http for one exchange of a request. `what` is the name of a table, the
    first word of a statement, or an HTTP method and path: never SQL text, which contains values. `bytes` were
    processed, or estimated in a dry run; `rows` were read or changed; None if unknown. `outcome` is `ok`, the class of
    the error, or `HTTP` and a status.
    """

    target: str
    kind: str
    what: str
    dry_run: bool = False
    job: str | None = None
    bytes: int | None = None
    rows: int | None = None
    outcome: str = OK
    milliseconds: float = 0.0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))


class Listener(Protocol):
    """Receives the events inside a warehouse."""

    def job(self, name: str, processed: int | None = None) -> None:
        """A job was sent, or has ended and processed some bytes."""
        ...

    def exchange(self, method: str, path: str, seconds: float, outcome: int | BaseException) -> None:
        """An HTTP exchange ended after some seconds with a status or an error. `path` has no query string."""
        ...


@runtime_checkable
class Audible(Protocol):
    """A warehouse that reports its events to a listener."""

    listener: Listener | None


class TracedWarehouse:
    """Passes every call to the wrapped warehouse, and reports each request once, successful or not."""

    def __init__(self, inner: Warehouse, report: Callable[[Request], None]) -> None:
        self.inner = inner
        self.url = inner.url
        self.pace = inner.pace
        self.writing = inner.writing
        self._report = report
        self._current: Request | None = None
        if isinstance(inner, Audible):
            inner.listener = self

    @property
    def budget(self) -> Budget | None:
        """The budget of the wrapped warehouse."""
        return self.inner.budget

    @budget.setter
    def budget(self, budget: Budget | None) -> None:
        self.inner.budget = budget

    def describe(self, name: str) -> Table | View | None:
        """Return the result of the wrapped warehouse."""
        with self._traced("describe", name):
            return self.inner.describe(name)

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return the result of the wrapped warehouse."""
        subject = source.name if isinstance(source, WholeTable) else statement_kind(source.sql)
        with self._traced("rows", subject) as request:
            rows = self.inner.rows(source)
            request.rows = len(rows)
            return rows

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,
        rejoin: str = "",
    ) -> Outcome:
        """Run the work on the wrapped warehouse."""
        with self._traced("run", statement_kind(work.sql)) as request:
            request.dry_run, request.job = dry_run, job
            done = self.inner.run(work, job=job, dry_run=dry_run, max_bytes=max_bytes, rejoin=rejoin)
            request.job = done.job or request.job
            request.bytes, request.rows = done.bytes_processed, done.rows_changed
            return done

    def job(self, name: str, processed: int | None = None) -> None:
        """Add the id of a job and the bytes it processed to the current request."""
        if self._current is not None:
            self._current.job = name
            self._current.bytes = processed

    def exchange(self, method: str, path: str, seconds: float, outcome: int | BaseException) -> None:
        """Report an HTTP exchange of a request."""
        request = Request(self.url, "http", f"{method} {path}", milliseconds=seconds * 1000)
        match = re.search(r"/(?:jobs|queries)/([\w-]+)", path)
        request.job = match[1] if match else None
        if isinstance(outcome, BaseException):
            request.outcome = type(outcome).__name__
        elif outcome >= _HTTP_ERROR:
            request.outcome = f"HTTP {outcome}"
        self._report(request)

    @contextmanager
    def _traced(self, kind: str, subject: str) -> Iterator[Request]:
        request = self._current = Request(self.url, kind, subject)
        start = time.perf_counter()
        try:
            yield request
        except BaseException as error:
            request.outcome = type(error).__name__
            raise
        finally:
            request.milliseconds = (time.perf_counter() - start) * 1000
            self._current = None
            self._report(request)

    def close(self) -> None:
        """Close the wrapped warehouse."""
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def statement_kind(sql: str) -> str:
    """Return the kind of a statement without its values: SELECT, MERGE, ALTER TABLE."""
    words = _COMMENTS.sub(" ", sql).split(maxsplit=4)[:4]
    plain = [word.upper() for word in words]
    if plain[:1] == ["WITH"]:
        return "SELECT"
    if plain[:3] == ["CREATE", "OR", "REPLACE"]:
        return " ".join(plain)
    kept = plain[: 2 if plain[:1] and plain[0] in _TWO_WORDS else 1]
    return " ".join(kept) if kept and all(word.isalpha() for word in kept) else "statement"
