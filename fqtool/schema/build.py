"""Build the State of a registry: the table and views that it describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fqtool.registry.alerts_and_models import Each, ViewSpec
from fqtool.registry.model import BaseColumn, Category, ColumnSpec, Declared, Feature, Registry, TableSpec
from fqtool.registry.placeholders import category_values, feature_values, fill
from fqtool.schema.views import view_columns, view_query
from fqtool.table.column import Column
from fqtool.table.ddl_grammar import parse_partitioning
from fqtool.table.model import Partitioning, State, Table, View, foreign_key
from fqtool.table.properties import (
    COLUMN_PROPERTIES,
    NAME_OF,
    TABLE_PROPERTIES,
    with_collation,
    with_value,
    with_values,
)
from fqtool.table.typetext import column


@dataclass(frozen=True, slots=True)
class ExpandedColumn:
    """A managed column: an entry of `columns`, with the placeholders of its feature or category filled in."""

    spec: ColumnSpec
    name: str
    description: str
    expr: str | None
    feature: Feature | None = None
    category: Category | None = None


def expand(registry: Registry, spec: ColumnSpec) -> Iterator[ExpandedColumn]:
    """Yield the columns of one entry of `columns`. Retired features keep their columns, for the history.

    Args:
        registry: The registry with the features and categories.
        spec: An entry of its `columns`.
    """
    match spec.for_each:
        case None:
            yield ExpandedColumn(spec, spec.name, spec.description, spec.expr)
        case Each.FEATURE:
            for feature in registry.features:
                if not spec.only or feature.name in spec.only:
                    yield replace(_filled(spec, feature_values(feature)), feature=feature)
        case Each.CATEGORY:
            by_name = {category.name: category for category in registry.categories}
            for name in spec.only or tuple(by_name):
                category = by_name.get(name) or Category(name)
                yield replace(_filled(spec, category_values(category)), category=category)


def _filled(spec: ColumnSpec, values: Mapping[str, object]) -> ExpandedColumn:
    expr = fill(spec.expr, values) if spec.expr is not None else None
    return ExpandedColumn(spec, fill(spec.name, values), fill(spec.description, values), expr)


def _values(one: ExpandedColumn) -> dict[str, object]:
    if one.feature:
        return feature_values(one.feature)
    return category_values(one.category) if one.category else {}


def expand_columns(registry: Registry) -> tuple[ExpandedColumn, ...]:
    """Return every managed column in registry order, without columns that have `dropped: true`."""
    live = (spec for spec in registry.columns if not (spec.deprecated and spec.deprecated.dropped))
    return tuple(expanded for spec in live for expanded in expand(registry, spec))


def dropped_columns(registry: Registry) -> tuple[ExpandedColumn, ...]:
    """Return the columns that have `dropped: true`."""
    gone = (spec for spec in registry.columns if spec.deprecated and spec.deprecated.dropped)
    return tuple(expanded for spec in gone for expanded in expand(registry, spec))


def managed_columns(registry: Registry) -> tuple[Column, ...]:
    """Return the managed columns as columns of a table.

    Raises:
        InputError: A type is not a GoogleSQL type.
    """
    return tuple(map(_managed, expand_columns(registry)))


def _managed(one: ExpandedColumn) -> Column:
    built = column(one.name, one.spec.type, description=one.description)
    return with_declared(replace(built, default=one.spec.default), one.spec.properties)


def base_columns(registry: Registry) -> tuple[Column, ...]:
    """Return the base columns. A column that is managed too has the description of the managed column."""
    managed = {one.name.lower(): one.description for one in expand_columns(registry)}
    return tuple(_base(spec, managed.get(spec.name.lower(), spec.description)) for spec in registry.base_columns)


def _base(spec: BaseColumn, description: str) -> Column:
    built = column(spec.name, spec.type, required=spec.required, description=description)
    described = with_declared(replace(built, default=spec.default), spec.properties)
    if not (spec.field_descriptions or spec.field_properties):
        return described
    return _with_fields(described, dict(spec.field_descriptions), dict(spec.field_properties), "")


def _with_fields(struct: Column, words: Mapping[str, str], properties: Mapping[str, Declared], place: str) -> Column:
    """Add descriptions and properties to the fields of a STRUCT, by their path below the column: outer.inner."""
    fields = (
        _with_fields(
            with_declared(replace(field, description=words.get(path, "")), properties.get(path, ())),
            words, properties, f"{path}.",
        )
        for path, field in ((f"{place}{field.name}", field) for field in struct.type.fields)
    )  # fmt: skip
    return replace(struct, type=replace(struct.type, fields=tuple(fields)))


def with_declared(column: Column, declared: Declared) -> Column:
    """Return a column or field with the properties that the registry declares."""
    for name, value in declared:
        row = COLUMN_PROPERTIES.get(name)
        column = with_value(column, name, row.declared(value) if row else str(value))
    return column


def declared_of(registry: Registry) -> dict[tuple[str, ...], frozenset[str]]:
    """Return the names of the declared properties by lower-case path of the column or field."""
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for base in registry.base_columns:
        for path, declared in (("", base.properties), *base.field_properties):
            key = tuple(part.lower() for part in (base.name, *path.split(".")) if part)
            found[key] = frozenset(name for name, _ in declared)
    managed = ((one.name.lower(), one.spec.properties) for one in expand_columns(registry) if one.spec.properties)
    return found | {(name,): frozenset(one for one, _ in declared) for name, declared in managed}


def unmanaged_columns(registry: Registry) -> frozenset[str]:
    """Return the lower-case names of base columns that fqtool does not manage."""
    managed = {column.name.lower() for column in expand_columns(registry)}
    return frozenset(column.key for column in base_columns(registry)) - managed


def declared_options(spec: TableSpec) -> dict[str, object]:
    """Return the values of the table's properties that the registry declares, by the row of `TABLE_PROPERTIES`."""
    own = {
        "description": spec.description,
        "labels": None if spec.labels is None else tuple(sorted(spec.labels)),
        "require_partition_filter": spec.require_partition_filter,
        "partition_expiration_days": spec.partition_expiration_days,
    }
    values: dict[str, object] = {name: value for name, value in own.items() if value is not None}
    if spec.partition_expiration_days == 0:
        values["partition_expiration_days"] = None
    return values | {NAME_OF[name]: TABLE_PROPERTIES[NAME_OF[name]].declared(value) for name, value in spec.properties}


