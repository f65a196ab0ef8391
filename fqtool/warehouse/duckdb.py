"""DuckDB as a Warehouse: one file, one process, each piece of work one transaction.

DuckDB is loaded and the file opened at the first call, so that constructing costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fqtool.errors import InputError, NotThere, StatementFailed
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.changes import AddColumn, Change, CreateTable, DropView, PutView, SetType, fold, steps, touched
from fqtool.table.model import State, Table, View
from fqtool.table.statement import Statement
from fqtool.warehouse.protocol import Outcome, Pace, Writing
from fqtool.warehouse.refused import changed
from fqtool.warehouse.table_named import table_of

if TYPE_CHECKING:
    import duckdb

MEMORY = ":memory:"


class DuckDBWarehouse:
    """One DuckDB file, or `:memory:`, standing in for a dataset.

    It answers and refuses as BigQuery does. Two things differ: names of tables and views compare without case in
    queries, and the layout and options of a table are remembered, not enforced. The file is created by the first
    `run`; until then everything in it is absent. It stays locked for other processes until `close`. A file that may
    only be read is opened for reading.
    """

    pace: tuple[Pace, Pace] | None = None
    writing = Writing()

    def __init__(self, path: str, url: str = "") -> None:
        self.path = path
        self.url = url or f"duckdb:///{path}"
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._stands_in = False

    def describe(self, name: str) -> Table | View | None:
        """Return the table or view of that name, or None.

        What DuckDB holds is told as it stands; what it cannot hold as it was written, while it still fits. Raises
        Busy, WorldError.
        """
        connection = self._connection()
        with self._judged():
            return self._describe(connection, name)

    def _describe(self, connection: duckdb.DuckDBPyConnection, name: str) -> Table | View | None:
        from fqtool.warehouse.duckdb_catalog import describe

        return describe(connection, name)

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return a GoogleSQL query's rows, or a table's.

        TIMESTAMP is an aware UTC datetime, NUMERIC a Decimal, ARRAY a tuple, STRUCT a dict, JSON its text. Raises
        InputError for what DuckDB would answer otherwise than BigQuery, StatementFailed, NotThere, Busy.
        """
        from fqtool.warehouse.duckdb_values import plain_rows

        connection = self._connection()
        with self._judged():
            if isinstance(source, Query):
                result = self._execute(connection, source)
            else:
                result = connection.execute(self._whole(connection, source))
            names = [column[0] for column in result.description or ()]
            if len({name.lower() for name in names}) < len(names):
                raise StatementFailed("Duplicate column names in the result are not supported.")
            return plain_rows(names, result.fetchall())

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,  # noqa: ARG002  reading a local file costs nothing
    ) -> Outcome:
        """Make a schema change or run DML in one transaction, the note of its details and of its job in it.

        A dry run of a schema change does it and takes it back; of a query it plans it. Raises StatementFailed with
        DuckDB's words or the reason BigQuery would give, InputError, NotThere, Busy.
        """
        from fqtool.warehouse.duckdb_session import done_before, note_job, planned_quickly, transaction

        connection = self._connection(writing=not dry_run)
        if dry_run and isinstance(work, Query):
            with self._judged():
                self._execute(connection, work, prefix="EXPLAIN ")
            return Outcome()
        with self._judged(), planned_quickly(connection), transaction(connection, keep=not dry_run):
            if job is not None and (done := done_before(connection, job)):
                return done
            if isinstance(work, Query):
                outcome = Outcome(job, rows_changed=_count(self._execute(connection, work)))
            else:
                self._change(connection, work)
                outcome = Outcome(job)
            if job is not None:
                note_job(connection, outcome)
        return outcome

    def close(self) -> None:
        """Close the file and give up its lock; a later call opens it again. What was in `:memory:` is gone."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return the open file, to be written to."""
        return self._connection(writing=True)

    def _connection(self, *, writing: bool = False) -> duckdb.DuckDBPyConnection:
        from fqtool.warehouse.duckdb_session import opened

        if self._opened is not None and self._stands_in and writing:
            self.close()
        if self._opened is None:
            self._stands_in = not writing and self.path != MEMORY and not Path(self.path).exists()
            self._opened = opened(MEMORY if self._stands_in else self.path)
        return self._opened

    def _judged(self) -> Any:
        from fqtool.warehouse.duckdb_errors import judged

        return judged(self.path)

    def _execute(self, connection: duckdb.DuckDBPyConnection, query: Query, prefix: str = "") -> Any:
        from fqtool.warehouse.duckdb_catalog import schemas
        from fqtool.warehouse.duckdb_dialect import tables_in, transpiled
        from fqtool.warehouse.duckdb_values import bound

        said = transpiled(query.sql, schemas(connection, tables_in(query.sql)))
        missing = said.parameters - {name for name, _ in query.parameters}
        if missing:
            raise InputError(f"The query uses @{', @'.join(sorted(missing))} and is given no such parameter.")
        return connection.execute(prefix + said.sql, bound(query.parameters, said.parameters))

    def _whole(self, connection: duckdb.DuckDBPyConnection, source: WholeTable) -> str:
        from fqtool.warehouse.duckdb_types import quoted

        found = self._describe(connection, source.name)
        if not isinstance(found, Table):
            raise NotThere(
                f"There is no table {source.name} in {self.path}.",
                remedy="Check the name, or create it with `fqtool migrate`.",
            )
        missing = [name for name in source.columns if not found.find(name)]
        if missing:
            raise StatementFailed(f"The table {source.name} has no column {', '.join(missing)}.")
        columns = ", ".join(f"{quoted(name)} AS {quoted(name)}" for name in source.columns)
        return f"SELECT {columns} FROM {quoted(source.name)}"

    def _change(self, connection: duckdb.DuckDBPyConnection, statement: Statement) -> None:
        """Make the changes one by one, each against what then stands, and note their details."""
        from fqtool.warehouse.duckdb_catalog import remember, views_of

        if not statement.changes:
            raise InputError(f"{' '.join(statement.sql.split())[:60]!r} says no change that could be made.")
        name = table_of(statement.sql, statement.changes[0])
        found = self._describe(connection, name)
        _check_kind(name, found, statement.changes[0])
        before = State(views=(found,)) if isinstance(found, View) else State(found)
        after = changed(before, statement.changes)
        with _indexes_aside(connection, name, statement.changes):
            _make(connection, name, before, statement.changes)
        remember(connection, name, after.table or next(iter(after.views), None))
        if any(isinstance(change, SetType) for change in statement.changes):
            # What a view's text means in DuckDB's SQL depends on the types under it.
            for view in views_of(connection, name):
                _make(connection, view.name, State(views=(view,)), (PutView(view),))
                remember(connection, view.name, view)


