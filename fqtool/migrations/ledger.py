"""The ledger: what was done to a dataset, a row per statement attempt, and one lease row against two migrators.

Pure: rows in, Revisions out, and the queries that write rows. Every write is a MERGE on the row's key, so writing it
twice is writing it once (BIGQUERY 74).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from fqtool.errors import MigrationError
from fqtool.migrations.files import MigrationFile
from fqtool.sql import Query, WholeTable, ident
from fqtool.table.model import Table
from fqtool.table.typetext import column

LEDGER = "_fqtool_ledger"
LEASE = "lease"
LEASE_MINUTES = 10


class Standing(StrEnum):
    """Where a statement attempt stands."""

    STARTED = "started"
    APPLIED = "applied"
    ADOPTED = "adopted"
    FAILED = "failed"

    @property
    def done(self) -> bool:
        """Whether the statement need not run any more."""
        return self in (Standing.APPLIED, Standing.ADOPTED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt of one statement. `statement` counts from 1; times are RFC 3339 in UTC, "" for not yet."""

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


_TYPES = {"statement": "INT64", "attempt": "INT64", "total": "INT64"}
_TIMES = ("started_at", "finished_at")
_LEASE_ROW = "t.`version` = s.`version`"
_NOW = "CURRENT_TIMESTAMP()"
_KEY = ("version", "statement", "attempt")
COLUMNS = tuple(field.name for field in fields(Entry))
TABLE = Table(
    LEDGER,
    tuple(
        column(
            name,
            "TIMESTAMP" if name in _TIMES else _TYPES.get(name, "STRING"),
            required=name in _KEY,
        )
        for name in COLUMNS
    ),
)
ROWS = WholeTable(LEDGER, COLUMNS, tuple(one.sql_type for one in TABLE.columns))


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration as the ledger has it: how many statements of how many are done, and the last error."""

    version: str
    applied: int
    total: int
    hash: str
    partial_hashes: tuple[str, ...]
    error: str = ""
    adopted: bool = False
    runner: str = ""
    finished_at: str = ""

    @property
    def complete(self) -> bool:
        """Whether every statement is done."""
        return self.applied >= self.total


def entries_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """Read ledger rows, the lease among them, in order of version, statement and attempt.

    Raises MigrationError for a row that fqtool never wrote.
    """
    read = [Entry(**{name: _plain(name, row[name]) for name in COLUMNS}) for row in rows]
    for one in read:
        if one.version == LEASE and not one.finished_at:
            raise MigrationError(
                f"The lease in {LEDGER} does not say when it ends, which fqtool always writes.",
                remedy=f"Somebody edited {LEDGER}: delete its row whose version is {LEASE}, if no migration runs.",
            )
        if one.version != LEASE and one.standing not in set(Standing):
            raise MigrationError(
                f"{LEDGER} says that statement {one.statement} of migration {one.version[:40]!r} is"
                f" {one.standing[:40]!r}, which fqtool never writes.",
                remedy=f"Somebody edited {LEDGER}: put back one of {', '.join(Standing)}, or what it was before.",
            )
    return tuple(sorted(read, key=lambda entry: (entry.version, entry.statement, entry.attempt)))


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is not None else (0 if name in _TYPES else "")


def revisions(entries: Iterable[Entry]) -> tuple[Revision, ...]:
    """Fold entries into one Revision per version, in version order. The lease is none of them."""
    statements = [entry for entry in entries if entry.version != LEASE]
    return tuple(_revision(list(group)) for _, group in groupby(statements, key=lambda entry: entry.version))


def _revision(entries: Sequence[Entry]) -> Revision:
    last = {entry.statement: entry for entry in entries}
    done = [entry for entry in last.values() if Standing(entry.standing).done]
    newest = entries[-1]
    return Revision(
        newest.version,
        applied=len(done),
        total=newest.total,
        hash=newest.file_hash,
        partial_hashes=tuple(entry.partial_hash for entry in done),
        error=newest.error if newest.standing == Standing.FAILED else "",
        adopted=bool(done) and all(entry.standing == Standing.ADOPTED for entry in done),
        runner=newest.runner,
        finished_at=newest.finished_at,
    )


def last_attempt(entries: Iterable[Entry], version: str, statement: int) -> Entry | None:
    """Return the newest attempt of a statement, or None."""
    found = [entry for entry in entries if (entry.version, entry.statement) == (version, statement)]
    return found[-1] if found else None


def entry_for(
    file: MigrationFile, statement: int, attempt: int, *, target: str, runner: str, tool: str, now: datetime
) -> Entry:
    """Return the entry of a statement about to run. Its job id follows from what is run where (BIGQUERY 76)."""
    partial = file.partial_hashes[statement - 1]
    place = hashlib.sha256(f"{target}\n{partial}".encode()).hexdigest()[:16]
    return Entry(
        version=file.version,
        statement=statement,
        attempt=attempt,
        standing=Standing.STARTED,
        total=len(file.statements),
        file=file.name,
        file_hash=file.hash,
        partial_hash=partial,
        job=f"fqtool_{file.version}_{statement}_{place}_{attempt}",
        runner=runner,
        tool=tool,
        started_at=now.isoformat(),
    )


def record(entry: Entry) -> Query:
    """Return the MERGE that writes an entry, new or known."""
    on = " AND ".join(f"t.{ident(name)} = s.{ident(name)}" for name in _KEY)
    return _merge(entry, on, "WHEN MATCHED THEN")


def _merge(entry: Entry, on: str, matched: str, where: str = "", **times: str) -> Query:
    """Return a MERGE of one entry; `times` has SQL for columns that the warehouse's clock tells."""
    source = ", ".join(f"{times.get(name) or _parameter(name)} AS {ident(name)}" for name in COLUMNS)
    update = ", ".join(f"{ident(name)} = s.{ident(name)}" for name in COLUMNS if name not in _KEY)
    names = ", ".join(ident(name) for name in COLUMNS)
    values = ", ".join(f"s.{ident(name)}" for name in COLUMNS)
    return Query(
        f"MERGE {ident(LEDGER)} AS t\nUSING (SELECT {source}{where}) AS s\nON {on}\n"
        f"{matched} UPDATE SET {update}\n"
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})",
        tuple((name, getattr(entry, name)) for name in COLUMNS if name not in times),
    )


