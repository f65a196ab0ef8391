"""What may be wrong with a live table's layout, options and views."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.rules.about_changes import refusals
from fqtool.rules.drift import Drift
from fqtool.rules.drift_told import found_as
from fqtool.sql import literal
from fqtool.table.changes import (
    PutView,
    Reorder,
    SetClustering,
    SetOption,
    SetPartitioning,
)
from fqtool.table.ddl import OptionValue


def _worded(value: OptionValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{key}={text}" for key, text in value) or "none"
    return literal(value)


@rule("FQ308", Severity.WARNING)
def wrong_order(drift: Drift) -> Iterator[Finding]:
    """Columns stand in another order than in the registry.

    Problem: none for queries that name columns; INSERT without a column list binds by position.

    Why: BigQuery adds columns last and never moves them.

    Example: a column was added between two migrations.

    Fix: nothing. This rule is ignored unless the registry's drift map turns it on.
    """
    if isinstance(drift.change, Reorder):
        yield found_as(
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
        yield found_as(drift, "partitioning", refusals(drift.live, drift.change)[0].message)


@rule("FQ310")
def wrong_clustering(drift: Drift) -> Iterator[Finding]:
    """The table is clustered otherwise than the registry says.

    Problem: queries on the expected columns read more blocks.

    Why: clustering was changed through the API.

    Example: clustered by player_lookup alone.

    Fix: `bq update --clustering_fields=...`.
    """
    if isinstance(drift.change, SetClustering):
        yield found_as(drift, "clustering", refusals(drift.live, drift.change)[0].message)


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
        wanted = _worded(drift.change.value)
        yield found_as(drift, name, f"The option {name} is {_worded(now)}, the registry says {wanted}.")


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
        yield found_as(
            drift, view.name, f"The view {view.name} {'has another text or description' if there else 'is missing'}."
        )
