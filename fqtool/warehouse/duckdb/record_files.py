"""Read files of records with DuckDB, streaming: NDJSON, CSV, Parquet and `-`, with the same checks.

An unreadable record is a `WrongRecord` in every format and for every reason: a missing key, a value of another type, a
line that is too long or not UTF-8.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fqtool.errors import InputError, UsageError, WorldError
from fqtool.findings.listing import listed
from fqtool.table.column import Column, Kind, Type
from fqtool.warehouse.duckdb.lines import (
    BUFFER,
    LINE_LIMIT,
    TOO_LONG,
    ends_differ,
    numbered_lines,
    write_with_line_feeds,
    write_without_long_lines,
)
from fqtool.warehouse.duckdb.session import out_of_memory
from fqtool.warehouse.duckdb.typed_rows import shape, typed
from fqtool.warehouse.duckdb.types import quoted, text_literal, type_text

if TYPE_CHECKING:
    import duckdb

FORMATS = {".ndjson": "json", ".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv", ".tsv": "csv"}
STDIO = Path("-")
GZIP = ".gz"
_WORDS = {"json": "NDJSON", "csv": "CSV", "parquet": "Parquet"}
_NESTED = ("STRUCT", "MAP", "UNION", "JSON")
_LISTED = 8
_DELIMITERS = ",\t;|"
BOM = b"\xef\xbb\xbf"
NOT_JSON = "not a JSON object"
_DECIMALS = (Kind.NUMERIC, Kind.BIGNUMERIC)
_LONG_NUMBER = "[0-9][0-9.]{15}"  # more digits than a double holds, as which DuckDB reads a number of JSON
_TEXT_OR_LONG_NUMBER = rf'("(?:[^"\\]|\\.)*")|(-?{_LONG_NUMBER}[0-9.]*(?:[eE][+-]?[0-9]+)?)'
_MARK = "CHR(1)"  # not in JSON, which escapes it
_MARKED = rf"REGEXP_REPLACE(_line, '{_TEXT_OR_LONG_NUMBER}', '\1' || {_MARK} || '\2' || {_MARK}, 'g')"
_LONG_NUMBERS_AS_TEXT = f"REPLACE(REPLACE({_MARKED}, {_MARK} || {_MARK}, ''), {_MARK}, '\"')"
"""SQL of a line with its long numbers in quotes: a mark on both sides of a number, two marks after a text."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a record: columns that are `read`, names that are `required`, and names that are `declared`.

    `declared` None: any field is allowed.
    """

    read: tuple[Column, ...]
    required: frozenset[str] = frozenset()
    declared: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The records of a file. `sql` selects their typed columns and what is wrong with each record.

    `name` is the name as the user gave it. `path` has the same records as a plain file. `delimiter` and `width` (the
    number of columns) are those of a CSV. `undeclared` are the fields that the registry does not declare, by name.
    """

    name: str
    path: Path
    form: str
    sql: str
    undeclared: tuple[str, ...] = ()
    delimiter: str = ""
    width: int = 0


def name_of(path: Path) -> str:
    """Return what messages call a file of records."""
    return "stdin" if path == STDIO else str(path)


def format_of(path: Path, *others: str) -> str:
    """Return json, parquet or csv by the ending of a name; `-` is json.

    Raises UsageError for another ending or a folder; the remedy lists `others` too.
    """
    if path == STDIO:
        return "json"
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != GZIP]
    if not suffixes or suffixes[-1] not in FORMATS:
        endings = ", ".join((f"{', '.join(FORMATS)} (also with .gz)", *others))
        problem = f"{path} is a folder." if path.is_dir() else f"The format of {path} is unknown."
        raise UsageError(problem, remedy=f"Use the name of a file that ends in {endings}.")
    return FORMATS[suffixes[-1]]


