"""The lease on a table: one row of the ledger, held by the process that changes tables or rewrites partitions.

It keeps two migrators, two backfills, and a migration and a backfill apart. A daily `fqtool score` needs no lease: the
warehouse serialises statements on one partition (bigquery.md#dml).
"""

from __future__ import annotations

import getpass
import os
import random
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from fqtool.errors import Busy, StatementFailed, WorldError
from fqtool.findings.remedy import Commands
from fqtool.migrations.ledger import (
    ADDED,
    LEASE_MINUTES,
    TABLE,
    Entry,
    break_lease,
    free_lease,
    lease_of,
    leases,
    take_lease,
)
from fqtool.migrations.plan import make_statement
from fqtool.table.changes import AddColumn
from fqtool.table.model import State, Table
from fqtool.warehouse.bookkeeping import create_once
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import ledger_entries

_PAUSES = (0.5, 1.0, 2.0)


def runner_name() -> str:
    """Return the name of this process for the ledger: user, host and process id."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{os.getpid()}"


def place() -> str:
    """Return the namespace of the process ids of this host; "" where it is unknown.

    Containers often have the same host name and process id, so these do not identify a process.
    """
    if sys.platform == "darwin":
        return f"{socket.gethostname()} {uuid.getnode()}"
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def is_dead(lease: Entry) -> bool:
    """Return whether the holder was a process of this host that no longer exists."""
    process = lease.runner.rpartition(":")[2]
    if not lease.partial_hash or lease.partial_hash != place() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def create_ledger(warehouse: Warehouse, on_step: Callable[[str], None]) -> None:
    """Create the ledger, which does not exist."""
    create_once(warehouse, TABLE, "create ledger", on_step)


def prepare_ledger(warehouse: Warehouse, on_step: Callable[[str], None] = lambda _: None) -> None:
    """Create the ledger if it does not exist, and add the column that version 0.1 did not have."""
    ledger = warehouse.describe(TABLE.name)
    if ledger is None:
        create_ledger(warehouse, on_step)
    elif isinstance(ledger, Table) and ledger.find(ADDED) is None:
        on_step("add the table to the ledger")
        statement = make_statement(State(ledger), (AddColumn(TABLE.columns[-1]),))
        try:
            warehouse.run(statement)
        except StatementFailed:
            ledger = warehouse.describe(TABLE.name)
            if not isinstance(ledger, Table) or ledger.find(ADDED) is None:  # else another process has added it
                raise


@dataclass
class Lease:
    """The lease of one table.

    Attributes:
        warehouse: the target.
        table: the name of the table.
        runner: the user, host and process.
        work: what the holder does, such as "migrating".
        command: the command that takes the lease from a process that has ended.
        clock: the clock, which a test may replace.
        on_step: called with the name of each step before it.
        sleep: the wait, which a test may replace.
    """

    warehouse: Warehouse
    table: str
    runner: str
    work: str
    command: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    on_step: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    _token: str = field(default_factory=lambda: uuid.uuid4().hex)
    _taken: datetime | None = None

    @cached_property
    def _lease(self) -> Entry:
        return lease_of(self.table, self.runner, self._token, place())

    @contextmanager
    def held(self, *, take_over: bool = False) -> Iterator[tuple[Entry, ...]]:
        """Hold the lease in this context; yield the ledger's entries after it is taken.

        Raises:
            Busy: another process holds the lease; the message has the holder, its work and the end time.
        """
        self.on_step("take lease")
        if take_over:
            self.warehouse.run(break_lease(self._lease))
        try:
            entries = self._take()
        except Busy:
            if not any(map(self._is_dead, leases(ledger_entries(self.warehouse, self.table)))):
                raise
            self.warehouse.run(break_lease(self._lease))
            entries = self._take()
        try:
            yield entries
        except WorldError:
            # Where the warehouse failed it may fail again, and its first error is the one to report.
            with suppress(WorldError):
                self._free()
            raise
        except BaseException:
            self._free()
            raise
        self._free()

    def _is_dead(self, lease: Entry) -> bool:
        """Return whether the process of a holder has ended; for a file with one writer, also one of another boot."""
        here = place()
        elsewhere = bool(here and lease.partial_hash) and lease.partial_hash != here
        return is_dead(lease) or (self.warehouse.writing.exclusive and elsewhere)

    def renew(self) -> None:
        """Extend the lease to its full time once half of it has passed.

        Raises:
            Busy: another process has taken it.
        """
        if self._taken is not None and self.clock() - self._taken > timedelta(minutes=LEASE_MINUTES / 2):
            self._take()

    def _take(self) -> tuple[Entry, ...]:
        """Take the lease and return the ledger's entries."""
        others: list[Entry] = []
        for pause in (*_PAUSES, None):
            now = self.clock()
            try:
                self.warehouse.run(take_lease(self._lease, self.work))
            except StatementFailed as error:
                # Of two concurrent statements BigQuery may fail one; the lease that exists then decides.
                if pause is None or "concurrent" not in str(error):
                    raise
            entries = ledger_entries(self.warehouse, self.table)
            taken = leases(entries)
            others = [lease for lease in taken if lease.job != self._token]
            if taken and not others:
                self._taken = now
                return entries
            if len(others) < len(taken):
                self.warehouse.run(free_lease(self._lease))
            elif others:
                break
            if pause is not None:
                # Two processes that collide here must not collide again.
                self.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  nothing secret
        holder, until = "Another process is working on", ""
        if others:
            holder, until = f"{others[0].runner} is {others[0].file}", f" until {others[0].finished_at}"
        raise Busy(
            f"{holder} {self.table} in {self.warehouse.url} and holds the lease{until}.",
            remedy=Commands(
                ((*self.command.split(), "--take-lease"),), "Wait until it ends. If that process has crashed:"
            ),
        )

    def _free(self) -> None:
        self.on_step("free lease")
        self.warehouse.run(free_lease(self._lease))
