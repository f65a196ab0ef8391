"""Shell completion of option values. A registry that cannot be read gives no completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fqtool.registry.model import Registry


def formats(incomplete: str) -> list[str]:
    """Complete an output format."""
    from fqtool.output.findings import FORMATS

    return begun(incomplete, FORMATS)


def rule_codes(incomplete: str) -> list[str]:
    """Complete the code of a rule."""
    from fqtool.findings.catalog import every_rule

    return begun(incomplete, sorted(every_rule()))


def categories(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a category of the registry."""
    return begun(incomplete, (category.name for registry in _read(context) for category in registry.categories))


def processors(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a processor of the registry."""
    return begun(incomplete, (processor.name for registry in _read(context) for processor in registry.processors))


def labels(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a source label of the registry."""
    return begun(incomplete, (source.label for registry in _read(context) for source in registry.sources))


def targets(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a target of the registry."""
    return begun(incomplete, (name for registry in _read(context) for name, _ in registry.targets))


def stores(project: Path, incomplete: str) -> list[str]:
    """Complete the name of a store of fqtool.yaml."""
    from fqtool.errors import FqtoolError
    from fqtool.registry.project import read_stores

    try:
        return begun(incomplete, (store.name for store in read_stores(project)))
    except FqtoolError:
        return []


def begun(incomplete: str, words: Iterable[str]) -> list[str]:
    """Return the words that begin with what was typed."""
    return [word for word in words if word.startswith(incomplete)]


def _read(context: typer.Context) -> list[Registry]:
    """The registry of the command that is being typed, if it can be read."""
    from fqtool.errors import FqtoolError
    from fqtool.registry.load import read_registry

    path: Path | None = context.params.get("registry")
    try:
        return [read_registry(path)] if path else []
    except FqtoolError:
        return []
