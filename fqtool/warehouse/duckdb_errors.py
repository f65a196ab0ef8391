"""What DuckDB throws, said as one of fqtool's errors: one sentence, and never a DuckDB exception."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fqtool.errors import Busy, Denied, FqtoolError, NotThere, StatementFailed, WorldError
from fqtool.warehouse.values import without_values

_HOLDER = re.compile(r"lock is held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
_NO_TABLE = re.compile(r"Table with name (?P<name>\S+) does not exist")


def cannot_open(path: Path, error: Exception) -> FqtoolError:
    """Say why the file does not open."""
    text = str(error)
    if "set lock on file" in text:
        held = _HOLDER.search(text)
        who = f"process {held['pid']} ({Path(held['program']).name})" if held else "another process"
        return Busy(f"{path} is locked by {who}.", remedy="Wait for it, or close the program that has it open.")
    if path.is_dir():
        return NotThere(f"{path} is a folder, not a DuckDB file.", remedy="Name the file in it.")
    if "version" in text:
        return WorldError(
            f"{path} was written by another version of DuckDB: {_words(text)}.", remedy="pip install -U duckdb"
        )
    if "not a valid DuckDB" in text or "orrupt" in text or isinstance(error, UnicodeDecodeError):
        return WorldError(f"{path} is not a DuckDB file, or a damaged one.", remedy="Restore it, or name another file.")
    if is_read_only(error):
        return Denied(f"{path} cannot be opened: permission denied.", remedy="Check the owner and mode of the file.")
    if "configuration" in text:
        return Busy(f"{path} is open in this process with other settings.", remedy="Close it there first.")
    return WorldError(f"{path} cannot be opened: {_words(text)}.")


def is_read_only(error: Exception) -> bool:
    """Tell whether a file could be read though not written."""
    return "ermission denied" in str(error) or "Read-only file system" in str(error)


@contextmanager
def judged(place: str) -> Iterator[None]:
    """Turn whatever DuckDB throws into StatementFailed with its words, or NotThere for an absent table."""
    import duckdb

    try:
        yield
    except (duckdb.Error, RuntimeError, UnicodeError) as error:  # text that is no Unicode ends in the latter two
        text = str(error)
        if absent := _NO_TABLE.search(text):
            raise NotThere(
                f"There is no table {absent['name']} in {place}.",
                remedy="Check the name, or create it with `fqtool migrate`.",
            ) from None
        if "read-only mode" in text:
            raise Denied(f"{place} may only be read.", remedy="Check the owner and mode of file and folder.") from None
        if isinstance(error, duckdb.IOException):
            raise WorldError(f"{place} cannot be read or written: {_one_line(text)}.") from None
        raise StatementFailed(f"DuckDB: {_one_line(text)}.") from None


def _one_line(text: str) -> str:
    """DuckDB draws the place of an error below its first line."""
    first = text.strip().split("\n\n")[0].split("\nLINE ")[0]
    return without_values(" ".join(first.split()).rstrip("."))


def _words(text: str) -> str:
    """Leave out the kind of exception DuckDB begins with."""
    return re.sub(r"^[\w ]*Error: ", "", _one_line(text))
