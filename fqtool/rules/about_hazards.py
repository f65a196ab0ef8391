"""What a legal change puts at risk: a warning needs `--allow` with its code, a note only informs."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule, rules_of
from fqtool.rules.about_changes import refusals
from fqtool.table.changes import Change, DropColumn, PutView, RenameColumn, SetMode, SetOption, SetType
from fqtool.table.column import Mode
from fqtool.table.model import State


def judge(before: State, change: Change) -> tuple[Finding, ...]:
    """Return the refusals of a change, or else its hazards."""
    hazards = (found for one in rules_of(__name__) for found in one.check(before, change))
    return refusals(before, change) or tuple(hazards)


@rule("FQ230", Severity.WARNING)
def drops_data(_: State, change: Change) -> Iterator[Finding]:
    """A column and its data are dropped.

    Problem: every value of the column is gone once time travel (2 to 7 days) runs out.

    Why: DROP COLUMN has no way back but FOR SYSTEM_TIME AS OF; afterwards legacy SQL, wildcard queries and copy
    jobs on the table fail.

    Example: primary_data_source is deprecated with dropped: true.

    Fix: make sure nothing reads it, take a snapshot, then run migrate with --allow FQ230.
    """
    match change:
        case DropColumn(name):
            yield Finding(name, f"{name} and its data go away.", remedy="Take a table snapshot first.")
        case _:
            return


@rule("FQ231", Severity.WARNING)
def renames_column(_: State, change: Change) -> Iterator[Finding]:
    """A column is renamed.

    Problem: queries, views and models that use the old name fail at once; column tags in Data Catalog are lost.

    Why: BigQuery rewrites neither views nor queries.

    Example: renamed_from: quality on quality_tier.

    Fix: change the readers first or put a view in front, then run migrate with --allow FQ231.
    """
    match change:
        case RenameColumn(name, to):
            yield Finding(name, f"{name} becomes {to}; whatever reads {name} breaks at once.")
        case _:
            return


@rule("FQ232", Severity.WARNING)
def deletes_rows(before: State, change: Change) -> Iterator[Finding]:
    """An expiration deletes rows.

    Problem: partitions older than the new limit, or the whole table at its date, are deleted without asking.

    Why: expiration works on what is stored already.

    Example: partition_expiration_days: 365 on a table with five seasons.

    Fix: count what falls out first, then run migrate with --allow FQ232.
    """
    match change:
        case SetOption("partition_expiration_days", float(days)) if before.table:
            old = before.table.options.partition_expiration_days
            if old is None or days < old:
                yield Finding("partition_expiration_days", f"Partitions older than {days:g} days will be deleted.")
        case SetOption("expiration", str(when)):
            yield Finding("expiration_timestamp", f"The whole table will be deleted at {when}.")
        case _:
            return


@rule("FQ233", Severity.WARNING)
def requires_filter(_: State, change: Change) -> Iterator[Finding]:
    """Queries without a partition filter will fail.

    Problem: with require_partition_filter every reader must filter on the partition column.

    Why: that is its purpose; views and dashboards without the filter stop working at once.

    Example: require_partition_filter: true on a table that dashboards read whole.

    Fix: look for such readers in INFORMATION_SCHEMA.JOBS, then run migrate with --allow FQ233.
    """
    match change:
        case SetOption("require_partition_filter", True):
            yield Finding("require_partition_filter", "Queries without a partition filter will fail from now on.")
        case _:
            return


@rule("FQ240", Severity.NOTE)
def streaming_blocks_type_change(_: State, change: Change) -> Iterator[Finding]:
    """A type change fails while rows are being streamed in.

    Problem: SET DATA TYPE is refused on a table with a streaming buffer.

    Why: buffered rows have the old type; BigQuery wants streaming stopped and about five hours of quiet.

    Example: a writer uses insertAll on the table.

    Fix: stop the stream, wait, migrate, start it again.
    """
    match change:
        case SetType(name, _):
            yield Finding(name, f"Changing the type of {name} fails while rows are streamed into the table.")
        case _:
            return


@rule("FQ241", Severity.NOTE)
def loosens_required(_: State, change: Change) -> Iterator[Finding]:
    """A REQUIRED column becomes NULLABLE, for good.

    Problem: NULLs may come in from now on, and BigQuery cannot make it REQUIRED again.

    Why: relaxing is a one-way change.

    Example: game_id without required: true in the registry.

    Fix: be sure; then watch for NULLs with a data check.
    """
    match change:
        case SetMode(name, Mode.NULLABLE):
            yield Finding(name, f"{name} may hold NULL from now on, and cannot be made REQUIRED again.")
        case _:
            return


@rule("FQ242", Severity.NOTE)
def replaces_view(before: State, change: Change) -> Iterator[Finding]:
    """A view's text is replaced.

    Problem: readers see the new columns and values at once.

    Why: a view is its text.

    Example: a derived column changes its expression.

    Fix: nothing, if that is what you want.
    """
    match change:
        case PutView(view) if any(old.key == view.key for old in before.views):
            yield Finding(view.name, f"The view {view.name} gets another text.")
        case _:
            return
