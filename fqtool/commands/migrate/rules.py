"""Rules about hazards: changes that lose data, take long, or drop a column too early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.migrations.legality import refusals
from fqtool.schema.build import ExpandedColumn
from fqtool.table.change_options import SetOption, SetProperty
from fqtool.table.change_rebuild import CopyRows, RenameTable
from fqtool.table.change_views import PutView
from fqtool.table.changes import Change, DropColumn, RenameColumn, SetDefault, SetDescription, SetMode, SetType
from fqtool.table.column import Column, Kind, Mode, Type, is_widening
from fqtool.table.diff import diff
from fqtool.table.model import State, Table
from fqtool.table.properties import TABLE_PROPERTIES


def judge(before: State, change: Change) -> tuple[Finding, ...]:
    """Return the refusals of a change, or else its hazards.

    Args:
        before: the state before the change.
        change: the change.
    """
    rules = (of_group for of_group in rules_of(Group.HAZARDS) if of_group.looks_at(change))
    hazards = (finding for of_change in rules for finding in of_change.check(before, change))
    return refusals(before, change) or tuple(hazards)


@rule("FQ230", Severity.WARNING, group=Group.HAZARDS)
def drops_data(_: State, change: DropColumn) -> Iterator[Finding]:
    """A column and its data are dropped.

    Problem: Every value of the column is lost after the time travel window (2 to 7 days).

    Why: DROP COLUMN can be rolled back only with FOR SYSTEM_TIME AS OF. Afterwards legacy SQL, wildcard queries and
    copy jobs on the table fail.

    Example: primary_data_source is deprecated with `dropped: true`.

    Fix: Make sure that no reader uses the column. Copy the table with the statement that the plan and the head of the
    migration file print, then run migrate with --allow FQ230. Both also print how to restore the values.
    """
    yield Finding(
        change.name,
        f"Drops column `{change.name}` and all its data.",
        remedy="Copy the table first: the head of the migration file has the statements.",
    )


@rule("FQ231", Severity.WARNING, group=Group.HAZARDS)
def renames_column(_: State, change: RenameColumn) -> Iterator[Finding]:
    """A column is renamed.

    Problem: Queries, views and models that use the old name fail immediately; column tags in Data Catalog are lost.

    Why: BigQuery does not rewrite views and queries.

    Example: `renamed_from: quality` on quality_tier.

    Fix: Change the readers first or give them a view, then run migrate with --allow FQ231.
    """
    yield Finding(
        change.name, f"Renames column `{change.name}` to `{change.to}`; readers of `{change.name}` fail immediately."
    )


@rule("FQ232", Severity.WARNING, group=Group.HAZARDS)
def deletes_rows(before: State, change: SetOption) -> Iterator[Finding]:
    """An expiration deletes rows.

    Problem: Partitions older than the new limit, or the whole table at its date, are deleted without a question.

    Why: The expiration also applies to stored rows.

    Example: `partition_expiration_days: 365` on a table with five years of rows.

    Fix: Count the rows that will be deleted. Copy the table with the statement that the plan and the head of the
    migration file print, then run migrate with --allow FQ232.
    """
    match change.name, change.value:
        case "partition_expiration_days", float(days) | int(days) if before.table:
            old = before.table.options.partition_expiration_days
            if old is None or days < old:
                unit = "day" if days == 1 else "days"
                message = f"Partitions older than {days:g} {unit} are deleted, also those that the table has now."
                yield Finding("partition_expiration_days", message)
        case "expiration", str(when):
            until = before.table.options.expiration if before.table else None
            if until is None or when < until:
                yield Finding("expiration_timestamp", f"The table and all its rows are deleted at {when}.")


@rule("FQ233", Severity.WARNING, group=Group.HAZARDS)
def requires_filter(_: State, change: SetOption) -> Iterator[Finding]:
    """Queries without a partition filter will fail.

    Problem: With require_partition_filter every reader must filter on the partition column.

    Why: Views and dashboards without the filter fail immediately.

    Example: `require_partition_filter: true` on a table that dashboards read whole.

    Fix: Look for such readers in INFORMATION_SCHEMA.JOBS, then run migrate with --allow FQ233.
    """
    if change == SetOption("require_partition_filter", value=True):
        yield Finding("require_partition_filter", "Queries without a partition filter will fail from now on.")


@rule("FQ234", Severity.WARNING, group=Group.HAZARDS)
def unsets_inherited(before: State, change: SetOption) -> Iterator[Finding]:
    """A change replaces what the dataset gives to its tables.

    Problem: The table no longer follows the dataset: partitions that would expire stay, or text and numbers of new
    columns are compared and rounded in another way.

    Why: The dataset has a default for new tables, and the table has its value. Someone may have set the default for
    all tables on purpose.

    Example: `partition_expiration_days: 0` in a dataset with `default_partition_expiration_days = 60`.

    Fix: Remove the property from the registry, so that it is not managed. If the change is intended, run migrate with
    --allow FQ234.
    """
    if before.table and change.name in before.table.inherited:
        row = TABLE_PROPERTIES[change.name]
        verb = "Unsets" if change.value == row.unset else "Replaces"
        message = f"{verb} `{row.sql or change.name}`, which the table has from its dataset's default for new tables."
        yield Finding(row.sql or change.name, message, remedy="Remove it from the registry to keep the default.")


@rule("FQ243", Severity.WARNING, group=Group.HAZARDS)
def copies_rows(before: State, change: CopyRows) -> Iterator[Finding]:
    """A rebuild copies all rows of the table.

    Problem: The whole table is read and stored a second time, and rows that are written after the copy are not in it.
    The new table has only the defaults, descriptions and other settings of columns that the registry declares.

    Why: BigQuery cannot change partitioning, the order of columns and most types in place.

    Example: `partition_granularity: MONTH` on a table that is partitioned by day, with `fqtool migrate plan --rebuild`.

    Fix: Stop the writers of the table. Then run migrate with --allow FQ243 and --allow FQ244. A copy that differs from
    the table is refused before the swap, and the next run copies again.
    """
    target = before.find_beside(change.target)
    pairs = [(before.column(name), target.find(name)) for name, _ in change.columns] if target else []
    converted = [(old, new) for old, new in pairs if old and new and old.type.shape != new.type.shape]
    listed = ", ".join(f"`{new.name}` from {old.sql_type} to {new.sql_type}" for old, new in converted)
    also = f" Converts {listed}." if listed else ""
    if any(_may_shorten(old.type, new.type) for old, new in converted):
        also += " Converted values can be rounded or shortened; the old table keeps the original ones."
    if names := ", ".join(f"`{new.name}`" for old, new in pairs if old and new and _is_tightened(old, new)):
        also += f" A row with NULL in {names} stops the copy."
    lost = [*_not_taken(before.table, target)] if before.table and target else []
    if lost:
        also += f" The new table does not have {', '.join(lost)}."
    remedy = "Declare them in the registry to keep them." if lost else ""
    yield Finding(change.source, f"Copies all rows of `{change.source}` to `{change.target}`.{also}", remedy=remedy)


def _not_taken(old: Table, new: Table) -> Iterator[str]:
    """Yield the settings of the old table and of its columns that the new one does not have."""
    for change in diff(State(old), State(replace(new, name=old.name))):
        match change:
            case SetDefault(name, None):
                yield f"the default of `{name}`"
            case SetDescription(_, ""):
                yield f"the description of `{change.dotted}`"
            case SetProperty(_, name, ""):
                yield f"the {name} of `{change.dotted}`"
            case SetOption(name, None | "" | () | False):
                yield f"its {name}"


def _may_shorten(old: Type, new: Type) -> bool:
    """Whether CAST rounds numbers or cuts times. A text either fits or is an error."""
    return Kind.STRING not in (old.kind, new.kind) and not is_widening(old.shape, new.shape)


def _is_tightened(old: Column, new: Column) -> bool:
    return old.mode is Mode.NULLABLE and new.mode is Mode.REQUIRED


@rule("FQ244", Severity.WARNING, group=Group.HAZARDS)
def swaps_tables(before: State, change: RenameTable) -> Iterator[Finding]:
    """A rebuild swaps the names of the new and the old table.

    Problem: Between the two statements no table has the name, and readers and writers fail. The new table has no row
    access policies, policy tags and permissions of the old one.

    Why: BigQuery renames one table per statement.

    Example: feature_store becomes feature_store_old_0002, and feature_store_rebuild_0002 becomes feature_store.

    Fix: Choose a time without readers and writers. Then run migrate with --allow FQ243 and --allow FQ244. Each
    statement of the file has its rollback.
    """
    if before.table and before.table.name == change.name:
        yield Finding(change.name, f"Renames `{change.name}` to `{change.to}`, and the new table to `{change.name}`.")


@rule("FQ240", Severity.NOTE, group=Group.HAZARDS)
def streaming_blocks_type_change(_: State, change: SetType) -> Iterator[Finding]:
    """A type change fails while rows are streamed into the table.

    Problem: BigQuery refuses SET DATA TYPE on a table with a streaming buffer.

    Why: Buffered rows have the old type. BigQuery requires that streaming has stopped for about five hours.

    Example: A writer uses insertAll on the table.

    Fix: Stop the stream, wait about five hours, migrate, and start the stream again.
    """
    yield Finding(change.name, f"Changing the type of `{change.name}` fails while rows are streamed into the table.")


@rule("FQ241", Severity.NOTE, group=Group.HAZARDS)
def loosens_required(_: State, change: SetMode) -> Iterator[Finding]:
    """A REQUIRED column becomes NULLABLE permanently.

    Problem: The column accepts NULL from now on, and BigQuery cannot make it REQUIRED again.

    Why: BigQuery only relaxes REQUIRED to NULLABLE.

    Example: order_id without `required: true` in the registry.

    Fix: Check that NULL is acceptable, then watch for NULL with a data check.
    """
    if change.mode is Mode.NULLABLE:
        message = f"`{change.name}` accepts NULL from now on; BigQuery cannot make it REQUIRED again."
        yield Finding(change.name, message)


@rule("FQ242", Severity.NOTE, group=Group.HAZARDS)
def replaces_view(before: State, change: PutView) -> Iterator[Finding]:
    """The query of a view is replaced.

    Problem: Readers get the new columns and values immediately.

    Why: A view stores no rows; it is its query.

    Example: A derived column changes its expression.

    Fix: No fix is needed if the change is intended. BigQuery does not keep policy tags of the columns of a replaced
    view, nor descriptions of columns that it no longer has; set those that the finding names again. Labels and other
    options of the view are kept.
    """
    if old := before.view(change.view.key):
        kept = dict(change.view.described or ())
        names = sorted({*old.of_columns, *(name for name, _ in old.described or () if name not in kept)})
        lost = ", ".join(f"`{name}`" for name in names)
        lost = f" It loses the descriptions and policy tags of {lost}." if lost else ""
        again = f"Creates view `{change.view.name}` again, so that it shows the columns of the table."
        said = again if old.equals(change.view) else f"Replaces the query of view `{change.view.name}`."
        yield Finding(change.view.name, f"{said}{lost}")


@rule("FQ212", group=Group.PLAN)
def dropped_too_early(column: ExpandedColumn, today: date) -> Iterator[Finding]:
    """A deprecated column is dropped before its date.

    Problem: `dropped: true` is set before the `remove_after` date.

    Why: Readers were promised that the column exists until that date.

    Example: `remove_after: 2026-05-06` and `dropped: true` in February.

    Fix: Wait for the date, or agree on an earlier date with the readers and change `remove_after`.
    """
    deprecated = column.spec.deprecated
    if deprecated and deprecated.dropped and today < deprecated.remove_after:
        yield Finding(
            column.name,
            f"`{column.name}` must not be dropped before {deprecated.remove_after}.",
            remedy="Remove `dropped: true` until then.",
            location=column.spec.at,
        )
