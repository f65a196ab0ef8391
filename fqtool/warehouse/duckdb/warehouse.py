"""The DuckDB warehouse: one file, one process, one transaction for each statement.

DuckDB is loaded, and the file opened, at the first call, so that the constructor is fast.
"""

from __future__ import annotations

import functools
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fqtool.errors import InputError, NoTable, StatementFailed
from fqtool.findings.remedy import commands
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.change_fields import AddField
from fqtool.table.change_rebuild import RenameTable, RowsChange
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import AddColumn, Change, CreateTable, SetType, fold, steps
from fqtool.table.ddl import Statement
from fqtool.table.model import State, Table, View
from fqtool.warehouse.protocol import Budget, Outcome, Pace, Writing
from fqtool.warehouse.refused import changed, check_kind, table_of

if TYPE_CHECKING:
    import duckdb

MEMORY = ":memory:"

# DuckDB makes these changes in a table with indexes.
_WITH_INDEXES = (AddColumn, CreateTable, PutView, DropView, RenameTable)


class DuckDBWarehouse:
    """A DuckDB file, or `:memory:`, that is used as a dataset.

    It returns the results and errors of BigQuery, with two differences: queries ignore the case of table and view
    names, and partitioning, clustering and options of a table are stored but not enforced. The first `run` creates the
    file. The file is locked for other processes until `close`. A read-only file is opened for reading.
    """

    pace: tuple[Pace, Pace] | None = None
    writing = Writing(exclusive=True)

    def __init__(self, path: str, url: str = "", *, any_default: bool = False) -> None:
        """Describe the database; nothing is opened.

        Args:
            path: The file, or `:memory:`.
            url: The URL of the target, for messages; by default made of the path.
            any_default: Accept a default that DuckDB cannot compute. It is remembered, and rows do not get it.
        """
        self.path = path
        self._any_default = any_default
        self.url = url or f"duckdb:///{path}"
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._is_placeholder = False
        self.budget: Budget | None = None

    def describe(self, name: str) -> Table | View | None:
        """Return the table or view with this name, or None.

        Details that DuckDB does not have are those that were written, while they still fit.

        Raises:
            Busy: Another process has the file open.
            WorldError: The file cannot be read.
        """
        connection = self._connection()
        with self._judged():
            return self._describe(connection, name)

    def _describe(self, connection: duckdb.DuckDBPyConnection, name: str) -> Table | View | None:
        from fqtool.warehouse.duckdb.catalog import describe

        return describe(connection, name)

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return the rows of a GoogleSQL query or of a table.

        TIMESTAMP is a datetime in UTC, NUMERIC a Decimal, ARRAY a tuple, STRUCT a dict, JSON its text.

        Raises:
            InputError: DuckDB would return another result than BigQuery.
            StatementFailed, NotThere, Busy: As in the protocol.
        """
        from fqtool.warehouse.duckdb.types import plain_rows

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
        max_bytes: int | None = None,  # noqa: ARG002  a local file has no cost
        rejoin: str = "",  # noqa: ARG002  a statement ends with its process
    ) -> Outcome:
        """Apply a schema change or run DML in one transaction, which records its details and its job too.

        A dry run of a schema change applies it and rolls it back; a dry run of a query only plans it.

        Raises:
            StatementFailed: DuckDB rejected the statement, or BigQuery would; the message has the reason.
            InputError, NotThere, Busy: As in `rows`.
        """
        from fqtool.warehouse.duckdb.session import done_before, note_job, planned_quickly, transaction

        connection = self._connection(writing=not dry_run)
        if dry_run and isinstance(work, Query):
            with self._judged():
                self._execute(connection, work, prefix="EXPLAIN ")
            return Outcome()
        with self._judged(), planned_quickly(connection), transaction(connection, keep=not dry_run):
            outcome = done_before(connection, job) if job is not None else None
            if outcome is None:
                if isinstance(work, Query):
                    outcome = Outcome(job, rows_changed=_count(self._execute(connection, work)))
                else:
                    self._change(connection, work)
                    outcome = Outcome(job)
                if job is not None:
                    note_job(connection, outcome)
        if isinstance(work, Statement) and not dry_run:
            self._translate_views(connection, work)
        return outcome

    def close(self) -> None:
        """Close the file and release its lock. A later call opens it again. The content of `:memory:` is lost."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return the open file, for writing."""
        return self._connection(writing=True)

    def _connection(self, *, writing: bool = False) -> duckdb.DuckDBPyConnection:
        from fqtool.warehouse.duckdb.creation import holds_nothing
        from fqtool.warehouse.duckdb.session import opened

        if self._opened is not None and self._is_placeholder and writing:
            self.close()
        if self._opened is None:
            self._is_placeholder = not writing and self.path != MEMORY and holds_nothing(Path(self.path))
            self._opened = opened(MEMORY if self._is_placeholder else self.path)
        return self._opened

    def _judged(self) -> Any:
        from fqtool.warehouse.duckdb.session import judged

        return judged(self.path)

    def _execute(self, connection: duckdb.DuckDBPyConnection, query: Query, prefix: str = "") -> Any:
        from fqtool.warehouse.duckdb.catalog import schemas
        from fqtool.warehouse.duckdb.transpile.dialect import tables_in, transpiled
        from fqtool.warehouse.duckdb.types import bound

        statement = transpiled(query.sql, schemas(connection, tables_in(query.sql)))
        missing = statement.parameters - {name for name, _ in query.parameters}
        if missing:
            raise InputError(f"The query uses the parameter @{', @'.join(sorted(missing))}, which has no value.")
        return connection.execute(prefix + statement.sql, bound(query.parameters, statement.parameters))

    def _whole(self, connection: duckdb.DuckDBPyConnection, source: WholeTable) -> str:
        from fqtool.warehouse.duckdb.types import quoted

        table = self._describe(connection, source.name)
        if not isinstance(table, Table):
            raise NoTable(
                f"There is no table {source.name} in {self.path}.",
                remedy=commands("migrate", first="Check the name, or create it:"),
            )
        missing = [name for name in source.columns if not table.find(name)]
        if not set(missing) <= set(source.added):
            raise StatementFailed(f"The table {source.name} has no column {', '.join(missing)}.")
        values = {name: "NULL" if name in missing else quoted(name) for name in source.columns}
        columns = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
        return f"SELECT {columns} FROM {quoted(source.name)}"

    def _change(self, connection: duckdb.DuckDBPyConnection, statement: Statement) -> None:
        """Apply the changes one by one, each to the state after the last, and store their details."""
        from fqtool.warehouse.duckdb.catalog import remember
        from fqtool.warehouse.duckdb.copied_rows import copy_or_compare
        from fqtool.warehouse.duckdb.rebuild import indexes_aside

        if not statement.changes:
            raise InputError(f"{' '.join(statement.sql.split())[:60]!r} has no change to apply.")
        if isinstance(statement.changes[0], RowsChange):
            copy_or_compare(connection, statement.changes[0])
            return
        name = table_of(statement.sql, statement.changes[0])
        live = self._describe(connection, name)
        check_kind(name, live, statement.changes[0])
        before = State(views=(live,)) if isinstance(live, View) else State(live)
        after = changed(before, statement.changes)
        in_place = all(isinstance(change, _WITH_INDEXES) for change in statement.changes)
        with nullcontext() if in_place else indexes_aside(connection, name):
            _make(connection, name, before, self._accepted(statement.changes))
        remember(connection, name, after.table or next(iter(after.views), None))
        for renamed in after.beside:
            remember(connection, renamed.name, renamed)

    def _accepted(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        from fqtool.warehouse.duckdb.ddl import with_computable_defaults

        return tuple(map(with_computable_defaults, changes)) if self._any_default else changes

    def _translate_views(self, connection: duckdb.DuckDBPyConnection, statement: Statement) -> None:
        """Translate the views of a table again, because a translation depends on the types of columns.

        A view that the table no longer fits is left as it is, as on BigQuery, where it fails until it is replaced.
        """
        from fqtool.warehouse.duckdb.catalog import remember, views_of
        from fqtool.warehouse.duckdb.session import transaction

        if not any(isinstance(change, SetType | AddField | RenameTable) for change in statement.changes):
            return
        first = statement.changes[0]
        name = first.to if isinstance(first, RenameTable) else table_of(statement.sql, first)
        for view in views_of(connection, name):
            with suppress(InputError, StatementFailed), self._judged(), transaction(connection, keep=True):
                _make(connection, view.name, State(views=(view,)), (PutView(view),))
                remember(connection, view.name, view)


def _make(connection: duckdb.DuckDBPyConnection, name: str, before: State, changes: tuple[Change, ...]) -> None:
    from fqtool.warehouse.duckdb.catalog import query_in_duckdb
    from fqtool.warehouse.duckdb.ddl import ddl
    from fqtool.warehouse.duckdb.rebuild import adds_many, rebuild

    for step in steps(changes):
        if before.table is None or not adds_many(before.table, step) or not rebuild(connection, before.table, step):
            for change in step:
                column = before.column(next(iter(change.touched), ""))
                for text in ddl(name, change, column, functools.partial(query_in_duckdb, connection)):
                    connection.execute(text)
        before = fold(before, step)


def _count(result: Any) -> int | None:
    """Return the number of rows that DML changed, which is its result on DuckDB."""
    names = [column[0] for column in result.description or ()]
    row = result.fetchone()
    return int(row[0]) if names == ["Count"] and row else None
