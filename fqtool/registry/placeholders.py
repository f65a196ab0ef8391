"""Fill the placeholders of repeated entries, such as {index}, with their values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fqtool.registry.model import Category, Feature

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def fill(text: str, values: Mapping[str, object]) -> str:
    """Fill the {name} placeholders that `values` has. Other placeholders and the braces of JSON are kept.

    Example: `fill("feature_{index}_quality", {"index": 5})` is `"feature_5_quality"`.
    """
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


def feature_values(feature: Feature) -> dict[str, object]:
    """Return the placeholder values of a feature."""
    return {
        "index": feature.index,
        "name": feature.name,
        "category": feature.category,
        "description": feature.description,
        "processor": feature.processor,
        "upstream_table": feature.upstream_table,
    }


def category_values(category: Category) -> dict[str, object]:
    """Return the placeholder values of a category."""
    return {"category": category.name, "name": category.name, "description": category.description}
