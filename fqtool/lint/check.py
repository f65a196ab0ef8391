"""Run the rules about the registry, and the start of every command: read and check a registry."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from fqtool.errors import RegistryError
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Location, Severity
from fqtool.lint.context import Subject
from fqtool.lint.suppressions import chosen, suppressed
from fqtool.registry.model import Registry


def check_registry(registry: Registry, today: date | None = None, *, errors_only: bool = False) -> tuple[Finding, ...]:
    """Run every rule about the registry.

    Args:
        registry: The registry to check.
        today: The date (UTC) to compare dates with. None: rules that depend on the date report nothing.
        errors_only: Whether to run only the rules whose findings are errors.

    Returns:
        The findings that are not suppressed, in the order of the file.
    """
    subject = Subject(registry, today)
    rules = rules_of(Group.REGISTRY)
    if errors_only:
        rules = tuple(one for one in rules if one.severity is Severity.ERROR)
    reported, suppressions = suppressed(registry, (found for one in rules for found in one.check(subject)))
    about = (found for one in rules_of(Group.SUPPRESSIONS) for found in one.check(suppressions) if not errors_only)
    findings = (*reported, *(found for found in about if chosen(registry, found.rule)))
    return tuple(sorted(findings, key=lambda found: found.location or Location("")))


def open_registry(path: Path) -> Registry:
    """Read and check a registry. Raises RegistryError with every problem."""
    from fqtool.registry.load import read_registry

    registry = read_registry(path)
    require_sound(registry)
    return registry


def require_sound(registry: Registry) -> None:
    """Raise RegistryError with every error of a readable registry."""
    findings = check_registry(registry, errors_only=True)
    if findings:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        raise RegistryError(f"{registry.path} has {count}.", findings=findings)
