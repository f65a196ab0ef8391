"""Drift told as Findings. It is a migration not yet decided, so it is the same `diff`, with cause and remedy."""

from __future__ import annotations

from dataclasses import replace

from fqtool.finding import Finding, Severity, rules_of
from fqtool.rules import about_column_drift, about_table_drift
from fqtool.rules.drift import Drift

_IGNORED: dict[str, Severity | None] = {"FQ308": None}


def check_drift(drifts: tuple[Drift, ...], levels: dict[str, Severity | None]) -> tuple[Finding, ...]:
    """Tell drifts as Findings. `levels` maps a rule's code to another severity, or None to leave it out."""
    told: list[Finding] = []
    for one in (*rules_of(about_column_drift.__name__), *rules_of(about_table_drift.__name__)):
        level = levels.get(one.code, _IGNORED.get(one.code, one.severity))
        if level is not None:
            told += [replace(found, severity=level) for drift in drifts for found in one.check(drift)]
    return tuple(told)
