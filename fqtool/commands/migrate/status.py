"""fqtool migrate status: applied and pending migrations, and findings about files and ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fqtool.commands.migrate.hazards import incomplete, to_apply
from fqtool.commands.migrate.rebuild import name_taken, with_swapped
from fqtool.findings.finding import Finding
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.history import check_history
from fqtool.migrations.ledger import Revision, revisions
from fqtool.migrations.swap import rebuild_of
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import Workspace, ledger_entries, live_state


@dataclass(frozen=True, slots=True)
class Row:
    """One migration.

    Attributes:
        name: the name of the file that ran, or else of the file in the folder.
        standing: the state of the migration in a word or two.
        statements: the number of statements that are done, of all.
        finished_at: when the last statement ended, UTC.
        runner: the user, host and process that ran it.
        error: the message of the last error.
    """

    name: str
    standing: str
    statements: str = ""
    finished_at: str = ""
    runner: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Every migration of folder and ledger, and the findings about them.

    Attributes:
        rows: one for each migration.
        findings: the findings about files and ledger.
        pending: the number of files with statements that are not done.
        next_command: the command that applies these, their hazards allowed, without the word fqtool; "" for none.
    """

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    pending: int
    next_command: str


def migration_status(workspace: Workspace, warehouse: Warehouse) -> Status:
    """Compare the folder with the target's ledger, and the ledger with the target.

    Args:
        workspace: the registry and its migrations.
        warehouse: the target.
    """
    workspace.require_files()
    entries = ledger_entries(warehouse, workspace.table)
    known = revisions(entries)
    by_version = {revision.version: revision for revision in known}
    files = {file.version: file for file in workspace.files}
    rows = [_row(version, files.get(version), by_version.get(version)) for version in sorted({*files, *by_version})]
    live = with_swapped(live_state(warehouse, workspace.wanted), workspace, warehouse, known)
    pending = incomplete(workspace.files, known)
    apply = to_apply(workspace.files, pending) if pending else ""
    history = replace(
        workspace.history_of(live, known, warehouse.url),
        stopped=tuple(revision for revision in known if _is_stopped(revision, files.get(revision.version))),
        blocked=name_taken(live, pending, entries, warehouse.url),
        apply=apply,
    )
    return Status(tuple(rows), check_history(history), len(pending), apply)


def _is_stopped(revision: Revision, file: MigrationFile | None) -> bool:
    """Whether a migration has begun and has not ended. A rebuild whose rows are copied waits for a decision."""
    if revision.complete:
        return False
    rebuild = rebuild_of(file) if file else None
    return bool(revision.error or not rebuild or revision.applied < rebuild.swap - 1)


def _row(version: str, file: MigrationFile | None, revision: Revision | None) -> Row:
    name = file.name if file else version
    if revision is None:
        return Row(name, "pending" if file and file.statements else "nothing to run")
    if file is None or revision.differs_from(file):
        name = revision.file or name
    standing = "failed" if revision.error else "partly applied" if revision.applied else "pending"
    if revision.complete:
        standing = "baseline" if revision.adopted else "applied"
    done = f"{revision.applied} of {revision.total}"
    return Row(name, standing, done, revision.finished_at[:19], revision.runner, revision.error)
