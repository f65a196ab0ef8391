"""Warehouse: three methods, the only door to the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from fqtool.sql import Query, Value, WholeTable
from fqtool.table.model import Table, View
from fqtool.table.statement import Statement


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many `operations` on one table within `seconds`."""

    operations: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Writing:
    """How DML on one table goes best: so many statements `at_once`, and no more than `pace` (BIGQUERY 41)."""

    at_once: int = 1
    pace: Pace | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: the job's id, bytes it processed (or would), rows it changed; None where unknown."""

    job: str | None = None
    bytes_processed: int | None = None
    rows_changed: int | None = None


class Warehouse(Protocol):
    """A dataset somewhere. Every method raises only the errors of `fqtool.errors`.

    `url` names it to people, without secrets. `pace` bounds metadata updates of a (standard, partitioned) table,
    None where there is no such limit (BIGQUERY 38); `writing` bounds DML.
    """

    url: str
    pace: tuple[Pace, Pace] | None
    writing: Writing

    def describe(self, name: str) -> Table | View | None:
        """Return what stands under that name, or None if nothing does. One metadata call, no query.

        Raises NotThere for an absent project or dataset, Denied, Unreachable, Throttled: never None for these.
        """
        ...

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return rows as dicts in the result's column order. TIMESTAMPs are aware UTC datetimes."""
        ...

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,
    ) -> Outcome:
        """Make a schema change or run DML. With `job`, the work is done at most once under that id.

        Raises StatementFailed with the warehouse's own words; nothing is half done: a statement is atomic.
        """
        ...

    def close(self) -> None:
        """Release locks and connections."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