@contextmanager
def record_file(connection: duckdb.DuckDBPyConnection, path: Path, fields: Fields) -> Iterator[RecordFile]:
    """Yield the records of a file, which can be read several times in the block.

    Raises:
        UsageError: The name has an unknown ending.
        InputError: The file does not exist, is not of its format, or has none of the columns.
        WorldError: A copy of the file cannot be written.
    """
    form = format_of(path)
    with ExitStack() as copies:
        file = copies.enter_context(spooled(path, form))
        match form:
            case "json":
                yield copies.enter_context(_json_file(connection, name_of(path), file, fields))
            case "csv":
                yield copies.enter_context(_csv_file(connection, name_of(path), file, fields))
            case _:
                yield _parquet_file(connection, name_of(path), file, fields)


def require_readable(connection: duckdb.DuckDBPyConnection, records: RecordFile) -> None:
    """Raise InputError if DuckDB cannot read the file to its end."""
    with reading(records.name, records.form):
        connection.execute(f"SELECT SUM(HASH(_row)) FROM ({records.sql}) AS _row")


@contextmanager
def reading(name: str, form: str) -> Iterator[None]:
    """Raise InputError for a file that DuckDB cannot read, without DuckDB's message, which quotes the data.

    Raises WorldError where the memory of the machine is too small.
    """
    import duckdb

    try:
        yield
    except (duckdb.Error, RuntimeError, UnicodeError) as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise out_of_memory(name) from None
        advice = "The file is damaged or has another format; write it again."
        advice += " End all its lines in the same way, LF or CRLF." if form == "csv" else ""
        raise InputError(f"{name} cannot be read as {_WORDS[form]}.", remedy=advice) from None


def require_file(path: Path) -> None:
    """Raise InputError for a path that is not a file."""
    if not path.is_file():
        state = "is a folder" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
        raise InputError(f"{path} {state}.", remedy="Check the path of the records.")


def require_content(path: Path) -> None:
    """Raise InputError for a path that is not a file, or one of 0 bytes."""
    require_file(path)
    if not path.stat().st_size:
        raise InputError(f"{path} is empty: it has 0 bytes.", remedy="Write the file again, with records.")


