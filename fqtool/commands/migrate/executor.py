"""The only module that runs migration statements: one at a time, recorded before and after, verified by reading back.

A run that failed is resumed by running again. A statement that was started is first looked for in the table, then run
again under the same job id, which a warehouse runs at most once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from fqtool.commands.migrate.rebuild import MIGRATE
from fqtool.errors import FqtoolError, Refusal, StatementFailed, Unreachable, WorldError
from fqtool.findings.remedy import Remedy, commands
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.fit import lacks, misfits
from fqtool.migrations.ledger import LEASE, Entry, Status, entry_for, last_attempt, name_entries, record
from fqtool.migrations.plan import lasting, satisfied, to_make
from fqtool.migrations.swap import Rebuild, rebuild_of
from fqtool.table.change import ViewChange
from fqtool.table.change_rebuild import CopyRows, RenameTable, VerifyCopy
from fqtool.table.changes import (
    Change,
    RenameColumn,
    SetDefault,
    SetMode,
    SetType,
    fold,
)
from fqtool.table.ddl import Statement, render
from fqtool.table.diff import diff
from fqtool.table.model import State, View
from fqtool.warehouse.protocol import Outcome, Pace, Warehouse
from fqtool.workspace import live_state

_BATCH = 50  # rows of one MERGE
_COPY_FAILED = (
    "If a value of `{0.source}` does not fit its column of `{0.target}`, such as NULL where that is NOT NULL, change "
    "those rows of `{0.source}`. Then:"
)


class _Unchanged(StatementFailed):
    """A statement was accepted, and nothing changed."""


@dataclass
class Pacer:
    """Limits the rate of metadata operations."""

    sleep: Callable[[float], None] = time.sleep
    _recent: deque[float] = field(default_factory=deque)

    def wait(self, pace: Pace | None) -> None:
        """Wait until one more operation fits the limit."""
        if pace is None:
            return
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= pace.seconds:
            self._recent.popleft()
        if len(self._recent) >= pace.operations:
            self.sleep(pace.seconds - (now - self._recent[0]))
            self._recent.popleft()
        self._recent.append(time.monotonic())


@dataclass
class LiveState:
    """The state of the target as this process last read it. Only what a statement changed is read again.

    Attributes:
        warehouse: the target.
        desired: names the table and the views to read.
        restricted: reduces a state to what the migrations manage.
    """

    warehouse: Warehouse
    desired: State
    restricted: Callable[[State], State] = lambda state: state

    @cached_property
    def state(self) -> State:
        """The last state; read on first use."""
        return self.restricted(live_state(self.warehouse, self.desired))

    def read_again(self, changes: Iterable[Change]) -> State:
        """Read again the table and views that a statement changed, with one metadata request each."""
        if self.desired.beside:  # a statement of a rebuild creates or renames tables
            self.state = self.restricted(live_state(self.warehouse, self.desired))
            return self.state
        table, views = self.state.table, {view.name: view for view in self.state.views}
        names = {change.object_name if isinstance(change, ViewChange) else None for change in changes}
        if None in names:
            table = live_state(self.warehouse, self.desired, views=False).table
        for name in filter(None, names):
            view = self.warehouse.describe(name)
            views.pop(name, None)
            if isinstance(view, View):
                views[name] = view
        self.state = self.restricted(State(table, tuple(views.values())))
        return self.state


@dataclass
class Executor:
    """Runs statements of migration files against one warehouse.

    Attributes:
        warehouse: the target.
        live: the state of the target. While this process holds the lease, only what a statement changed is read again.
        runner: the user, host and process, for the ledger.
        tool: the version of fqtool, for the ledger.
        entries: the rows of the ledger.
        on_step: called with the name of each step before it.
        swaps: whether a rebuild may swap the names of the tables; otherwise a file ends before it.
        creates: whether this run creates the table, so that what other targets have by hand is made here too.
        before_swap: called before the first renaming; it raises Refusal where the swap would lose something.
        clock: the clock, which a test may replace.
        sleep: the wait, which a test may replace.
    """

    warehouse: Warehouse
    live: LiveState
    runner: str
    tool: str
    entries: tuple[Entry, ...] = ()
    on_step: Callable[[str], None] = lambda _: None
    swaps: bool = True
    creates: bool = False
    before_swap: Callable[[], None] = lambda: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    _pacer: Pacer = field(default_factory=Pacer)
    _unwritten: tuple[str, Entry] | None = None

    def apply(self, file: MigrationFile, recorded: State) -> str:
        """Apply one file, within `recording`.

        Args:
            file: the migration file.
            recorded: the state that the earlier files create.

        Returns:
            "applied"; "adopted" where the table had all changes already; "done" where all statements were done before;
            "copied" where a rebuild ends before the swap.

        Raises:
            Refusal: the table is not the one that the file was planned for.
            StatementFailed: a statement failed.
        """
        numbers = range(1, len(file.statements) + 1)
        attempts = [last_attempt(self.entries, file.version, number) for number in numbers]
        done = [entry is not None and Status(entry.standing).done for entry in attempts]
        if all(done):
            return "done"
        rebuild = rebuild_of(file)
        if rebuild and rebuild.has_lost_its_copy(self.live.state, done):
            self._forget_copy(rebuild)
            return self.apply(file, recorded)
        done = [done[number - 1] and not self._is_stale(file, number, done) for number in numbers]
        is_made = rebuild is None or rebuild.is_swapped(self.live.state)
        if not any(attempts) and is_made and self._is_adopted(file, fold(recorded, file.changes)):
            entries = [self._ended(self._entry(file, number, 1), Status.ADOPTED) for number in numbers]
            self._write(f"{file.version} record as found", *entries)
            return "adopted"
        state = recorded
        for number, statement in enumerate(file.statements, 1):
            if not done[number - 1]:
                if rebuild and number == rebuild.swap:
                    if not self.swaps:
                        return "copied"
                    self.before_swap()
                self._apply_statement(file, number, attempts[number - 1], state)
            state = self._after(state, statement)
        return "applied"

    @property
    def _table(self) -> str:
        return self.live.desired.table.name if self.live.desired.table else ""

    def name_table(self) -> None:
        """Write the name of the table into the ledger's rows of version 0.1."""
        self.on_step("name the table in the ledger")
        self.warehouse.run(name_entries(self._table))
        self.entries = tuple(replace(entry, table_name=self._table) for entry in self.entries)

    def _is_stale(self, file: MigrationFile, number: int, done: list[bool]) -> bool:
        """Whether a comparison of rows has to run again: rows may be written until the statement after it has run."""
        if not isinstance(file.statements[number - 1].changes[0], VerifyCopy) or done[number]:
            return False
        return not satisfied(self.live.state, file.statements[number].changes)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Apply files within this context: at its exit the end of the last statement is recorded, also on error."""
        try:
            yield
        except BaseException:
            # Where the warehouse failed it may fail again; then the next run finds the statement in the table.
            with suppress(WorldError):
                self._write("")
            raise
        self._write("")

    def _after(self, state: State, statement: Statement) -> State:
        """The state expected next on this target; the columns of an adopted statement are those of the table."""
        if self.creates or not statement.adopted:
            return fold(state, (change for change in statement.changes if not satisfied(state, [change])))
        live = self.live.state.table
        if state.table is None or live is None:
            return state
        touched = {name.lower(): live.find(name) for change in statement.changes for name in change.touched}
        columns = [column for column in state.table.columns if column.key not in touched]
        return replace(state, table=state.table.with_columns([*columns, *filter(None, touched.values())]))

    def _entry(self, file: MigrationFile, number: int, attempt: int) -> Entry:
        return entry_for(
            file, number, attempt, table=self._table, target=self.warehouse.url,
            runner=self.runner, tool=self.tool, now=self.clock(),
        )  # fmt: skip

    def _is_adopted(self, file: MigrationFile, made: State) -> bool:
        """Whether the table already has all changes of the file, so that no statement has to run."""
        live = self.live.state
        if made.table is None or lacks(made.table, live.table):
            return False
        return satisfied(live, lasting(file.changes))

    def _apply_statement(self, file: MigrationFile, number: int, last: Entry | None, expected: State) -> None:
        statement, live = file.statements[number - 1], self.live.state
        # A file that was planned again after its first statement failed has another statement under the same number.
        same = last is not None and last.file_hash == file.hash
        goes_on = same and last is not None and last.standing == Status.STARTED
        entry = self._entry(file, number, 1 if last is None else last.attempt + (not goes_on))
        step = f"{file.version}.{number}"
        made = satisfied(live, statement.changes) and not any(change.of_rows for change in statement.changes)
        to_run = statement.changes if self.creates else to_make(live, statement, file.statements[number:])
        if last is not None and same and made:
            # A statement that was recorded as failed may have succeeded, with its response lost.
            self._write(
                f"{step} record as applied by an earlier run", self._ended(replace(last, error=""), Status.APPLIED)
            )
        elif not to_run or (made and (last is not None or _may_be_found(file, statement, live))):
            self._write(f"{step} record as found", self._ended(entry, Status.ADOPTED))
        else:
            differences = misfits(expected, live, to_run)
            if differences:
                raise Refusal(
                    f"`{file.name}` does not fit the table in {self.warehouse.url}: {differences}.",
                    remedy=self._planned_again(file),
                )
            if to_run != statement.changes:
                name = live.table.name if live.table else ""
                statement = replace(statement, sql=render(name, to_run), changes=to_run)
            self._write(f"{step} record start", entry)
            try:
                outcome = self._run(step, statement, entry, live)
            except _Unchanged:
                # The warehouse remembers a job of that id, of a table that was dropped with its ledger.
                entry = self._entry(file, number, entry.attempt + 1)
                self._write(f"{step} record start again", entry)
                outcome = self._run(step, statement, entry, live)
            except StatementFailed as error:
                if isinstance(statement.changes[0], VerifyCopy):
                    raise self._different(file, number, error) from None
                if isinstance(statement.changes[0], CopyRows):
                    error.remedy = error.remedy or commands(MIGRATE, first=_COPY_FAILED.format(statement.changes[0]))
                raise
            if statement.by_patch and outcome.job:
                entry = replace(entry, job=outcome.job)
            self._unwritten = f"{step} record end", self._ended(entry, Status.APPLIED)

    def _planned_again(self, file: MigrationFile) -> Remedy:
        """Return the remedy of a file that does not fit the table. A rebuild that has begun is not planned again."""
        rebuild = rebuild_of(file)
        if rebuild and any(entry.version == file.version and Status(entry.standing).done for entry in self.entries):
            return commands(MIGRATE, first="The rebuild has begun. Take back the change of the table. Then:")
        again = "migrate plan --redo --rebuild" if rebuild else "migrate plan --redo"
        return commands(again, first="`fqtool check-drift` reports the cause. To plan again from the live table:")

    def _different(self, file: MigrationFile, number: int, error: StatementFailed) -> Refusal:
        """Record that the copy has to run again, and return the error for rows that differ from it."""
        copy = last_attempt(self.entries, file.version, number - 1)
        if copy is not None:
            self._write(f"{file.version}.{number - 1} record as outdated", replace(copy, standing=Status.LOST))
        return Refusal(
            f"`{file.name}`: the copy differs from the table, so the names were not swapped: {error.message}",
            remedy=commands(
                MIGRATE,
                first="Rows were written after the copy. Stop the writers, then copy again:",
            ),
        )

    def _forget_copy(self, rebuild: Rebuild) -> None:
        """Record that the new table was dropped before the swap, so that it is created and filled again."""
        version, numbers = rebuild.file.version, range(rebuild.create, rebuild.swap)
        made = filter(None, (last_attempt(self.entries, version, number) for number in numbers))
        lost = [replace(entry, standing=Status.LOST) for entry in made]
        self._write(f"{version} record that the copy is absent", *lost)

    def discard(self) -> None:
        """Record every statement as lost with its absent table, so that each runs again."""
        done = [entry for entry in self.entries if entry.version != LEASE and Status(entry.standing).done]
        for first in range(0, len(done), _BATCH):
            lost = [replace(entry, standing=Status.LOST) for entry in done[first : first + _BATCH]]
            self._write("record that the table is absent", *lost)

    def _run(self, step: str, statement: Statement, entry: Entry, live: State) -> Outcome:
        if self.warehouse.pace is not None:
            # One more metadata operation must fit the budget (bigquery.md#metadata).
            self._pacer.sleep = self.sleep
            self._pacer.wait(self.warehouse.pace[bool(live.table and live.table.partitioning)])
        self.on_step(f"{step} run")
        try:
            outcome = self.warehouse.run(statement, job=entry.job)
        except Unreachable:
            # It is unknown whether the statement ran: it stays started, and the next run looks for it in the table.
            raise
        except FqtoolError as error:
            self._write_failure(step, entry, error)
            raise
        self.on_step(f"{step} read back")
        made = self.live.read_again(statement.changes)
        if not satisfied(made, statement.changes):
            differences = _described(fold(live, statement.changes), made)
            kind = _Unchanged if made == live and not any(one.of_rows for one in statement.changes) else StatementFailed
            failed = kind(f"{entry.file}: the statement ran, but the table differs from it: {differences}.")
            self._write_failure(step, entry, failed)
            raise failed
        return outcome

    def _write_failure(self, step: str, entry: Entry, error: FqtoolError) -> None:
        # Where the warehouse failed it may fail again, and its first error is the one to report.
        with suppress(WorldError):
            failed = self._ended(replace(entry, error=error.message[:1000]), Status.FAILED)
            self._write(f"{step} record failure", failed)

    def _ended(self, entry: Entry, status: Status) -> Entry:
        return replace(entry, standing=status, finished_at=self.clock().isoformat())

    def _write(self, step: str, *entries: Entry) -> None:
        """Write entries together with the end of the statement before, which saves a query job per statement."""
        if self._unwritten is not None:
            earlier, ended = self._unwritten
            step, entries = f"{earlier}, {step}".rstrip(", "), (ended, *entries)
        if entries:
            self.on_step(step)
            self.warehouse.run(record(*entries))
            self._unwritten = None
            by_key = {entry.key: entry for entry in (*self.entries, *entries)}
            self.entries = tuple(by_key[key] for key in sorted(by_key))


def _may_be_found(file: MigrationFile, statement: Statement, live: State) -> bool:
    """Whether a statement whose effect is in the table is recorded without running it.

    This holds for types, modes and defaults: BigQuery refuses DROP NOT NULL and DROP DEFAULT without effect. Of other
    statements it holds in files that contain an adopted statement. It holds of a swap that someone began by hand.
    """
    rebuild = rebuild_of(file) if isinstance(statement.changes[0], RenameTable) else None
    if rebuild:
        return rebuild.is_swapping(live) or rebuild.is_swapped(live)
    reshapes = all(isinstance(change, SetMode | SetType | SetDefault | RenameColumn) for change in statement.changes)
    return reshapes or any(other.adopted for other in file.statements)


def _described(expected: State, live: State) -> str:
    """Describe the differences, up to 600 characters."""
    if live.table is None and expected.table is not None:
        return "the table does not exist"
    return "; ".join(change.describe() for change in diff(expected, live))[:600] or "no difference that SQL can make"
