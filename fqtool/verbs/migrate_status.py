"""fqtool migrate status: what ran on the target, what is pending, what is wrong between files and ledger."""

from __future__ import annotations

from dataclasses import dataclass

from fqtool.finding import Finding
from fqtool.migrations.ledger import Revision, revisions
from fqtool.rules.about_files import check_history
from fqtool.verbs.workspace import Workspace, ledger_entries
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Row:
    """One migration: its name, standing in a word, statements done of all, when and by whom, the last error."""

    name: str
    standing: str
    statements: str
    finished_at: str
    runner: str
    error: str


@dataclass(frozen=True, slots=True)
class Status:
    """Every migration of folder and ledger, and what is wrong between them."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]


def migration_status(workspace: Workspace, warehouse: Warehouse) -> Status:
    """Compare the folder with the target's ledger."""
    workspace.require_files()
    entries = ledger_entries(warehouse)
    known = {revision.version: revision for revision in revisions(entries)}
    names = {file.version: file.name for file in workspace.files}
    idle = {file.version for file in workspace.files if not file.statements}
    rows = [
        _row(names.get(version, version), known.get(version), idle=version in idle)
        for version in sorted({*names, *known})
    ]
    return Status(tuple(rows), check_history(workspace.history(entries)))


def _row(name: str, revision: Revision | None, *, idle: bool) -> Row:
    if revision is None:
        return Row(name, "nothing to run" if idle else "pending", "", "", "", "")
    standing = "failed" if revision.error else "partly applied"
    if revision.complete:
        standing = "baseline" if revision.adopted else "applied"
    done = f"{revision.applied}/{revision.total}"
    return Row(name, standing, done, revision.finished_at[:19], revision.runner, revision.error)
