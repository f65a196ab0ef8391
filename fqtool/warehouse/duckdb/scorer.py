"""Run the scoring query on an embedded DuckDB in memory, over records of a program or over a file, without a table.

The query is translated once, and planned once for records: planning takes longer than scoring a thousand rows.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fqtool.errors import InputError, StatementFailed
from fqtool.records.check import RecordCheck
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.scoring.overflow import with_place
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.typetext import parse_type
from fqtool.warehouse.duckdb import files as duckdb_files
from fqtool.warehouse.duckdb.record_files import (
    GZIP,
    Fields,
    RecordFile,
    format_of,
    name_of,
    record_file,
    require_readable,
)
from fqtool.warehouse.duckdb.session import judged, one_thread
from fqtool.warehouse.duckdb.strict_records import StrictFile, strict_file
from fqtool.warehouse.duckdb.typed_rows import STOP, all_right, all_wrong, only_right, shape, typed
from fqtool.warehouse.duckdb.types import bound, quoted, text_literal
from fqtool.warehouse.duckdb.wrong_records import WrongRecord, misshapen_records, wrong_records
from fqtool.warehouse.files import put_in_place, require_distinct

if TYPE_CHECKING:
    import duckdb

    from fqtool.warehouse.duckdb.transpile.dialect import Transpiled

RECORDS = "records"
"""The name of the table that the query reads."""
_AT_ONCE = 2_000
_EXAMPLES = 5
_WHOLE = 2**63
_SET_ASIDE = "Correct them, or write them to another file with --rejects FILE."


@dataclass(frozen=True, slots=True)
class Scores:
    """The number of records of a file that were scored and written, and of those that were set aside as unreadable."""

    written: int
    rejected: int


@dataclass(frozen=True)
class DuckDBScorer:
    """The scoring query of a registry, on DuckDB.

    Args:
        sql: GoogleSQL over the table `records`, with @computed_at.
        reads: The columns of `records` that it reads.
        arrays: The columns of its result that are ARRAYs.
        floats: The columns of its result that are FLOAT64 or ARRAY<FLOAT64>.
        required: The columns in which the records of a file must have a value.
        declared: The only fields that the records of a file may have; None: any.
        check: The check that `strict` adds for the records of a file.
        scoring: The columns, to find one whose value does not fit its type.
    """

    sql: str
    reads: tuple[Column, ...]
    arrays: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    declared: frozenset[str] | None = None
    check: RecordCheck | None = None
    scoring: Scoring | None = None

    def records(self, records: Sequence[Mapping[str, Any]], computed_at: datetime) -> list[dict[str, Any]]:
        """Score records.

        Args:
            records: Column name -> value.
            computed_at: The value of @computed_at.

        Returns:
            The columns of the query for each record, in the order of the records. An ARRAY is a list.

        Raises:
            InputError: Values do not have the type of their column; the message names records and columns.
        """
        scores: list[dict[str, Any]] = []
        with self._lock:
            for at in range(0, len(records), _AT_ONCE):
                scores += self._batch(_as_json(records[at : at + _AT_ONCE], at), at, computed_at)
        return scores

    def file(
        self,
        source: Path,
        out: Path,
        computed_at: datetime,
        rejects: Path | None = None,
        *,
        strict: bool = False,
        on_undeclared: Callable[[str], None] = lambda _: None,
    ) -> Scores:
        """Score the records of a file into another file, streaming.

        Args:
            source: The file with the records.
            out: The file for the scores.
            computed_at: The value of @computed_at.
            rejects: The file for unreadable records, as NDJSON. None: an unreadable record is an error.
            strict: Whether a record that `fqtool check-record` reports counts as unreadable.
            on_undeclared: Called with the name of each field that is not declared.

        Raises:
            InputError: Records are unreadable; the message has the first ones, and nothing is written.
            UsageError: A name has an unknown ending, or two names are the same file.
            WorldError: A file cannot be written.
        """
        require_distinct({"--input": source, "--output": out, "--rejects": rejects})
        form, fields = format_of(out), Fields(self.reads, self.required, self.declared)
        with self._lock, ExitStack() as files:
            # Several threads keep ten times the file in memory, because they write in the order of the records.
            files.enter_context(one_thread(self._connection))
            given = StrictFile(source)
            if strict and self.check:
                given = files.enter_context(strict_file(self._connection, source, self.check))
                if given.wrong and rejects is None:
                    raise _unreadable(name_of(source), given.wrong)
            records = files.enter_context(record_file(self._connection, given.path, fields))
            for name in records.undeclared:
                on_undeclared(name)
            with duckdb_files.scores_to(out, form) as target:
                select = self._over((only_right if rejects else all_right)(records.sql))
                written = self._copy(
                    records, duckdb_files.copy_to(select, target, form, self.arrays, self.floats), computed_at
                )
                if rejects is None:
                    if records.form == "csv" and misshapen_records(self._connection):
                        raise _unreadable(records.name, wrong_records(self._connection, records))
                    return Scores(written, 0)
                return Scores(written, self._set_aside(records, rejects, given))

    def _copy(self, records: RecordFile, copy: str, computed_at: datetime) -> int:
        """Write the scores and return their number."""
        with self._placing(lambda: only_right(records.sql), computed_at), judged(records.name):
            try:
                values = bound([("computed_at", computed_at)], self._transpiled.parameters)
                (written,) = self._connection.execute(copy, values).fetchone() or (0,)
            except duckdb_error() as error:
                if STOP in str(error):
                    raise _unreadable(records.name, wrong_records(self._connection, records)) from None
                require_readable(self._connection, records)
                raise
        return int(written)

    def _set_aside(self, records: RecordFile, rejects: Path, given: StrictFile) -> int:
        count, others = 0, map(given.placed, wrong_records(self._connection, records))
        opened = gzip.open if rejects.suffix.lower() == GZIP else open
        with put_in_place(rejects) as temporary, opened(temporary, "wt", encoding="utf-8") as stream:
            for count, record in enumerate(chain(given.wrong, others), 1):  # noqa: B007  the return
                stream.write(f"{json.dumps(record.as_json)}\n")
        return count

    @cached_property
    def _lock(self) -> threading.Lock:
        return threading.Lock()

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        from fqtool.warehouse.duckdb.session import opened

        return opened(":memory:")

    @contextmanager
    def _placing(self, rows: Callable[[], str], computed_at: datetime) -> Iterator[None]:
        """Add column and row to the error of a value that does not fit its type."""
        try:
            yield
        except StatementFailed as error:
            if self.scoring is None:
                raise
            raise with_place(error, self.scoring, RECORDS, computed_at, partial(self._ask, rows)) from None

    def _ask(self, rows: Callable[[], str], query: Query) -> list[dict[str, Any]]:
        from fqtool.warehouse.duckdb.transpile.dialect import schema_of, transpiled

        made = transpiled(query.sql, (schema_of(RECORDS, self.reads),))
        with judged("the records"):
            sql = f"WITH {quoted(RECORDS)} AS ({rows()}), {made.sql.removeprefix('WITH ')}"
            result = self._connection.execute(sql, bound(query.parameters, made.parameters))
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @cached_property
    def _transpiled(self) -> Transpiled:
        from fqtool.warehouse.duckdb.transpile.dialect import schema_of, transpiled

        return transpiled(self.sql, (schema_of(RECORDS, self.reads),))

    def _over(self, rows: str) -> str:
        """Return the translated query over these rows."""
        # Without the type of a parameter, DuckDB plans the query at each use.
        query = self._transpiled.sql.removeprefix("WITH ").replace("$computed_at", "CAST($computed_at AS TIMESTAMPTZ)")
        return f"WITH {quoted(RECORDS)} AS ({rows}), {query}"

    @cached_property
    def _typed_records(self) -> str:
        """SQL for the records of a program as typed rows."""
        read = text_literal(f"[{shape(self.reads)}]")
        return typed(
            self.reads, f"(SELECT UNNEST(FROM_JSON(CAST($rows AS VARCHAR), {read}), recursive := true))", "NULL"
        )

    @cached_property
    def _prepared(self) -> str:
        self._connection.execute(f"PREPARE score AS {self._over(all_right(self._typed_records))}")
        return "score"

    def _batch(self, rows: str, first: int, computed_at: datetime) -> list[dict[str, Any]]:
        moment = computed_at.astimezone(UTC).isoformat(sep=" ")

        def typed() -> str:
            return only_right(self._typed_records.replace("$rows", text_literal(rows)))

        with self._placing(typed, computed_at), judged("the records"):
            try:
                at = f", computed_at := TIMESTAMPTZ {text_literal(moment)}" if self._transpiled.parameters else ""
                result = self._connection.execute(f"EXECUTE {self._prepared}(rows := {text_literal(rows)}{at})")
            except duckdb_error() as error:
                if STOP not in str(error):
                    raise
            else:
                names = [column[0] for column in result.description or ()]
                return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            wrong = self._connection.execute(all_wrong(self._typed_records), {"rows": rows}).fetchall()
        records = (WrongRecord("record", first + number - 1, why, "") for number, why, _ in wrong)
        raise _unreadable("", records, remedy="")


def scorer_of(registry: Registry) -> DuckDBScorer:
    """Return the scorer of a registry.

    Records have the base columns that its expressions read. Results have the keys and all managed columns; upstream
    columns are passed on.

    Raises:
        InputError: An expression is not supported on DuckDB.
    """
    scoring = Scoring(registry)
    types = {column.name: parse_type(column.spec.type) for column in scoring.managed}
    arrays = tuple(name for name, (_, mode) in types.items() if mode is Mode.REPEATED)
    floats = tuple(name for name, (of, _) in types.items() if of.kind is Kind.FLOAT64)
    keys = {name.lower() for name in registry.table.keys}
    required = frozenset(column.name for column in scoring.reads if column.key in keys)
    declared = frozenset(column.name for column in desired_table(registry).columns)
    return DuckDBScorer(
        scoring.select(RECORDS, whole=True),
        scoring.reads,
        arrays,
        floats,
        required,
        declared,
        RecordCheck(registry),
        scoring,
    )


def _unreadable(name: str, wrong: Iterable[WrongRecord], remedy: str = _SET_ASIDE) -> InputError:
    listed, count = list[str](), 0
    for count, record in enumerate(wrong, 1):
        if count <= _EXAMPLES:
            listed.append(f"{record.unit} {record.number}: {record.why}")
    more = f"; and {count - _EXAMPLES:,} more" if count > _EXAMPLES else ""
    outcome = " Nothing was written." if remedy else ""
    head = f"{name} has unreadable records." if name else "Some records cannot be read."
    return InputError(f"{head} {'; '.join(listed)}{more}.{outcome}", remedy=remedy)


def _as_json(records: Sequence[Mapping[str, Any]], first: int) -> str:
    """Return the records as JSON. Raises InputError for a record that is not a mapping or not representable in JSON."""
    for number, record in enumerate(records, first):
        if not isinstance(record, Mapping):
            raise InputError(f"Record {number} is a {type(record).__name__}, but must be a dict.")
    try:
        return json.dumps([{key: _exact(value) for key, value in record.items()} for record in records], default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"The records contain a value that JSON does not support: {error}.") from None


def _exact(value: Any) -> Any:
    """A whole number that DuckDB would read as a double becomes its digits."""
    return str(value) if type(value) is int and not -_WHOLE <= value < _WHOLE else value


def _plain(value: Any) -> Any:
    """Convert values of programs that JSON does not have: times, exact numbers, numpy arrays and the like."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"a {type(value).__name__}")


def duckdb_error() -> type[Exception]:
    """Return the base of DuckDB's exceptions, which is loaded when it is needed."""
    import duckdb

    return duckdb.Error