def base_table(registry: Registry) -> Table:
    """Return the table without managed columns: base columns, partitioning, clustering and options."""
    spec = registry.table
    table = Table(
        spec.name,
        base_columns(registry),
        partitioning_of(spec),
        spec.cluster_by,
        primary_key=spec.keys if spec.primary_key else (),
        foreign_keys=tuple(foreign_key(*key) for key in spec.foreign_keys or ()),
    )
    table = with_values(table, declared_options(spec))
    if not (collation := dict(table.properties).get("default_collation")):
        return table
    declared = declared_of(registry)
    return table.with_columns(with_collation(one, collation, declared) for one in table.columns)


def partitioning_of(spec: TableSpec) -> Partitioning | None:
    """Return the partitioning that the registry declares; None if it declares none.

    Raises:
        InputError: BigQuery does not partition by `partition_expr`.
    """
    if spec.partition_expr is not None:
        return parse_partitioning(spec.partition_expr)
    return Partitioning(spec.partition_by, spec.partition_granularity) if spec.partition_by else None


def desired_table(registry: Registry) -> Table:
    """Return the whole table: base columns first, then the managed columns that are not base columns."""
    base = base_table(registry)
    known = base.by_key
    return base.with_columns((*base.columns, *(c for c in managed_columns(registry) if c.key not in known)))


def desired_state(registry: Registry) -> State:
    """Return the table and the views that the registry describes."""
    table = desired_table(registry)
    return State(table, tuple(_view(registry, spec, table) for spec in registry.views))


def _view(registry: Registry, spec: ViewSpec, table: Table) -> View:
    labels = (("labels", tuple(sorted(spec.labels))),) if spec.labels else ()
    columns = view_columns(registry, spec, table)
    described = tuple((name, text) for name, text in columns if text) if spec.describe_columns else None
    names, query = tuple(name for name, _ in columns), view_query(registry, spec, table)
    return View(spec.name, query, spec.description, options=labels, columns=names, described=described)


def renames(registry: Registry) -> dict[str, str]:
    """Return new column name -> old name, for every column with `renamed_from`."""
    return {
        one.name: fill(one.spec.renamed_from, _values(one)) for one in expand_columns(registry) if one.spec.renamed_from
    }
