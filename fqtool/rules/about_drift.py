"""Drift: the live table against the registry. It is a migration not yet decided, so it is the same `diff`, told as
Findings with a cause and a remedy to paste.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fqtool.finding import Finding, Severity, rule, rules_of
from fqtool.rules.about_changes import refusals
from fqtool.table.changes import (
    AddColumn,
    Change,
    DropColumn,
    PutView,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetPartitioning,
    SetPolicyTags,
    SetType,
    touched,
)
from fqtool.table.ddl import NoStatement, render
from fqtool.table.diff import diff
from fqtool.table.model import State

BY_HAND = "changed by hand"
UNAPPLIED = "unapplied"
AHEAD = "registry ahead of files"
BEHIND = "registry behind"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: the change that would take `live` to the registry, and how it came about.

    `ours` tells whether fqtool may make the change: base columns and columns of others it leaves alone.
    """

    change: Change
    live: State
    cause: str
    ours: bool = True


def find_drift(
    live: State,
    desired: State,
    *,
    base: frozenset[str],
    recorded: State | None,
    planned: State | None,
    renames: Mapping[str, str],
) -> tuple[Drift, ...]:
    """Return every difference of `live` from `desired`, each with its cause.

    `recorded` is the state that the applied migrations made (None: ledger not read), `planned` what all files make.
    """
    known = tuple(None if state is None or state.table is None else state for state in (recorded, planned))
    return tuple(
        Drift(change, live, _cause(change, desired, *known), not base.intersection(map(str.lower, touched(change))))
        for change in diff(live, desired, renames)
    )


def _cause(change: Change, desired: State, recorded: State | None, planned: State | None) -> str:
    """Where the ledger's state agrees with the registry, a hand was at work; else a file or the registry waits."""
    spot = _spot(change)
    if isinstance(change, DropColumn):
        made = (state.table and state.table.find(change.name) for state in (recorded, planned) if state)
        return BEHIND if any(made) else BY_HAND
    if recorded is not None and spot not in map(_spot, diff(recorded, desired)):
        return BY_HAND
    if planned is not None and spot not in map(_spot, diff(planned, desired)):
        return UNAPPLIED if recorded is not None else f"{UNAPPLIED}, or {BY_HAND}"
    return AHEAD


def _spot(change: Change) -> tuple[object, ...]:
    """What a change is about, without the value: two changes of one spot speak of the same thing."""
    match change:
        case SetOption(name, _):
            return (SetOption, name)
        case SetDescription(path, _) | SetPolicyTags(path, _):
            return (type(change), *map(str.lower, path))
        case PutView(view):
            return (PutView, view.key)
        case Reorder() | SetPartitioning() | SetClustering():
            return (type(change),)
        case _:
            return (type(change), *map(str.lower, touched(change)))


def check_drift(drifts: tuple[Drift, ...], levels: dict[str, Severity | None]) -> tuple[Finding, ...]:
    """Tell drifts as Findings. `levels` maps a rule's code or name to another severity, or None to leave it out."""
    told: list[Finding] = []
    for one in rules_of(__name__):
        level = levels.get(one.code, levels.get(one.name, _IGNORED.get(one.code, one.severity)))
        if level is not None:
            told += [replace(found, severity=level) for drift in drifts for found in one.check(drift)]
    return tuple(told)


def _found(drift: Drift, subject: str, message: str, remedy: str = "") -> Finding:
    return Finding(subject, message, cause=drift.cause, remedy=remedy or _remedy(drift))


def _remedy(drift: Drift) -> str:
    """What to paste: the statement where there is a legal one, else the way out that the refusal names."""
    stop = refusals(drift.live, drift.change)
    if stop:
        return stop[0].remedy
    if drift.cause.startswith(UNAPPLIED):
        return "fqtool migrate"
    if drift.ours and not isinstance(drift.change, DropColumn):
        return "fqtool migrate plan && fqtool migrate"
    name = drift.live.table.name if drift.live.table else ""
    try:
        return f"{render(name, [drift.change])};"
    except NoStatement:
        return "No statement does this; see the rule's page."


