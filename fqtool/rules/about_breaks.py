"""What a new registry breaks for those who live by the old one, as findings: breaking, risky, safe.

An error is breaking: a reader, writer or model fails, or reads something else without an error. A warning is risky:
the same row is judged otherwise. A note is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fqtool.finding import Finding, Rule, Severity, rule, rules_of
from fqtool.registry.edits import ORDER, Edit
from fqtool.rules import (
    about_column_breaks,
    about_feature_breaks,
    about_judgement_breaks,
    about_layout_breaks,
    about_reader_breaks,
)
from fqtool.rules.comparison import Altered, Broken, Comparison, Difference, Unversioned
from fqtool.rules.edit_words import shown

MODULES = (about_feature_breaks, about_column_breaks, about_layout_breaks, about_judgement_breaks, about_reader_breaks)
_NO_LEVELS: dict[str, Severity | None] = {}


def check_breaks(comparison: Comparison, levels: Mapping[str, Severity | None] = _NO_LEVELS) -> tuple[Finding, ...]:
    """Return what every difference breaks, the gravest first: at least one finding for each, none for none.

    `levels` maps a rule's code to another severity, or None to leave it out. Raises InputError for a column type that
    is none.
    """
    rules = [one for module in MODULES for one in rules_of(module.__name__)]
    found = [finding for one in comparison.differences for finding in _told(one, rules)]
    return levelled(found, levels)


def levelled(findings: Iterable[Finding], levels: Mapping[str, Severity | None]) -> tuple[Finding, ...]:
    """Return the findings with the severities that `levels` gives them, the gravest first, then by code."""
    graded = [(one, levels.get(one.rule, one.severity)) for one in findings]
    kept = [replace(one, severity=level) for one, level in graded if level is not None]
    order = list(Severity)
    return tuple(sorted(kept, key=lambda one: (order.index(one.severity), one.rule)))


def _told(one: Difference, rules: list[Rule]) -> tuple[Finding, ...]:
    return tuple(found for each in rules for found in each.check(one)) or setting_changed(one)


@rule("FQ849", Severity.NOTE)
def setting_changed(one: Difference) -> Iterator[Finding]:
    """Something else changed.

    Problem: none that fqtool knows of.

    Why: no other rule speaks of it: prices, levels of drift, how values usually scatter, the order of entries that are
    looked up by name.

    Example: another list price.

    Fix: nothing.
    """
    match one:
        case Edit(part, name, field) if field == ORDER:
            subject = name or part
            told = f"The entries of {'.'.join(filter(None, (part, name)))} stand in another order."
        case Edit(part, name, field, old, new):
            subject = name or part
            told = f"{' of '.join(filter(None, (field, name, part)))} was {shown(old)} and is now {shown(new)}."
        case Altered(entry):
            subject, told = entry or "table", f"{entry or 'The table'} changed."
        case Broken(how):
            subject, told = how.subject, how.message
        case Unversioned():
            subject, told = "schema_versions", "What is stored changes."
    yield Finding(subject, told, location=one.at)
