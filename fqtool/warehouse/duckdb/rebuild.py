"""Add many columns to a DuckDB table by one rebuild instead of one ALTER TABLE each.

DuckDB adds one column, or one comment, per statement. Each statement copies the table's entry in the catalog, which
lists all columns, and a transaction keeps every copy: 2,000 columns take 2 GB. A rebuild creates the table with all
columns, copies the rows and drops the old table. It is a part of the caller's transaction, so that a killed process
leaves the old table. `catalog.remember` stores the descriptions, because each comment would copy the entry too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fqtool.errors import StatementFailed
from fqtool.table.changes import AddColumn, Change
from fqtool.table.model import Table
from fqtool.warehouse.duckdb.catalog import HERE
from fqtool.warehouse.duckdb.ddl import comment, definition, is_wide
from fqtool.warehouse.duckdb.session import one_thread
from fqtool.warehouse.duckdb.types import quoted

if TYPE_CHECKING:
    import duckdb

# Fewer columns are added one by one, so that a few of them never copy all rows of a wide table.
_FEW = 50


def adds_many(table: Table, changes: tuple[Change, ...]) -> bool:
    """Return whether changes are added columns for which DuckDB would copy the catalog entry too often."""
    added = [change.column for change in changes if isinstance(change, AddColumn)]
    statements = len(added) + sum(bool(column.description) for column in added)
    return len(added) >= _FEW and is_wide(statements, len(table.columns) + len(added))


def rebuild(connection: duckdb.DuckDBPyConnection, table: Table, changes: tuple[Change, ...]) -> bool:
    """Add columns by a rebuild, within the transaction of the caller.

    Rows, columns with their types, defaults and NOT NULL, keys, checks, indexes and the table's comment are kept.
    DuckDB limits the memory of the copy by `memory_limit` and writes the rest to its temporary folder.

    Args:
        connection: The database.
        table: The table before the changes.
        changes: The added columns.

    Returns:
        Whether it did. It leaves a table alone that another object depends on, or that has a generated column.

    Raises:
        StatementFailed: The new table has not all rows, columns and constraints of the old one.
    """
    name, old = table.name, f"_fqtool_old_{table.name}"
    head = _open_definition(connection, name)
    if head is None:
        return False
    added = (definition(change.column) for change in changes if isinstance(change, AddColumn))
    columns = ", ".join(quoted(column.name) for column in table.columns)
    before = _parts(connection, name)
    with indexes_aside(connection, name):
        connection.execute(f"ALTER TABLE {quoted(name)} RENAME TO {quoted(old)}")
        connection.execute(f"{head}, {', '.join(added)})")
        with one_thread(connection):  # each would need a block of 256 KiB of memory for every column
            connection.execute(f"INSERT INTO {quoted(name)} ({columns}) SELECT {columns} FROM {quoted(old)}")
        _require_all(name, before - _parts(connection, name), _rows(connection, old), _rows(connection, name))
        connection.execute(f"DROP TABLE {quoted(old)}")
    if table.options.description:
        connection.execute(comment(f"TABLE {quoted(name)}", table.options.description))
    return True


@contextmanager
def indexes_aside(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """Drop the indexes of a table for a block, and create them again: DuckDB cannot alter a table with indexes."""
    indexes = connection.execute(
        f"SELECT index_name, sql FROM duckdb_indexes() WHERE table_name = $name AND sql IS NOT NULL AND {HERE}",
        {"name": name},
    ).fetchall()
    for index, _ in indexes:
        connection.execute(f"DROP INDEX {quoted(index)}")
    yield
    for _, text in indexes:
        connection.execute(text)


def _open_definition(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """Return the table's CREATE TABLE without the last bracket; None where a rebuild would lose something.

    A foreign key to the table, a foreign key of it and a trigger are dependencies on it or constraints of it.
    """
    row = connection.execute(
        f"SELECT sql FROM duckdb_tables() WHERE table_name = $name AND {HERE} AND table_oid NOT IN ("
        "SELECT objid FROM duckdb_dependencies() WHERE refobjid NOT IN (SELECT index_oid FROM duckdb_indexes())) "
        "AND NOT EXISTS (SELECT 1 FROM duckdb_constraints() "
        f"WHERE table_name = $name AND constraint_type = 'FOREIGN KEY' AND {HERE})",
        {"name": name},
    ).fetchone()
    text = str(row[0]).strip().rstrip(";") if row else ""
    return text[:-1] if text.endswith(")") and " GENERATED ALWAYS AS" not in text else None


def _parts(connection: duckdb.DuckDBPyConnection, name: str) -> set[tuple[str | None, ...]]:
    """Return the columns and constraints of a table."""
    rows = connection.execute(
        "SELECT column_name, data_type, CAST(is_nullable AS VARCHAR), column_default FROM duckdb_columns() "
        f"WHERE table_name = $name AND {HERE} UNION ALL SELECT constraint_type, constraint_text, "
        "array_to_string(constraint_column_names, ', '), NULL FROM duckdb_constraints() "
        f"WHERE table_name = $name AND {HERE}",
        {"name": name},
    ).fetchall()
    return set(rows)


def _rows(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    row = connection.execute(f"SELECT COUNT(*) FROM {quoted(name)}").fetchone()
    return int(row[0]) if row else 0


def _require_all(name: str, lost: set[tuple[str | None, ...]], old: int, new: int) -> None:
    """Raise StatementFailed where the new table lacks a part or rows of the old one."""
    if lost:
        parts = "; ".join(sorted(f"{first} {second}" for first, second, *_ in lost))
        raise StatementFailed(f"DuckDB created {name} again without all of its parts: {parts}.")
    if old != new:
        raise StatementFailed(f"DuckDB copied {new:,} of {old:,} rows of {name}.")