def _parameter(name: str) -> str:
    """Times travel as text, so that one not yet known needs no typed NULL."""
    return f"SAFE_CAST(NULLIF(@{name}, '') AS TIMESTAMP)" if name in _TIMES else f"@{name}"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who takes a lease: `runner` names it to people, `token` is no other's, `place` is where its process id counts."""

    runner: str
    token: str
    place: str = ""


def take_lease(holder: Holder, work: str) -> Query:
    """Return the MERGE that takes the lease if it is free, run out, or this holder's own.

    Whoever reads its own token afterwards, and no other's, has it. Of two who come at once the second finds the row
    changed and does nothing (BIGQUERY 42). Where there is no row yet both may write one, since insertions never
    conflict: then both read two, and each must free its own. All times are the warehouse's, so no clock of a holder's
    matters. `runner` is written as holder, `file` holds its work, `job` the token, `finished_at` the end of the lease.
    """
    others = (
        f" FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM {ident(LEDGER)} WHERE `version` = @version"
        f" AND `job` <> @job AND `finished_at` > CURRENT_TIMESTAMP())"
    )
    mine_or_over = "t.`job` = s.`job` OR t.`finished_at` <= s.`started_at`"
    until = f"TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {LEASE_MINUTES} MINUTE)"
    return _lease(holder, f"WHEN MATCHED AND ({mine_or_over}) THEN", work, until, others)


def free_lease(holder: Holder) -> Query:
    """Return the MERGE that ends this holder's lease."""
    return _lease(holder, "WHEN MATCHED AND t.`job` = s.`job` THEN")


def break_lease(holder: Holder) -> Query:
    """Return the MERGE that ends whoever's lease it is: for a migrator known to be dead."""
    return _lease(holder, "WHEN MATCHED THEN")


def _lease(holder: Holder, matched: str, work: str = "", until: str = _NOW, where: str = "") -> Query:
    entry = Entry(LEASE, 0, 0, "lease", 0, work, "", holder.place, holder.token, holder.runner, "", "")
    return _merge(entry, _LEASE_ROW, matched, where, started_at=_NOW, finished_at=until)


def leases(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return every lease that was taken and not freed; it may have run out."""
    return tuple(entry for entry in entries if entry.version == LEASE and entry.file)
