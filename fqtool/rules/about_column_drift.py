"""What may be wrong with a live column."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.rules.about_changes import refusals
from fqtool.rules.drift import Drift
from fqtool.rules.drift_told import found_as
from fqtool.table.changes import (
    AddColumn,
    DropColumn,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetPolicyTags,
    SetType,
)
from fqtool.table.column import Column


def _retyped(drift: Drift) -> Column | None:
    name = drift.change.name if isinstance(drift.change, SetType) else ""
    return drift.live.table.find(name) if drift.live.table else None


def _other_kind(live: Column, change: SetType) -> bool:
    return live.type.kind is not change.type.kind or bool(live.type.fields)


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
        yield found_as(drift, column.name, f"{column.name} ({column.sql_type}) is in the registry, not in the table.")


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
            yield found_as(
                drift, column.name, f"{column.name} ({column.sql_type}) is in the table, not declared.", remedy
            )


@rule("FQ303")
def wrong_column_type(drift: Drift) -> Iterator[Finding]:
    """A column has another type than the registry says.

    Problem: values are cut, refused, or read as something else.

    Why: the column was there under this name before, or someone recreated it.

    Example: quality_tier is INT64 in the table and STRING in the registry.

    Fix: widen where BigQuery can; otherwise a new column, a backfill, and a view.
    """
    live = _retyped(drift)
    if live and isinstance(drift.change, SetType) and _other_kind(live, drift.change):
        yield found_as(drift, live.name, f"{live.name} is {live.type}, the registry says {drift.change.type}.")


@rule("FQ304")
def wrong_mode(drift: Drift) -> Iterator[Finding]:
    """A column has another mode than the registry says.

    Problem: NULLs come in where none are expected, or writers are refused.

    Why: NOT NULL was dropped by hand, or the column was created otherwise.

    Example: game_id is NULLABLE in the table and REQUIRED in the registry.

    Fix: relax by migration; the other way there is none but a new column.
    """
    if isinstance(drift.change, SetMode) and drift.live.table and (live := drift.live.table.find(drift.change.name)):
        yield found_as(drift, live.name, f"{live.name} is {live.mode}, the registry says {drift.change.mode}.")


@rule("FQ305")
def wrong_parameters(drift: Drift) -> Iterator[Finding]:
    """A column has another precision, scale or length than the registry says.

    Problem: values are rounded or refused.

    Why: the parameters were widened by hand, or never were as declared.

    Example: feature_quality_score is NUMERIC(7, 3), the registry says NUMERIC(5, 2).

    Fix: widen by migration, or declare what stands: BigQuery never narrows.
    """
    live = _retyped(drift)
    if live and isinstance(drift.change, SetType) and not _other_kind(live, drift.change):
        yield found_as(drift, live.name, f"{live.name} is {live.type}, the registry says {drift.change.type}.")


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
        yield found_as(
            drift, path, f"The description of {path} is not the registry's: {_quoted(drift.change.description)}"
        )


@rule("FQ307")
def wrong_default(drift: Drift) -> Iterator[Finding]:
    """A column's default is not the registry's.

    Problem: rows written without the column hold another value than expected.

    Why: SET DEFAULT or DROP DEFAULT by hand.

    Example: created_at lost DEFAULT CURRENT_TIMESTAMP().

    Fix: a migration sets it; rows written meanwhile keep what they got.
    """
    if isinstance(drift.change, SetDefault) and drift.live.table and (live := drift.live.table.find(drift.change.name)):
        yield found_as(
            drift, live.name, f"{live.name} has default {live.default or 'none'}, not {drift.change.default or 'none'}."
        )


@rule("FQ311", Severity.WARNING)
def wrong_policy_tags(drift: Drift) -> Iterator[Finding]:
    """A column's policy tags are not the registry's.

    Problem: people see what they should not, or do not see what they need.

    Why: tags are set by data owners outside of migrations.

    Example: a tag appeared on player_lookup.

    Fix: the data owner sets it; fqtool reports and never writes.
    """
    if isinstance(drift.change, SetPolicyTags):
        yield found_as(drift, ".".join(drift.change.path), refusals(drift.live, drift.change)[0].message)


@rule("FQ314")
def pending_rename(drift: Drift) -> Iterator[Finding]:
    """A column still has its old name.

    Problem: readers of the new name fail.

    Why: the registry says renamed_from and the migration has not run.

    Example: quality became quality_tier.

    Fix: run the migration when readers are ready.
    """
    if isinstance(drift.change, RenameColumn):
        yield found_as(drift, drift.change.name, f"{drift.change.name} is to become {drift.change.to}.")


def _quoted(text: str) -> str:
    return (f"{text[:57]}..." if len(text) > 60 else text) or "none"  # noqa: PLR2004
