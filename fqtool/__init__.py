"""fqtool keeps the schema and the data quality of an ML feature store correct, from one file.

    import fqtool

    registry = fqtool.load_registry("feature_registry.yaml")
    print(fqtool.schema_json(registry))

The names in `__all__` are the public API; docs/reference/python.md describes them and their stability. A name is loaded
when it is first used, so importing fqtool is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fqtool.api import LoadedRegistry, load_registry, schema_json
    from fqtool.errors import FqtoolError, InputError, RegistryError
    from fqtool.findings.finding import Finding, Location, Severity
    from fqtool.registry.model import Registry

_HOMES = {
    "Finding": "fqtool.findings.finding",
    "FqtoolError": "fqtool.errors",
    "InputError": "fqtool.errors",
    "LoadedRegistry": "fqtool.api",
    "Location": "fqtool.findings.finding",
    "Registry": "fqtool.registry.model",
    "RegistryError": "fqtool.errors",
    "Severity": "fqtool.findings.finding",
    "load_registry": "fqtool.api",
    "schema_json": "fqtool.api",
}
__all__ = [
    "Finding",
    "FqtoolError",
    "InputError",
    "LoadedRegistry",
    "Location",
    "Registry",
    "RegistryError",
    "Severity",
    "load_registry",
    "schema_json",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'fqtool' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
