"""The ledger of a dataset: one row per attempt of a statement, and for each table a lease that keeps migrators apart.

Pure functions: rows in, Revisions out, and the queries that write rows. Every write is a MERGE on the row's key, so
that repeating it changes nothing (bigquery.md#job-ids).

Version 0.1 had one store per dataset and no column `table_name`. Its rows are read as the rows of every table, until
the first `migrate` of the store that has their files writes the name of its table into them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from fqtool.errors import MigrationError
from fqtool.migrations.files import MigrationFile
from fqtool.sql import Query, Value, WholeTable, ident
from fqtool.table.model import Table
from fqtool.table.typetext import column

LEDGER = "_fqtool_ledger"
LEASE = "lease"
LEASE_MINUTES = 10


class Status(StrEnum):
    """The state of an attempt of a statement."""

    STARTED = "started"
    APPLIED = "applied"
    ADOPTED = "adopted"
    FAILED = "failed"
    LOST = "lost"
    """Applied to a table that no longer exists; it must run again."""

    @property
    def done(self) -> bool:
        """Whether the statement does not have to run again."""
        return self in (Status.APPLIED, Status.ADOPTED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt of one statement, a row of the ledger.

    Attributes:
        version: the version of the migration, or LEASE.
        statement: the number of the statement in its file, from 1.
        attempt: the number of the attempt, from 1.
        standing: the state of the attempt, a value of Status.
        total: the number of statements in the file.
        file: the name of the file; of the lease, the work of its holder.
        file_hash: the SHA-256 of the file.
        partial_hash: the hash of the statements up to this one; of the lease, the host of its holder.
        job: the id of the job; of a change by tables.patch that was applied, the etag of the table after it; of the
            lease, its token.
        runner: the user, host and process that ran it.
        tool: the version of fqtool.
        started_at: RFC 3339 in UTC.
        finished_at: RFC 3339 in UTC; "" while it runs.
        error: the message of a failed attempt.
        table_name: the table of the store; "" in a row of version 0.1.
    """

    version: str
    statement: int
    attempt: int
    standing: str
    total: int
    file: str
    file_hash: str
    partial_hash: str
    job: str
    runner: str
    tool: str
    started_at: str
    finished_at: str = ""
    error: str = ""
    table_name: str = ""

    @property
    def key(self) -> tuple[str, int, int]:
        """The key of the row among those of its table: version, statement and attempt."""
        return self.version, self.statement, self.attempt


