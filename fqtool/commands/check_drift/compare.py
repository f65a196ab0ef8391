"""Drift: the differences between a live table and the registry, each with cause and remedy.

Drift is a migration that is not decided yet, so it is found by the same `diff`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fqtool.commands.check_drift.renamed import likely_renames
from fqtool.commands.migrate.rules import judge
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Severity
from fqtool.findings.remedy import Commands, Entry, Remedy, Statements, commands
from fqtool.migrations.fit import leave_alterations
from fqtool.migrations.legality import by_hand, refusals
from fqtool.registry.placeholders import fill
from fqtool.registry.yaml.edit import scalar
from fqtool.table.changes import AddColumn, Change, DropColumn, RenameColumn, SetMode, SetType
from fqtool.table.column import Column
from fqtool.table.ddl import render
from fqtool.table.diff import diff
from fqtool.table.model import State

BY_HAND = "changed by hand"
UNAPPLIED = "migration not applied"
AHEAD = "in the registry, but in no migration"
BEHIND = "in a migration, but no longer in the registry"
AS_FOUND = f"{BY_HAND}, or different when the first migration found the table"
UNDECLARED = "not declared"
LOST = "dropped by hand on another target"
ELSEWHERE = f"a migration that is not in this folder, or {BY_HAND}"
_IGNORED: dict[str, Severity | None] = {"FQ308": None}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference.

    Attributes:
        change: the change that takes `live` to the registry.
        live: the state of the target.
        cause: why they differ.
        ours: whether fqtool may make the change; base columns and undeclared columns are not changed.
        instead: the remedy where it is not the change itself.
        maybe: the undeclared column that this missing column may be under another name.
        read_by_name: `value` of `inputs` where the feature of the same name reads the column by it; "" otherwise.
    """

    change: Change
    live: State
    cause: str
    ours: bool = True
    instead: Remedy = ""
    maybe: Column | None = None
    read_by_name: str = ""


def find_drift(
    live: State,
    desired: State,
    *,
    base: frozenset[str],
    recorded: State | None,
    planned: State | None,
    renames: Mapping[str, str],
    as_found: bool = False,
    computed: frozenset[str] = frozenset(),
    renameable: frozenset[str] = frozenset(),
    read_by_name: Mapping[str, str] | None = None,
    dropped: frozenset[str] = frozenset(),
    lost: Mapping[str, str] | None = None,
    apply: str = "",
    runs_sql: bool = True,
) -> tuple[Drift, ...]:
    """Return every difference of `live` from `desired`, each with its cause.

    Args:
        live: the state of the target.
        desired: the state that the registry describes.
        base: lower-case names of base columns.
        recorded: the state after the applied migrations; None where the ledger was not read.
        planned: the state after all migration files.
        renames: new column name -> old name.
        as_found: whether the base table existed before fqtool; its descriptions are then its own.
        computed: lower-case names of the columns that score computes.
        renameable: lower-case names of the columns whose entry can have another name or `renamed_from`.
        read_by_name: lower-case name of a feature -> `value` of `inputs`, which reads its value by the name.
        dropped: lower-case names of the columns that the registry drops.
        lost: lower-case name of a column that another target lost by hand -> the file that records it.
        apply: the command that applies the pending migrations; "" without any.
        runs_sql: whether a person can run GoogleSQL on the target; DuckDB has no statement for most properties.
    """
    recorded, planned = (None if state is None or state.table is None else state for state in (recorded, planned))
    drifts, changes = [], diff(live, desired, renames)
    likely = likely_renames(live, changes, renameable)
    # `--include-base` plans every difference of base columns; it is offered where all of them are added, or no
    # statement makes them.
    plans_base = planned is not None and all(
        (isinstance(change, AddColumn) or not runs_sql) and not refusals(live, (*change.planned(), change)[0])
        for change in changes
        if base.intersection(map(str.lower, change.touched))
    )
    former = {old.lower(): new for new, old in renames.items()}
    for change in changes:
        of_base = bool(base.intersection(map(str.lower, change.touched)))
        cause = (
            AS_FOUND
            if of_base and as_found and change.outside_baseline
            else _cause(change, desired, renames, recorded, planned)
        )
        instead = _replacement(change, live, desired, planned, computed) if planned else ""
        if apply and cause.startswith(UNAPPLIED):
            instead = commands(apply)
        if planned and recorded and _is_in_the_place(change, live, recorded, planned):
            instead = _renamed_away(live, change.touched[0])
        if isinstance(change, DropColumn) and cause in (BY_HAND, BEHIND):
            key = change.name.lower()
            if key in dropped:
                cause, instead = AHEAD, commands("migrate plan", _migrate(live, change))
            elif lost and key in lost:
                cause = f"{LOST}, as `{lost[key]}` records"
        if isinstance(change, DropColumn) and change.name.lower() in former:
            instead = _copied(live, change, former[change.name.lower()])
        if of_base and plans_base and not cause.startswith(UNAPPLIED):
            instead = commands("migrate plan --include-base", "migrate")
        # A column that a pending file adds is a new one.
        asked = isinstance(change, AddColumn) and not cause.startswith(UNAPPLIED)
        maybe = likely.get(change.touched[0].lower()) if asked else None
        by_name = (read_by_name or {}).get(change.touched[0].lower(), "") if maybe else ""
        drifts.append(Drift(change, live, cause, not of_base, instead, maybe, by_name))
    return tuple(drifts)


