"""Whether a registry that can be read makes sense: runs every rule of the modules that examine one."""

from __future__ import annotations

from datetime import date

from fqtool.finding import Finding, Location, Severity, rules_of
from fqtool.registry.model import Registry
from fqtool.rules import (
    about_columns,
    about_conditions,
    about_expressions,
    about_features,
    about_judgement,
    about_layout,
    about_limits,
    about_names,
    about_silences,
)
from fqtool.rules.silences import chosen, silenced
from fqtool.rules.subject import Subject

MODULES = (
    about_names,
    about_columns,
    about_features,
    about_judgement,
    about_layout,
    about_expressions,
    about_limits,
    about_conditions,
)


def check_registry(registry: Registry, today: date | None = None, *, errors_only: bool = False) -> tuple[Finding, ...]:
    """Return everything that is wrong with the registry and not silenced, in the order of the file.

    `today` is what dates are compared with; without it the rules that depend on the day say nothing. With
    `errors_only` the rules on what is merely unwise are not run.
    """
    subject = Subject(registry, today)
    rules = [one for module in MODULES for one in rules_of(module.__name__)]
    if errors_only:
        rules = [one for one in rules if one.severity is Severity.ERROR]
    told, silences = silenced(registry, (found for one in rules for found in one.check(subject)))
    about = (found for one in rules_of(about_silences.__name__) for found in one.check(silences) if not errors_only)
    findings = (*told, *(found for found in about if chosen(registry, found.rule)))
    return tuple(sorted(findings, key=lambda found: found.location or Location("")))
