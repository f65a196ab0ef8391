"""fqtool migrate: apply pending files, or with dry_run tell what would be applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fqtool.errors import MigrationError, Refusal, UsageError
from fqtool.finding import Finding, Severity, rules_of
from fqtool.migrations.files import MigrationFile, after
from fqtool.migrations.ledger import revisions
from fqtool.rules.about_files import check_history
from fqtool.rules.about_hazards import judge
from fqtool.table.changes import Change, Inapplicable, apply
from fqtool.table.model import State
from fqtool.verbs.executor import Executor
from fqtool.verbs.lease import Lease, prepare_ledger, runner_name
from fqtool.verbs.workspace import Workspace, ledger_entries, live_state
from fqtool.warehouse.protocol import Warehouse

# History that does not hold stops a run; a registry ahead of its files does not: pending files are still right.
_STOPS = {"FQ401", "FQ402", "FQ403", "FQ405"}


def known_hazards(codes: Iterable[str]) -> None:
    """Raise UsageError for a code that names no hazard."""
    hazards = {one.code for one in rules_of(judge.__module__) if one.severity is Severity.WARNING}
    for code in codes:
        if code not in hazards:
            raise UsageError(f"{code!r} names no hazard.", remedy=f"Hazards are {', '.join(sorted(hazards))}.")


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did: (file, "applied" | "adopted") in order; `pending` is what a dry run would apply."""

    done: tuple[tuple[MigrationFile, str], ...]
    pending: tuple[MigrationFile, ...] = ()


def apply_migrations(
    workspace: Workspace,
    warehouse: Warehouse,
    *,
    tool: str,
    allow: frozenset[str] = frozenset(),
    dry_run: bool = False,
    take_lease: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
    configure: Callable[[Executor], None] = lambda _: None,
) -> Applied:
    """Apply every pending migration file to the target, each statement verified by reading the table back.

    `allow` names hazards that may run. Raises MigrationError for edited history, Refusal for a hazard not allowed
    or a table other than planned for, Busy when another migrator is at work, WorldError when the world fails.
    """
    workspace.require_files()
    executor = Executor(
        warehouse,
        read=lambda: workspace.declared(live_state(warehouse, workspace.desired)),
        runner=runner_name(),
        tool=tool,
        on_step=on_step,
    )
    configure(executor)
    pending = pending_files(workspace, warehouse)
    _require_allowed(workspace, pending, allow)
    if dry_run or not pending:
        return Applied((), pending)
    lease = Lease(warehouse, executor.runner, "migrating", "fqtool migrate", executor.clock, on_step)
    prepare_ledger(warehouse, on_step)
    with lease.held(take_over=take_lease):
        pending_files(workspace, warehouse)
        done = _all(workspace, executor, lease)
    return Applied(done)


def _all(workspace: Workspace, executor: Executor, lease: Lease) -> tuple[tuple[MigrationFile, str], ...]:
    state, done = State(), list[tuple[MigrationFile, str]]()
    for file in workspace.files:
        lease.renew()
        how = executor.apply(file, state)
        if how != "done":
            done.append((file, how))
        state = after(state, file)
    return tuple(done)


def pending_files(workspace: Workspace, warehouse: Warehouse) -> tuple[MigrationFile, ...]:
    """Return the files with statements left to do. Raises MigrationError where history does not hold."""
    entries = ledger_entries(warehouse)
    wrong = [found for found in check_history(workspace.history(entries)) if found.rule in _STOPS]
    if wrong:
        raise MigrationError("The history of migrations does not hold; nothing was done.", findings=tuple(wrong))
    complete = {revision.version for revision in revisions(entries) if revision.complete}
    return tuple(file for file in workspace.files if file.statements and file.version not in complete)


def _require_allowed(workspace: Workspace, pending: tuple[MigrationFile, ...], allow: frozenset[str]) -> None:
    """Judge what the files say, not what their headers claim."""
    dangerous: list[Finding] = []
    state = State()
    for file in workspace.files:
        for statement in file.statements:
            for change in statement.changes:
                if file in pending and not statement.adopted:
                    dangerous += [found for found in judge(state, change) if _stops(found, allow)]
                state = _applied(state, change, file)
    if dangerous:
        codes = " ".join(f"--allow {code}" for code in sorted({found.rule for found in dangerous}))
        raise Refusal(
            "Pending migrations hold what must be allowed by name; nothing was done.",
            remedy=f"Read the findings; then: fqtool migrate {codes}",
            findings=tuple(dict.fromkeys(dangerous)),
        )


def _stops(found: Finding, allow: frozenset[str]) -> bool:
    return found.severity is Severity.ERROR or (found.severity is Severity.WARNING and found.rule not in allow)


def _applied(state: State, change: Change, file: MigrationFile) -> State:
    try:
        return apply(state, change)
    except Inapplicable as error:
        raise MigrationError(f"{file.name} does not fit what the files before it make: {error}.") from None
