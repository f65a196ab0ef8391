"""Read the records of a file one by one, each with its place: NDJSON, CSV, Parquet and Avro."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fqtool.errors import InputError, UsageError
from fqtool.records.check import RecordCheck
from fqtool.table.column import Column, Kind, Mode
from fqtool.warehouse.duckdb.lines import LINE_LIMIT, TOO_LONG, csv_records, json_records
from fqtool.warehouse.duckdb.record_files import STDIO, Fields, format_of, header_of, parquet_source, reading, spooled
from fqtool.warehouse.duckdb.suspect_lines import Suspects, suspect_lines

if TYPE_CHECKING:
    import duckdb

NOT_JSON, NOT_UTF8 = "not a JSON object", "not UTF-8 text"
_AT_ONCE = 1_000
_STRUCTURED = (Kind.STRUCT, Kind.RANGE)


@dataclass(frozen=True, slots=True)
class Failed:
    """An unreadable record, and the reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Passed:
    """So many records with nothing wrong, which are not yielded one by one."""

    records: int


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record: its number from 1, counted in `unit`, its content, and its text if the format has one."""

    number: int
    held: Any
    raw: bytes = b""
    unit: str = "line"


def plain_records(
    connection: duckdb.DuckDBPyConnection, path: Path, check: RecordCheck, *, pass_over_right: bool = False
) -> Iterator[PlainRecord]:
    """Yield the records of a file in order, with one in memory at a time.

    Args:
        connection: An open database.
        path: The file.
        check: The declared columns.
        pass_over_right: Whether the records of NDJSON that are certainly right become one `Passed` with their number.

    Raises:
        UsageError: The name has an unknown ending.
        InputError: The file does not exist.
        WorldError: A copy of the file cannot be written.
    """
    if path.suffix.lower() == ".avro":
        yield from _avro(path)
        return
    form = format_of(path)
    with ExitStack() as copies:
        file = copies.enter_context(spooled(path, form))
        match form:
            case "json":
                yield from _json(file, suspect_lines(connection, file, check) if pass_over_right else None)
            case "csv":
                yield from _csv(str(path), file, check)
            case _:
                yield from _parquet(connection, str(path), file)


def _json(file: Path, suspects: Suspects | None) -> Iterator[PlainRecord]:
    """Yield the records of a file, or only its suspect lines."""
    if suspects is not None:
        yield PlainRecord(0, Passed(suspects.right))
        if not suspects.lines:
            return
    for record in json_records(file):
        if suspects is None or record.raw in suspects.lines:
            yield PlainRecord(record.line, json_value(record.raw), record.raw)


def json_value(raw: bytes) -> Any:
    """Return the content of a line of NDJSON, or why it is unreadable."""
    if len(raw) > LINE_LIMIT:
        return Failed(TOO_LONG)
    try:
        return json.loads(raw.decode(), parse_constant=_refuse)
    except UnicodeDecodeError:
        return Failed(NOT_UTF8)
    except (ValueError, RecursionError):
        return Failed(NOT_JSON)


def _refuse(word: str) -> None:
    raise ValueError(word)


def _csv(name: str, file: Path, check: RecordCheck) -> Iterator[PlainRecord]:
    delimiter, names = header_of(name, file, Fields(tuple(check.declared.values())))
    for record in csv_records(file, delimiter, len(names)):
        yield PlainRecord(record.line, _csv_value(record.raw, delimiter, names, check), record.raw)


def _csv_value(raw: bytes, delimiter: str, names: list[str], check: RecordCheck) -> Any:
    if len(raw) >= LINE_LIMIT:
        return Failed(TOO_LONG)
    try:
        (cells,) = csv.reader([raw.decode()], delimiter=delimiter, strict=True)
    except UnicodeDecodeError:
        return Failed(NOT_UTF8)
    except (csv.Error, ValueError):
        return Failed("a quoted cell has no end, or text after it")
    if len(cells) != len(names):
        return Failed(f"{'fewer' if len(cells) < len(names) else 'more'} cells than the header")
    return {name: _cell(cell, check.declared.get(name)) for name, cell in zip(names, cells, strict=True)}


def _cell(text: str, column: Column | None) -> Any:
    """Return the value of a cell: an empty cell is NULL, and arrays and objects are JSON."""
    if text == "":
        return None
    if column is not None and (column.mode is Mode.REPEATED or column.type.kind in _STRUCTURED):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _parquet(connection: duckdb.DuckDBPyConnection, name: str, file: Path) -> Iterator[PlainRecord]:
    with reading(name, "parquet"):
        result = connection.execute(f"SELECT * FROM {parquet_source(file)}")
        names = [column[0] for column in result.description or ()]
        number = 0
        while rows := result.fetchmany(_AT_ONCE):
            for row in rows:
                number += 1
                yield PlainRecord(number, dict(zip(names, row, strict=True)), unit="row")


def _avro(path: Path) -> Iterator[PlainRecord]:
    try:
        import fastavro
    except ImportError:
        raise UsageError("Reading Avro needs fastavro.", remedy="pip install 'fqtool[avro]'") from None
    if path == STDIO or not path.is_file():
        raise InputError(f"{path} is not a file.")
    with path.open("rb") as stream:
        try:
            for number, held in enumerate(_avro_rows(fastavro, stream), 1):
                yield PlainRecord(number, held, unit="row")
        except (ValueError, EOFError, KeyError, IndexError, TypeError, OSError):
            raise InputError(f"{path} cannot be read as Avro.", remedy="The file is damaged; write it again.") from None


def _avro_rows(fastavro: Any, stream: BinaryIO) -> Iterator[Any]:
    yield from fastavro.reader(stream)
