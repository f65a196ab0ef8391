"""The state that the registry describes, with everything that fqtool does not manage taken from the live state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from fqtool.registry.model import Owner, Registry
from fqtool.schema.build import (
    base_columns,
    declared_of,
    declared_options,
    dropped_columns,
    expand_columns,
    renames,
    unmanaged_columns,
)
from fqtool.table.column import Column
from fqtool.table.model import State, Table, View
from fqtool.table.properties import COLUMN_PROPERTIES, TABLE_PROPERTIES, with_unmanaged, with_value, with_values


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

    Attributes that `drift: ignore:` names, and properties that a registry does not declare, are taken from `live`:
    options, policy tags, collation, keys, partitions, and similar.

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
    by_key, declared = live.table.by_key, declared_of(registry)
    base = frozenset[str]() if include_base else unmanaged_columns(registry)
    columns = [
        by_key[column.key]
        if column.key in base
        else _with_ignored(with_unmanaged(column, by_key.get(column.key, column), declared), by_key, registry)
        for column in desired.table.columns
        if column.key in by_key or column.key not in base
    ]
    if keep_unknown:
        gone = {column.name.lower() for column in dropped_columns(registry)}
        gone |= {old.lower() for new, old in renames(registry).items() if new.lower() not in by_key}
        columns += [column for key, column in by_key.items() if not desired.table.find(key) and key not in gone]
    else:
        undeclared = (column for key, column in by_key.items() if not desired.table.find(key))
        columns += [column for column in undeclared if "undeclared" in _ignored(registry, (column.name,))]
    if keep_order:  # order does not matter to BigQuery (bigquery.md#order), which adds columns last
        place = {key: number for number, key in enumerate(by_key)}
        columns.sort(key=lambda column: place.get(column.key, len(place)))
    table = replace(
        live.table,
        name=desired.table.name,
        columns=tuple(columns),
        partitioning=with_live_partitions(desired.table, live.table).partitioning,
        clustering=desired.table.clustering,
        foreign_keys=live.table.foreign_keys if registry.table.foreign_keys is None else desired.table.foreign_keys,
        primary_key=live.table.primary_key if registry.table.primary_key is None else desired.table.primary_key,
    )
    written = declared_options(registry.table).items()
    reported = {name: value for name, value in written if TABLE_PROPERTIES[name].path}
    views = tuple(_with_live_options(view, live.view(view.key), registry) for view in desired.views)
    return State(with_values(table, reported), views)


def _with_live_options(view: View, live: View | None, registry: Registry) -> View:
    """Keep what the registry does not declare of a live view: a replaced view has only what it states."""
    if live is None:
        return view
    declared = {spec.name: spec.labels is not None for spec in registry.views}.get(view.name)
    kept = ((name, value) for name, value in live.options if name != "labels" or not declared)
    described = view.described
    if described is None and live.described and view.columns:
        described = tuple((name, text) for name, text in live.described if name in view.columns)
    return replace(view, options=(*view.options, *kept), described=described)


def _ignored(registry: Registry, path: tuple[str, ...]) -> frozenset[str]:
    """Return the attributes of a column or field that `drift: ignore:` names."""
    name = ".".join(path).lower()
    patterns = registry.not_managed
    return frozenset(one for pattern, names in patterns if fnmatchcase(name, pattern.lower()) for one in names)


def _with_ignored(
    desired: Column, there: Mapping[str, Column], registry: Registry, place: tuple[str, ...] = ()
) -> Column:
    """Copy from the live column or field the attributes that `drift: ignore:` names."""
    live, path = there.get(desired.key), (*place, desired.name)
    if live is None or not registry.not_managed:
        return desired
    ignored = _ignored(registry, path)
    if "type" in ignored:
        desired = replace(desired, type=live.type)
    elif desired.type.fields:
        inside = {field.key: field for field in live.type.fields}
        fields = (_with_ignored(field, inside, registry, path) for field in desired.type.fields)
        desired = replace(desired, type=replace(desired.type, fields=tuple(fields)))
    own = {name: getattr(live, name) for name in ("default", "description", "mode") if name in ignored}
    properties = dict(live.properties)
    for name in ignored.intersection(COLUMN_PROPERTIES):
        desired = with_value(desired, name, properties.get(name, ""))
    return replace(desired, **own)


def with_live_partitions(desired: Table, live: Table | None) -> Table:
    """Return `desired` with the partitioning of `live`, where the registry declares none."""
    if live is None or live.partitioning is None or desired.partitioning is not None:
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
