"""fqtool migrate applies pending files; fqtool migrate verify replays all files on a new embedded database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from fqtool.commands.migrate.executor import Executor, LiveState
from fqtool.commands.migrate.hazards import hazards_of, incomplete, migrate_allowing
from fqtool.commands.migrate.lease import Lease, create_ledger, prepare_ledger, runner_name
from fqtool.commands.migrate.rebuild import (
    COPY,
    SWAP,
    require_free_names,
    require_no_loss,
    require_recorded_swap,
    with_rebuilt,
)
from fqtool.commands.migrate.rehearsal import rehearse
from fqtool.commands.migrate.requirements import require_columns_of_views
from fqtool.errors import MigrationError, Refusal, UsageError
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Severity
from fqtool.findings.remedy import Remedy, commands
from fqtool.migrations.files import MigrationFile, after
from fqtool.migrations.fit import added_by_hand
from fqtool.migrations.history import RECREATE, check_history, table_behind_the_ledger
from fqtool.migrations.ledger import Entry, Status, last_attempt, revisions
from fqtool.migrations.made import applied_state
from fqtool.migrations.swap import lonely_copy, stopped_swap
from fqtool.table.changes import Change, Reorder
from fqtool.table.ddl import render
from fqtool.table.diff import diff
from fqtool.table.model import State
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import as_typed
from fqtool.workspace import Workspace, live_state, read_ledger

# These findings about history stop a run. A change that is in no file yet does not: pending files are still correct.
_STOPS = {"FQ401", "FQ402", "FQ403", "FQ405"}


def require_hazards(codes: Iterable[str]) -> None:
    """Check the values of --allow.

    Raises:
        UsageError: a code is not the code of a hazard.
    """
    hazards = {RECREATE} | {rule.code for rule in rules_of(Group.HAZARDS) if rule.severity is Severity.WARNING}
    for code in codes:
        if code not in hazards:
            raise UsageError(f"Unknown hazard {code!r}.", remedy=f"Use one of: {', '.join(sorted(hazards))}.")


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of a run.

    Attributes:
        done: each file with "applied" or "adopted", in order; the last one with "copied" if its swap is not allowed.
        pending: the files that a dry run would apply.
        found: version -> the number of its statements that the table had already, so that they did not run.
    """

    done: tuple[tuple[MigrationFile, str], ...]
    pending: tuple[MigrationFile, ...] = ()
    found: Mapping[str, int] = field(default_factory=dict)


def apply_migrations(
    workspace: Workspace,
    warehouse: Warehouse,
    *,
    tool: str,
    allow: frozenset[str] = frozenset(),
    dry_run: bool = False,
    take_lease: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
    on_pending: Callable[[tuple[MigrationFile, ...]], None] = lambda _: None,
    configure: Callable[[Executor], None] = lambda _: None,
) -> Applied:
    """Apply every pending migration file to the target, each statement verified by reading the table back.

    Args:
        workspace: the registry and its migrations.
        warehouse: the target.
        tool: the version of fqtool, for the ledger.
        allow: the codes of hazards that may run.
        dry_run: return the pending files and change nothing.
        take_lease: take the lease from another process.
        on_step: called with the name of each step before it.
        on_pending: called with the pending files before their hazards are judged.
        configure: called with the executor, for tests.

    Raises:
        MigrationError: a migration file was edited.
        Refusal: a hazard is not allowed, the table is not the one that was planned for, or the target lacks a column
            or view of an applied migration.
        Busy: another process holds the lease.
        WorldError: the warehouse failed.
    """
    workspace.require_files()
    entries = read_ledger(warehouse, workspace.table)
    pending = pending_files(workspace, entries or ())
    wanted = with_rebuilt(workspace.wanted, pending)
    live = live_state(warehouse, wanted)
    require_free_names(live, pending, entries or (), warehouse.url)
    require_no_loss(live, pending, entries or (), workspace, warehouse.url)
    again = _is_gone(workspace, live, entries or ())
    require_recorded_swap(live, pending, revisions(entries or ()), warehouse.url)
    # With --allow FQ408 an empty table would replace the copy too.
    if again and (RECREATE not in allow or lonely_copy(workspace.files, live)):
        _require_present(workspace, live, entries or (), warehouse)
    pending = tuple(file for file in workspace.files if file.statements) if again else pending
    on_pending(pending)
    # An absent table has no data to lose, and a swap that began was allowed.
    swapping = stopped_swap(pending, live)
    runs: Mapping[str, frozenset[Change]] | None = None
    if pending:
        require_columns_of_views(workspace.registry, live, pending, partial(_added_by_hand, workspace, warehouse.url))
        runs = rehearse(workspace, live, entries or (), warehouse.url, discard=again)
    judged = tuple(file for file in pending if swapping is None or file != swapping.file)
    swaps = (live.table is None and not swapping) or not _require_allowed(workspace, judged, allow, runs)
    if not pending:
        _require_present(workspace, live, entries or (), warehouse)
    unnamed = any(not entry.table_name for entry in entries or ())
    if dry_run or not (pending or unnamed):
        return Applied((), pending)
    executor = Executor(
        warehouse, LiveState(warehouse, wanted, workspace.followed), runner_name(), tool, on_step=on_step
    )
    executor.swaps, executor.creates = swaps, live.table is None and not swapping
    executor.before_swap = lambda: require_no_loss(
        live_state(warehouse, wanted, views=False), pending, executor.entries, workspace, warehouse.url
    )
    configure(executor)
    lease = Lease(warehouse, workspace.table, executor.runner, "migrating", "fqtool migrate", executor.clock, on_step)
    if entries is None:
        create_ledger(warehouse, on_step)
    elif unnamed or not entries:  # version 0.1 may have created it
        prepare_ledger(warehouse, on_step)
    with lease.held(take_over=take_lease) as executor.entries:
        pending_files(workspace, executor.entries)
        if unnamed:
            executor.name_table()
        with executor.recording():
            if again and _is_gone(workspace, executor.live.state, executor.entries):
                executor.discard()
            state, done = State(), list[tuple[MigrationFile, str]]()
            for file in workspace.files:
                lease.renew()
                outcome = executor.apply(file, state)
                if outcome != "done":
                    done.append((file, outcome))
                if outcome == "copied":
                    break
                state = after(state, file)
    _require_present(workspace, executor.live.state, executor.entries, warehouse, tuple(done))
    return Applied(tuple(done), found={file.version: _found(executor.entries, file) for file, _ in done})


