"""A warehouse around another one, which tells each request as it ends. Put there only when somebody listens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, Self, runtime_checkable

from fqtool.sql import Query, Value, WholeTable
from fqtool.table.model import Table, View
from fqtool.table.statement import Statement
from fqtool.warehouse.protocol import Outcome, Warehouse

OK = "ok"
_COMMENTS = re.compile(r"--[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)
_TWO_WORDS = ("ALTER", "CREATE", "DROP")
_HTTP_ERROR = 400


@dataclass(slots=True)
class Request:
    """One request: what was asked, how long it took, what came of it.

    `kind` is describe, rows or run, or http for one exchange beneath them. `what` is a table's name, a statement's
    first word, or an HTTP method and path: never SQL text, which holds values. `bytes` are those that the query
    processed, or would in a dry run; `rows` were read or changed; None where unknown. `outcome` is `ok`, the class
    of the error, or `HTTP` and a status.
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
    """What a warehouse may tell of its inside."""

    def job(self, name: str, processed: int | None = None) -> None:
        """A job of that id was sent, or has ended and processed so many bytes."""
        ...

    def exchange(self, method: str, path: str, seconds: float, outcome: int | BaseException) -> None:
        """An HTTP exchange ended after so many seconds with a status or an error. `path` has no query string."""
        ...


@runtime_checkable
class Audible(Protocol):
    """A warehouse that tells of its inside where somebody listens."""

    listener: Listener | None


class ToldWarehouse:
    """Does what the warehouse inside does, and tells each request once, whether it succeeded or failed."""

    def __init__(self, inner: Warehouse, tell: Callable[[Request], None]) -> None:
        self.inner = inner
        self.url = inner.url
        self.pace = inner.pace
        self.writing = inner.writing
        self._tell = tell
        self._current: Request | None = None
        if isinstance(inner, Audible):
            inner.listener = self

    def describe(self, name: str) -> Table | View | None:
        """Return what the warehouse inside returns."""
        with self._told("describe", name):
            return self.inner.describe(name)

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return what the warehouse inside returns."""
        what = source.name if isinstance(source, WholeTable) else statement_kind(source.sql)
        with self._told("rows", what) as request:
            found = self.inner.rows(source)
            request.rows = len(found)
            return found

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,
    ) -> Outcome:
        """Do what the warehouse inside does."""
        with self._told("run", statement_kind(work.sql)) as request:
            request.dry_run, request.job = dry_run, job
            done = self.inner.run(work, job=job, dry_run=dry_run, max_bytes=max_bytes)
            request.job = done.job or request.job
            request.bytes, request.rows = done.bytes_processed, done.rows_changed
            return done

    def job(self, name: str, processed: int | None = None) -> None:
        """Take the id of a job, and the bytes it processed, into the request that is under way."""
        if self._current is not None:
            self._current.job = name
            self._current.bytes = processed

    def exchange(self, method: str, path: str, seconds: float, outcome: int | BaseException) -> None:
        """Tell an HTTP exchange beneath a request."""
        request = Request(self.url, "http", f"{method} {path}", milliseconds=seconds * 1000)
        found = re.search(r"/(?:jobs|queries)/([\w-]+)", path)
        request.job = found[1] if found else None
        if isinstance(outcome, BaseException):
            request.outcome = type(outcome).__name__
        elif outcome >= _HTTP_ERROR:
            request.outcome = f"HTTP {outcome}"
        self._tell(request)

    @contextmanager
    def _told(self, kind: str, what: str) -> Iterator[Request]:
        request = self._current = Request(self.url, kind, what)
        start = time.perf_counter()
        try:
            yield request
        except BaseException as error:
            request.outcome = type(error).__name__
            raise
        finally:
            request.milliseconds = (time.perf_counter() - start) * 1000
            self._current = None
            self._tell(request)

    def close(self) -> None:
        """Close the warehouse inside."""
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def statement_kind(sql: str) -> str:
    """Return the words that say what a statement does, SELECT, MERGE, ALTER TABLE, and nothing of its values."""
    words = _COMMENTS.sub(" ", sql).split(maxsplit=4)[:4]
    plain = [word.upper() for word in words]
    if plain[:1] == ["WITH"]:
        return "SELECT"
    if plain[:3] == ["CREATE", "OR", "REPLACE"]:
        return " ".join(plain)
    kept = plain[: 2 if plain[:1] and plain[0] in _TWO_WORDS else 1]
    return " ".join(kept) if kept and all(word.isalpha() for word in kept) else "statement"
