"""Values and labels that a query of an ARRAY finds, as columns that a statement computes once per row.

A statement that repeats such a query for each use of a value has more subqueries than engines plan in a reasonable
time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fqtool.expressions.expression import Expression, Lookup, children
from fqtool.expressions.grammar import parse_expression
from fqtool.registry.model import BaseColumn, Feature, Registry
from fqtool.scoring.layout import Layout


def read_once(registry: Registry) -> tuple[Registry, Mapping[str, str]]:
    """Return the registry over rows with these columns, and the columns: name -> SQL over a row of the table.

    A registry without such a query is returned as it is, with no column.
    """
    layout, columns, types = Layout(registry), dict[str, str](), list[BaseColumn]()

    def flat(feature: Feature) -> Feature:
        parts = {"value": layout.value(feature), "source": layout.stored_label(feature)}
        found = {part: text for part, text in parts.items() if text and _has_query(parse_expression(text))}
        for part, text in found.items():
            kind = layout.type_of(feature) if part == "value" else "STRING"
            types.append(BaseColumn(f"{part}_{feature.index}", str(kind or "STRING")))
            columns[types[-1].name] = text
        named = {part: f"{part}_{feature.index}" for part in found}
        return replace(feature, value=named.get("value", feature.value), source=named.get("source", feature.source))

    features = tuple(one if one.retired else flat(one) for one in registry.features)
    if not columns:
        return registry, {}
    return replace(registry, features=features, base_columns=(*registry.base_columns, *types)), columns


def _has_query(e: Expression) -> bool:
    return isinstance(e, Lookup) or any(map(_has_query, children(e)))