def _added_by_hand(workspace: Workspace, url: str, names: Sequence[str]) -> Remedy:
    """The fix for columns that a pending migration reads: the plan that adds them would come after it."""
    sql = render(workspace.table, map(added_by_hand, filter(None, map(workspace.wanted.column, names))))
    return commands("migrate", first=f"Run there: {as_typed(' '.join(sql.split()) + ';', url)} Then:")


def _found(entries: tuple[Entry, ...], file: MigrationFile) -> int:
    last = (last_attempt(entries, file.version, number) for number in range(1, len(file.statements) + 1))
    return sum(entry is not None and Status(entry.standing) is Status.ADOPTED for entry in last)


def _is_gone(workspace: Workspace, live: State, entries: tuple[Entry, ...]) -> bool:
    """Whether a table that the ledger records as created is absent."""
    if live.table is not None or stopped_swap(workspace.files, live):
        return False
    return applied_state(workspace.files, revisions(entries)).table is not None


def _require_present(
    workspace: Workspace,
    live: State,
    entries: tuple[Entry, ...],
    warehouse: Warehouse,
    done: tuple[tuple[MigrationFile, str], ...] = (),
) -> None:
    """Raise Refusal where the target lacks what the ledger records as created; the live table is the truth."""
    findings = tuple(table_behind_the_ledger(workspace.history_of(live, revisions(entries), warehouse.url)))
    if findings:
        applied = "".join(f"Applied `{file.name}`. " for file, _ in done)
        raise Refusal(f"{applied}The target differs from its ledger.", findings=findings)


def pending_files(workspace: Workspace, entries: tuple[Entry, ...]) -> tuple[MigrationFile, ...]:
    """Return the files with statements that are not done. Raises MigrationError where history is invalid."""
    findings = tuple(finding for finding in check_history(workspace.history(entries)) if finding.rule in _STOPS)
    if findings:
        raise MigrationError("Migration files and ledger disagree; nothing was changed.", findings=findings)
    return incomplete(workspace.files, revisions(entries))


def _require_allowed(
    workspace: Workspace,
    pending: tuple[MigrationFile, ...],
    allow: frozenset[str],
    runs: Mapping[str, frozenset[Change]] | None,
) -> bool:
    """Require that the hazards of the changes that run are allowed; the headers of the files are not used.

    Returns:
        Whether a swap is not allowed, but the copy before it.
    """
    stops = [
        finding
        for finding in hazards_of(workspace.files, pending, runs)
        if finding.severity is Severity.ERROR or finding.rule not in allow
    ]
    if COPY in allow and stops and all(finding.rule == SWAP for finding in stops):
        return True
    if stops:
        command = migrate_allowing({*allow, *(finding.rule for finding in stops)})
        raise Refusal(
            "Pending migrations have hazards that are not allowed; nothing was changed.",
            remedy=commands(command, first="Read the findings, then allow them:"),
            findings=tuple(stops),
        )
    return False


def verify_migrations(workspace: Workspace, scratch: Warehouse, tool: str) -> tuple[Finding, ...]:
    """Check files, checksums, chain and contract, and replay the files.

    Args:
        workspace: the registry and its migrations.
        scratch: an empty warehouse to replay on.
        tool: the version of fqtool, for the ledger.

    Returns:
        The findings. With an error other than FQ404 nothing is replayed.

    Raises:
        MigrationError: the replayed table differs from the files, which is an error of fqtool or of a file.
    """
    workspace.require_files()
    findings = check_history(workspace.history())
    if any(finding.severity is Severity.ERROR and finding.rule != "FQ404" for finding in findings):
        return findings
    executor = Executor(scratch, LiveState(scratch, with_rebuilt(workspace.recorded, workspace.files)), "verify", tool)
    executor.creates = True
    prepare_ledger(scratch)
    state = State()
    with executor.recording():
        for file in workspace.files:
            # Adopted statements have to run on an empty table.
            statements = tuple(replace(statement, adopted=False) for statement in file.statements)
            executor.apply(replace(file, statements=statements), state)
            state = after(state, file)
    changes = diff(live_state(scratch, workspace.recorded), workspace.recorded)
    differences = [change.describe() for change in changes if not isinstance(change, Reorder)]
    if differences:
        raise MigrationError(f"The replayed table differs from the files: {'; '.join(differences)[:600]}.")
    return findings