_NUMBERS = ("statement", "attempt", "total")
_TIMES = ("started_at", "finished_at")
_NOW = "CURRENT_TIMESTAMP()"
_KEY = ("version", "statement", "attempt")
COLUMNS = tuple(field.name for field in fields(Entry))
_TYPES = dict.fromkeys(_NUMBERS, "INT64") | dict.fromkeys(_TIMES, "TIMESTAMP")
TABLE = Table(LEDGER, tuple(column(name, _TYPES.get(name, "STRING"), required=name in _KEY) for name in COLUMNS))
ADDED = "table_name"
ROWS = WholeTable(LEDGER, COLUMNS, tuple(of_table.sql_type for of_table in TABLE.columns), (ADDED,))


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration in the ledger.

    Attributes:
        version: the version of the migration.
        applied: the number of statements that are done.
        total: the number of statements of the file.
        hash: the SHA-256 of the file that ran.
        partial_hashes: a hash per statement that is done.
        error: the message of the last attempt, if it failed.
        adopted: whether all statements were found in place instead of run.
        runner: the user, host and process that ran it.
        finished_at: RFC 3339 in UTC.
        table: the table of the store; "" where version 0.1 ran it.
        file: the name of the file that ran.
    """

    version: str
    applied: int
    total: int
    hash: str
    partial_hashes: tuple[str, ...]
    error: str = ""
    adopted: bool = False
    runner: str = ""
    finished_at: str = ""
    table: str = ""
    file: str = ""

    @property
    def begun(self) -> bool:
        """Whether a statement is done or may be. Where the first one failed, the table was checked and it is not."""
        return self.applied > 0 or not self.error

    @property
    def complete(self) -> bool:
        """Whether every statement is done."""
        return self.applied >= self.total

    def differs_from(self, file: MigrationFile) -> bool:
        """Return whether another text ran than the file has. Statements found in place, adopted, did not run."""
        if (self.adopted and self.table) or not self.begun:
            return False
        return file.hash != self.hash or self.partial_hashes != file.partial_hashes[: self.applied]


def entries_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """Read ledger rows and the lease, ordered by version, statement and attempt.

    Raises:
        MigrationError: a row was edited.
    """
    entries = [Entry(**{name: _plain(name, row[name]) for name in COLUMNS}) for row in rows]
    for entry in entries:
        if entry.version == LEASE and not entry.finished_at:
            raise MigrationError(
                f"The lease in `{LEDGER}` has no end time; the table was edited manually.",
                remedy=f"While no migration runs, delete the row of `{LEDGER}` whose version is `{LEASE}`.",
            )
        if entry.version != LEASE and entry.standing not in set(Status):
            raise MigrationError(
                f"Statement {entry.statement} of migration {entry.version[:40]!r} has the unknown `standing`"
                f" {entry.standing[:40]!r} in `{LEDGER}`; the table was edited manually.",
                remedy=f"Set `standing` of that row to its value before the edit: one of {', '.join(Status)}.",
            )
    return tuple(sorted(entries, key=lambda entry: entry.key))


def of_table(entries: Iterable[Entry], table: str) -> tuple[Entry, ...]:
    """Return the entries of a table: those with its name, and those of version 0.1, which have none."""
    return tuple(entry for entry in entries if entry.table_name in ("", table))


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is not None else (0 if name in _NUMBERS else "")


def revisions(entries: Iterable[Entry]) -> tuple[Revision, ...]:
    """Fold entries into one Revision per version, in version order. The lease is left out."""
    statements = [entry for entry in entries if entry.version != LEASE]
    return tuple(_revision(list(group)) for _, group in groupby(statements, key=lambda entry: entry.version))


def _revision(entries: Sequence[Entry]) -> Revision:
    last = {entry.statement: entry for entry in entries}
    done = [entry for entry in last.values() if Status(entry.standing).done]
    newest = entries[-1]
    return Revision(
        newest.version,
        applied=len(done),
        total=newest.total,
        hash=newest.file_hash,
        partial_hashes=tuple(entry.partial_hash for entry in done),
        error=newest.error if newest.standing == Status.FAILED else "",
        adopted=bool(done) and all(entry.standing == Status.ADOPTED for entry in done),
        runner=newest.runner,
        finished_at=newest.finished_at,
        table=newest.table_name,
        file=newest.file,
    )


def last_attempt(entries: Iterable[Entry], version: str, statement: int) -> Entry | None:
    """Return the newest attempt of a statement, or None.

    Args:
        entries: The rows of the ledger, oldest first.
        version: The number of the migration file.
        statement: The number of the statement in the file.
    """
    attempts = [entry for entry in entries if (entry.version, entry.statement) == (version, statement)]
    return attempts[-1] if attempts else None


def entry_for(
    file: MigrationFile, statement: int, attempt: int, *, table: str, target: str, runner: str, tool: str, now: datetime
) -> Entry:
    """Return the entry of a statement that is about to run.

    The job id is derived from the statements and the target, so a repeated run has the same id (bigquery.md#job-ids).

    Args:
        file: the migration file.
        statement: the number of the statement, from 1.
        attempt: the number of the attempt, from 1.
        table: the table of the store.
        target: the URL of the target.
        runner: the user, host and process.
        tool: the version of fqtool.
        now: the start time.
    """
    partial = file.partial_hashes[statement - 1]
    place = hashlib.sha256(f"{target}\n{partial}".encode()).hexdigest()[:16]
    return Entry(
        version=file.version,
        statement=statement,
        attempt=attempt,
        standing=Status.STARTED,
        total=len(file.statements),
        file=file.name,
        file_hash=file.hash,
        partial_hash=partial,
        job=f"fqtool_{file.version}_{statement}_{place}_{attempt}",
        runner=runner,
        tool=tool,
        started_at=now.isoformat(),
        table_name=table,
    )


def record(*entries: Entry) -> Query:
    """Return the MERGE that inserts or updates entries, all or none. Their keys must differ."""
    on = " AND ".join(f"t.{ident(name)} = s.{ident(name)}" for name in (*_KEY, ADDED))
    suffixes = ["", *(f"_{number}" for number in range(2, len(entries) + 1))]
    sources = [_source({name: _parameter(name + suffix, name) for name in COLUMNS}) for suffix in suffixes]
    pairs = zip(entries, suffixes, strict=True)
    values = tuple((name + suffix, getattr(entry, name)) for entry, suffix in pairs for name in COLUMNS)
    return _merge("\n  UNION ALL ".join(sources), on, "WHEN MATCHED THEN", values)


def name_entries(table: str) -> Query:
    """Return the UPDATE that writes the name of a table into the rows of version 0.1, which are of its store."""
    return Query(
        f"UPDATE {ident(LEDGER)} SET {ident(ADDED)} = @table WHERE {ident(ADDED)} IS NULL AND `version` <> @lease",
        (("table", table), ("lease", LEASE)),
    )


def _parameter(name: str, of: str) -> str:
    """Times are sent as text, so that an unknown time needs no typed NULL."""
    return f"SAFE_CAST(NULLIF(@{name}, '') AS TIMESTAMP)" if of in _TIMES else f"@{name}"


def _source(values: Mapping[str, str]) -> str:
    return f"SELECT {', '.join(f'{values[name]} AS {ident(name)}' for name in COLUMNS)}"


def _merge(source: str, on: str, matched: str, values: tuple[tuple[str, Value], ...]) -> Query:
    """Return a MERGE of the rows of `source`, which have the ledger's columns."""
    update = ", ".join(f"{ident(name)} = s.{ident(name)}" for name in COLUMNS if name not in _KEY)
    names, inserted = (", ".join(f"{prefix}{ident(name)}" for name in COLUMNS) for prefix in ("", "s."))
    return Query(
        f"MERGE {ident(LEDGER)} AS t\nUSING ({source}) AS s\nON {on}\n{matched} UPDATE SET {update}\n"
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({inserted})",
        values,
    )


def lease_of(table: str, runner: str, token: str, place: str = "") -> Entry:
    """Return the lease of a holder.

    Args:
        table: the table of the store.
        runner: the user, host and process of the holder, for people.
        token: an id that no other holder has.
        place: the host in which its process id is valid.
    """
    return Entry(LEASE, 0, 0, "lease", 0, "", "", place, token, runner, "", "", table_name=table)


def take_lease(lease: Entry, work: str) -> Query:
    """Return the MERGE that takes the lease if it is free, expired, dated by a wrong clock, or the holder's own.

    The holder has the lease if it then reads its own token and no other. Of two concurrent statements the second finds
    the row changed and does nothing (bigquery.md#dml). While there is no row, both may insert one, since insertions do
    not conflict: then both read two rows, and each must free its own. All times are the warehouse's, so the holders'
    clocks do not matter. The row has the holder in `runner`, its work in `file`, its token in `job` and the end of the
    lease in `finished_at`. A lease of version 0.1, which names no table, is one of every table.
    """
    # Twice as long, since of two concurrent statements one may read a lease that was dated after its own time.
    latest = f"INTERVAL {2 * LEASE_MINUTES} MINUTE"
    others = (
        f" FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM {ident(LEDGER)} WHERE `version` = @version"
        f" AND IFNULL({ident(ADDED)}, @{ADDED}) = @{ADDED}"
        f" AND `job` <> @job AND `finished_at` > {_NOW} AND `finished_at` <= TIMESTAMP_ADD({_NOW}, {latest}))"
    )
    mine_or_over = (
        "t.`job` = s.`job` OR t.`finished_at` <= s.`started_at`"
        f" OR t.`finished_at` > TIMESTAMP_ADD(s.`started_at`, {latest})"
    )
    until = f"TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {LEASE_MINUTES} MINUTE)"
    return _merge_lease(replace(lease, file=work), f"WHEN MATCHED AND ({mine_or_over}) THEN", until, others)


def free_lease(lease: Entry) -> Query:
    """Return the MERGE that ends this holder's lease."""
    return _merge_lease(lease, "WHEN MATCHED AND t.`job` = s.`job` THEN")


def break_lease(lease: Entry) -> Query:
    """Return the MERGE that ends the lease of any holder, for a holder whose process has ended."""
    return _merge_lease(lease, "WHEN MATCHED THEN")


def _merge_lease(lease: Entry, matched: str, until: str = _NOW, where: str = "") -> Query:
    times = {"started_at": _NOW, "finished_at": until}
    source = _source({name: _parameter(name, name) for name in COLUMNS} | times) + where
    values = tuple((name, getattr(lease, name)) for name in COLUMNS if name not in times)
    same_table = f"IFNULL(t.{ident(ADDED)}, s.{ident(ADDED)}) = s.{ident(ADDED)}"
    return _merge(source, f"t.`version` = s.`version` AND {same_table}", matched, values)


def leases(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return every lease that was taken and not freed; it may have expired."""
    return tuple(entry for entry in entries if entry.version == LEASE and entry.file)
