"""Rehearse migrations before anything is written or run: the same executor on a copy of the state in memory."""

from __future__ import annotations

from typing import Self

from fqtool.commands.migrate.executor import Executor, LiveState
from fqtool.commands.migrate.rebuild import with_rebuilt
from fqtool.errors import NoTable, Refusal, StatementFailed
from fqtool.migrations.files import after
from fqtool.migrations.ledger import Entry
from fqtool.migrations.swap import stopped_swap
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.changes import Change
from fqtool.table.ddl import Statement
from fqtool.table.model import State, Table, View
from fqtool.warehouse.protocol import Budget, Outcome, Pace, Writing
from fqtool.warehouse.refused import changed
from fqtool.workspace import Workspace


def rehearse(
    workspace: Workspace, live: State, entries: tuple[Entry, ...], url: str, *, discard: bool = False
) -> dict[str, frozenset[Change]]:
    """Apply pending files to a copy of the target's state in memory.

    Args:
        workspace: the registry and its migrations.
        live: the state of the target.
        entries: the target's ledger.
        url: the target's URL, for messages.
        discard: run every file, as for an absent table.

    Returns:
        Name -> the changes that run on the target, for each file whose changes it does not have already.

    Raises:
        Refusal: fqtool or BigQuery would refuse the run.
    """
    copy = _Copy(url, live)
    wanted = with_rebuilt(workspace.wanted, workspace.files)
    executor = Executor(copy, LiveState(copy, wanted, workspace.followed), "rehearsal", "", entries)
    executor.creates = live.table is None and not stopped_swap(workspace.files, live)
    if discard:
        executor.discard()
    state, runs = State(), dict[str, frozenset[Change]]()
    for file in workspace.files:
        before = len(copy.ran)
        try:
            if executor.apply(file, state) != "adopted":
                runs[file.name] = frozenset(copy.ran[before:])
        except StatementFailed as error:
            raise Refusal(f"`{file.name}` would fail on {url}: {error.message}", remedy=error.remedy) from None
        state = after(state, file)
    return runs


class _Copy:
    """A warehouse in memory with the state of another one. It applies statements and ignores queries."""

    pace: tuple[Pace, Pace] | None = None
    writing = Writing()

    def __init__(self, url: str, state: State) -> None:
        self.url = url
        self.budget: Budget | None = None
        self.ran = list[Change]()
        self._state = state

    def describe(self, name: str) -> Table | View | None:
        """Return the table or view of that name, or None."""
        table = self._state.table
        return table if table and table.name == name else self._state.find_beside(name) or self._state.view(name)

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Raise NoTable: a copy has no rows."""
        raise NoTable(f"The copy of {self.url} in memory has no rows: {source}.")

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,  # noqa: ARG002  no rows are read
        rejoin: str = "",  # noqa: ARG002  there are no jobs
    ) -> Outcome:
        """Apply a schema change to the state. Raises StatementFailed where BigQuery would refuse it."""
        if isinstance(work, Statement) and not dry_run:
            self._state = changed(self._state, work.changes)
            self.ran += work.changes
        return Outcome(job)

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
