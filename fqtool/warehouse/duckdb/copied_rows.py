"""The statements about rows of a rebuild on DuckDB, each in the transaction of its caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.errors import StatementFailed
from fqtool.table.change_rebuild import CopyRows, RowsChange
from fqtool.table.rebuild_sql import source_query, target_query
from fqtool.warehouse.duckdb.catalog import schemas
from fqtool.warehouse.duckdb.transpile.dialect import tables_in, to_duckdb
from fqtool.warehouse.duckdb.types import quoted

if TYPE_CHECKING:
    import duckdb


def copy_or_compare(connection: duckdb.DuckDBPyConnection, change: RowsChange) -> None:
    """Copy the rows, or compare them.

    Raises:
        StatementFailed: The new table has other rows than the old one.
    """
    if isinstance(change, CopyRows):
        names = ", ".join(quoted(name) for name, _ in change.columns)
        connection.execute(f"DELETE FROM {quoted(change.target)}")
        rows = _translated(connection, source_query(change))
        connection.execute(f"INSERT INTO {quoted(change.target)} ({names}) {rows}")
        return
    old, new = (
        connection.execute(f"SELECT count(*), sum(hash(r)) FROM ({_translated(connection, query)}) AS r").fetchone()
        for query in (source_query(change), target_query(change))
    )
    if old != new:
        raise StatementFailed(f"{change.source} and {change.target} have different rows.")


def _translated(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    return to_duckdb(query, schemas(connection, tables_in(query)))
