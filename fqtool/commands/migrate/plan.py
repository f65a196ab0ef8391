"""fqtool migrate plan: write and print the next migration, from the live table to the registry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TextIO

from rich.text import Text

from fqtool.commands.migrate.rebuild import (
    MIGRATE,
    needs_rebuild,
    pending_of,
    rebuilt,
    require_no_loss,
    with_rebuilt,
    without_lost_copies,
)
from fqtool.commands.migrate.redo import begun_in, kept_files, require_replaceable
from fqtool.commands.migrate.replay import require_replay
from fqtool.commands.migrate.requirements import (
    absent_base,
    refused_base,
    require_applied_files,
    require_columns_of_views,
    require_recorded,
)
from fqtool.commands.migrate.rules import dropped_too_early, judge
from fqtool.errors import MigrationError, Refusal
from fqtool.findings.finding import Finding, Severity
from fqtool.findings.listing import listed
from fqtool.findings.remedy import Commands, commands
from fqtool.migrations.backup import backup_lines
from fqtool.migrations.checksums import CHECKSUMS, checksums
from fqtool.migrations.contract import CONTRACT, breaks, contract_text
from fqtool.migrations.files import BY_PATCH, MigrationFile, recorded_state, write_file
from fqtool.migrations.fit import lacks, to_fit
from fqtool.migrations.history import contract_broken, table_behind_the_ledger
from fqtool.migrations.ledger import Revision, revisions
from fqtool.migrations.legality import drift_findings
from fqtool.migrations.plan import (
    Plan,
    is_operation,
    lasting,
    plan,
    satisfied,
    to_make,
)
from fqtool.migrations.reconcile import computed_columns, reconcile, with_live_partitions
from fqtool.migrations.swap import rebuild_of, stopped_swap
from fqtool.output.console import Page
from fqtool.registry.model import Registry
from fqtool.schema.build import base_table, dropped_columns, expand_columns, renames
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.changes import Change, CreateTable, fold
from fqtool.table.ddl import Statement, render
from fqtool.table.diff import diff
from fqtool.table.model import Inapplicable, State, Table
from fqtool.warehouse.migration_folder import commit
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import as_typed
from fqtool.workspace import Workspace, ledger_entries, live_state

_LONG = 14
_BUDGET = "BigQuery allows 5 per 10 s on a table, 50 on a partitioned table"  # bigquery.md#metadata
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "cyan"}


@dataclass(frozen=True, slots=True)
class Planned:
    """The result of planning.

    Attributes:
        new: new files with their plans.
        kept: the files of the folder that do not change.
        gone: the findings about a table that is absent although applied migrations created it.
        left: the findings of check-drift about the target that no file of the folder and no new file changes. It is
            empty where there are new files.
        absent: the base columns that the table does not have and no new file adds.
        creates: whether the target does not have the table, so that the files create it.
        unused: sentences about each `renamed_from` that has no effect.
        found: the versions of the new files that `migrate` only records, because the target has their table.
    """

    new: tuple[tuple[MigrationFile, Plan], ...]
    kept: tuple[MigrationFile, ...]
    gone: tuple[Finding, ...] = ()
    left: tuple[Finding, ...] = ()
    absent: tuple[str, ...] = ()
    creates: bool = False
    unused: tuple[str, ...] = ()
    found: frozenset[str] = frozenset()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The rules that `migrate` must be allowed to break, each once."""
        hazards = [hazard for _, of_file in self.new for hazard in of_file.hazards]
        return tuple(sorted({one.rule for one in (*hazards, *self.gone)}))

    def replaced(self, workspace: Workspace) -> tuple[str, ...]:
        """Return the names of the migrations in the folder that the new files replace."""
        kept = {file.name for file in self.kept}
        return tuple(name for name in sorted(workspace.texts) if name.endswith(".sql") and name not in kept)


