"""Which base columns carry the labels and the values of a row's features."""

from __future__ import annotations

from fqtool.errors import InputError
from fqtool.quality.build import feature_values, fill
from fqtool.quality.expression import names_in
from fqtool.quality.grammar import parse_expression
from fqtool.registry.model import Registry


def carriers(registry: Registry) -> tuple[str, str]:
    """Return the columns that hold the labels and the values of all features. Raises InputError where several do."""
    return _carrier(registry, "source", registry.inputs.source), _carrier(registry, "value", registry.inputs.value)


def _carrier(registry: Registry, what: str, text: str) -> str:
    read = {name for one in registry.features for name in names_in(parse_expression(fill(text, feature_values(one))))}
    if len(read) != 1:
        raise InputError(
            f"{registry.path}: inputs: {what} reads {len(read)} columns ({', '.join(sorted(read)[:3])}), not one.",
            remedy="Give whole records to registry.score().",
        )
    return read.pop()
