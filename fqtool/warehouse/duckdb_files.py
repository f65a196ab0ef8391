"""Files that DuckDB reads as records and writes scores to, streaming: NDJSON, Parquet and CSV, and `-`."""

from __future__ import annotations

import gzip
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fqtool.errors import InputError, UsageError, WorldError
from fqtool.table.column import Column
from fqtool.warehouse.disk import put_in_place
from fqtool.warehouse.duckdb_errors import judged
from fqtool.warehouse.duckdb_texts import shape, text, typed
from fqtool.warehouse.duckdb_types import quoted, type_text

if TYPE_CHECKING:
    import duckdb

FORMATS = {".ndjson": "json", ".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv", ".tsv": "csv"}
_STDIO = Path("-")
_NEVER = ("e'\\x01'", "e'\\x02'")  # no line of JSON holds these
_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
_NESTED = ("STRUCT", "MAP", "UNION", "JSON")


def format_of(path: Path) -> str:
    """Return json, parquet or csv by the name's ending; `-` is NDJSON. Raises UsageError."""
    if path == _STDIO:
        return "json"
    suffixes = [one.lower() for one in path.suffixes if one.lower() != ".gz"]
    if not suffixes or suffixes[-1] not in FORMATS:
        endings = ", ".join(FORMATS)
        raise UsageError(f"What {path} holds is not told by its name.", remedy=f"Use a name that ends in {endings}.")
    return FORMATS[suffixes[-1]]


@contextmanager
def spooled(path: Path) -> Iterator[Path]:
    """Give a file that can be read twice: stdin is written to disk first. Raises InputError, WorldError."""
    if path != _STDIO:
        if not path.is_file():
            told = "a folder" if path.is_dir() else "no file" if path.exists() else "not there"
            raise InputError(f"{path} is {told}.")
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder:
        spool = Path(folder) / "stdin.ndjson"
        try:
            with spool.open("wb") as stream:
                shutil.copyfileobj(sys.stdin.buffer, stream)
        except OSError as error:
            raise WorldError(f"stdin cannot be kept in {folder}: {error.strerror}.") from None
        yield spool


@contextmanager
def scores_to(path: Path, form: str) -> Iterator[Path]:
    """Give a file to write; it takes the place of `path`, or goes to stdout, once all went well. Raises WorldError."""
    if path != _STDIO:
        with put_in_place(path, f".{form}") as made:
            yield made
        return
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder:
        made = Path(folder) / f"stdout.{form}"
        yield made
        with made.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class RowsIn:
    """The records of a file: a SELECT of typed columns and what is wrong with each, and what a record is called."""

    path: Path
    sql: str
    unit: str


def rows_in(connection: duckdb.DuckDBPyConnection, path: Path, form: str, columns: Sequence[Column]) -> RowsIn:
    """Return how to read a file's records. Raises InputError where it holds none of the columns, or is no such file."""
    match form:
        case "json":
            return RowsIn(path, _json(path, columns), "line")
        case "csv":
            source = (
                f"READ_CSV({_itself(path)}, header = true, all_varchar = true, store_rejects = true, "
                f"quote = '\"', escape = '\"', rejects_limit = 0, max_line_size = 67108864)"
            )
        case _:
            source = f"READ_PARQUET({_itself(path)})"
    try:
        with judged(str(path)):
            found = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    except WorldError as error:
        raise InputError(f"{path} cannot be read as {form}. {error.message}") from None
    if not any(one.key in map(str.lower, found) for one in columns):
        raise InputError(f"{path} has none of the columns that are read: {', '.join(one.name for one in columns)}.")
    native = {one.key: type_text(one.type, one.mode) for one in columns}
    kinds = {name: kind for name, kind in found.items() if native.get(name.lower()) != kind}
    whole = f"(SELECT * REPLACE ({_as_texts(kinds)}), " if kinds else "(SELECT *, "
    rows = f"{whole}CAST(TO_JSON(_row) AS VARCHAR) AS _line FROM {source} AS _row)"
    as_read = {name.lower(): "VARCHAR" if name in kinds else kind for name, kind in found.items()}
    return RowsIn(path, typed(columns, rows, "_line", as_read), "row")


def _itself(path: Path) -> str:
    """The file of this very name: not what a pattern in it fits, and without what its folders' names say of rows."""
    name = re.sub(r"[*?\[]", r"[\g<0>]", str(path))
    return f"{text(f'./{name}' if name.startswith('~') else name)}, hive_partitioning = false"


def _json(path: Path, columns: Sequence[Column]) -> str:
    delimiter, null = _NEVER
    lines = (
        f"READ_CSV({_itself(path)}, columns = {{'line': 'VARCHAR'}}, header = false, auto_detect = false, "
        f"delim = {delimiter}, nullstr = {null}, quote = '', escape = '', max_line_size = 67108864)"
    )
    read = (
        f"(SELECT line AS _line, TRY(FROM_JSON(line, {text(shape(columns))})) AS _read "
        f"FROM {lines} WHERE TRIM(line) <> '')"
    )
    no_object = "CASE WHEN _read IS NULL OR NOT STARTS_WITH(LTRIM(_line), '{') THEN 'this is no JSON object' END"
    return typed(columns, f"(SELECT _line, _read, UNNEST(_read) FROM {read})", "_line", also=no_object)


def _as_texts(found: dict[str, str]) -> str:
    """A list stays what DuckDB writes and reads; what is nested otherwise becomes JSON."""
    made = {
        name: f"TO_JSON({quoted(name)})" if kind.startswith(_NESTED) else quoted(name) for name, kind in found.items()
    }
    return ", ".join(f"CAST({value} AS VARCHAR) AS {quoted(name)}" for name, value in made.items())


def copy_to(select: str, path: Path, form: str, arrays: Sequence[str] = ()) -> str:
    """Return the COPY of a SELECT into a file; CSV holds `arrays` as JSON."""
    match form:
        case "parquet":
            options = "FORMAT parquet, COMPRESSION zstd"
        case "csv":
            options = f"FORMAT csv, HEADER true, TIMESTAMPFORMAT '{_MOMENT}'"
            listed = ", ".join(f"CAST(TO_JSON({quoted(one)}) AS VARCHAR) AS {quoted(one)}" for one in arrays)
            select = f"SELECT * REPLACE ({listed}) FROM ({select})" if listed else select
        case _:
            options = f"FORMAT json, TIMESTAMPFORMAT '{_MOMENT}'"
    return f"COPY ({select}) TO {text(str(path))} ({options})"


_BLANKS = b" \t\r\n"  # JSON's; Python's strip knows more


def physical_lines(path: Path, ordinals: Sequence[int]) -> dict[int, int]:
    """Return ordinal -> line number, for the n-th lines that are not blank."""
    wanted, found, seen = set(ordinals), dict[int, int](), 0
    with _opened(path) as stream:
        for number, line in enumerate(stream, 1):
            told = bool(line.strip(_BLANKS))
            seen += told
            if told and seen in wanted:
                found[seen] = number
    return found


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
