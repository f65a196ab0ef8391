"""The lease on a dataset: one row of the ledger, held by whoever changes its tables or rewrites their partitions.

It keeps two migrators, two backfills, and a migration and a backfill apart. A daily `fqtool score` takes none: one
statement on one partition is serialised by the warehouse (BIGQUERY 42).
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
from pathlib import Path

from fqtool.errors import Busy, StatementFailed, WorldError
from fqtool.migrations.ledger import (
    LEASE_MINUTES,
    TABLE,
    Entry,
    Holder,
    break_lease,
    free_lease,
    leases,
    take_lease,
)
from fqtool.migrations.plan import make_statement
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table
from fqtool.verbs.workspace import ledger_entries
from fqtool.warehouse.protocol import Warehouse

_PAUSES = (0.5, 1.0, 2.0)


def runner_name() -> str:
    """Name this process in the ledger: user, host and process id."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{os.getpid()}"


def place() -> str:
    """Name what the process ids of this host count in, "" where that is not known.

    Containers often share one name of host and one process id, so that these alone tell nothing.
    """
    if sys.platform == "darwin":
        return f"{socket.gethostname()} {uuid.getnode()}"
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def is_dead(lease: Entry) -> bool:
    """Tell whether a holder is known to be dead: a process of this host that is no more."""
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
    sleep: Callable[[float], None] = time.sleep
    _token: str = field(default_factory=lambda: uuid.uuid4().hex)
    _taken: datetime | None = None

    @property
    def _holder(self) -> Holder:
        return Holder(self.runner, self._token, place())

    @contextmanager
    def held(self, *, take_over: bool = False) -> Iterator[None]:
        """Hold the lease while working. Raises Busy naming the holder, its work and until when."""
        self.on_step("take lease")
        if take_over or any(map(is_dead, leases(ledger_entries(self.warehouse)))):
            self.warehouse.run(break_lease(self._holder))
        self._take()
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
        if self._taken is not None and self.clock() - self._taken > timedelta(minutes=LEASE_MINUTES / 2):
            self._take()

    def _take(self) -> None:
        others: list[Entry] = []
        for pause in (*_PAUSES, None):
            now = self.clock()
            self._try_to_take(last=pause is None)
            found = leases(ledger_entries(self.warehouse))
            others = [one for one in found if one.job != self._token]
            if found and not others:
                self._taken = now
                return
            if len(others) < len(found):
                self.warehouse.run(free_lease(self._holder))
            elif others:
                break
            if pause is not None:
                # Two who meet here must not meet again.
                self.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  nothing secret
        who = f"{others[0].runner} is {others[0].file}" if others else "Another process is at work"
        until = others[0].finished_at if others else "soon"
        raise Busy(
            f"{who} in {self.warehouse.url} and holds the lease until {until}.",
            remedy=f"Wait for it; if that process is dead: {self.command} --take-lease",
        )

    def _try_to_take(self, *, last: bool) -> None:
        try:
            self.warehouse.run(take_lease(self._holder, self.work))
        except StatementFailed as error:
            # Of two at the same moment BigQuery may fail one: what stands then tells which.
            if last or "concurrent" not in str(error):
                raise

    def _free(self) -> None:
        self.on_step("free lease")
        self.warehouse.run(free_lease(self._holder))
