"""The scoring query on an embedded DuckDB in memory: over records of a program, or over a file, with no table.

The query is said in DuckDB's words once, and planned once for records: planning it takes longer than a thousand rows.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fqtool.errors import InputError
from fqtool.table.column import Column
from fqtool.warehouse import duckdb_files
from fqtool.warehouse.disk import write_text
from fqtool.warehouse.duckdb_errors import judged
from fqtool.warehouse.duckdb_files import RowsIn
from fqtool.warehouse.duckdb_texts import STOP, all_right, all_wrong, only_right, shape, text, typed
from fqtool.warehouse.duckdb_types import quoted
from fqtool.warehouse.duckdb_values import bound

if TYPE_CHECKING:
    import duckdb

    from fqtool.warehouse.duckdb_dialect import Transpiled

RECORDS = "records"
"""The table that the query reads from."""
_AT_ONCE = 2_000
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Scores:
    """How many records of a file were scored and written, and how many were set aside as unreadable."""

    written: int
    rejected: int


@dataclass(frozen=True)
class DuckDBScorer:
    """`sql` is GoogleSQL from the table `records`, with @computed_at; `reads` are the columns it takes of it."""

    sql: str
    reads: tuple[Column, ...]
    arrays: tuple[str, ...] = ()

    def records(self, records: Sequence[Mapping[str, Any]], computed_at: datetime) -> list[dict[str, Any]]:
        """Return a dict of the query's columns for each record, in their order. An ARRAY is a list.

        Raises InputError naming the records and columns whose values are not of the columns' types.
        """
        made: list[dict[str, Any]] = []
        with self._lock:
            for at in range(0, len(records), _AT_ONCE):
                made += self._some(_as_json(records[at : at + _AT_ONCE], at), at, computed_at)
        return made

    def file(self, source: Path, out: Path, computed_at: datetime, rejects: Path | None = None) -> Scores:
        """Score a file's records into another, streaming. Unreadable ones stop it, or go to `rejects` as NDJSON.

        Raises InputError with the numbers of the first unreadable lines; then nothing is written. UsageError for a
        name without a known ending, WorldError.
        """
        read_as, written_as = duckdb_files.format_of(source), duckdb_files.format_of(out)
        with self._lock, duckdb_files.spooled(source) as file, judged(str(source)):
            self._connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
            rows = duckdb_files.rows_in(self._connection, file, read_as, self.reads)
            with duckdb_files.scores_to(out, written_as) as made:
                select = self._over((only_right if rejects else all_right)(rows.sql))
                copy = duckdb_files.copy_to(select, made, written_as, self.arrays)
                try:
                    (written,) = self._connection.execute(
                        copy, bound([("computed_at", computed_at)], self._said.parameters)
                    ).fetchone() or (0,)
                except duckdb_error() as error:
                    if STOP not in str(error):
                        raise
                    raise _unreadable(source, self._wrong(rows)) from None
                wrong = self._wrong(rows) if rejects else self._misshapen()
                if wrong and not rejects:
                    raise _unreadable(source, wrong)
                if rejects:
                    write_text(rejects, "".join(f"{json.dumps(one.told)}\n" for one in wrong))
        return Scores(written, len(wrong))

    def _wrong(self, rows: RowsIn) -> list[Wrong]:
        """Return every unreadable record of a file."""
        found = self._connection.execute(all_wrong(rows.sql)).fetchall()
        numbers = {number: number for number, _, _ in found}
        if rows.unit == "line" and found:
            numbers = duckdb_files.physical_lines(rows.path, list(numbers))
        made = [Wrong(rows.unit, numbers.get(number, number), why, raw) for number, why, raw in found]
        return [*self._misshapen(), *made]

    def _misshapen(self) -> list[Wrong]:
        """Return the lines of CSV that DuckDB could not split into columns."""
        known = self._connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'").fetchone()
        if not known:
            return []
        found = self._connection.execute(
            "SELECT line, ANY_VALUE(LOWER(error_message)), ANY_VALUE(csv_line) FROM reject_errors GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return [Wrong("line", line, " ".join(why.split()), raw) for line, why, raw in found]

    @cached_property
    def _lock(self) -> threading.Lock:
        return threading.Lock()

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        from fqtool.warehouse.duckdb_session import opened

        return opened(":memory:")

    @cached_property
    def _said(self) -> Transpiled:
        from fqtool.warehouse.duckdb_dialect import schema_of, transpiled

        return transpiled(self.sql, (schema_of(RECORDS, self.reads),))

    @cached_property
    def _query(self) -> str:
        """The query in DuckDB's words without its WITH, so that `records` can be put before its parts."""
        # A parameter whose type must be guessed makes DuckDB plan anew at each use.
        return self._said.sql.removeprefix("WITH ").replace("$computed_at", "CAST($computed_at AS TIMESTAMPTZ)")

    def _over(self, rows: str) -> str:
        return f"WITH {quoted(RECORDS)} AS ({rows}), {self._query}"

    @cached_property
    def _given(self) -> str:
        """The records of a program as typed rows."""
        read = text(f"[{shape(self.reads)}]")
        return typed(
            self.reads, f"(SELECT UNNEST(FROM_JSON(CAST($rows AS VARCHAR), {read}), recursive := true))", "NULL"
        )

    @cached_property
    def _prepared(self) -> str:
        self._connection.execute(f"PREPARE score AS {self._over(all_right(self._given))}")
        return "score"

    def _some(self, rows: str, first: int, computed_at: datetime) -> list[dict[str, Any]]:
        moment = computed_at.astimezone(UTC).isoformat(sep=" ")
        with judged("the records"):
            try:
                at = f", computed_at := TIMESTAMPTZ {text(moment)}" if self._said.parameters else ""
                result = self._connection.execute(f"EXECUTE {self._prepared}(rows := {text(rows)}{at})")
            except duckdb_error() as error:
                if STOP not in str(error):
                    raise
            else:
                names = [column[0] for column in result.description or ()]
                return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            wrong = self._connection.execute(all_wrong(self._given), {"rows": rows}).fetchall()
        raise _unreadable(None, [Wrong("record", first + number - 1, why, "") for number, why, _ in wrong])


