"""Whether a row's vector is the registry's: models read by position, so length and order are the contract."""

from __future__ import annotations

from fqtool.quality.carriers import carriers
from fqtool.registry.model import Registry
from fqtool.sql import ident, literal


def misshapen(registry: Registry) -> str:
    """Return the condition that a row's vector has another length than the registry's features."""
    _, values = carriers(registry)
    return f"ARRAY_LENGTH({ident(values)}) != {len(registry.features)}"


def misordered(registry: Registry) -> str:
    """Return the condition that a row names its features in another order; FALSE where rows hold no names."""
    names, wanted = registry.inputs.names, ",".join(one.name for one in registry.features)
    if not names:
        return "FALSE"
    return f"ARRAY_LENGTH({names}) > 0 AND ARRAY_TO_STRING({names}, ',') != {literal(wanted)}"
