"""Load the rows of a program into a table, and write scores to NDJSON, Parquet and CSV."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fqtool.errors import UsageError
from fqtool.warehouse.duckdb.record_files import GZIP, STDIO, Fields, record_file
from fqtool.warehouse.duckdb.session import judged
from fqtool.warehouse.duckdb.typed_rows import all_right
from fqtool.warehouse.duckdb.types import quoted, text_literal
from fqtool.warehouse.files import put_in_place
from fqtool.warehouse.protocol import existing_table

if TYPE_CHECKING:
    from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse

_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


def load(warehouse: DuckDBWarehouse, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows into an existing table, all or none.

    Args:
        warehouse: The DuckDB file.
        name: The table.
        rows: Column name -> value; missing columns are NULL. Values are those of JSON, dates and times.

    Returns:
        The number of rows.

    Raises:
        NotThere: The table does not exist.
        StatementFailed, WorldError: DuckDB rejects the rows, or the file cannot be written.
    """
    table = existing_table(warehouse, name)
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder, judged(warehouse.path):
        file, count, named = Path(folder) / "rows.ndjson", 0, dict[str, None]()
        with file.open("w") as stream:
            for count, row in enumerate(rows, 1):  # noqa: B007  counted for the return
                stream.write(json.dumps(row, default=str) + "\n")
                named |= dict.fromkeys(row)
        columns = [column for column in table.columns if column.name in named]
        if columns:
            connection = warehouse.connection()
            listed = ", ".join(quoted(column.name) for column in columns)
            with record_file(connection, file, Fields(tuple(columns))) as records:
                connection.execute(f"INSERT INTO {quoted(name)} ({listed}) {all_right(records.sql)}")
    return count


@contextmanager
def scores_to(path: Path, form: str) -> Iterator[Path]:
    """Yield a file to write. After the block succeeds it replaces `path`, or is copied to stdout. Raises WorldError."""
    if path != STDIO:
        packed = path.suffix.lower() == GZIP
        if packed and form == "parquet":
            raise UsageError(f"{path}: Parquet is not compressed again.", remedy=f"Write {path.with_suffix('')}.")
        with put_in_place(path, f".{form}{GZIP if packed else ''}") as temporary:
            yield temporary
        return
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder:
        temporary = Path(folder) / f"stdout.{form}"
        yield temporary
        with temporary.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.flush()


def copy_to(select: str, path: Path, form: str, arrays: Sequence[str] = (), floats: Sequence[str] = ()) -> str:
    """Return the COPY statement that writes a SELECT to a file.

    Args:
        select: The SELECT.
        path: The file; .gz at its end compresses JSON and CSV.
        form: json, parquet or csv.
        arrays: The columns that are ARRAYs, which CSV stores as JSON.
        floats: The columns that may contain NaN and infinities, which JSON stores as strings.
    """
    packed = ", COMPRESSION gzip" if path.suffix == GZIP else ""
    match form:
        case "parquet":
            options = "FORMAT parquet, COMPRESSION zstd"
        case "csv":
            options = f"FORMAT csv, HEADER true, TIMESTAMPFORMAT '{_MOMENT}'{packed}"
            listed = ", ".join(f"CAST(TO_JSON({quoted(name)}) AS VARCHAR) AS {quoted(name)}" for name in arrays)
            select = f"SELECT * REPLACE ({listed}) FROM ({select})" if listed else select
        case _:
            listed = ", ".join(f"{_finite(name, array=name in arrays)} AS {quoted(name)}" for name in floats)
            select = f"SELECT * REPLACE ({listed}) FROM ({select})" if listed else select
            options = f"FORMAT json, TIMESTAMPFORMAT '{_MOMENT}'{packed}"
    return f"COPY ({select}) TO {text_literal(str(path))} ({options})"


def _finite(name: str, *, array: bool) -> str:
    """Return the JSON of a FLOAT64, or of an ARRAY of FLOAT64, with strings for NaN and infinities."""
    value = "x" if array else quoted(name)
    word = f"CASE WHEN ISNAN({value}) THEN 'NaN' WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END"
    item_json = f"CASE WHEN {value} IS NULL OR ISFINITE({value}) THEN TO_JSON({value}) ELSE TO_JSON({word}) END"
    return f"LIST_TRANSFORM({quoted(name)}, lambda x: {item_json})" if array else item_json