def plan_migration(
    workspace: Workspace,
    warehouse: Warehouse | None,
    *,
    today: date,
    name: str = "",
    include_base: bool = False,
    redo: bool = False,
    rebuild: bool = False,
    begun_elsewhere: Mapping[str, str] | None = None,
) -> Planned:
    """Return the files that change the target into the state of the registry. Nothing is written.

    The plan starts from the live table where it exists, else from the recorded state. Pending files count as applied.

    Args:
        workspace: the registry and its migrations.
        warehouse: the target; None plans from the files only.
        today: the date that `remove_after` dates are compared with.
        name: words for the name of the file.
        include_base: change base columns too.
        redo: plan the files again that no known target has begun to apply.
        rebuild: where BigQuery cannot make a change in place, plan a new table with all rows.
        begun_elsewhere: name -> SHA-256 of the migrations that other targets have begun to apply.

    Raises:
        Refusal: BigQuery cannot make a change, the registry breaks the feature contract, or `migrate verify` or
            `migrate` would refuse the files.
        MigrationError: the folder was edited.
    """
    registry = workspace.registry
    entries = ledger_entries(warehouse, workspace.table) if warehouse else ()
    if redo:
        begun = {**(begun_elsewhere or {}), **begun_in(entries)}
        kept = kept_files(workspace, begun)
        require_replaceable(workspace, kept, begun)
    else:
        kept = workspace.files
        require_recorded(workspace)
    if any(breaks(workspace.contract, registry.features)):
        raise Refusal("The registry breaks the feature contract.", findings=tuple(contract_broken(workspace.history())))
    early = tuple(finding for column in dropped_columns(registry) for finding in dropped_too_early(column, today))
    if early:
        raise Refusal("A column is dropped before its `remove_after` date.", findings=early)
    known = revisions(entries)
    applied = {one.version: one.applied for one in known}
    wanted = with_rebuilt(workspace.wanted, pending_of(kept, applied))
    live = live_state(warehouse, wanted) if warehouse else State()
    of_target = without_lost_copies(applied, kept, live)
    require_applied_files(workspace, known)
    gone = _gone(workspace, live, known, warehouse) if warehouse and live.table is None else ()
    if gone and (not redo or stopped_swap(kept, live)):
        raise Refusal("The target differs from its ledger.", findings=gone)
    new: list[tuple[MigrationFile, Plan]] = []
    rebuild = bool(rebuild and live.table and needs_rebuild(workspace, live))
    if not kept:
        base = plan(State(), State(), State(_baseline(registry, live, rebuild=rebuild)), judge=judge)
        new.append((write_file("0000", "base", base), base))
    recorded = recorded_state([*kept, *(file for file, _ in new)])
    version = f"{len(kept) + len(new):04d}"
    if redo and warehouse:
        require_no_loss(live, pending_of(kept, applied), entries, workspace, warehouse.url, stay=True)
    if rebuild:
        start, planned = live, rebuilt(workspace, live, kept, recorded, version, today, applied)
    else:
        stays = warehouse.url if redo and warehouse else ""
        start = _start(workspace, live, recorded, kept, of_target, stays)
        planned = _in_place(workspace, recorded, start, include_base=include_base, redo=redo)
    if planned.statements:
        new.append((write_file(version, _slug(name) or _title(planned), planned), planned))
    left = () if new or live.table is None else _left(workspace, start)
    command = commands(f"migrate plan{' --redo' * redo} --include-base", first="To add it:")
    require_columns_of_views(registry, start, [file for file, _ in new], lambda _: command)
    absent = tuple(absent_base(registry, live, [file for file, _ in new]))
    made = Planned(
        tuple(new), kept, gone, left, absent, creates=live.table is None,
        unused=tuple(_unused_renames(registry, start.table)),
        found=frozenset(file.version for file, _ in new if _is_found(file, live)),
    )  # fmt: skip
    texts = texts_of(workspace, made)
    if gone and not made.replaced(workspace) and texts.items() <= workspace.texts.items():
        # Files that `migrate` refuses are planned again first; here the table alone is wrong.
        raise Refusal("The target differs from its ledger.", findings=gone)
    require_replay(workspace, texts, live, entries, warehouse, discard=bool(gone))
    return made


def _unused_renames(registry: Registry, table: Table | None) -> Iterator[str]:
    """Yield a sentence about each kind of `renamed_from` that has no effect on a table that exists."""
    repeated = {column.name for column in expand_columns(registry) if column.spec.for_each}
    both, neither = list[str](), list[str]()
    for new, old in renames(registry).items() if table else ():
        present = {bool(table and table.find(name)) for name in (new, old)}
        if present == {True}:
            both.append(f"`{new}`")
        elif present == {False} and new not in repeated:  # the columns of a new feature had no other name
            neither.append(f"`{new}`")
    if both:
        yield f"`renamed_from` of {listed(both)} has no effect: the table has the old and the new column."
    if neither:
        yield f"`renamed_from` of {listed(neither)} has no effect: the table does not have the old column."


def _baseline(registry: Registry, live: State, *, rebuild: bool) -> Table:
    """The table that 0000 creates, or records where it exists. A rebuild starts from the table as it is."""
    found = with_live_partitions(base_table(registry), live.table)
    names = (column.name for column in found.columns)
    return live.table.restricted_to(names) if rebuild and live.table else found


