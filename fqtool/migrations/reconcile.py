"""The state that the registry describes, with everything that fqtool does not manage taken from the live state."""

from __future__ import annotations

from dataclasses import replace

from fqtool.registry.model import Owner, Registry
from fqtool.schema.build import base_columns, dropped_columns, expand_columns, renames
from fqtool.table.model import State, Table
from fqtool.table.properties import with_unmanaged


def unmanaged_columns(registry: Registry) -> frozenset[str]:
    """Return the lower-case names of base columns that fqtool does not manage."""
    managed = {column.name.lower() for column in expand_columns(registry)}
    return frozenset(column.key for column in base_columns(registry)) - managed


def reconcile(
    live: State,
    desired: State,
    registry: Registry,
    *,
    include_base: bool = False,
    keep_unknown: bool = True,
    keep_order: bool = True,
) -> State:
    """Return `desired` with everything that fqtool does not manage taken from `live`.

    Properties that a registry does not declare are taken from `live`: policy tags, collation, keys, an expiration,
    partitions by ingestion time or range, and similar.

    Args:
        live: the state of the target.
        desired: the state that the registry describes.
        registry: the registry.
        include_base: change base columns too. Default: base columns are taken from `live`.
        keep_unknown: keep columns that the registry neither declares, drops nor renames.
        keep_order: keep the order of the live columns; new columns come last.
    """
    if live.table is None or desired.table is None:
        return desired
    by_key, spec = live.table.by_key, registry.table
    base = frozenset[str]() if include_base else unmanaged_columns(registry)
    columns = [
        by_key[column.key] if column.key in base else with_unmanaged(column, by_key.get(column.key, column))
        for column in desired.table.columns
        if column.key in by_key or column.key not in base
    ]
    if keep_unknown:
        gone = {column.name.lower() for column in dropped_columns(registry)}
        gone |= {old.lower() for new, old in renames(registry).items() if new.lower() not in by_key}
        columns += [column for key, column in by_key.items() if not desired.table.find(key) and key not in gone]
    options, live_options = desired.table.options, live.table.options
    options = replace(
        options,
        description=live_options.description if spec.description is None else options.description,
        labels=live_options.labels if spec.labels is None else options.labels,
        friendly_name=live_options.friendly_name,
        expiration=live_options.expiration,
    )
    if keep_order:  # order does not matter to BigQuery (bigquery.md#order), which adds columns last
        place = {key: number for number, key in enumerate(by_key)}
        columns.sort(key=lambda column: place.get(column.key, len(place)))
    table = replace(
        live.table,
        name=desired.table.name,
        columns=tuple(columns),
        partitioning=with_live_partitions(desired.table, live.table).partitioning,
        clustering=desired.table.clustering,
        options=options,
    )
    return State(table, desired.views)


def with_live_partitions(desired: Table, live: Table | None) -> Table:
    """Return `desired` with the partitioning of `live`, where a registry cannot declare that partitioning."""
    if live is None or live.partitioning is None or live.partitioning.stateable or desired.partitioning is not None:
        return desired
    return replace(desired, partitioning=live.partitioning)


def computed_columns(registry: Registry) -> frozenset[str]:
    """Return the lower-case names of columns whose values `score` can compute again after the column was dropped.

    Base columns, columns that upstream writes, and columns of retired features are left out.
    """
    base = {column.key for column in base_columns(registry)}
    return frozenset(
        column.name.lower()
        for column in expand_columns(registry)
        if column.expr is not None
        and column.spec.owner is Owner.FQTOOL
        and not (column.feature and column.feature.retired)
        and column.name.lower() not in base
    )
