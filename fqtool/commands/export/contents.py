"""What every export needs of a column besides its type: its section and its allowed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fqtool.expressions.expression import Call, Name, children
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.registry.model import BaseColumn, Owner, Registry
from fqtool.schema.build import ExpandedColumn, desired_table, expand_columns
from fqtool.table.column import Column
from fqtool.table.model import Table
from fqtool.table.properties import COLUMN_PROPERTIES, NAME_OF, TABLE_PROPERTIES, column_values, table_values
from fqtool.warehouse.target import Target, parse_target

BASE = "base"
"""The section of base columns."""

QUALITY = (0, 100)
"""The lowest and highest quality of a feature, and so of any mean of qualities."""


@dataclass(frozen=True, slots=True)
class Held:
    """One column of the table.

    Attributes:
        column: the column.
        section: its section in the registry, or BASE.
        managed: its entry under `columns`, or None.
        base: its entry under `base_columns`, or None.
        accepted: the allowed values besides NULL; () allows any value.
        of: the kind of `accepted`: source, tier or level.
        bounds: the lowest and highest allowed value.
    """

    column: Column
    section: str
    managed: ExpandedColumn | None = None
    base: BaseColumn | None = None
    accepted: tuple[str, ...] = ()
    of: str = ""
    bounds: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


def contents(registry: Registry) -> tuple[Held, ...]:
    """Return every column of the table in table order."""
    managed = {one.name.lower(): one for one in expand_columns(registry)}
    base = {one.name.lower(): one for one in registry.base_columns}
    lists = accepted_lists(registry)
    return tuple(_held(one, managed.get(one.key), base.get(one.key), lists) for one in desired_table(registry).columns)


def accepted_lists(registry: Registry) -> Mapping[str, tuple[str, ...]]:
    """Return the allowed values of each kind of column: canonical sources, tiers and levels, in registry order."""
    sources = [one.canonical for one in registry.sources] + [registry.unknown_source.canonical]
    return {
        "source": tuple(dict.fromkeys(sources)),
        "tier": tuple(one.name for one in registry.tiers),
        "level": tuple(one.name for one in registry.alert_levels),
    }


def _held(
    column: Column, managed: ExpandedColumn | None, base: BaseColumn | None, lists: Mapping[str, tuple[str, ...]]
) -> Held:
    kind = _kind(managed) if managed else ""
    return Held(
        column,
        managed.spec.section if managed else BASE,
        managed,
        base,
        lists.get(kind, ()),
        kind if lists.get(kind) else "",
        QUALITY if kind == "quality" else None,
    )


def _kind(managed: ExpandedColumn) -> str:
    """Return the kind of a column by its expression; "" for a column that upstream writes."""
    if not managed.expr or managed.spec.owner is not Owner.FQTOOL:
        return ""
    try:
        expression = parse_expression(managed.expr)
    except Unreadable:
        return ""
    while isinstance(expression, Call) and expression.name == "ROUND":
        expression = next(iter(children(expression)))
    match expression:
        case Name("source" | "quality" as name) if managed.feature:
            return name
        case Call("TIER"):
            return "tier"
        case Call("ALERT_LEVEL"):
            return "level"
        case Call("AVG_OVER_FEATURES", (Name("quality"), *_)):
            return "quality"
        case _:
            return ""


def declared_column(column: Column) -> dict[str, Any]:
    """Return the properties and the default of a column or field, as a registry declares them."""
    found: dict[str, Any] = {}
    for name, text in sorted(column_values(column, nested=True).items()):
        value = text if name == "default" else COLUMN_PROPERTIES[name].in_registry(text)
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def declared_table(table: Table) -> dict[str, Any]:
    """Return the properties of the table that are set, by their names in OPTIONS; labels and tags as a mapping."""
    values = table_values(table)
    found: dict[str, Any] = {}
    for word, name in sorted(NAME_OF.items()):
        row = TABLE_PROPERTIES[name]
        if values[name] != row.unset:
            value = row.in_registry(values[name])
            found[word] = dict(value) if isinstance(value, tuple) else value
    return found


def places(registry: Registry) -> Iterator[tuple[str, Target]]:
    """Yield the name and the target of each of the registry's targets.

    Raises:
        UsageError: a URL is invalid.
    """
    for name, url in registry.targets:
        yield name, parse_target(url)


def dataset_of(registry: Registry) -> Target | None:
    """Return the first of the registry's targets that is in BigQuery, or None."""
    return next((place for _, place in places(registry) if place.kind == "bigquery"), None)


def version_of(registry: Registry) -> str:
    """Return the version of the store: its schema versions joined by +; "1" without schema versions."""
    return "+".join(text for _, text in registry.schema_versions) or "1"