class Wrong(NamedTuple):
    """A record that cannot be read: its number as `unit` counts, why, and what it says."""

    unit: str
    number: int
    why: str
    raw: str

    @property
    def told(self) -> dict[str, object]:
        """The record as a line of the rejects says it."""
        return {self.unit: self.number, "why": self.why, "record": self.raw}


def _unreadable(path: Path | None, wrong: Sequence[Wrong]) -> InputError:
    listed = "; ".join(f"{one.unit} {one.number}: {one.why}" for one in wrong[:_EXAMPLES])
    more = f"; and {len(wrong) - _EXAMPLES:,} more" if len(wrong) > _EXAMPLES else ""
    remedy = "Mend them, or set them aside with --rejects FILE. Nothing was written." if path else ""
    return InputError(f"{path or 'The records'} cannot be read whole. {listed}{more}.", remedy=remedy)


def _as_json(records: Sequence[Mapping[str, Any]], first: int) -> str:
    """Return the records as JSON. Raises InputError for one that is no mapping, or holds what JSON cannot say."""
    for number, one in enumerate(records, first):
        if not isinstance(one, Mapping):
            raise InputError(f"Record {number} is of type {type(one).__name__}; a record is a dict.")
    try:
        return json.dumps([dict(one) for one in records], default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"The records hold what JSON cannot say: {error}.") from None


def _plain(value: Any) -> Any:
    """What programs put into records beside JSON's own: times, exact numbers, arrays of numpy and the like."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return list(value)
    raise TypeError(f"a {type(value).__name__}")


def duckdb_error() -> type[Exception]:
    """DuckDB's exceptions; loaded when needed, as DuckDB is."""
    import duckdb

    return duckdb.Error
