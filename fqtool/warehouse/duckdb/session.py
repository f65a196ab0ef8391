"""Open a DuckDB file, translate its errors, run transactions, and record the jobs that were done in it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fqtool.warehouse.protocol import Outcome

if TYPE_CHECKING:
    import duckdb

import re

from fqtool.errors import (
    DISK_FULL,
    Busy,
    Denied,
    FqtoolError,
    NotThere,
    StatementFailed,
    UsageError,
    WorldError,
)
from fqtool.findings.remedy import commands
from fqtool.warehouse.duckdb.creation import config, create, holds_nothing
from fqtool.warehouse.duckdb.interruptible import Interruptible
from fqtool.warehouse.files import unwritable
from fqtool.warehouse.values import without_values

_JOBS = "_fqtool_jobs"
# The optimizer passes that keep a MERGE from reading or joining more than necessary, and from computing a value twice.
_PASSES = frozenset(
    {"filter_pushdown", "unused_columns", "row_group_pruner", "build_side_probe_side", "common_subexpressions"}
)


def opened(path: str) -> duckdb.DuckDBPyConnection:
    """Open a database.

    Args:
        path: The file, whose folder is created if it does not exist, or `:memory:`.

    Raises:
        UsageError: The path is not a regular file, or can be no file.
        Busy: Another process has the file open.
        Denied: The file is not readable.
        WorldError: The file is damaged, or cannot be opened or created; or the process may use too little memory.
    """
    _require_address_space(path)
    import duckdb

    if path != ":memory:":
        require_regular(Path(path))
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(Path(path), error) from None
    try:
        if path != ":memory:" and holds_nothing(Path(path)):
            create(Path(path))
        try:
            connection = duckdb.connect(path, config=config(path))
        except duckdb.Error as error:
            if not is_read_only(error) or not Path(path).is_file():
                raise
            connection = duckdb.connect(path, read_only=True, config=config(path))
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")  # DuckDB draws it on stdout after two seconds
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise cannot_open(Path(path), error) from None
    return cast("duckdb.DuckDBPyConnection", Interruptible(connection))


def _require_address_space(path: str) -> None:
    """Raise WorldError under a limit such as `ulimit -v 500000`: DuckDB crashes where it cannot start its threads."""
    with suppress(ImportError):  # other systems have no limits
        import resource

        allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
        if allowed not in (resource.RLIM_INFINITY, -1) and allowed < _ADDRESS_SPACE:
            raise out_of_memory(path)


def require_regular(path: Path) -> None:
    """Raise UsageError for a folder, a pipe or a device: opening a pipe would block."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # absent, or DuckDB reports the error
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "a device")
        raise UsageError(f"{path} is {kind}, not a DuckDB file.", remedy="Name a file, e.g. duckdb:///store.duckdb.")


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection, *, keep: bool) -> Iterator[None]:
    """Run a block in a transaction.

    Args:
        connection: The open database.
        keep: Whether to commit at the end; otherwise the transaction is rolled back.
    """
    import duckdb

    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT" if keep else "ROLLBACK")
    except BaseException:
        with suppress(duckdb.Error):  # DuckDB may have rolled back already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def planned_quickly(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Skip most optimizer passes for DML: for 170 columns they take longer than they save."""
    rows = connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()
    skipped = ",".join(name for (name,) in rows if name not in _PASSES)
    connection.execute(f"SET disabled_optimizers = '{skipped}'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")


