"""Which lines of NDJSON need a second look: DuckDB reads them all in parallel, and passes over those that are right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fqtool.records.check import RecordCheck
from fqtool.records.pattern import right_lines
from fqtool.warehouse.duckdb.lines import LINE_LIMIT
from fqtool.warehouse.duckdb.types import text_literal

if TYPE_CHECKING:
    import duckdb

MOST = 20_000
"""Of more lines than these a second look at the whole file takes no longer."""


@dataclass(frozen=True, slots=True)
class Suspects:
    """The lines that may be wrong, and how many others there are."""

    lines: frozenset[bytes]
    right: int


def suspect_lines(connection: duckdb.DuckDBPyConnection, file: Path, check: RecordCheck) -> Suspects | None:
    """Return the lines of a file that may be wrong, None where each of its lines needs a second look."""
    import duckdb

    fields = _first_fields(file)
    if not fields or _has_controls(file):
        return None
    wrong = f"NOT REGEXP_FULL_MATCH(line, {text_literal(right_lines(check, fields))})"
    source = (
        f"(SELECT line FROM READ_CSV({text_literal(str(file))}, columns = {{'line': 'VARCHAR'}}, auto_detect = false, "
        f"header = false, delim = CHR(1), quote = '', escape = '', compression = 'none', hive_partitioning = false, "
        f"max_line_size = {LINE_LIMIT}, buffer_size = {2 * LINE_LIMIT}) "  # else DuckDB takes sixteen lines at a time
        f"WHERE TRIM(line, ' ' || CHR(9) || CHR(11) || CHR(12)) <> '')"
    )
    try:
        counted = connection.execute(f"SELECT COUNT(*), COUNT(*) FILTER ({wrong}) FROM {source}").fetchone()
        records, suspects = counted or (0, 0)
        if suspects > MOST:
            return None
        rows = connection.execute(f"SELECT line FROM {source} WHERE {wrong}").fetchall() if suspects else []
    except (duckdb.Error, RuntimeError, UnicodeError):
        return None
    return Suspects(frozenset(line.encode() for (line,) in rows), int(records - suspects))


def _first_fields(file: Path) -> tuple[str, ...]:
    with file.open("rb") as stream:
        line = stream.readline(LINE_LIMIT)
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    return tuple(record) if isinstance(record, dict) and line.endswith(b"\n") else ()


def _has_controls(file: Path) -> bool:
    """Return whether a file has a character at which DuckDB ends a line or a cell, and Python does not."""
    with file.open("rb") as stream:
        chunks = iter(lambda: stream.read(1 << 20), b"")
        return any(control in chunk for chunk in chunks for control in (b"\r", b"\x01", b"\x00"))
