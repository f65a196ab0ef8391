"""fqtool check-drift: the live table against registry, ledger and files."""

from __future__ import annotations

from dataclasses import replace

from fqtool.errors import Denied, NotThere
from fqtool.finding import Finding
from fqtool.migrations.files import MigrationFile, recorded_state
from fqtool.migrations.ledger import ROWS, Revision, entries_of, revisions
from fqtool.migrations.plan import Scope, settle
from fqtool.rules.about_drift import check_drift
from fqtool.rules.about_files import check_history
from fqtool.rules.drift import find_drift
from fqtool.table.model import State
from fqtool.verbs.workspace import Workspace, live_state
from fqtool.warehouse.protocol import Warehouse


def drift_of(
    workspace: Workspace, warehouse: Warehouse, *, ledger: bool = True, views: bool = True
) -> tuple[Finding, ...]:
    """Return every difference between the live table and the registry, with cause and remedy.

    One metadata call for the table and one for each view. The ledger is read without a query job; where it cannot be
    read, or with `ledger` False, causes are told from the files alone. Raises NotThere for an absent table.
    """
    live = live_state(warehouse, workspace.desired, views=views)
    if live.table is None:
        raise NotThere(f"There is no table {workspace.table} in {warehouse.url}.", remedy="fqtool migrate")
    known = _revisions(warehouse) if ledger else None
    desired = _comparable(workspace, live, views=views)
    recorded = None if known is None else _recorded(workspace.files, known)
    drifts = find_drift(
        live,
        desired,
        base=workspace.base,
        recorded=recorded,
        planned=workspace.recorded,
        renames=workspace.renames,
        as_found=any(one.adopted and int(one.version) == 0 for one in known or () if one.version.isdecimal()),
    )
    told = check_drift(drifts, dict(workspace.registry.drift))
    return told + (check_history(replace(workspace.history(), revisions=known)) if workspace.files else ())


def _comparable(workspace: Workspace, live: State, *, views: bool) -> State:
    """The registry's state, with what it does not manage taken as it stands."""
    scope = workspace.scope()
    everything = Scope(
        include_base=True,
        drop=frozenset(live.table.by_key) if live.table else frozenset(),
        manages_description=scope.manages_description,
        manages_labels=scope.manages_labels,
    )
    settled = settle(live, workspace.desired, everything)
    return State(settled.table, workspace.desired.views if views else live.views)


def _recorded(files: tuple[MigrationFile, ...], known: tuple[Revision, ...]) -> State:
    """The state that the applied statements made."""
    done = {revision.version: revision.applied for revision in known}
    applied = [replace(file, statements=file.statements[: done.get(file.version, 0)]) for file in files]
    return recorded_state(applied)


def _revisions(warehouse: Warehouse) -> tuple[Revision, ...] | None:
    """None where there is no ledger, or no right to read it: drift needs only the right to see the table."""
    try:
        return revisions(entries_of(warehouse.rows(ROWS)))
    except (NotThere, Denied):
        return None