@contextmanager
def spooled(path: Path, form: str) -> Iterator[Path]:
    """Yield a plain file that can be read twice: stdin, gzip and files with a byte order mark are copied."""
    with ExitStack() as folders:
        file = path
        if form == "parquet" and path != STDIO:
            require_content(path)
        with unpacked(path) as stream:
            is_plain = path != STDIO and path.suffix.lower() != GZIP
            head = b"" if is_plain and form == "parquet" else stream.read(len(BOM))
            if not is_plain or head == BOM:
                folder = folders.enter_context(tempfile.TemporaryDirectory(prefix="fqtool-"))
                file = Path(folder) / f"records.{form}"
                _copy(name_of(path), head.removeprefix(BOM), stream, file)
        yield file


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Yield the bytes of a file, of gzip data without the compression, or of stdin.

    Raises InputError for a file that cannot be read, and for gzip data that is damaged or incomplete.
    """
    if path == STDIO:
        yield sys.stdin.buffer
        return
    packed = path.suffix.lower() == GZIP
    (require_content if packed else require_file)(path)
    with ExitStack() as streams:
        try:
            stream: BinaryIO = streams.enter_context(path.open("rb", buffering=BUFFER))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from None
        try:
            yield io.BufferedReader(gzip.GzipFile(fileobj=stream), BUFFER) if packed else stream
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise InputError(f"{path} is not complete gzip data.", remedy="Write or download it again.") from None


def _copy(name: str, head: bytes, source: BinaryIO, spool: Path) -> None:
    try:
        with spool.open("wb") as target:
            target.write(head)
            shutil.copyfileobj(source, target, 1 << 20)
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise WorldError(f"{name} cannot be copied to {spool.parent}: {error.strerror}.") from None


@contextmanager
def _json_file(connection: duckdb.DuckDBPyConnection, name: str, file: Path, fields: Fields) -> Iterator[RecordFile]:
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder:
        with reading(name, "json"):
            lines, keys = _json_lines(connection, name, file, Path(folder))
        undeclared = _undeclared(keys, fields)
        yield RecordFile(name, file, "json", _json_records(lines, fields), undeclared)


def _json_lines(
    connection: duckdb.DuckDBPyConnection, name: str, file: Path, folder: Path
) -> tuple[Path, Sequence[str]]:
    """Return a file of which DuckDB reads every line (the file itself or a copy), and the fields of its records."""
    import duckdb

    with file.open("rb") as stream:
        single = not stream.readline(LINE_LIMIT + 1).endswith(b"\n")
    if not single:
        try:
            return file, _json_keys(connection, file)
        except duckdb.InvalidInputException as error:
            if "maximum_object_size" not in str(error):
                raise
    # DuckDB stops at a line of twice the limit, and ignores a single line that is not JSON and has no line end.
    with _copy_for(name, folder) as copy:
        write_without_long_lines(file, copy)
    return copy, _json_keys(connection, copy)


def _json_records(lines: Path, fields: Fields) -> str:
    exact = [column for column in fields.read if _has_decimals(column.type)]
    reads = f"FROM_JSON(json, {text_literal(shape(fields.read))}) AS _read"
    if exact:
        digits = f"TRY(FROM_JSON({_LONG_NUMBERS_AS_TEXT}, {text_literal(shape(exact))}))"
        reads += f", CASE WHEN REGEXP_MATCHES(_line, '{_LONG_NUMBER}') THEN {digits} END AS _exact"
    objects = f"(SELECT json, CAST(json AS VARCHAR) AS _line FROM {_objects(lines)})"
    read = f"(SELECT _line, {reads} FROM {objects})"
    problems = [
        f"WHEN _read IS NULL OR NOT STARTS_WITH(LTRIM(_line), '{{') THEN {text_literal(NOT_JSON)}",
        f"WHEN STRLEN(_line) > {LINE_LIMIT} THEN {text_literal(TOO_LONG)}",
    ]
    rows = f"(SELECT *, UNNEST(_read) FROM {read})"
    if exact:
        names = (quoted(column.name) for column in exact)
        texts = ", ".join(f"COALESCE(_exact.{name}, {name}) AS {name}" for name in names)
        rows = f"(SELECT * REPLACE ({texts}) FROM {rows})"
    also = f"CASE {' '.join(problems)} END"
    return typed(fields.read, rows, "NULL", also=also, required=fields.required)


def _has_decimals(of: Type) -> bool:
    return of.kind in _DECIMALS or any(_has_decimals(field.type) for field in of.fields)


def _json_keys(connection: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    rows = connection.execute(f"SELECT DISTINCT UNNEST(JSON_KEYS(json)) FROM {_objects(file)}").fetchall()
    return [key for (key,) in rows]


def _objects(file: Path) -> str:
    """Return SQL for every line that is not blank: its JSON, or NULL if it is not JSON."""
    return (
        f"READ_NDJSON_OBJECTS({_itself(file)}, ignore_errors = true, compression = 'none', "
        f"maximum_object_size = {LINE_LIMIT})"
    )


@contextmanager
def _copy_for(name: str, folder: Path) -> Iterator[Path]:
    """Yield the path of a copy. Raises WorldError if it cannot be written."""
    try:
        yield folder / "copy"
    except OSError as error:
        raise WorldError(f"{name} cannot be copied to {folder}: {error.strerror}.") from None


@contextmanager
def _csv_file(connection: duckdb.DuckDBPyConnection, name: str, file: Path, fields: Fields) -> Iterator[RecordFile]:
    _, line = next(numbered_lines(file), (1, b""))
    delimiter, names = header_of(name, line, fields)
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder:
        if ends_differ(file):  # DuckDB would read several lines as one
            with _copy_for(name, Path(folder)) as copy:
                write_with_line_feeds(file, copy, delimiter)
            file = copy
        yield _csv_records(connection, RecordFile(name, file, "csv", "", (), delimiter, len(names)), names, fields)


def _csv_records(
    connection: duckdb.DuckDBPyConnection, records: RecordFile, names: list[str], fields: Fields
) -> RecordFile:
    undeclared = _undeclared(names, fields)
    columns = ", ".join(f"{text_literal(column)}: 'VARCHAR'" for column in names)
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    source = (
        f"READ_CSV({_itself(records.path)}, columns = {{{columns}}}, header = true, auto_detect = false, "
        f"delim = {text_literal(records.delimiter)}, quote = '\"', escape = '\"', compression = 'none', "
        f"store_rejects = true, rejects_limit = 0, max_line_size = {LINE_LIMIT})"
    )
    sql = typed(
        fields.read,
        source,
        "NULL",
        dict.fromkeys(names, "VARCHAR"),
        required=fields.required,
    )
    return replace(records, sql=sql, undeclared=undeclared)


def header_of(name: str, header: bytes, fields: Fields) -> tuple[str, list[str]]:
    """Return the delimiter with which most names of a first line are known, and the names of the columns."""
    try:
        line = header.decode()
    except UnicodeDecodeError:
        raise InputError(f"The first line of {name} is not UTF-8 text.", remedy="Write the file in UTF-8.") from None
    if not line.strip():
        advice = "Write the names of the columns into the first line."
        raise InputError(f"The first line of {name} is empty.", remedy=advice)
    known = {column.name for column in fields.read}
    try:
        readings = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in _DELIMITERS}
    except csv.Error:
        single = "\r" in line.rstrip("\r\n")
        why = "ends in CR alone, not in LF or CRLF" if single else "cannot be read as CSV"
        advice = "Write the file with LF line ends: tr '\\r' '\\n' < FILE" if single else "Write the header again."
        raise InputError(f"The first line of {name} {why}.", remedy=advice) from None
    delimiter = max(readings, key=lambda key: (len(known.intersection(readings[key])), len(readings[key])))
    names = [column or f"column {number} without a name" for number, column in enumerate(readings[delimiter], 1)]
    _require_columns(name, names, fields)
    folded = [column.lower() for column in names]
    if repeated := next((column for column in names if folded.count(column.lower()) > 1), None):
        raise InputError(
            f"{name} has the column {repeated} more than once.", remedy="Give each column a different name."
        )
    return delimiter, names


def _parquet_file(connection: duckdb.DuckDBPyConnection, name: str, file: Path, fields: Fields) -> RecordFile:
    source = parquet_source(file)
    with reading(name, "parquet"):
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    source_types = {column: kind for column, kind, *_ in described}
    _require_columns(name, list(source_types), fields)
    native = {column.name: type_text(column.type, column.mode) for column in fields.read}
    kinds = {column: kind for column, kind in source_types.items() if native.get(column, kind) != kind}
    selected = f"(SELECT * REPLACE ({_as_texts(kinds)}), " if kinds else "(SELECT *, "
    undeclared = _undeclared(source_types, fields)
    sql = typed(
        fields.read,
        f"{selected}CAST(TO_JSON(_row) AS VARCHAR) AS _line FROM {source} AS _row)",
        "_line",
        source_types | dict.fromkeys(kinds, "VARCHAR"),
        required=fields.required,
    )
    return RecordFile(name, file, "parquet", sql, undeclared)


def parquet_source(file: Path) -> str:
    """Return the SQL that reads a Parquet file."""
    return f"READ_PARQUET({_itself(file)})"


def _as_texts(types: dict[str, str]) -> str:
    """Convert columns to text: a list in DuckDB's format, other nested values as JSON."""
    expressions = {
        name: f"TO_JSON({quoted(name)})" if kind.startswith(_NESTED) else quoted(name) for name, kind in types.items()
    }
    return ", ".join(f"CAST({value} AS VARCHAR) AS {quoted(name)}" for name, value in expressions.items())


def _itself(path: Path) -> str:
    """Return SQL for exactly this file, without patterns in its name and without columns from names of folders."""
    name = re.sub(r"[*?\[]", r"[\g<0>]", str(path))
    return f"{text_literal(f'./{name}' if name.startswith('~') else name)}, hive_partitioning = false"


def _require_columns(name: str, names: Sequence[str], fields: Fields) -> None:
    if not {column.name for column in fields.read}.intersection(names):
        read = [column.name for column in fields.read]
        raise InputError(
            f"{name} has none of the columns that are read: {listed(read, _LISTED)}.",
            remedy="Name the columns as the registry does, those of CSV in the first line.",
        )


def _undeclared(names: Iterator[str] | Sequence[str] | dict[str, str], fields: Fields) -> tuple[str, ...]:
    return () if fields.declared is None else tuple(sorted(set(names) - fields.declared))
