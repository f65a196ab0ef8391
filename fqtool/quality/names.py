"""What an expression may name at its place in the registry, with the types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fqtool.quality.value_types import BOOL, FLOAT64, INT64, STRING, TIMESTAMP, ValueType


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may name: columns by lower-case name, with None for a type that is not known.

    `of_feature` is empty where there is no feature language. `open` lets functions pass that are not in the list.
    """

    columns: Mapping[str, ValueType | None]
    of_feature: Mapping[str, ValueType | None] = field(default_factory=dict)
    per_feature: bool = False
    parameters: Mapping[str, ValueType] = field(default_factory=lambda: {"computed_at": TIMESTAMP})
    open: bool = False


def feature_names(value: ValueType | None) -> dict[str, ValueType | None]:
    """Return the types of what a feature has; `value` is that of its place in the vector."""
    texts = ("source", "raw_source", "name", "category", "processor", "upstream_table", "fallback_reason")
    return {
        **dict.fromkeys(texts, STRING),
        **dict.fromkeys(("quality", "expected", "range_min", "range_max"), FLOAT64),
        **dict.fromkeys(("is_default", "critical", "optional"), BOOL),
        **dict.fromkeys(("index", "sample_size"), INT64),
        "last_updated": TIMESTAMP,
        "value": value,
    }
