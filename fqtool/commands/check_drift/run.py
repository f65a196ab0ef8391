"""fqtool check-drift: compare the live table with registry, ledger and files; with --data also the stored rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date

from fqtool.commands.check_drift.audit import Audit, Audited
from fqtool.commands.check_drift.compare import check_drift, find_drift, waiting_for
from fqtool.commands.check_drift.upstream_values import UpstreamTable, upstream_tables
from fqtool.commands.migrate.hazards import incomplete, to_apply
from fqtool.commands.migrate.rebuild import name_taken, with_swapped
from fqtool.commands.migrate.requirements import refused_base
from fqtool.commands.migrate.rules import judge
from fqtool.errors import Denied, FqtoolError, Refusal
from fqtool.findings.finding import Finding, Severity
from fqtool.findings.together import allowed, together
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.history import check_history
from fqtool.migrations.ledger import Entry, revisions
from fqtool.migrations.live_tables import unknown_setting
from fqtool.migrations.made import applied_state
from fqtool.migrations.plan import plan
from fqtool.migrations.reconcile import computed_columns, reconcile
from fqtool.registry.model import Registry
from fqtool.schema.build import dropped_columns
from fqtool.sql import Query
from fqtool.table.changes import DropColumn
from fqtool.table.model import State
from fqtool.warehouse.protocol import MINIMUM_BILLED, Warehouse, limited, no_table, within
from fqtool.workspace import Workspace, live_state, read_ledger, require_columns, require_order


def drift_of(
    workspace: Workspace, warehouse: Warehouse, *, ledger: bool = True, views: bool = True
) -> tuple[Finding, ...]:
    """Return every difference between the live table and the registry, with cause and remedy.

    Sends one metadata request for the table and one per view, and reads the ledger without a query job.

    Args:
        workspace: the registry and its migrations.
        warehouse: the target.
        ledger: read the ledger. Without it, and without the permission to read it, causes are found from the files.
        views: compare views too.

    Raises:
        NotThere: the table does not exist.
    """
    try:
        live = live_state(warehouse, workspace.wanted, views=views)
    except Refusal as another_kind:
        return another_kind.findings
    entries, denied = _entries(warehouse, workspace.table) if ledger else (None, None)
    known = None if entries is None else revisions(entries)
    live = with_swapped(live, workspace, warehouse, known or ())
    seen = live if views else replace(live, views=workspace.wanted.views)
    history = replace(workspace.history_of(seen, known, warehouse.url), denied=denied)
    if live.table is None:
        if history.gone or history.swapping:
            return check_history(history)
        raise no_table(workspace.table, warehouse.url)
    pending = () if known is None else incomplete(workspace.files, known)
    blocked = name_taken(live, pending, entries or (), warehouse.url)
    # What is gone is reported as a difference from the registry.
    history = replace(history, gone=(), blocked=blocked)
    desired = reconcile(
        live, workspace.wanted, workspace.registry, include_base=True, keep_unknown=False, keep_order=False
    )
    if not views:
        desired = State(desired.table, live.views)
    recorded = None if known is None else applied_state(workspace.files, known)
    of_history = check_history(history) if workspace.files or known or denied else ()
    # A folder without a migration that ran is the cause of the differences.
    causes = tuple(finding for finding in of_history if finding.rule in ("FQ402", "FQ403"))
    renameable = frozenset(spec.name.lower() for spec in workspace.registry.columns if not spec.for_each)
    drifts = find_drift(
        live,
        desired,
        base=workspace.base,
        recorded=recorded,
        planned=workspace.recorded,
        apply=to_apply(workspace.files, pending) if pending else "",
        renames=workspace.renames,
        runs_sql=warehouse.url.startswith("bigquery:"),
        computed=computed_columns(workspace.registry),
        renameable=frozenset() if causes else renameable | workspace.base,
        read_by_name=_read_by_name(workspace.registry),
        dropped=frozenset(column.name.lower() for column in dropped_columns(workspace.registry)),
        lost={change.name.lower(): file.name for file, change in _lost(workspace.files)},
        as_found=any(one.adopted and int(one.version) == 0 for one in known or () if one.version.isdecimal()),
    )
    levels = dict(workspace.registry.drift)
    note = levels.get("FQ317", Severity.NOTE)
    findings = check_drift(drifts, levels)
    if causes:
        findings = tuple(waiting_for(causes[0], finding) for finding in findings)
    if note is not None:
        findings += tuple(replace(finding, severity=note) for finding in unknown_setting(live.table))
    every = (*causes, *findings, *(finding for finding in of_history if finding not in causes))
    return together(every, _undecided(workspace, seen, desired, allowed(every)) if every else ())


def _read_by_name(registry: Registry) -> dict[str, str]:
    """Return the lower-case name of each feature whose value `inputs` reads by this name -> the `value` of `inputs`."""
    value = registry.inputs.value if "{name}" in registry.inputs.value else ""
    return {one.name.lower(): value for one in registry.active_features if value and not one.value}


def _lost(files: Iterable[MigrationFile]) -> Iterator[tuple[MigrationFile, DropColumn]]:
    """Yield the drops that a plan found in its target, each with its file."""
    for file in files:
        for statement in file.statements:
            if statement.adopted:
                yield from ((file, change) for change in statement.changes if isinstance(change, DropColumn))


def _undecided(workspace: Workspace, live: State, desired: State, codes: frozenset[str]) -> tuple[str, ...]:
    """Return what stops the next plan: the changes that BigQuery cannot make, and the hazards beyond `codes`."""
    live = workspace.restricted(live)
    planned = plan(
        workspace.recorded,
        live,
        reconcile(live, workspace.wanted, workspace.registry),
        judge=judge,
        renames=workspace.renames,
        declared=desired,
        computed=computed_columns(workspace.registry),
    )
    base = refused_base(workspace, workspace.recorded, live, desired)
    stops = (*base, *planned.refused, *(hazard for hazard in planned.hazards if hazard.rule not in codes))
    return tuple(finding.subject for finding in stops)


def _entries(warehouse: Warehouse, table: str) -> tuple[tuple[Entry, ...] | None, Denied | None]:
    """Return the rows of the ledger, None without a ledger; and the error where the permission is missing."""
    try:
        return read_ledger(warehouse, table), None
    except Denied as error:
        return None, error


def audit_of(
    registry: Registry,
    warehouse: Warehouse,
    start: date,
    end: date,
    *,
    max_bytes: int | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Audited:
    """Compare the stored rows of a span of dates with what scoring computes, by one scan.

    Features with an `upstream_tolerance` are compared with their source, by one more query for each table.

    Args:
        registry: the registry.
        warehouse: the target.
        start: the first date.
        end: the last date.
        max_bytes: the most bytes that the queries may read.
        on_bytes: called with the bytes of the queries before they run.

    Raises:
        InputError: `end` is earlier than `start`.
        NotThere: the table does not exist.
        OtherColumns: the table lacks a column, or the column has another type.
        Refusal: the scan would read more than `max_bytes`.
    """
    require_order(start, end)
    audit = Audit(registry)
    require_columns(registry, warehouse, (one.name for one in audit.scoring.managed))
    query = audit.query(start, end)
    compared, unread, sizes = dict[UpstreamTable, Query](), dict[str, str](), [warehouse.run(query, dry_run=True)]
    for table in upstream_tables(registry, with_datasets=warehouse.url.startswith("bigquery://")):
        asked = table.query(start, end)
        try:
            sizes.append(warehouse.run(asked, dry_run=True))
        except FqtoolError as error:
            unread[table.name] = str(error)
        else:
            compared[table] = asked
    known = [one.bytes_processed for one in sizes if one.bytes_processed is not None]
    if known:
        size = sum(known)
        on_bytes(size)
        if max_bytes is not None and size > max_bytes:
            raise Refusal(
                f"The scan from {start} to {end} reads {size:,} bytes; --max-bytes allows {max_bytes:,} bytes.",
                remedy=f"Raise --max-bytes, or use fewer dates. {MINIMUM_BILLED}",
            )
    with within(warehouse, limited(max_bytes)):
        (row,) = warehouse.rows(query)
        upstream = [fact for table, asked in compared.items() for fact in table.read(*warehouse.rows(asked))]
    return replace(audit.read(row, start, end), upstream=tuple(upstream), unread=unread)
