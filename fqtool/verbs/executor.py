"""The single place where statements happen: one at a time, journalled before and after, verified by reading back.

A run broken anywhere is resumed by running again: a statement that was started is looked for in the table first, and
run again under the same job id, which a warehouse runs at most once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from fqtool.errors import FqtoolError, Refusal, StatementFailed, Unreachable, WorldError
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.ledger import (
    Entry,
    Standing,
    entry_for,
    last_attempt,
    record,
)
from fqtool.migrations.plan import satisfied
from fqtool.migrations.tell import told
from fqtool.table.changes import AddColumn, DropColumn, fold
from fqtool.table.diff import diff
from fqtool.table.model import State, structure
from fqtool.table.statement import Statement
from fqtool.verbs.pacer import Pacer
from fqtool.verbs.workspace import ledger_entries
from fqtool.warehouse.protocol import Warehouse


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass
class Executor:
    """Runs statements of migration files against one warehouse.

    `read` returns the live state, restricted to what registry and files speak of. `runner` names this process in the
    ledger. `on_step` is told every boundary in words, before anything happens there. `clock` and `sleep` are the
    world's unless a test brings its own.
    """

    warehouse: Warehouse
    read: Callable[[], State]
    runner: str
    tool: str
    on_step: Callable[[str], None] = _silent
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    _pacer: Pacer = field(default_factory=Pacer)

    def apply(self, file: MigrationFile, recorded: State) -> str:
        """Bring one file to its end on top of `recorded`, the state the files before it make.

        Returns "applied", "adopted" (all of it was there, verified) or "done" (nothing was left to do). Raises
        Refusal where the table is not the one the file was made for, StatementFailed where a statement fails.
        """
        entries = ledger_entries(self.warehouse)
        attempts = {n: last_attempt(entries, file.version, n) for n in range(1, len(file.statements) + 1)}
        if all(entry is not None and Standing(entry.standing).done for entry in attempts.values()):
            return "done"
        whole = fold(recorded, file.changes)
        untouched = all(entry is None for entry in attempts.values())
        if untouched and self._is_there(whole, file):
            return self._adopt(file, whole)
        state = recorded
        for number, statement in enumerate(file.statements, 1):
            entry = attempts[number]
            if entry is None or not Standing(entry.standing).done:
                self._one(file, number, entry, state)
            state = self._after(state, statement)
        return "applied"

    def _after(self, state: State, statement: Statement) -> State:
        """The state expected next on this target: a drop found elsewhere may never have happened here."""
        if statement.adopted and any(isinstance(change, DropColumn) for change in statement.changes):
            live = self.read()
            dropped = [change for change in statement.changes if satisfied(live, [change])]
            return fold(state, dropped)
        return fold(state, (change for change in statement.changes if not satisfied(state, [change])))

    def _adopt(self, file: MigrationFile, whole: State) -> str:
        live = self.read()
        self._check(whole, _restricted(live, whole), file)
        for number in range(1, len(file.statements) + 1):
            self._write(f"{file.version}.{number} record as found", self._entry(file, number, 1), Standing.ADOPTED)
        return "adopted"

    def _entry(self, file: MigrationFile, number: int, attempt: int) -> Entry:
        return entry_for(
            file, number, attempt, target=self.warehouse.url, runner=self.runner, tool=self.tool, now=self.clock()
        )

    def _is_there(self, whole: State, file: MigrationFile) -> bool:
        """Whether the table already is what the file makes of it, so that there is nothing to run."""
        live = self.read()
        fits = live.table is not None and not _structural(whole, _restricted(live, whole))
        again = {c.column.key for one in file.statements for c in one.changes if isinstance(c, AddColumn)}
        lasting = (c for c in file.changes if not (isinstance(c, DropColumn) and c.name.lower() in again))
        return fits and satisfied(live, lasting)

    def _one(self, file: MigrationFile, number: int, last: Entry | None, before: State) -> None:
        statement = file.statements[number - 1]
        attempt = 1 if last is None else last.attempt + (last.standing == Standing.FAILED)
        entry = self._entry(file, number, attempt)
        live = self.read()
        step, there = f"{file.version}.{number}", satisfied(live, statement.changes)
        if last is not None and there:
            # What was recorded as failed may have been done all the same, its answer lost.
            self._write(f"{step} record what an interrupted run did", replace(last, error=""), Standing.APPLIED)
        elif _needs_no_run(file, statement, there=there):
            self._write(f"{step} record as found", entry, Standing.ADOPTED)
        else:
            self._check(before, live, file)
            self._write(f"{step} record start", entry, Standing.STARTED)
            self._run(step, statement, entry, live)
            self._write(f"{step} record end", entry, Standing.APPLIED)

    def _run(self, step: str, statement: Statement, entry: Entry, live: State) -> None:
        self._pace(live)
        self.on_step(f"{step} run")
        try:
            self.warehouse.run(statement, job=entry.job)
        except Unreachable:
            # Whether it was done is not known: it stays begun, and the next run looks for it in the table.
            raise
        except FqtoolError as error:
            self._fail(step, entry, error)
            raise
        self.on_step(f"{step} read back")
        now = self.read()
        if not satisfied(now, statement.changes):
            wrong = _told(fold(live, statement.changes), now)
            failed = StatementFailed(f"{entry.file}: the statement ran and the table is not as it says: {wrong}.")
            self._fail(step, entry, failed)
            raise failed

    def _fail(self, step: str, entry: Entry, error: FqtoolError) -> None:
        # Where the world has failed it may fail again, and what it said first is what counts.
        with suppress(WorldError):
            self._write(f"{step} record failure", replace(entry, error=error.message[:1000]), Standing.FAILED)

    def _write(self, step: str, entry: Entry, standing: Standing) -> None:
        self.on_step(step)
        finished = "" if standing is Standing.STARTED else self.clock().isoformat()
        self.warehouse.run(record(replace(entry, standing=standing, finished_at=finished)))

    def _check(self, expected: State, live: State, file: MigrationFile) -> None:
        """Refuse a table other than the one the file was made for, and say what changed since."""
        if live.table is None and expected.table is None:
            return
        wrong = _structural(expected, live)
        if wrong:
            raise Refusal(
                f"{file.name} was made for another table than stands in {self.warehouse.url}: {wrong}.",
                remedy="fqtool check-drift tells how it came about; fqtool migrate plan --redo plans anew from here.",
            )

    def _pace(self, live: State) -> None:
        """Wait until one more metadata operation fits the budget (BIGQUERY 38)."""
        if self.warehouse.pace is not None:
            self._pacer.sleep = self.sleep
            self._pacer.wait(self.warehouse.pace[bool(live.table and live.table.partitioning)])


def _needs_no_run(file: MigrationFile, statement: Statement, *, there: bool) -> bool:
    """What was found in one target is looked for in the others.

    Where it stands it is recorded; a column that is missing is added; a drop that was found is never repeated, and
    the column that is added again after it may be there.
    """
    if statement.adopted:
        return there or any(isinstance(change, DropColumn) for change in statement.changes)
    return there and any(one.adopted for one in file.statements)


def _restricted(live: State, to: State) -> State:
    """What a later file adds does not speak against an earlier one."""
    if live.table is None or to.table is None:
        return live
    return State(live.table.restricted_to(column.name for column in to.table.columns), live.views)


def _structural(expected: State, live: State) -> str:
    """Say how `live` differs from `expected` in columns and layout, or "" where it does not."""
    if live.table is None or expected.table is None:
        return (
            "" if live.table is expected.table else "there is no table" if live.table is None else "it exists already"
        )
    if structure(live.table) == structure(expected.table):
        return ""
    return _told(expected, live)


def _told(expected: State, live: State) -> str:
    """Name the differences in words, the first few of them."""
    return "; ".join(told(change) for change in diff(expected, live))[:600] or "nothing that SQL can name"
