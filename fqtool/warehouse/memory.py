"""A Warehouse that holds States and nothing else."""

from __future__ import annotations

from typing import Self

from fqtool.errors import StatementFailed
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.changes import CreateTable, DropView, PutView
from fqtool.table.model import State, Table, View
from fqtool.table.statement import Statement
from fqtool.warehouse.protocol import Outcome, Pace, Writing
from fqtool.warehouse.refused import changed
from fqtool.warehouse.table_named import table_of


class MemoryWarehouse:
    """Proves plans without any engine.

    What a statement says is folded into what stands, and refused where BigQuery would refuse it. It holds shapes, no
    rows: `rows` and `run(Query)` raise StatementFailed. Where rows matter, use DuckDB's `:memory:`. A job id done
    once is not done again.
    """

    pace: tuple[Pace, Pace] | None = None
    writing = Writing()

    def __init__(self, url: str = "memory:") -> None:
        self.url = url
        self._held: dict[str, Table | View] = {}
        self._jobs: set[str] = set()

    def describe(self, name: str) -> Table | View | None:
        """Return what stands under that name, or None."""
        return self._held.get(name)

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Raise StatementFailed: there are no rows here."""
        raise _no_rows(source)

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,  # noqa: ARG002  nothing is read, so no bound is ever met
    ) -> Outcome:
        """Fold a schema change into what stands. Raises StatementFailed and changes nothing where it does not fit."""
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
            if isinstance(change, PutView | DropView):
                if isinstance(found, Table):
                    raise StatementFailed(f"{name} is a table, not a view.")
            elif isinstance(found, View):
                raise StatementFailed(f"{name} is a view, not a table.")
            elif found is None and not isinstance(change, CreateTable):
                raise StatementFailed(f"There is no table {name}.")
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
