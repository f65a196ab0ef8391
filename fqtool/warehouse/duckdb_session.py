"""An open DuckDB file: how it is opened, its transactions, and the jobs done in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fqtool.errors import WorldError
from fqtool.warehouse.duckdb_errors import cannot_open, is_read_only
from fqtool.warehouse.protocol import Outcome

if TYPE_CHECKING:
    import duckdb

_JOBS = "_fqtool_jobs"
# An extension that is not built in would be fetched from the network in the middle of a query.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}

# What keeps a MERGE on one partition from reading or joining more than it must.
_PASSES = frozenset({"filter_pushdown", "unused_columns", "row_group_pruner", "build_side_probe_side"})


def opened(path: str) -> duckdb.DuckDBPyConnection:
    """Open a file, its folder created, or a database in memory. Raises Busy, Denied, NotThere, WorldError."""
    import duckdb

    if path != ":memory:":
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorldError(f"The folder of {path} cannot be created: {error.strerror}.") from None
    try:
        try:
            connection = duckdb.connect(path, config=_CONFIG)
        except duckdb.Error as error:
            if not is_read_only(error) or not Path(path).is_file():
                raise
            connection = duckdb.connect(path, read_only=True, config=_CONFIG)
        connection.execute("SET TimeZone = 'UTC'")
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise cannot_open(Path(path), error) from None
    return connection


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection, *, keep: bool) -> Iterator[None]:
    """Do all of it or nothing; without `keep`, nothing."""
    import duckdb

    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT" if keep else "ROLLBACK")
    except BaseException:
        with suppress(duckdb.Error):  # DuckDB may have taken it back by itself
            connection.execute("ROLLBACK")
        raise


@contextmanager
def planned_quickly(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Skip most optimizer passes for DML: over 170 columns they take longer than a date's rows do."""
    rows = connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()
    skipped = ",".join(name for (name,) in rows if name not in _PASSES)
    connection.execute(f"SET disabled_optimizers = '{skipped}'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")


def done_before(connection: duckdb.DuckDBPyConnection, job: str) -> Outcome | None:
    """Return the outcome of a job that was done in this file already."""
    known = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = $name", {"name": _JOBS}).fetchone()
    row = known and connection.execute(f"SELECT rows_changed FROM {_JOBS} WHERE job = $job", {"job": job}).fetchone()
    return Outcome(job, rows_changed=row[0]) if row else None


def note_job(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Remember a job, in the transaction that does it."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_JOBS} (job VARCHAR, rows_changed BIGINT)")
    connection.execute(f"INSERT INTO {_JOBS} VALUES ($job, $rows)", {"job": outcome.job, "rows": outcome.rows_changed})
