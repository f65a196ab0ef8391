"""The tools that the registry can be exported for. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from fqtool.errors import UsageError
from fqtool.registry.model import Registry

Render = Callable[[Registry], str]


@dataclass(frozen=True, slots=True)
class Export:
    """How to write for one tool: the function's module and name, and the usual name of the file."""

    module: str
    function: str
    file: str

    def render(self, registry: Registry) -> str:
        """Return the file's text."""
        return cast("Render", getattr(import_module(self.module), self.function))(registry)


EXPORTS = {
    "dbt": Export("fqtool.exports.dbt", "dbt", "models/feature_store.yml"),
    "odcs": Export("fqtool.exports.odcs", "odcs", "feature_store.odcs.yaml"),
    "terraform": Export("fqtool.exports.terraform", "terraform", "feature_store.tf.json"),
    "feast": Export("fqtool.exports.feast", "feast", "feature_repo/feature_store.py"),
    "python": Export("fqtool.exports.python", "python", "feature_store.py"),
}


def export_named(name: str) -> Export:
    """Return an export by its name. Raises UsageError for one that is none."""
    if name not in EXPORTS:
        raise UsageError(f"There is no export {name!r}.", remedy=f"Use one of: {', '.join(EXPORTS)}.")
    return EXPORTS[name]
