"""Create a DuckDB file atomically, so that a killed process leaves no file that does not open."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

from fqtool.errors import WorldError, remedy_of
from fqtool.warehouse.locks import locked

# DuckDB writes three headers first. A file of this size has no table.
_HEADERS = 3 * 4096
_MAGIC = b"DUCK"
_DAMAGED = re.compile("not a valid DuckDB|Could not read enough bytes|computed checksum")
# Without these settings, a query would download an extension that is not built in.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
MEMORY = "FQTOOL_MEMORY"
"""The variable with the memory that DuckDB may use, such as `2GB`; 80% of the machine's unless set."""


def config(path: str) -> dict[str, str | bool | int | float | list[str]]:
    """Return the settings with which a database is opened.

    Args:
        path: The file, or `:memory:`. For the latter DuckDB would write what does not fit into memory to `.tmp` in the
            working directory.
    """
    limit = os.environ.get(MEMORY)
    limited: dict[str, str | bool | int | float | list[str]] = {"memory_limit": limit} if limit else {}
    if path == ":memory:":
        limited["temp_directory"] = str(Path(gettempdir()) / f"fqtool-{os.getpid()}.tmp")
    return limited | CONFIG


def holds_nothing(path: Path) -> bool:
    """Return whether there is no database yet: no file, or the rest of one whose creation was killed."""
    if not path.exists():
        return True
    try:
        unfinished = path.is_file() and path.stat().st_size <= _HEADERS and _is_begun(path.read_bytes())
        journal = Path(f"{path}.wal")
        unfinished = unfinished and not (journal.exists() and journal.stat().st_size)
    except OSError:
        return False
    return unfinished and not _opens(path)


def _is_begun(content: bytes) -> bool:
    """DuckDB's magic bytes follow a checksum of 8 bytes. A file may also consist of zeros before it is written."""
    return content[8:12] == _MAGIC or not any(content)


def _opens(path: Path) -> bool:
    """Whether the file is a database, also of another version, or open in another process."""
    import duckdb

    try:
        duckdb.connect(str(path), read_only=True, config=config(str(path))).close()
    except duckdb.Error as error:
        return not _DAMAGED.search(str(error))
    return True


def create(path: Path) -> None:
    """Create an empty database if there is none. Raises WorldError, or duckdb.Error as opening a file does."""
    import duckdb

    target = Path(os.path.realpath(path))
    new = target.with_name(
        f".{target.name}.new"
    )  # used by one process at a time, so the file of a killed one is replaced
    with locked(target.parent):
        if not holds_nothing(target):
            return
        try:
            new.unlink(missing_ok=True)
            duckdb.connect(str(new), config=config(str(new))).close()
            new.replace(target)
        except OSError as error:
            raise WorldError(f"{path} cannot be created: {error.strerror}.", remedy=remedy_of(error)) from None
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)
