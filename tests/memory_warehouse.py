"""A Warehouse that holds States and nothing else."""

from __future__ import annotations

from typing import Self

from fqtool.errors import NoTable, StatementFailed
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.ddl import Statement
from fqtool.table.model import State, Table, View
from fqtool.warehouse.protocol import Budget, Outcome, Pace, Writing
from fqtool.warehouse.refused import changed, check_kind, table_of


class MemoryWarehouse:
    """Proves plans without any engine.

    A statement's changes are applied to the state, and refused where BigQuery would refuse them. It holds shapes, no
    rows: `rows` and `run(Query)` raise StatementFailed. Where rows matter, use DuckDB's `:memory:`. A job id done
    once is not done again.
    """

    pace: tuple[Pace, Pace] | None = None
    writing = Writing()

    def __init__(self, url: str = "memory:") -> None:
        self.url = url
        self.budget: Budget | None = None
        self._held: dict[str, Table | View] = {}
        self._jobs: set[str] = set()

    def describe(self, name: str) -> Table | View | None:
        """Return the table or view of that name, or None."""
        return self._held.get(name)

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Raise NoTable for a table that does not exist, else StatementFailed: there are no rows here."""
        if isinstance(source, WholeTable) and source.name not in self._held:
            raise NoTable(f"There is no table {source.name} in {self.url}.")
        raise _no_rows(source)

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,  # noqa: ARG002  nothing is read, so no bound is ever met
        rejoin: str = "",  # noqa: ARG002  a statement ends with its process
    ) -> Outcome:
        """Apply a schema change to the state. Raises StatementFailed and changes nothing where it does not fit."""
        if isinstance(work, Query):
            raise _no_rows(work)
        if job in self._jobs:
            return Outcome(job)
        after = self._after(work)
        if not dry_run:
            self._held = after
            self._jobs |= {job} if job else set()
        return Outcome(job)

    def _after(self, statement: Statement) -> dict[str, Table | View]:
        held = dict(self._held)
        for change in statement.changes:
            name = table_of(statement.sql, change)
            found = held.get(name)
            check_kind(name, found, change)
            before = State(views=(found,)) if isinstance(found, View) else State(found)
            state = changed(before, (change,))
            held.pop(name, None)
            held |= {one.name: one for one in (state.table, *state.views) if one}
        return held

    def close(self) -> None:
        """Hold on to everything: there is no connection."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _no_rows(what: Query | WholeTable) -> StatementFailed:
    asked = what.name if isinstance(what, WholeTable) else " ".join(what.sql.split())[:60]
    return StatementFailed(
        f"The warehouse in memory holds shapes and no rows, and was asked: {asked}.",
        remedy="Use DuckDB's duckdb:///:memory: where rows matter.",
    )
