"""The lease on a dataset: one row of the ledger, held by whoever changes its tables or rewrites their partitions.

It keeps two migrators, two backfills, and a migration and a backfill apart. A daily `fqtool score` takes none: one
statement on one partition is serialised by the warehouse (BIGQUERY 42).
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fqtool.errors import Busy, StatementFailed, WorldError
from fqtool.migrations.ledger import (
    TABLE,
    break_lease,
    free_lease,
    running_leases,
    take_lease,
)
from fqtool.migrations.plan import make_statement
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table
from fqtool.verbs.workspace import ledger_entries
from fqtool.warehouse.protocol import Warehouse

LEASE_MINUTES = 10


def runner_name() -> str:
    """Name this process in the ledger: user, host and process id."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{os.getpid()}"


def is_dead(runner: str) -> bool:
    """Tell whether a runner is known to be dead: a process of this host that is no more."""
    place, _, process = runner.rpartition(":")
    if place.rpartition("@")[2] != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _silent(_: str) -> None:
    """Say nothing."""


def create_once(warehouse: Warehouse, table: Table, step: str, on_step: Callable[[str], None]) -> None:
    """Create a table of fqtool's own where there is none, also if another run does so at the same moment."""
    if warehouse.describe(table.name) is None:
        on_step(step)
        try:
            warehouse.run(make_statement(State(), (CreateTable(table),)))
        except StatementFailed:
            if warehouse.describe(table.name) is None:
                raise


def prepare_ledger(warehouse: Warehouse, on_step: Callable[[str], None] = _silent) -> None:
    """Create the ledger where there is none."""
    create_once(warehouse, TABLE, "create ledger", on_step)


@dataclass
class Lease:
    """The lease of one dataset, for `runner` and its `work`, such as "migrating"; `command` takes it from the dead."""

    warehouse: Warehouse
    runner: str
    work: str
    command: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    on_step: Callable[[str], None] = _silent
    _until: datetime | None = None

    @contextmanager
    def held(self, *, take_over: bool = False) -> Iterator[None]:
        """Hold the lease while working. Raises Busy naming the holder, its work and until when."""
        now = self.clock()
        self.on_step("take lease")
        dead = any(is_dead(one.runner) for one in running_leases(ledger_entries(self.warehouse), now))
        if take_over or dead:
            self.warehouse.run(break_lease(self.runner, now))
        self._take(now)
        try:
            yield
        except WorldError:
            # Where the world has failed it may fail again, and what it said first is what counts.
            with suppress(WorldError):
                self._free()
            raise
        except BaseException:
            self._free()
            raise
        self._free()

    def renew(self) -> None:
        """Hold it for its full time again once half of it is over. Raises Busy where another has taken it."""
        now = self.clock()
        if self._until is not None and self._until - now < timedelta(minutes=LEASE_MINUTES / 2):
            self._take(now)

    def _take(self, now: datetime) -> None:
        self._until = now + timedelta(minutes=LEASE_MINUTES)
        self.warehouse.run(take_lease(self.runner, now, self._until, self.work))
        found = running_leases(ledger_entries(self.warehouse), now)
        others = [one for one in found if one.runner != self.runner]
        if others or not found:
            who = f"{others[0].runner} is {others[0].file or 'at work'}" if others else "Another process is at work"
            until = others[0].finished_at if others else "soon"
            raise Busy(
                f"{who} in {self.warehouse.url} and holds the lease until {until}.",
                remedy=f"Wait for it; if that process is dead: {self.command} --take-lease",
            )

    def _free(self) -> None:
        self.on_step("free lease")
        self.warehouse.run(free_lease(self.runner, self.clock()))
