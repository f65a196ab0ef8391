"""The records of a file that pass the check of a writer's records, for `score --input --strict`."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fqtool.errors import WorldError, remedy_of
from fqtool.records.check import RecordCheck
from fqtool.warehouse.duckdb.plain_records import Failed, plain_records
from fqtool.warehouse.duckdb.record_files import format_of, parquet_source, spooled
from fqtool.warehouse.duckdb.types import text_literal
from fqtool.warehouse.duckdb.wrong_records import WrongRecord

if TYPE_CHECKING:
    import duckdb


@dataclass
class StrictFile:
    """The valid records of a file, at `path`, and the wrong ones.

    `lines` has, for each line of `path`, its line in the given file; it is empty if both are the same file.
    """

    path: Path
    wrong: list[WrongRecord] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("Q"))

    def placed(self, record: WrongRecord) -> WrongRecord:
        """Return a record of `path` with its line in the given file."""
        within = record.unit == "line" and record.number <= len(self.lines)
        return record._replace(number=self.lines[record.number - 1]) if within else record


@contextmanager
def strict_file(connection: duckdb.DuckDBPyConnection, path: Path, check: RecordCheck) -> Iterator[StrictFile]:
    """Yield the records of a file that the check accepts. Raises as `plain_records`.

    Args:
        connection: The database that reads the file.
        path: The file; its ending names its format.
        check: The check of one record.
    """
    form = format_of(path)
    with ExitStack() as copies:
        file = copies.enter_context(spooled(path, form))
        folder = Path(copies.enter_context(tempfile.TemporaryDirectory(prefix="fqtool-")))
        right = StrictFile(folder / f"right.{form}")
        try:
            with right.path.open("wb") as copy:
                _split(file, check, right, copy)
            if form == "parquet" and right.wrong:
                _without(connection, file, right)
        except OSError as error:
            raise WorldError(
                f"{path} cannot be copied to {folder}: {error.strerror}.", remedy=remedy_of(error)
            ) from None
        yield right if right.wrong else StrictFile(file)


def _split(file: Path, check: RecordCheck, right: StrictFile, copy: BinaryIO) -> None:
    """Collect the wrong records, and write the lines of the others."""
    if format_of(file) == "csv":
        with file.open("rb") as stream:
            copy.write(stream.readline())
        right.lines.append(1)
    for record in plain_records(file, check):
        if why := reason(check, record.held):
            text = record.raw.decode(errors="backslashreplace") if record.raw else str(record.held)
            right.wrong.append(WrongRecord(record.unit, record.number, why, text))
        elif record.raw:
            copy.write(record.raw + b"\n")
            right.lines.extend([record.number] * (record.raw.count(b"\n") + 1))


def reason(check: RecordCheck, held: Any) -> str:
    """Return what is wrong with a record; "" for a valid record."""
    if isinstance(held, Failed):
        return held.why
    return "" if check.is_right(held) else "; ".join(misfit.problem for misfit in check.misfits(held))


def _without(connection: duckdb.DuckDBPyConnection, file: Path, right: StrictFile) -> None:
    numbers = [record.number for record in right.wrong]
    numbered = f"SELECT *, ROW_NUMBER() OVER () AS _number FROM {parquet_source(file)}"
    kept = f"SELECT * EXCLUDE (_number) FROM ({numbered}) WHERE NOT LIST_CONTAINS($numbers, _number)"
    connection.execute(f"COPY ({kept}) TO {text_literal(str(right.path))} (FORMAT parquet)", {"numbers": numbers})
