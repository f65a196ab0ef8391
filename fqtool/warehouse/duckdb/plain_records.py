"""Read the records of a file one by one, each with its place: NDJSON, CSV, Parquet and Avro."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from fqtool.errors import InputError, UsageError
from fqtool.records.check import RecordCheck
from fqtool.records.unique_keys import RepeatedKey, loads
from fqtool.table.column import Column, Kind, Mode
from fqtool.warehouse.duckdb.lines import LINE_LIMIT, TOO_LONG, batches_of, csv_records, is_blank, lines_of
from fqtool.warehouse.duckdb.record_files import (
    BOM,
    Fields,
    format_of,
    header_of,
    name_of,
    parquet_source,
    reading,
    require_content,
    spooled,
    unpacked,
)
from fqtool.warehouse.duckdb.session import opened
from fqtool.warehouse.duckdb.wrong_records import why_not_json

_LINE_REMEDY = (
    "Write one JSON object per line, without NaN and Infinity: jq -c . FILE; of one JSON array: jq -c '.[]' FILE"
)
_BINARY = {b"\x1f\x8b": ".gz", b"Obj\x01": ".avro", b"PAR1": ".parquet"}
"""The names of binary formats by their first bytes."""
_VALUE_REMEDY = "Correct the value in the writer."
_AT_ONCE = 1_000
_BATCH = 128 * 1024  # bytes that a processor keeps near
_STRUCTURED = (Kind.STRUCT, Kind.RANGE)

AreRight: TypeAlias = Callable[[Sequence[bytes]], bool]
Lines: TypeAlias = Iterator[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Failed:
    """An unreadable record, the reason, and what to do about it."""

    why: str
    remedy: str


NOT_JSON = Failed("not a JSON object", _LINE_REMEDY)
NOT_UTF8 = Failed("not UTF-8 text", "Write the file in UTF-8.")
TOO_LONG_RECORD = Failed(TOO_LONG, "Write one record per line, and move large values out of it.")


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


def plain_records(path: Path, check: RecordCheck, *, pass_over_right: bool = False) -> Iterator[PlainRecord]:
    """Yield the records of a file in order, with few in memory at a time.

    Args:
        path: The file.
        check: The declared columns.
        pass_over_right: Whether the records of NDJSON that are certainly right become one `Passed` with their number.

    Raises:
        UsageError: The name has an unknown ending.
        InputError: The file does not exist, or is of a binary format that its name does not have.
        WorldError: A copy of a Parquet file in gzip cannot be written.
    """
    if path.suffix.lower() == ".avro":
        yield from _avro(path)
        return
    if (form := format_of(path, ".avro")) == "parquet":
        with spooled(path, form) as file:
            yield from _parquet(str(path), file)
        return
    with unpacked(path) as stream:
        if form == "csv":
            yield from _csv(path, lines_of(stream), check)
        else:
            yield from _json(path, stream, check, pass_over_right=pass_over_right)


def _without_mark(first: bytes, path: Path) -> bytes:
    """Return a first line without a byte order mark. Raises InputError where it is of a binary format."""
    if ending := next((end for mark, end in _BINARY.items() if first.startswith(mark)), ""):
        remedy = f"Name a file that ends in {ending}."
        raise InputError(f"{name_of(path)} is not text, but the content of a {ending} file.", remedy=remedy)
    return first.removeprefix(BOM)


def _json(path: Path, stream: BinaryIO, check: RecordCheck, *, pass_over_right: bool) -> Iterator[PlainRecord]:
    """Yield the records of lines; those that are certainly right only as their number, at the end."""
    passed, are_right = 0, None
    for number, lines in batches_of(stream, _BATCH if pass_over_right else 1):
        if number == 1:
            lines[0] = _without_mark(lines[0], path)
            are_right = _right_lines(check, lines[0]) if pass_over_right else None
        if are_right is not None and are_right(lines):
            passed += len(lines)
            continue
        for line, raw in enumerate(lines, number):
            if are_right is not None and are_right([raw]):
                passed += 1
            elif not is_blank(raw):
                record = raw.rstrip(b"\r")
                yield PlainRecord(line, json_value(record), record)
    if passed:
        yield PlainRecord(0, Passed(passed))


def _right_lines(check: RecordCheck, first: bytes) -> AreRight:
    """Return the test of lines of a file; one longer than LINE_LIMIT is cut where it is read, and never right."""
    from fqtool.records.right_lines import right_lines

    are_right = right_lines(check, first)
    return lambda lines: sum(map(len, lines)) <= LINE_LIMIT and are_right(lines)


def json_value(raw: bytes) -> Any:
    """Return the content of a line of NDJSON, or why it is unreadable."""
    if len(raw) > LINE_LIMIT:
        return TOO_LONG_RECORD
    try:
        return loads(text := raw.decode())
    except UnicodeDecodeError:
        return NOT_UTF8
    except RepeatedKey as repeated:
        return Failed(str(repeated), "Write each key of an object once.")
    except (ValueError, RecursionError):
        why = why_not_json(text)
        return Failed(why, _LINE_REMEDY if why.startswith("not JSON") else _VALUE_REMEDY) if why else NOT_JSON


def _csv(path: Path, lines: Lines, check: RecordCheck) -> Iterator[PlainRecord]:
    header = _without_mark(next(lines, (1, b""))[1], path)
    delimiter, names = header_of(str(path), header, Fields(tuple(check.declared.values())))
    for record in csv_records(chain([(1, header)], lines), delimiter, len(names)):
        yield PlainRecord(record.line, _csv_value(record.raw, delimiter, names, check), record.raw)


def _csv_value(raw: bytes, delimiter: str, names: list[str], check: RecordCheck) -> Any:
    if len(raw) >= LINE_LIMIT:
        return TOO_LONG_RECORD
    try:
        (cells,) = csv.reader([raw.decode()], delimiter=delimiter, strict=True)
    except UnicodeDecodeError:
        return NOT_UTF8
    except (csv.Error, ValueError) as error:
        if "new-line" in str(error):
            return Failed("a CR alone within the line, outside of quotes", "End each line in LF or CRLF.")
        return Failed("a quoted cell has no end, or text after it", "Double each quote within a quoted cell.")
    if len(cells) != len(names):
        number = "fewer" if len(cells) < len(names) else "more"
        return Failed(f"{number} cells than the header", "Quote each cell that has a delimiter or a line break.")
    return {name: _cell(cell, check.declared.get(name)) for name, cell in zip(names, cells, strict=True)}


def _cell(text: str, column: Column | None) -> Any:
    """Return the value of a cell: an empty cell is NULL, and arrays and objects are JSON."""
    if text == "":
        return None
    if column is not None and (column.mode is Mode.REPEATED or column.type.kind in _STRUCTURED):
        try:
            return loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _parquet(name: str, file: Path) -> Iterator[PlainRecord]:
    with opened(":memory:") as connection, reading(name, "parquet"):
        connection.execute("SET threads = 1")  # Python looks at the rows one by one; more threads read ahead of it
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
    require_content(path)
    with path.open("rb") as stream:
        try:
            for number, held in enumerate(_avro_rows(fastavro, stream), 1):
                yield PlainRecord(number, held, unit="row")
        except (ValueError, EOFError, KeyError, IndexError, TypeError, OSError):
            raise InputError(f"{path} cannot be read as Avro.", remedy="The file is damaged; write it again.") from None


def _avro_rows(fastavro: Any, stream: BinaryIO) -> Iterator[Any]:
    yield from fastavro.reader(stream)
