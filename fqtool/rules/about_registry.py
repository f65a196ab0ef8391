"""Whether a registry that can be read makes sense: runs every rule of the modules that examine one."""

from __future__ import annotations

from fqtool.finding import Finding, Location, rules_of
from fqtool.registry.model import Registry
from fqtool.rules import about_columns, about_expressions, about_features, about_judgement, about_layout, about_names
from fqtool.rules.subject import Subject

MODULES = (about_names, about_columns, about_features, about_judgement, about_layout, about_expressions)


def check_registry(registry: Registry) -> tuple[Finding, ...]:
    """Return everything that is wrong with the registry, in the order of the file."""
    subject = Subject(registry)
    rules = (one for module in MODULES for one in rules_of(module.__name__))
    findings = (found for one in rules for found in one.check(subject))
    return tuple(sorted(findings, key=lambda found: found.location or Location("")))
