"""fqtool migrate plan --rebuild: a new table with all rows, where BigQuery cannot alter the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from fqtool.commands.migrate.rules import judge
from fqtool.errors import Refusal
from fqtool.findings.remedy import commands
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.legality import refusals
from fqtool.migrations.plan import Plan
from fqtool.migrations.rebuild import plan_rebuild
from fqtool.migrations.reconcile import reconcile
from fqtool.schema.build import dropped_columns
from fqtool.table.change_rebuild import CopyRows, RenameTable
from fqtool.table.changes import Change, Reorder, SetClustering
from fqtool.table.diff import diff
from fqtool.table.model import State, Table
from fqtool.workspace import Workspace


def needs_rebuild(workspace: Workspace, live: State) -> bool:
    """Return whether BigQuery cannot alter the table into that of the registry.

    Args:
        workspace: the registry and its migrations.
        live: the state of the target, with all columns of the table.
    """
    changes = diff(live, _desired(workspace, live), workspace.renames)
    return any(isinstance(change, Reorder) or refusals(live, change) for change in changes if not _is_cheaper(change))


def _is_cheaper(change: Change) -> bool:
    """Whether BigQuery makes the change without a copy of the rows, although no SQL statement does."""
    return isinstance(change, SetClustering)


def rebuilt(
    workspace: Workspace,
    live: State,
    kept: tuple[MigrationFile, ...],
    recorded: State,
    version: str,
    today: date,
    applied: Mapping[str, int],
) -> Plan:
    """Return the plan that copies the rows into a new table, which has the undeclared columns too.

    Args:
        workspace: the registry and its migrations.
        live: the state of the target, with all columns of the table.
        kept: the migration files of the folder that stay.
        recorded: the state that the migration files create.
        version: the number of the migration.
        today: the day of the plan.
        applied: version -> the number of statements that the target has run.

    Raises:
        Refusal: a migration is pending, or the rebuild would lose something.
    """
    if pending := pending_of(kept, applied):
        raise Refusal(
            f"`{pending[0].name}` is pending, and a rebuild starts from the live table; nothing was written.",
            remedy=commands("migrate", "migrate plan --rebuild"),
        )
    assert live.table is not None  # noqa: S101  it is rebuilt
    return plan_rebuild(
        recorded,
        live.table,
        _desired(workspace, live),
        version,
        today,
        judge=judge,
        renames=workspace.renames,
        dropped=frozenset(column.name.lower() for column in dropped_columns(workspace.registry)),
    )


def pending_of(files: Iterable[MigrationFile], applied: Mapping[str, int]) -> tuple[MigrationFile, ...]:
    """Return the files with statements that the target has not run.

    Args:
        files: migration files.
        applied: version -> the number of statements that the target has run.
    """
    return tuple(file for file in files if applied.get(file.version, 0) < len(file.statements))


def with_rebuilt(state: State, files: Iterable[MigrationFile]) -> State:
    """Return a state that also names the tables of the rebuilds in these files, so that they are read too."""
    renames = [change for file in files for change in file.changes if isinstance(change, RenameTable)]
    names = {name: None for change in renames for name in (change.name, change.to)}
    managed = state.table.name if state.table else ""
    return replace(state, beside=tuple(Table(name, ()) for name in names if name != managed))


def is_swapping(live: State, files: Iterable[MigrationFile]) -> bool:
    """Return whether the table has no name now because a swap began: it has the name of the old table of a rebuild."""
    renames = (change for file in files for change in file.changes if isinstance(change, RenameTable))
    return any(live.find_beside(change.to) for change in renames)


def require_all_columns(live: State, files: Iterable[MigrationFile], workspace: Workspace) -> None:
    """Raise Refusal if a pending rebuild does not copy a column, because it was added after the plan.

    Args:
        live: the state of the target, with all columns of the table.
        files: the pending files.
        workspace: the registry, which names the columns that are renamed or dropped.
    """
    known = {column.name.lower() for column in dropped_columns(workspace.registry)}
    known |= {old.lower() for old in workspace.renames.values()}
    for change in (change for file in files for change in file.changes if isinstance(change, CopyRows)):
        copied = known | {name.lower() for name, _ in change.columns}
        there = live.table.columns if live.table and not live.find_beside(change.target) else ()
        if added := [column.name for column in there if column.key not in copied]:
            raise Refusal(
                f"The rebuild of `{change.source}` does not copy {', '.join(added)}, added after the plan.",
                remedy=commands("migrate plan --redo --rebuild"),
            )


def _desired(workspace: Workspace, live: State) -> State:
    """The state to reach, in the order of the registry."""
    return reconcile(live, workspace.wanted, workspace.registry, include_base=True, keep_order=False)
