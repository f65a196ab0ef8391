"""Registry in, State out: the table and views that the registry says should stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fqtool.quality.views import view_query
from fqtool.registry.judgement import Each
from fqtool.registry.model import BaseColumn, Category, ColumnSpec, Feature, Registry
from fqtool.table.column import Column
from fqtool.table.model import Options, Partitioning, State, Table, View
from fqtool.table.typetext import column

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class ExpandedColumn:
    """One managed column: an entry of `columns:` with the placeholders of its feature or category filled in."""

    spec: ColumnSpec
    name: str
    description: str
    expr: str | None
    feature: Feature | None = None
    category: Category | None = None


def fill(text: str, values: Mapping[str, object]) -> str:
    """Fill {name} placeholders that `values` knows; others, and JSON's own braces, stay as they are."""
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


def feature_values(feature: Feature) -> dict[str, object]:
    """Return what a feature offers to placeholders."""
    return {
        "index": feature.index,
        "name": feature.name,
        "category": feature.category,
        "description": feature.description,
        "processor": feature.processor,
        "upstream_table": feature.upstream_table,
    }


def category_values(category: Category) -> dict[str, object]:
    """Return what a category offers to placeholders."""
    return {"category": category.name, "name": category.name, "description": category.description}


def expand(registry: Registry, spec: ColumnSpec) -> Iterator[ExpandedColumn]:
    """Yield the columns of one entry. Retired features keep theirs: positions and history are a contract."""
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
    """Return every managed column in registry order; columns whose deprecation says dropped are left out."""
    live = (spec for spec in registry.columns if not (spec.deprecated and spec.deprecated.dropped))
    return tuple(expanded for spec in live for expanded in expand(registry, spec))


def dropped_columns(registry: Registry) -> tuple[ExpandedColumn, ...]:
    """Return the columns that the registry says are to be dropped."""
    gone = (spec for spec in registry.columns if spec.deprecated and spec.deprecated.dropped)
    return tuple(expanded for spec in gone for expanded in expand(registry, spec))


def managed_columns(registry: Registry) -> tuple[Column, ...]:
    """Return the managed columns as a table has them. Raises InputError for a type that is none."""
    return tuple(
        replace(column(one.name, one.spec.type, description=one.description), default=one.spec.default)
        for one in expand_columns(registry)
    )


def base_columns(registry: Registry) -> tuple[Column, ...]:
    """Return the columns that exist before fqtool; one that is managed too takes its description from there."""
    managed = {one.name.lower(): one.description for one in expand_columns(registry)}
    return tuple(_base(spec, managed.get(spec.name.lower(), spec.description)) for spec in registry.base_columns)


def _base(spec: BaseColumn, description: str) -> Column:
    built = column(spec.name, spec.type, required=spec.required, description=description)
    described = replace(built, default=spec.default)
    return _with_fields(described, dict(spec.field_descriptions), "") if spec.field_descriptions else described


def _with_fields(struct: Column, words: Mapping[str, str], place: str) -> Column:
    """Put descriptions into a STRUCT's fields, named by their path below the column: outer.inner."""
    fields = (
        _with_fields(replace(field, description=words.get(f"{place}{field.name}", "")), words, f"{place}{field.name}.")
        for field in struct.type.fields
    )
    return replace(struct, type=replace(struct.type, fields=tuple(fields)))


def base_table(registry: Registry) -> Table:
    """Return the table as it is before fqtool: base columns, layout and options."""
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
    """Return the whole table: base columns first, then the managed ones that are not among them."""
    base = base_table(registry)
    known = base.by_key
    return base.with_columns((*base.columns, *(c for c in managed_columns(registry) if c.key not in known)))


def desired_state(registry: Registry) -> State:
    """Return the table and the views that should stand."""
    views = tuple(View(spec.name, view_query(registry, spec), spec.description) for spec in registry.views)
    return State(desired_table(registry), views)


def renames(registry: Registry) -> dict[str, str]:
    """Return new column name -> old name, for every entry that says `renamed_from`."""
    return {
        one.name: fill(one.spec.renamed_from, _values(one)) for one in expand_columns(registry) if one.spec.renamed_from
    }
