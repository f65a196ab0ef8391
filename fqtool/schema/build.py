"""Build the State of a registry: the table and views that it describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fqtool.registry.alerts_and_models import Each
from fqtool.registry.model import BaseColumn, Category, ColumnSpec, Feature, Registry
from fqtool.registry.placeholders import category_values, feature_values, fill
from fqtool.schema.views import view_query
from fqtool.table.column import Column
from fqtool.table.model import Options, Partitioning, State, Table, View
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
    return tuple(
        replace(column(one.name, one.spec.type, description=one.description), default=one.spec.default)
        for one in expand_columns(registry)
    )


def base_columns(registry: Registry) -> tuple[Column, ...]:
    """Return the base columns. A column that is managed too has the description of the managed column."""
    managed = {one.name.lower(): one.description for one in expand_columns(registry)}
    return tuple(_base(spec, managed.get(spec.name.lower(), spec.description)) for spec in registry.base_columns)


def _base(spec: BaseColumn, description: str) -> Column:
    built = column(spec.name, spec.type, required=spec.required, description=description)
    described = replace(built, default=spec.default)
    return _with_fields(described, dict(spec.field_descriptions), "") if spec.field_descriptions else described


def _with_fields(struct: Column, words: Mapping[str, str], place: str) -> Column:
    """Add descriptions to the fields of a STRUCT, by their path below the column: outer.inner."""
    fields = (
        _with_fields(replace(field, description=words.get(f"{place}{field.name}", "")), words, f"{place}{field.name}.")
        for field in struct.type.fields
    )
    return replace(struct, type=replace(struct.type, fields=tuple(fields)))


def base_table(registry: Registry) -> Table:
    """Return the table without managed columns: base columns, partitioning, clustering and options."""
    spec = registry.table
    return Table(
        spec.name,
        base_columns(registry),
        Partitioning(spec.partition_by, spec.partition_granularity) if spec.partition_by else None,
        spec.cluster_by,
        Options(
            require_partition_filter=spec.require_partition_filter,
            partition_expiration_days=spec.partition_expiration_days,
            description=spec.description or "",
            labels=tuple(sorted(spec.labels or ())),
        ),
    )


def desired_table(registry: Registry) -> Table:
    """Return the whole table: base columns first, then the managed columns that are not base columns."""
    base = base_table(registry)
    known = base.by_key
    return base.with_columns((*base.columns, *(c for c in managed_columns(registry) if c.key not in known)))


def desired_state(registry: Registry) -> State:
    """Return the table and the views that the registry describes."""
    views = tuple(View(spec.name, view_query(registry, spec), spec.description) for spec in registry.views)
    return State(desired_table(registry), views)


def renames(registry: Registry) -> dict[str, str]:
    """Return new column name -> old name, for every column with `renamed_from`."""
    return {
        one.name: fill(one.spec.renamed_from, _values(one)) for one in expand_columns(registry) if one.spec.renamed_from
    }