def _make(connection: duckdb.DuckDBPyConnection, name: str, before: State, changes: tuple[Change, ...]) -> None:
    from fqtool.warehouse.duckdb_catalog import query_in_duckdb
    from fqtool.warehouse.duckdb_ddl import ddl

    for step in steps(changes):
        for change in step:
            about = touched(change)
            column = before.table.find(about[0]) if before.table and about else None
            mode = column.mode if column else None
            for text in ddl(name, change, mode, functools.partial(query_in_duckdb, connection)):
                connection.execute(text)
        before = fold(before, step)


def _check_kind(name: str, found: Table | View | None, change: Change) -> None:
    """A view is not altered as a table, nor a table replaced by a view."""
    if isinstance(change, PutView | DropView):
        if isinstance(found, Table):
            raise StatementFailed(f"{name} is a table, not a view.")
    elif isinstance(found, View):
        raise StatementFailed(f"{name} is a view, not a table.")
    elif found is None and not isinstance(change, CreateTable):
        raise StatementFailed(f"There is no table {name}.")


@contextmanager
def _indexes_aside(connection: duckdb.DuckDBPyConnection, name: str, changes: tuple[Change, ...]) -> Iterator[None]:
    """Put the table's indexes back afterwards: DuckDB alters no table that an index stands on."""
    from fqtool.warehouse.duckdb_types import quoted

    aside: list[tuple[str, str]] = []
    if not all(isinstance(change, AddColumn | CreateTable | PutView | DropView) for change in changes):
        aside = connection.execute(
            "SELECT index_name, sql FROM duckdb_indexes() WHERE table_name = $name AND sql IS NOT NULL "
            "AND database_name = current_database() AND schema_name = current_schema()",
            {"name": name},
        ).fetchall()
    for index, _ in aside:
        connection.execute(f"DROP INDEX {quoted(index)}")
    yield
    for _, text in aside:
        connection.execute(text)


def _count(result: Any) -> int | None:
    """Return how many rows DML changed, which is what DuckDB answers to it."""
    names = [column[0] for column in result.description or ()]
    row = result.fetchone()
    return int(row[0]) if names == ["Count"] and row else None