def _in_place(workspace: Workspace, recorded: State, start: State, *, include_base: bool, redo: bool) -> Plan:
    """Return the plan without a rebuild. Raises Refusal for a change that BigQuery cannot make."""
    registry = workspace.registry
    desired = reconcile(start, workspace.wanted, registry, include_base=include_base)
    declared = reconcile(start, workspace.wanted, registry, include_base=True)
    if not include_base and (base := tuple(refused_base(workspace, recorded, start, declared))):
        raise Refusal("Base columns of the table differ from the registry.", findings=base)
    planned = plan(
        recorded,
        start,
        desired,
        judge=judge,
        renames=workspace.renames,
        declared=declared,
        computed=computed_columns(registry),
        keys=registry.table.keys,
        filed=reconcile(recorded, workspace.wanted, registry),
    )
    if planned.refused:
        refused = tuple(_redone(one) if redo else one for one in dict.fromkeys(planned.refused))
        what = "this change" if len(refused) == 1 else "these changes"
        raise Refusal(f"BigQuery cannot make {what} in place.", findings=refused)
    return planned


def _redone(finding: Finding) -> Finding:
    """Return a refusal whose remedy keeps the option --redo of this run: without it the folder is refused."""
    if not isinstance(finding.remedy, Commands):
        return finding
    lines = ((*line[:3], "--redo", *line[3:]) if "--rebuild" in line else line for line in finding.remedy.lines)
    return replace(finding, remedy=replace(finding.remedy, lines=tuple(lines)))


def _left(workspace: Workspace, state: State) -> tuple[Finding, ...]:
    """Return the differences of a state from the registry, without those that the registry ignores."""
    registry = workspace.registry
    levels = dict(registry.drift)
    desired = reconcile(state, workspace.wanted, registry, include_base=True, keep_unknown=False)
    findings = (found for change in diff(state, desired, workspace.renames) for found in drift_findings(state, change))
    return tuple(one for one in findings if levels.get(one.rule, one.severity) not in (None, Severity.NOTE))


def _gone(workspace: Workspace, live: State, known: tuple[Revision, ...], warehouse: Warehouse) -> tuple[Finding, ...]:
    return tuple(table_behind_the_ledger(workspace.history_of(live, known, warehouse.url)))


def write_plan(workspace: Workspace, planned: Planned) -> tuple[str, ...]:
    """Write the files, the feature contract and the checksums as one commit.

    Returns:
        The names of the files that were written.
    """
    return commit(workspace.folder, workspace.texts, texts_of(workspace, planned))


def texts_of(workspace: Workspace, planned: Planned) -> dict[str, str]:
    """Return name -> text of all files of the folder after the plan is written."""
    files = [*planned.kept, *(file for file, _ in planned.new)]
    contract = contract_text(workspace.registry.features)
    return {file.name: file.text for file in files} | {CONTRACT: contract, CHECKSUMS: checksums(files, contract)}


def _start(
    workspace: Workspace,
    live: State,
    recorded: State,
    kept: tuple[MigrationFile, ...],
    applied: Mapping[str, int],
    stays: str,
) -> State:
    """The state before the new file: the live state with pending statements applied, or the recorded state.

    `stays` is the URL of the target where known targets have begun to apply the files, which are not planned again.
    """
    state = workspace.followed(live)  # a pending file may rename a column that the registry has under a third name
    if state.table is None:
        return recorded
    for number, file in enumerate(kept):
        pending = file.statements[applied.get(file.version, 0) :]
        changes = [change for statement in pending for change in statement.changes]
        created = (change for change in changes if isinstance(change, CreateTable))
        if all(_holds(state, change) for change in created) and satisfied(state, lasting(changes)):
            continue
        try:
            for place, statement in enumerate(pending, 1):
                to_run = to_make(state, statement, pending[place:])
                state = fold(state, (c for c in to_run if not (isinstance(c, CreateTable) and _holds(state, c))))
        except Inapplicable as error:
            if stays and not rebuild_of(file):
                raise _unfit(file, recorded_state(kept[:number]), state, stays, workspace.renames, error) from None
            raise MigrationError(
                f"`{file.name}` is pending and does not fit the live table: {error}.",
                remedy=commands(MIGRATE if rebuild_of(file) else "migrate plan --redo"),
            ) from None
    return workspace.restricted(state)


