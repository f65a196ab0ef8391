"""What only a rebuilt table, or the API, can change: partitioning, clustering, and the columns they rest on."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, rule
from fqtool.table.changes import Change, DropColumn, RenameColumn, SetClustering, SetPartitioning
from fqtool.table.model import State, Table


@rule("FQ205")
def partitioning_changed(before: State, change: Change) -> Iterator[Finding]:
    """Partitioning cannot be changed in place.

    Problem: neither ALTER TABLE nor CREATE OR REPLACE changes how a table is partitioned.

    Why: partitions are the table's storage.

    Example: the table is partitioned by MONTH, the registry says DAY.

    Fix: create a new table with the wanted layout, copy the data, and swap names in a maintenance window; or
    declare in the registry what stands.
    """
    match change:
        case SetPartitioning(wanted) if before.table:
            yield Finding(
                before.table.name,
                f"The table is partitioned by {_partition(before.table.partitioning)}, "
                f"the registry wants {_partition(wanted)}: that needs a rebuilt table.",
                remedy="Copy the data into a new table with the wanted layout, or declare what stands.",
            )
        case _:
            return


def _partition(partitioning: object) -> str:
    column = getattr(partitioning, "column", None)
    return f"{column} ({getattr(partitioning, 'granularity', '')})" if column else "nothing"


@rule("FQ206")
def clustering_changed(before: State, change: Change) -> Iterator[Finding]:
    """Clustering cannot be changed by SQL.

    Problem: GoogleSQL has no statement for it.

    Why: clustering is a property set through the API and takes effect for data written later.

    Example: CLUSTER BY a, b stands, the registry says a.

    Fix: `bq update --clustering_fields=a dataset.table`, then run check-drift again.
    """
    match change:
        case SetClustering(columns) if before.table:
            fields = ",".join(columns)
            yield Finding(
                before.table.name,
                f"The table is clustered by {', '.join(before.table.clustering) or 'nothing'}, "
                f"the registry wants {', '.join(columns) or 'nothing'}.",
                remedy=f"bq update --clustering_fields='{fields}' DATASET.{before.table.name}",
            )
        case _:
            return


@rule("FQ207")
def layout_column_touched(before: State, change: Change) -> Iterator[Finding]:
    """A partitioning or clustering column cannot be dropped or renamed.

    Problem: BigQuery refuses DROP COLUMN and RENAME COLUMN on columns that the layout rests on.

    Why: the stored partitions and blocks are ordered by them.

    Example: DROP COLUMN game_date.

    Fix: keep the column, or rebuild the table.
    """
    match change:
        case DropColumn(name) | RenameColumn(name, _) if before.table and name.lower() in _layout(before.table):
            yield Finding(
                name,
                f"{name} holds up the table's partitioning or clustering and can neither be dropped nor renamed.",
                remedy="Keep it, or copy the data into a new table.",
            )
        case _:
            return


def _layout(table: Table) -> set[str]:
    partition = [table.partitioning.column] if table.partitioning else []
    return {name.lower() for name in (*partition, *table.clustering)}
