"""fqtool keeps an ML feature store's schema and data quality true, from one file.

    import fqtool

    registry = fqtool.load_registry("feature_registry.yaml")
    print(fqtool.schema_json(registry))

Names are loaded when first used, so that importing fqtool costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fqtool.api import load_registry, schema_json
    from fqtool.errors import FqtoolError
    from fqtool.finding import Finding, Location, Severity
    from fqtool.registry.model import Registry

_HOMES = {
    "Finding": "fqtool.finding",
    "FqtoolError": "fqtool.errors",
    "Location": "fqtool.finding",
    "Registry": "fqtool.registry.model",
    "Severity": "fqtool.finding",
    "load_registry": "fqtool.api",
    "schema_json": "fqtool.api",
}
__all__ = [
    "Finding",
    "FqtoolError",
    "Location",
    "Registry",
    "Severity",
    "load_registry",
    "schema_json",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'fqtool' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