@rule("FQ301")
def missing_column(drift: Drift) -> Iterator[Finding]:
    """A column of the registry is not in the table.

    Problem: whoever writes or reads it fails.

    Why: a migration has not run here, someone dropped the column, or no migration was planned.

    Example: feature_5_quality was dropped in the console.

    Fix: run the pending migration; for a dropped column plan a new one, then restore values by time travel.
    """
    if isinstance(drift.change, AddColumn):
        column = drift.change.column
        yield _found(drift, column.name, f"{column.name} ({column.sql_type}) is in the registry, not in the table.")


@rule("FQ302", Severity.WARNING)
def extra_column(drift: Drift) -> Iterator[Finding]:
    """A column of the table is not in the registry.

    Problem: nobody declared it, so nothing checks it.

    Why: someone added it by hand, another tool owns it, or the registry lost it.

    Example: build_commit_sha was added by a deploy script.

    Fix: declare it under base_columns, or drop it if it is nobody's.
    """
    if isinstance(drift.change, DropColumn) and drift.live.table:
        column = drift.live.table.find(drift.change.name)
        if column:
            remedy = f'Declare it under base_columns: - {{name: {column.name}, type: "{column.sql_type}"}}'
            yield _found(
                drift, column.name, f"{column.name} ({column.sql_type}) is in the table, not declared.", remedy
            )


@rule("FQ303")
def wrong_type(drift: Drift) -> Iterator[Finding]:
    """A column has another type than the registry says.

    Problem: values are cut, refused, or read as something else.

    Why: the column was there under this name before, or someone recreated it.

    Example: quality_tier is INT64 in the table and STRING in the registry.

    Fix: widen where BigQuery can; otherwise a new column, a backfill, and a view.
    """
    if isinstance(drift.change, SetType) and drift.live.table and (live := drift.live.table.find(drift.change.name)):
        if live.type.kind is not drift.change.type.kind or live.type.fields:
            yield _found(drift, live.name, f"{live.name} is {live.type}, the registry says {drift.change.type}.")


@rule("FQ304")
def wrong_mode(drift: Drift) -> Iterator[Finding]:
    """A column has another mode than the registry says.

    Problem: NULLs come in where none are expected, or writers are refused.

    Why: NOT NULL was dropped by hand, or the column was created otherwise.

    Example: game_id is NULLABLE in the table and REQUIRED in the registry.

    Fix: relax by migration; the other way there is none but a new column.
    """
    if isinstance(drift.change, SetMode) and drift.live.table and (live := drift.live.table.find(drift.change.name)):
        yield _found(drift, live.name, f"{live.name} is {live.mode}, the registry says {drift.change.mode}.")


@rule("FQ305")
def wrong_parameters(drift: Drift) -> Iterator[Finding]:
    """A column has another precision, scale or length than the registry says.

    Problem: values are rounded or refused.

    Why: the parameters were widened by hand, or never were as declared.

    Example: feature_quality_score is NUMERIC(7, 3), the registry says NUMERIC(5, 2).

    Fix: widen by migration, or declare what stands: BigQuery never narrows.
    """
    if isinstance(drift.change, SetType) and drift.live.table and (live := drift.live.table.find(drift.change.name)):
        if live.type.kind is drift.change.type.kind and not live.type.fields:
            yield _found(drift, live.name, f"{live.name} is {live.type}, the registry says {drift.change.type}.")


@rule("FQ306", Severity.WARNING)
def wrong_description(drift: Drift) -> Iterator[Finding]:
    """A column's description is not the registry's.

    Problem: people read something else in the console than in the registry.

    Why: it was edited in the console, or the table was made without descriptions.

    Example: fatigue_score: higher means more rested; the console says the opposite.

    Fix: a migration writes it; or set this rule to ignore in the registry's drift map.
    """
    if isinstance(drift.change, SetDescription):
        path = ".".join(drift.change.path)
        yield _found(drift, path, f"The description of {path} should be {_quoted(drift.change.description)}.")


@rule("FQ307")
def wrong_default(drift: Drift) -> Iterator[Finding]:
    """A column's default is not the registry's.

    Problem: rows written without the column hold another value than expected.

    Why: SET DEFAULT or DROP DEFAULT by hand.

    Example: created_at lost DEFAULT CURRENT_TIMESTAMP().

    Fix: a migration sets it; rows written meanwhile keep what they got.
    """
    if isinstance(drift.change, SetDefault) and drift.live.table and (live := drift.live.table.find(drift.change.name)):
        yield _found(
            drift, live.name, f"{live.name} has default {live.default or 'none'}, not {drift.change.default or 'none'}."
        )


