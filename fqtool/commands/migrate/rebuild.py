"""fqtool migrate plan --rebuild: a new table with all rows, where BigQuery cannot alter the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from fqtool.commands.migrate.hazards import incomplete, migrate_allowing, to_apply
from fqtool.commands.migrate.rules import judge
from fqtool.errors import Refusal
from fqtool.findings.finding import Finding
from fqtool.findings.remedy import commands
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.ledger import Entry, Revision, Status, last_attempt, revisions
from fqtool.migrations.legality import refusals
from fqtool.migrations.plan import Plan
from fqtool.migrations.rebuild import plan_rebuild, rebuild_loses
from fqtool.migrations.reconcile import reconcile
from fqtool.migrations.swap import Rebuild, rebuilds, stopped_swap
from fqtool.schema.build import dropped_columns
from fqtool.sql import ident
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.changes import Change, Reorder, SetClustering
from fqtool.table.diff import diff
from fqtool.table.model import State, Table
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import as_typed
from fqtool.workspace import Workspace, live_state

COPY, SWAP = "FQ243", "FQ244"  # the hazards of a rebuild
MIGRATE = migrate_allowing((COPY, SWAP))


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
            remedy=commands(to_apply(kept, pending), "migrate plan --rebuild"),
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


def with_swapped(live: State, workspace: Workspace, warehouse: Warehouse, known: Iterable[Revision]) -> State:
    """Return a state that also has the tables of pending rebuilds: a swap may not have ended.

    Args:
        live: the state of the target.
        workspace: the registry and its migrations.
        warehouse: the target.
        known: the revisions of its ledger.
    """
    pending = rebuilds(incomplete(workspace.files, known))
    if not pending:
        return live
    return live_state(warehouse, with_rebuilt(workspace.wanted, [rebuild.file for rebuild in pending]))


def without_lost_copies(applied: Mapping[str, int], files: Iterable[MigrationFile], live: State) -> Mapping[str, int]:
    """Return the number of applied statements per version, 0 where a new table was dropped before the swap.

    Args:
        applied: version -> the number of statements that the target has run.
        files: migration files.
        live: the state of the target, with the tables of the rebuilds.
    """

    def is_lost(rebuild: Rebuild) -> bool:
        count = applied.get(rebuild.file.version, 0)
        done = [number < count for number in range(len(rebuild.file.statements))]
        return rebuild.has_lost_its_copy(live, done)

    return {**applied, **{rebuild.file.version: 0 for rebuild in rebuilds(files) if is_lost(rebuild)}}


def require_free_names(live: State, files: Iterable[MigrationFile], entries: tuple[Entry, ...], url: str) -> None:
    """Raise Refusal if a table that is not of a pending rebuild has one of the names that the rebuild gives.

    Args:
        live: the state of the target, with the tables of the rebuilds.
        files: the pending files.
        entries: the rows of the ledger.
        url: the URL of the target, in whose dialect the fix is printed.
    """
    if blocked := name_taken(live, files, entries, url):
        raise Refusal(f"{blocked.message.removesuffix('.')}; nothing was changed.", remedy=blocked.remedy)


def name_taken(live: State, files: Iterable[MigrationFile], entries: Iterable[Entry], url: str) -> Finding | None:
    """Return the finding about a table that is not of a pending rebuild and has a name that the rebuild gives, or None.

    Args:
        live: the state of the target, with the tables of the rebuilds.
        files: the pending files.
        entries: the rows of the ledger.
        url: the URL of the target, in whose dialect the fix is printed.
    """
    for rebuild in rebuilds(files):
        begun, done = _progress(rebuild, entries)
        if name := rebuild.taken(live, begun, done):
            aside = _rename(name, f"{name}_other", url)
            first = f"Rename that table ({aside}), or drop it if its rows are not needed. Then:"
            if name == rebuild.old and any(begun):
                source = rebuild.source
                first = (
                    f"Look at the rows of both. If the swap was stopped and `{source}` was created again, all rows are "
                    f"in `{name}`: rename `{source}` ({_rename(source, f'{source}_other', url)}). Otherwise rename "
                    f"`{name}` ({aside}). Then:"
                )
            message = f"`{name}` exists already, and `{rebuild.file.name}` gives this name to a table."
            return Finding(name, message, remedy=commands(MIGRATE, first=first))
    return None


def require_recorded_swap(live: State, pending: Iterable[MigrationFile], known: Iterable[Revision], url: str) -> None:
    """Raise Refusal for a swap that began and has not ended, where the ledger does not have the rebuild.

    Args:
        live: the state of the target, with the tables of the rebuilds.
        pending: the pending files.
        known: the revisions of the target's ledger.
        url: the URL of the target, in whose dialect the fix is printed.
    """
    swap = stopped_swap(pending, live)
    if swap and swap.file.version not in {revision.version for revision in known if revision.begun}:
        rename = _rename(swap.new.name, swap.source, url)
        raise Refusal(
            f"No table has the name `{swap.source}`. The swap of `{swap.file.name}` has not ended, and the ledger does "
            "not record it; nothing was changed.",
            remedy=commands(
                "migrate",
                first=f"Check that `{swap.new.name}` has the rows of `{swap.old}`, then end the swap: {rename} Then:",
            ),
        )


def _rename(old: str, new: str, url: str) -> str:
    return as_typed(f"ALTER TABLE {ident(old)} RENAME TO {ident(new)};", url)


def require_no_loss(
    live: State,
    files: Iterable[MigrationFile],
    entries: tuple[Entry, ...],
    workspace: Workspace,
    url: str,
    *,
    stay: bool = False,
) -> None:
    """Raise Refusal if the swap of a pending rebuild would lose a column or setting that was added after the plan.

    Args:
        live: the state of the target, with all columns of the table and the tables of the rebuilds.
        files: the pending files.
        entries: the rows of the ledger.
        workspace: the registry, which names the columns that are renamed or dropped.
        url: the URL of the target, in whose dialect the fix is printed.
        stay: whether the files cannot be planned again, because another target has begun to apply them.
    """
    begun = {revision.version for revision in revisions(entries) if revision.begun}
    dropped = frozenset(column.name.lower() for column in dropped_columns(workspace.registry))
    for rebuild in rebuilds(files):
        _, done = _progress(rebuild, entries)
        if live.table is None or done[rebuild.swap - 1] or rebuild.is_swapped(live):
            continue
        if lost := tuple(rebuild_loses(live.table, rebuild.new, workspace.renames, dropped)):
            names = ", ".join(dict.fromkeys(finding.subject for finding in lost))
            there = "" if rebuild.file.version in begun else " on another target"
            raise Refusal(
                f"The rebuild of `{rebuild.source}` does not copy {names}, added after the plan; nothing was swapped.",
                remedy=commands(MIGRATE, first=f"The rebuild has begun{there}. {_taken_back(rebuild, lost, url)} Then:")
                if stay or rebuild.file.version in begun
                else commands("migrate plan --redo --rebuild"),
                findings=tuple(one for one in lost if rebuild.new.find(one.subject.partition(".")[0])),
            )


def _taken_back(rebuild: Rebuild, lost: Iterable[Finding], url: str) -> str:
    """Return the sentences that make the table again what the rebuild copies."""
    added = [one.subject for one in lost if not rebuild.new.find(one.subject.partition(".")[0])]
    if not added:
        return "Take back the change of the table, and make it again after the swap."
    drops = " ".join(f"ALTER TABLE {ident(rebuild.source)} DROP COLUMN {ident(name)};" for name in added)
    return (
        f"Save the values of {', '.join(added)}, and drop the column ({as_typed(drops, url)}); "
        "add it again after the swap."
    )


def _progress(rebuild: Rebuild, entries: Iterable[Entry]) -> tuple[list[bool], list[bool]]:
    """Return, for each statement of the file, whether it was started and whether it is done."""
    entries, numbers = tuple(entries), range(1, len(rebuild.file.statements) + 1)
    last = [last_attempt(entries, rebuild.file.version, number) for number in numbers]
    return [entry is not None for entry in last], [entry is not None and Status(entry.standing).done for entry in last]


def _desired(workspace: Workspace, live: State) -> State:
    """The state to reach, in the order of the registry."""
    return reconcile(live, workspace.wanted, workspace.registry, include_base=True, keep_order=False)