def _unfit(
    file: MigrationFile, expected: State, live: State, url: str, renames: Mapping[str, str], error: Inapplicable
) -> MigrationError:
    """The error of a file that cannot be planned again; its fix changes the table to fit the file."""
    name = live.table.name if live.table else ""
    needed = dict.fromkeys(to_fit(expected, live, file.changes, renames))
    sql = as_typed(" ".join(f"{' '.join(render(name, [change]).split())};" for change in needed), url)
    first = f"Run there: {sql} Then:" if sql else "Change the table to what the earlier migrations create. Then:"
    return MigrationError(
        f"A known target has begun to apply `{file.name}`, so it stays, and it does not fit {url}: {error}.",
        remedy=commands("migrate", first=first),
    )


def _is_found(file: MigrationFile, live: State) -> bool:
    """Whether a file creates the table of the registry, and the target has it already."""
    creates = any(isinstance(change, CreateTable) for change in file.changes)
    return creates and all(_holds(live, change) for change in lasting(file.changes))


def _holds(state: State, change: Change) -> bool:
    """Whether a state has a change already. A table with legal manual changes counts as the same table."""
    if isinstance(change, CreateTable) and not state.is_beside(change.table.name):
        return not lacks(change.table, state.table)
    return satisfied(state, [change])


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _title(planned: Plan) -> str:
    """Name a file after its first statement that runs."""
    run = [statement for statement in planned.statements if not statement.adopted] or list(planned.statements)
    if planned.table and any(isinstance(statement.changes[0], RenameTable) for statement in run):
        return _slug(f"rebuild_{planned.table.name}")
    first, count = run[0].changes[0], len(run[0].changes)
    subject = first.object_name or next(iter(first.touched), "options")
    return f"{first.verb}_{count}_columns" if count > 1 else _slug(f"{first.verb}_{subject}")


def print_plan(file: MigrationFile, plan: Plan, stream: TextIO, *, found: bool = False) -> None:
    """Print the statements of a migration file. Of long statements only the first and last lines are printed.

    Args:
        file: the migration file.
        plan: its plan.
        stream: where to print.
        found: whether the target has the table already, so that the file is only recorded.
    """
    page = Page(stream)
    page.write([Text(file.name, "bold"), f"  table fingerprint {plan.made_for} before, {plan.makes} after"])
    spent = 0
    for number, statement in enumerate(plan.statements, 1):
        spent += is_operation(statement)
        if found:
            page.write(["", Text(f"{number}. the table exists: not run, only recorded", "bold")])
            page.write(_indented(_middle_out(statement.sql.splitlines()), "    "))
            continue
        budget = f"{spent} of {plan.operations} in this file; {_BUDGET}" if is_operation(statement) else "none"
        _statement(page, number, statement, budget)
    codes = sorted({finding.rule for finding in plan.hazards})
    backup = [Text(line) for line in (*backup_lines(file.version, plan), *plan.notes)]
    if codes:
        page.write(["", *backup])
        page.write([Text(f"Apply with: fqtool migrate {' '.join(f'--allow {code}' for code in codes)}", "bold yellow")])
    page.write([""])


def _statement(page: Page, number: int, statement: Statement, budget: str) -> None:
    page.write(["", Text(f"{number}. {statement.why}", "bold")])
    page.write(_indented(_middle_out(statement.sql.splitlines()), "    "))
    if statement.adopted:
        page.write([Text("    not run, only recorded: migrate checks that the table has it", "dim")])
    if statement.by_patch:
        page.write([Text(f"    {BY_PATCH}", "dim")])
    for finding in statement.hazards:
        head = Text.assemble(("  hazard: ", ""), (f"{finding.severity} {finding.rule} ", _COLOURS[finding.severity]))
        page.write(page.wrapped(head, Text(finding.message), 10))
    back = _middle_out(statement.way_back.splitlines())
    page.write(page.wrapped(Text("  rollback: "), Text(back[0]), 12))
    page.write(_indented(back[1:], "            "))
    page.write(page.wrapped(Text("  metadata operations: "), Text(budget), 4))


def _indented(lines: list[str], by: str) -> list[str]:
    return [f"{by}{line}" for line in lines]


def _middle_out(lines: list[str]) -> list[str]:
    """Leave out the middle lines of a long statement; the file has every line."""
    if len(lines) <= _LONG + 1:  # a line in place of one line hides it for nothing
        return lines
    half = _LONG // 2
    return [*lines[:half], f"  ... {len(lines) - 2 * half} more lines ...", *lines[-half:]]
