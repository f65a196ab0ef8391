"""What a shell offers for a word that is being typed; a registry that cannot be read offers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fqtool.registry.model import Registry


def formats(incomplete: str) -> list[str]:
    """Offer the output formats."""
    from fqtool.report.findings import FORMATS

    return _begun(incomplete, FORMATS)


def exports(incomplete: str) -> list[str]:
    """Offer the tools that can be written for."""
    from fqtool.exports.targets import EXPORTS

    return _begun(incomplete, EXPORTS)


def rule_codes(incomplete: str) -> list[str]:
    """Offer the codes of rules."""
    from fqtool.rules.every import every_rule

    return _begun(incomplete, sorted(every_rule()))


def categories(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the registry's categories."""
    return _begun(incomplete, (one.name for registry in _read(context) for one in registry.categories))


def processors(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the registry's processors."""
    return _begun(incomplete, (one.name for registry in _read(context) for one in registry.processors))


def labels(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the registry's source labels."""
    return _begun(incomplete, (one.label for registry in _read(context) for one in registry.sources))


def targets(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the names of the registry's targets."""
    return _begun(incomplete, (name for registry in _read(context) for name, _ in registry.targets))


def _begun(incomplete: str, words: Iterable[str]) -> list[str]:
    return [one for one in words if one.startswith(incomplete)]


def _read(context: typer.Context) -> list[Registry]:
    """The registry of the command that is being typed, if it can be read."""
    from fqtool.errors import FqtoolError
    from fqtool.registry.load import read_registry

    path: Path | None = context.params.get("registry")
    try:
        return [read_registry(path)] if path else []
    except FqtoolError:
        return []