@rule("FQ308", Severity.WARNING)
def wrong_order(drift: Drift) -> Iterator[Finding]:
    """Columns stand in another order than in the registry.

    Problem: none for queries that name columns; INSERT without a column list binds by position.

    Why: BigQuery adds columns last and never moves them.

    Example: a column was added between two migrations.

    Fix: nothing. This rule is ignored unless the registry's drift map turns it on.
    """
    if isinstance(drift.change, Reorder):
        yield _found(
            drift, "order", "The columns stand in another order than in the registry.", "Name columns in INSERT."
        )


@rule("FQ309")
def wrong_partitioning(drift: Drift) -> Iterator[Finding]:
    """The table is partitioned otherwise than the registry says.

    Problem: filters do not prune, and queries cost the whole table.

    Why: the table was created by another tool.

    Example: partitioned by MONTH instead of DAY.

    Fix: a rebuilt table, or the registry says what stands.
    """
    if isinstance(drift.change, SetPartitioning):
        yield _found(drift, "partitioning", refusals(drift.live, drift.change)[0].message)


@rule("FQ310")
def wrong_clustering(drift: Drift) -> Iterator[Finding]:
    """The table is clustered otherwise than the registry says.

    Problem: queries on the expected columns read more blocks.

    Why: clustering was changed through the API.

    Example: clustered by player_lookup alone.

    Fix: `bq update --clustering_fields=...`.
    """
    if isinstance(drift.change, SetClustering):
        yield _found(drift, "clustering", refusals(drift.live, drift.change)[0].message)


@rule("FQ311", Severity.WARNING)
def wrong_policy_tags(drift: Drift) -> Iterator[Finding]:
    """A column's policy tags are not the registry's.

    Problem: people see what they should not, or do not see what they need.

    Why: tags are set by data owners outside of migrations.

    Example: a tag appeared on player_lookup.

    Fix: the data owner sets it; fqtool reports and never writes.
    """
    if isinstance(drift.change, SetPolicyTags):
        yield _found(drift, ".".join(drift.change.path), refusals(drift.live, drift.change)[0].message)


@rule("FQ312")
def wrong_option(drift: Drift) -> Iterator[Finding]:
    """A table option is not the registry's.

    Problem: partitions expire, or full scans are possible, against what was decided.

    Why: ALTER TABLE SET OPTIONS or the console.

    Example: require_partition_filter was turned off for one query and left off.

    Fix: a migration sets it.
    """
    if isinstance(drift.change, SetOption) and drift.live.table:
        name, now = drift.change.name, getattr(drift.live.table.options, drift.change.name)
        yield _found(drift, name, f"The option {name} is {now!r}, the registry says {drift.change.value!r}.")


@rule("FQ313")
def wrong_view(drift: Drift) -> Iterator[Finding]:
    """A view is missing or has another text than the registry's.

    Problem: readers get other columns or values than the registry says.

    Why: the view was dropped or replaced by hand, or a migration has not run here.

    Example: someone added a WHERE to v_feature_quality_unpivot.

    Fix: a migration puts it back.
    """
    if isinstance(drift.change, PutView):
        view = drift.change.view
        there = any(old.key == view.key for old in drift.live.views)
        yield _found(
            drift, view.name, f"The view {view.name} {'has another text or description' if there else 'is missing'}."
        )


@rule("FQ314")
def pending_rename(drift: Drift) -> Iterator[Finding]:
    """A column still has its old name.

    Problem: readers of the new name fail.

    Why: the registry says renamed_from and the migration has not run.

    Example: quality became quality_tier.

    Fix: run the migration when readers are ready.
    """
    if isinstance(drift.change, RenameColumn):
        yield _found(drift, drift.change.name, f"{drift.change.name} is to become {drift.change.to}.")


def _quoted(text: str) -> str:
    return f"{text[:57]}..." if len(text) > 60 else text or "empty"  # noqa: PLR2004


_IGNORED: dict[str, Severity | None] = {"FQ308": None}
