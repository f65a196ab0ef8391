"""What a plan requires of the folder and the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from fqtool.errors import MigrationError, Refusal
from fqtool.findings.finding import Finding
from fqtool.findings.remedy import Remedy, commands
from fqtool.migrations.checksums import Kind
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.fit import fits, reshaping
from fqtool.migrations.history import applied_file_missing
from fqtool.migrations.ledger import LEDGER, Revision
from fqtool.migrations.legality import drift_findings
from fqtool.registry.model import Registry
from fqtool.table.change_views import PutView
from fqtool.table.changes import AddColumn, CreateTable
from fqtool.table.model import State
from fqtool.workspace import Workspace


def require_recorded(workspace: Workspace) -> None:
    """Raise MigrationError unless the folder matches its checksums, or the plan can write what is missing."""
    for mismatch in workspace.mismatches:
        proven = mismatch.kind is Kind.CONTRACT and workspace.proven_contract is not None
        # Version 0.1 wrote the checksums last, so an interrupted plan of version 0.1 has no checksums.
        if not proven and mismatch.kind is not Kind.NO_RECORD:
            raise workspace.mismatch_error(mismatch)


def require_applied_files(workspace: Workspace, known: tuple[Revision, ...]) -> None:
    """Raise MigrationError if the folder lacks a file that the target ran: the plan would have the file's number."""
    history = replace(workspace.history(), revisions=tuple(revision for revision in known if revision.begun))
    if findings := tuple(applied_file_missing(history)):
        # Without the ledger, a first plan adopts the table as it is.
        lost = commands(
            "migrate plan",
            first="Name the folder with --migrations, or restore it. If no copy exists, delete the rows of "
            f"`{workspace.table}` from `{LEDGER}`, then:",
        )
        remedy = "" if workspace.files else lost
        raise MigrationError(
            "Applied migrations are not in the folder; nothing was written.", remedy=remedy, findings=findings
        )


def refused_base(workspace: Workspace, recorded: State, live: State, declared: State) -> Iterator[Finding]:
    """Yield what stops a plan: base columns whose type neither the files can record nor the registry declares."""
    for column in recorded.table.columns if recorded.table else ():
        there, said = live.column(column.name), declared.column(column.name)
        if column.key not in workspace.base or there is None or said is None:
            continue
        if not fits(column, there) and there.shape != said.shape:
            for change in reshaping(there, said):
                yield from drift_findings(live, change)


def absent_base(registry: Registry, live: State, new: Sequence[MigrationFile]) -> Iterator[str]:
    """Yield the base columns that the table does not have and no new file adds.

    Args:
        registry: the registry.
        live: the state before the new files.
        new: the new files.
    """
    changes = [change for file in new for change in file.changes]
    added = {change.column.key for change in changes if isinstance(change, AddColumn)}
    created = any(isinstance(change, CreateTable) for change in changes)
    for one in registry.base_columns:
        if live.table and not created and not live.table.find(one.name) and one.name.lower() not in added:
            yield one.name


def require_columns_of_views(
    registry: Registry, live: State, files: Sequence[MigrationFile], remedy: Callable[[Sequence[str]], Remedy]
) -> None:
    """Raise Refusal for a view that reads a base column that the table does not have.

    Args:
        registry: the registry.
        live: the state before the files.
        files: migrations that have not run.
        remedy: returns the fix for the names of these columns.
    """
    absent = {name.lower(): name for name in absent_base(registry, live, files)}
    if not absent:
        return
    from sqlglot import exp, parse_one

    for view in (change.view for file in files for change in file.changes if isinstance(change, PutView)):
        read = {column.name.lower() for column in parse_one(view.text, read="bigquery").find_all(exp.Column)}
        if names := [name for key, name in absent.items() if key in read]:
            columns = f"base column{'s' * (len(names) > 1)} {', '.join(f'`{name}`' for name in names)}"
            raise Refusal(
                f"The view `{view.name}` reads the {columns}, which the table does not have; nothing was changed.",
                remedy=remedy(names),
            )
