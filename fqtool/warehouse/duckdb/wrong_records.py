"""The unreadable records of a file, each with its line, reason and text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from fqtool.warehouse.duckdb.lines import LINE_LIMIT, TOO_LONG, csv_records, json_records, numbered_lines
from fqtool.warehouse.duckdb.record_files import NOT_JSON, RecordFile
from fqtool.warehouse.duckdb.typed_rows import all_wrong

if TYPE_CHECKING:
    import duckdb

_LONE_SURROGATE = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_NOT_UTF8 = "not UTF-8 text"
# DuckDB's names of the problems of a CSV line; the first one is used if a line has several.
_MISSHAPEN = {
    "INVALID ENCODING": _NOT_UTF8,
    "LINE SIZE OVER MAXIMUM": TOO_LONG,
    "UNQUOTED VALUE": "a quoted cell has no end, or text after it",
    "MISSING COLUMNS": "fewer cells than the header",
    "TOO MANY COLUMNS": "more cells than the header",
}


class WrongRecord(NamedTuple):
    """An unreadable record: its number, counted in `unit` (line, row, record), the reason, and its text."""

    unit: str
    number: int
    why: str
    raw: str

    @property
    def as_json(self) -> dict[str, object]:
        """The record as a line of the file of --rejects."""
        return {self.unit: self.number, "why": self.why, "record": self.raw}


def wrong_records(connection: duckdb.DuckDBPyConnection, records: RecordFile) -> Iterator[WrongRecord]:
    """Yield every unreadable record of a file, in order."""
    problems = connection.execute(all_wrong(records.sql)).fetchall()
    if records.form == "parquet":
        yield from (WrongRecord("row", number, why, raw) for number, why, raw in problems)
        return
    reasons = {number: why for number, why, _ in problems}
    is_csv, read = records.form == "csv", 0
    misshapen = misshapen_records(connection) if is_csv else {}
    if not reasons and not misshapen:
        return
    path, delimiter = records.path, records.delimiter
    for record in csv_records(numbered_lines(path), delimiter, records.width) if is_csv else json_records(path):
        why = misshapen.get(record.number, "")
        if not why:
            read += 1
            why = _precise(reasons.get(read, ""), record.raw)
        if why:
            yield WrongRecord("line", record.line, why, record.raw.decode(errors="backslashreplace"))


def misshapen_records(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """Return number -> reason of each record of the last read CSV that does not match the header."""
    known = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'").fetchone()
    if not known:
        return {}
    rows = connection.execute("SELECT line, LIST(error_type) FROM reject_errors GROUP BY line").fetchall()
    return {
        number: next((why for kind, why in _MISSHAPEN.items() if kind in kinds), "not a line of CSV")
        for number, kinds in rows
    }


def _precise(why: str, raw: bytes) -> str:
    """Return a more specific reason for a line in which DuckDB found no JSON."""
    if why != NOT_JSON:
        return why
    if len(raw) > LINE_LIMIT:
        return TOO_LONG
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return _NOT_UTF8
    return why_not_json(text) or why


def why_not_json(text: str) -> str:
    """Return what is wrong with a line of which most readers find that it is JSON; "" for any other line."""
    constants = list[str]()
    try:
        json.loads(text, parse_constant=constants.append)
    except RecursionError:
        return "nested too deeply"
    except ValueError as error:
        return "a number of more than 4,300 digits" if "digits" in str(error) else ""
    if _LONE_SURROGATE.search(text) and not constants:
        return r"text with half of a character, such as \ud800"
    return f"not JSON: {constants[0]} without quotes" if constants else ""
