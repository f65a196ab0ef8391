"""fqtool migrate plan: write the next migration file from what stands and what the registry wants."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from fqtool.errors import MigrationError, Refusal
from fqtool.finding import Finding
from fqtool.migrations.contract import CONTRACT, breaks, contract_text
from fqtool.migrations.files import CHECKSUMS, MigrationFile, checksums, edited, recorded_state, write_file
from fqtool.migrations.ledger import revisions
from fqtool.migrations.plan import Plan, plan, satisfied, settle
from fqtool.quality.build import base_table, dropped_columns
from fqtool.rules.about_deprecations import dropped_too_early
from fqtool.rules.about_files import contract_broken
from fqtool.rules.about_hazards import judge
from fqtool.table.changes import (
    AddColumn,
    Change,
    DropColumn,
    Inapplicable,
    PutView,
    RenameColumn,
    fold,
    touched,
)
from fqtool.table.model import State
from fqtool.verbs.workspace import Workspace, ledger_entries, live_state
from fqtool.warehouse.disk import remove, write_text
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning made: new files with their plans, and the names of files they replace."""

    made: tuple[tuple[MigrationFile, Plan], ...]
    replaced: tuple[str, ...] = ()


def plan_migration(
    workspace: Workspace,
    warehouse: Warehouse | None,
    *,
    today: date,
    name: str = "",
    include_base: bool = False,
    redo: bool = False,
) -> Planned:
    """Return the files that would bring the target to the registry; nothing is written.

    The plan is made from the live table where there is one, else from what the files record. Pending files are taken
    as done; with `redo` those that the target has not applied are planned anew. Raises Refusal with findings where
    the registry wants what BigQuery cannot do or breaks the feature contract, MigrationError for an edited folder.
    """
    _require_contract(workspace)
    early = tuple(found for one in dropped_columns(workspace.registry) for found in dropped_too_early(one, today))
    if early:
        raise Refusal("A column is to be dropped before its date.", findings=early)
    live = live_state(warehouse, workspace.desired) if warehouse else State()
    done = {one.version: one.applied for one in revisions(ledger_entries(warehouse))} if warehouse else {}
    kept = _kept(workspace, done) if redo else workspace.files
    _require_unedited(workspace, kept, redo=redo)
    made: list[tuple[MigrationFile, Plan]] = []
    if not kept:
        made.append(_base(workspace))
    recorded = recorded_state([*kept, *(file for file, _ in made)])
    start = _start(workspace, live, recorded, kept, done)
    scope = workspace.scope(include_base=include_base)
    wanted = settle(start, workspace.desired, scope)
    planned = plan(recorded, start, wanted, judge=judge, renames=workspace.renames)
    if planned.refused:
        raise Refusal("The registry wants what BigQuery cannot do.", findings=_once(planned.refused))
    if planned.statements:
        version = f"{len(kept) + len(made):04d}"
        made.append((write_file(version, _slug(name) or _title(planned), planned), planned))
    dropped = {file.name for file in workspace.files} - {file.name for file in kept}
    return Planned(tuple(made), tuple(sorted(dropped - {file.name for file, _ in made})))


def write_plan(workspace: Workspace, planned: Planned, kept: Iterable[MigrationFile]) -> None:
    """Write the files, their checksums and the feature contract; checksums last, so that a broken write shows."""
    for file, _ in planned.made:
        write_text(workspace.folder / file.name, file.text)
    for name in planned.replaced:
        remove(workspace.folder / name)
    write_text(workspace.folder / CONTRACT, contract_text(workspace.registry.features))
    files = [*kept, *(file for file, _ in planned.made)]
    write_text(workspace.folder / CHECKSUMS, checksums(files))


def kept_files(workspace: Workspace, planned: Planned) -> tuple[MigrationFile, ...]:
    """Return the files that stay as they are."""
    gone = {*planned.replaced, *(file.name for file, _ in planned.made)}
    return tuple(file for file in workspace.files if file.name not in gone)


def _require_contract(workspace: Workspace) -> None:
    if any(breaks(workspace.contract, workspace.registry.features)):
        raise Refusal("The registry breaks the feature contract.", findings=contract_broken(workspace.history()))


def _require_unedited(workspace: Workspace, kept: tuple[MigrationFile, ...], *, redo: bool) -> None:
    """History that has run stays as it is; with `redo` only what is kept has to be as it was written."""
    wrong = edited(workspace.files, workspace.checksums or "") if workspace.files else ()
    if redo:
        wrong = tuple(sentence for sentence in wrong if any(sentence.startswith(file.name) for file in kept))
    if wrong:
        way = "" if redo else ", or, if it ran nowhere yet: fqtool migrate plan --redo"
        raise MigrationError(f"{wrong[0]}.", remedy=f"git checkout -- {workspace.folder}{way}")


def _kept(workspace: Workspace, done: dict[str, int]) -> tuple[MigrationFile, ...]:
    """The files that this target has begun to apply, and the base file, are never planned anew."""
    return tuple(file for number, file in enumerate(workspace.files) if number == 0 or file.version in done)


def _base(workspace: Workspace) -> tuple[MigrationFile, Plan]:
    """0000 creates the table as it is before fqtool; where it stands already it is the verified baseline."""
    made = plan(State(), State(), State(base_table(workspace.registry)), judge=judge)
    return write_file("0000", "base", made), made


def _start(
    workspace: Workspace, live: State, recorded: State, kept: tuple[MigrationFile, ...], done: dict[str, int]
) -> State:
    """The state the new file will meet: the live one with pending statements done, or what the files record."""
    state = workspace.declared(live)
    if state.table is None:
        return recorded
    for file in kept:
        changes = [change for one in file.statements[done.get(file.version, 0) :] for change in one.changes]
        if satisfied(state, changes):
            continue
        try:
            state = fold(state, changes)
        except Inapplicable as error:
            raise MigrationError(
                f"{file.name} is pending and does not fit the live table: {error}.",
                remedy="fqtool migrate plan --redo",
            ) from None
    return state


def _once(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _title(planned: Plan) -> str:
    """Name a file after the first thing it runs."""
    run = [statement for statement in planned.statements if not statement.adopted] or list(planned.statements)
    words = {AddColumn: "add", DropColumn: "drop", RenameColumn: "rename", PutView: "put"}
    changes = run[0].changes
    verb = words.get(type(changes[0]), "change")
    if isinstance(changes[0], PutView):
        return _slug(f"put {changes[0].view.name}")
    return f"{verb}_{len(changes)}_columns" if len(changes) > 1 else _slug(f"{verb}_{_subject(changes[0])}")


def _subject(change: Change) -> str:
    return "_".join(touched(change)[:1]) or "options"
