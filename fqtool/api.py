"""What `import fqtool` offers beside types: the functions a Python program calls."""

from __future__ import annotations

from pathlib import Path

from fqtool.registry.model import Registry
from fqtool.verbs.generate_schema import generated_schema
from fqtool.verbs.workspace import open_registry


def load_registry(path: str | Path) -> Registry:
    """Read and check a registry file. Raises RegistryError whose `findings` hold every problem."""
    return open_registry(Path(path))


def schema_json(registry: Registry, *, full: bool = False) -> str:
    """Return the managed columns, or with `full` the whole table, as BigQuery schema JSON."""
    return generated_schema(registry, full=full)