def _replacement(change: Change, live: State, desired: State, planned: State, computed: frozenset[str]) -> Remedy:
    """Return the remedy for a computed column whose type cannot change in place; "" for any other change.

    The column is dropped, added and scored. A plan drops it, unless it was altered manually, which a plan keeps.
    """
    if not isinstance(change, SetType | SetMode) or change.name.lower() not in computed:
        return ""
    column, left = live.column(change.name), leave_alterations(desired, live, planned).column(change.name)
    if not refusals(live, change) or not planned.column(change.name) or not column or not left or not live.table:
        return ""
    score = "`fqtool score` computes the values of a column again. To drop and add it:"
    if left.shape == column.shape:
        drop = " ".join(render(live.table.name, [DropColumn(column.name)]).split())
        score = f"Declare {column.sql_type}. Or, since `fqtool score` computes the values again: {drop}; then"
        return commands("migrate plan", "migrate", first=score)
    return commands("migrate plan", _migrate(live, DropColumn(column.name)), first=score)


def _is_in_the_place(change: Change, live: State, recorded: State, planned: State) -> bool:
    """Whether the table has a column of another type in the place of one that a pending migration adds."""
    if not isinstance(change, SetType | SetMode) or recorded.column(change.name):
        return False
    return planned.column(change.name) is not None and bool(refusals(live, change))


def _renamed_away(live: State, name: str) -> Remedy:
    rename = render(live.table.name if live.table else "", [RenameColumn(name, f"{name}_other")])
    first = f"A pending migration adds `{name}`. To keep the values of this one: {' '.join(rename.split())}; then:"
    return commands("migrate", first=first)


def _copied(live: State, change: DropColumn, new: str) -> Remedy:
    """The remedy of a column that the table has beside the one that was to be renamed from it."""
    name, drop = change.name, by_hand(live, change)
    keep = f"The table has `{name}` and `{new}`. Remove `renamed_from` from the entry of `{new}` to keep `{name}`"
    if not isinstance(drop, Statements):
        return f"{keep}, and declare it under `base_columns`."
    return replace(drop, first=f"{keep}. If the values of `{name}` are not needed, drop it:")


def _migrate(live: State, change: Change) -> str:
    """Return the command that applies a change, its hazards allowed."""
    hazards = sorted({finding.rule for finding in judge(live, change) if finding.severity is Severity.WARNING})
    return " ".join(("migrate", *(f"--allow {code}" for code in hazards)))