@contextmanager
def one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run a block in one thread, where each thread would need much memory of its own."""
    import duckdb

    connection.execute("SET threads = 1")
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # after an error in a transaction DuckDB accepts only ROLLBACK
            connection.execute("RESET threads")


def done_before(connection: duckdb.DuckDBPyConnection, job: str) -> Outcome | None:
    """Return the outcome of a job that was done in this file; None if it was not done."""
    known = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = $name", {"name": _JOBS}).fetchone()
    row = known and connection.execute(f"SELECT rows_changed FROM {_JOBS} WHERE job = $job", {"job": job}).fetchone()
    return Outcome(job, rows_changed=row[0]) if row else None


def note_job(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Record a job, in the transaction of the job."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_JOBS} (job VARCHAR, rows_changed BIGINT)")
    connection.execute(f"INSERT INTO {_JOBS} VALUES ($job, $rows)", {"job": outcome.job, "rows": outcome.rows_changed})


_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_HOLDER = re.compile(r"lock is held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
_FULL = "No space left on device"
_ADDRESS_SPACE = 1_000_000_000  # bytes; a diagnosis takes 1.5 GB of addresses and 0.2 GB of memory
_WRITTEN = re.compile(r'Could not write file \\?"(?P<file>[^"\\]+)')
_NO_TABLE = re.compile(r"Table with name (?P<name>\S+) does not exist")


def cannot_open(path: Path, error: Exception) -> FqtoolError:
    """Return the error for a file that does not open."""
    text = str(error)
    if "set lock on file" in text:
        held = _HOLDER.search(text)
        holder = f"process {held['pid']} ({Path(held['program']).name})" if held else "another process"
        return Busy(
            f"{path} is locked by {holder}.", remedy="Wait until it ends, or close the program that has the file open."
        )
    if _FULL in text:
        return _disk_full(text, str(path))
    if "version" in text:
        return WorldError(
            f"{path} was written by another version of DuckDB: {_words(text)}.", remedy="pip install -U duckdb"
        )
    if "not a valid DuckDB" in text or "orrupt" in text or isinstance(error, UnicodeDecodeError):
        return WorldError(f"{path} is not a DuckDB file, or is damaged.", remedy="Restore it, or name another file.")
    if is_read_only(error):
        return Denied(f"{path} cannot be opened: permission denied.", remedy="Check the owner and mode of the file.")
    if "configuration" in text:
        return Busy(f"{path} is open in this process with other settings.", remedy="Close it first.")
    return WorldError(f"{path} cannot be opened: {_words(text)}.")


def _disk_full(text: str, place: str) -> WorldError:
    """Return the error of a full disk. DuckDB reports it while it writes, and then reverts the transaction."""
    written = _WRITTEN.search(text)
    folder = Path(written["file"]).parent if written else place
    return WorldError(f"The disk of {folder} is full; the statement changed nothing.", remedy=DISK_FULL)


def out_of_memory(place: str) -> WorldError:
    """Return the error of a database that may not use enough memory."""
    return WorldError(
        f"DuckDB needs more memory than it may use to read or write {place}.",
        remedy="Free memory, raise --memory or `ulimit -v`, or process fewer dates or records.",
    )


def is_read_only(error: Exception) -> bool:
    """Return whether an error means that a file is not writable."""
    return "ermission denied" in str(error) or "Read-only file system" in str(error)


@contextmanager
def judged(place: str) -> Iterator[None]:
    """Translate the errors of DuckDB in a block: NotThere for an absent table, otherwise StatementFailed or others."""
    import duckdb

    try:
        yield
    except (duckdb.Error, RuntimeError, UnicodeError) as error:  # text with surrogates raises the latter two
        text = str(error)
        if absent := _NO_TABLE.search(text):
            raise NotThere(
                f"There is no table {absent['name']} in {place}.",
                remedy=commands("migrate", first="Check the name, or create it:"),
            ) from None
        if _FULL in text:
            raise _disk_full(text, place) from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise out_of_memory(place) from None
        if "read-only mode" in text:
            raise Denied(f"{place} is read-only.", remedy="Check the owner and mode of file and folder.") from None
        if isinstance(error, duckdb.IOException):
            raise WorldError(f"{place} cannot be read or written: {_one_line(text)}.") from None
        raise StatementFailed(f"DuckDB: {_one_line(text)}.") from None


def _one_line(text: str) -> str:
    """Return the first line of an error; DuckDB shows the place of the error below it."""
    first = text.strip().split("\n\n")[0].split("\nLINE ")[0]
    return without_values(" ".join(first.split()).rstrip("."))


def _words(text: str) -> str:
    """Remove the kind of exception at the start of DuckDB's message."""
    return re.sub(r"^[\w ]*Error: ", "", _one_line(text))
