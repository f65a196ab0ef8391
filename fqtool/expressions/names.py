"""The names that an expression may use at its place in the registry, with their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fqtool.expressions.expression import Expression, Literal
from fqtool.expressions.value_types import BOOL, FLOAT64, INT64, STRING, TIMESTAMP, ValueType
from fqtool.registry.model import Feature


@dataclass(frozen=True, slots=True)
class Names:
    """The names that an expression may use, with their types; None is an unknown type.

    Args:
        columns: Columns by lower-case name.
        of_feature: Names of the feature language; empty where it is not available.
        per_feature: Whether the expression is evaluated for each feature.
        parameters: Query parameters by name.
        open: Whether functions outside the list are allowed.
    """

    columns: Mapping[str, ValueType | None]
    of_feature: Mapping[str, ValueType | None] = field(default_factory=dict)
    per_feature: bool = False
    parameters: Mapping[str, ValueType] = field(default_factory=lambda: {"computed_at": TIMESTAMP})
    open: bool = False


def feature_names(value: ValueType | None) -> dict[str, ValueType | None]:
    """Return the types of the properties of a feature; `value` is the type of its value."""
    texts = ("source", "raw_source", "name", "category", "processor", "upstream_table", "fallback_reason")
    return {
        **dict.fromkeys(texts, STRING),
        **dict.fromkeys(("quality", "expected", "range_min", "range_max"), FLOAT64),
        **dict.fromkeys(("is_default", "critical", "optional"), BOOL),
        **dict.fromkeys(("index", "sample_size"), INT64),
        "last_updated": TIMESTAMP,
        "value": value,
    }


FROM_SOURCES = frozenset({"quality", "source", "raw_source", "is_default"})
DYNAMIC = FROM_SOURCES | {"value", "sample_size", "last_updated"}
STATIC = (
    "index", "name", "category", "critical", "optional", "processor", "expected", "range_min", "range_max",
    "upstream_table", "fallback_reason",
)  # fmt: skip


def statics(feature: Feature) -> dict[str, Expression]:
    """Return the properties of a feature that are known when the SQL is generated."""
    low, high = feature.range or (None, None)
    return {
        "index": Literal(feature.index),
        "name": Literal(feature.name),
        "category": Literal(feature.category),
        "critical": Literal(feature.critical),
        "optional": Literal(feature.optional),
        "processor": Literal(feature.processor or None),
        "expected": Literal(feature.expected),
        "range_min": Literal(low),
        "range_max": Literal(high),
        "upstream_table": Literal(feature.upstream_table or None),
        "fallback_reason": Literal(feature.fallback_reason or None),
    }