def _cause(
    change: Change, desired: State, renames: Mapping[str, str], recorded: State | None, planned: State | None
) -> str:
    """Where the recorded state matches the registry, the table was changed by hand; else a migration is missing."""
    identity = _identity(change)
    if isinstance(change, DropColumn):
        if recorded is None and planned is None:
            return UNDECLARED
        applied, filed = (state is not None and state.column(change.name) is not None for state in (recorded, planned))
        if applied and planned is not None and not filed:
            return UNAPPLIED
        return BEHIND if applied or filed else BY_HAND
    if recorded is not None and identity not in map(_identity, diff(recorded, desired, renames)):
        return BY_HAND
    if planned is not None and identity not in map(_identity, diff(planned, desired, renames)):
        return UNAPPLIED if recorded is not None else f"{UNAPPLIED}, or {BY_HAND}"
    return AHEAD


def _identity(change: Change) -> tuple[object, ...]:
    return type(change), change.identity


def check_drift(drifts: tuple[Drift, ...], levels: dict[str, Severity | None]) -> tuple[Finding, ...]:
    """Return the findings about differences.

    Args:
        drifts: the differences.
        levels: the code of a rule -> another severity, or None to leave the rule out.
    """
    findings: list[Finding] = []
    asked = {drift.maybe.key: drift.change.touched[0] for drift in drifts if drift.maybe}
    for drift_rule in rules_of(Group.DRIFT):
        level = levels.get(drift_rule.code, _IGNORED.get(drift_rule.code, drift_rule.severity))
        if level is not None:
            concerned = [drift for drift in drifts if drift_rule.looks_at(drift.change)]
            findings += [
                _judged(drift, finding, level, asked)
                for drift in concerned
                for finding in drift_rule.check(drift.live, drift.change)
            ]
    return tuple(findings)


def waiting_for(first: Finding, finding: Finding) -> Finding:
    """Return a finding about the table that can be fixed only after `first`, about a migration that is elsewhere."""
    cause = ELSEWHERE if finding.cause == BY_HAND else finding.cause
    return replace(finding, cause=cause, remedy=f"First follow the fix of `{first.subject}`.")


def _judged(drift: Drift, finding: Finding, level: Severity, asked: Mapping[str, str]) -> Finding:
    remedy = drift.instead or finding.remedy or _remedy(drift)
    if drift.cause.startswith(LOST) and isinstance(remedy, Entry):
        first = "To drop it here too, declare it again with `deprecated` and `dropped: true`, and plan."
        remedy = replace(remedy, unless=first)
    if other := drift.maybe:
        finding = replace(
            finding,
            message=f"{finding.message} Is it the same column as `{other.name}`, which is only in the table?",
        )
        if drift.ours:
            first = f"If so, first write `renamed_from: {other.name}` in its entry. In both cases:"
            rename = RenameColumn(other.name, drift.change.touched[0])
            remedy = commands("migrate plan", _migrate(drift.live, rename), first=first)
        else:
            old = drift.change.touched[0]
            reader = f"wherever the registry reads `{old}`"
            if drift.read_by_name:
                value = scalar(fill(drift.read_by_name, {"name": other.name}))
                reader = f"`value: {value}` in the feature `{old}`, which keeps its name"
            first = f"If so, write `name: {other.name}` in its entry, and {reader}. If not:"
            remedy = replace(remedy, first=first) if isinstance(remedy, Commands | Statements) else f"{first} {remedy}"
    elif isinstance(remedy, Entry) and finding.subject.lower() in asked:
        new = asked[finding.subject.lower()]
        remedy = replace(remedy, unless=f"If it is the same column as `{new}`, follow the fix of `{new}`.")
    return replace(finding, severity=level, cause=drift.cause, remedy=remedy)


def _remedy(drift: Drift) -> Remedy:
    """The commands or the statement that make the change; else the remedy of its refusal."""
    if drift.instead:
        return drift.instead
    first, *_ = drift.change.planned() or (drift.change,)
    if refusals(drift.live, first):
        return by_hand(drift.live, drift.change)
    if drift.cause.startswith(UNAPPLIED):
        return commands(_migrate(drift.live, drift.change))
    if drift.ours and not isinstance(drift.change, DropColumn):
        return commands("migrate plan", _migrate(drift.live, drift.change))
    return by_hand(drift.live, drift.change)
