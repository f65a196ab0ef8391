"""What a scaffold must be: a registry that loads and validates."""

from __future__ import annotations

from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry


def loaded(text: str) -> Registry:
    """The registry of a text that must load and have nothing to find."""
    registry, findings = load_registry(text, "r.yaml")
    assert findings == ()
    assert registry is not None
    return registry


def in_order(text: str) -> Registry:
    """The registry of a text that must validate too."""
    registry = loaded(text)
    assert check_registry(registry) == ()
    return registry
