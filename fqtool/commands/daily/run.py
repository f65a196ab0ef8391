"""fqtool daily: the check of one date for cron and CI, by thresholds and by diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from fqtool.commands.daily.rules import check_daily
from fqtool.commands.diagnose.baseline import unbroken
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.run import BASELINE, Diagnosis, diagnosis_of
from fqtool.findings.finding import Finding
from fqtool.monitoring.checks import Check, Verdict
from fqtool.output.table_text import Figure
from fqtool.registry.alerts_and_models import Threshold
from fqtool.registry.model import Registry
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Daily:
    """One date: its diagnosis, its figures, and the findings of both, root causes first."""

    diagnosis: Diagnosis
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]


def daily_of(
    registry: Registry, warehouse: Warehouse, day: date, baseline: int = BASELINE, *, given: bool = True
) -> Daily:
    """Check one date by one scan of it and of its baseline. A date without rows has no figures.

    Where no user named the date, it must be at most `max_age_days` before today. Raises the errors of `diagnosis_of`.
    """
    diagnosis = diagnosis_of(registry, warehouse, day, baseline, measuring=True, given=given)
    if diagnosis.today is None:
        return Daily(diagnosis, (), diagnosis.findings)
    days = (*diagnosis.before, diagnosis.today)
    checks = tuple(_check(threshold, days) for threshold in registry.thresholds)
    findings = [finding for check in checks for finding in check_daily(check, registry, days)]
    return Daily(diagnosis, checks, (*diagnosis.findings, *findings))


def _check(threshold: Threshold, days: Sequence[Day]) -> Check:
    """The figure of the last date, and since when its verdict is as bad."""
    *before, today = (Check(threshold, _number(one.figures[threshold.name])) for one in days)
    as_bad = {Verdict.CRITICAL: (Verdict.CRITICAL,), Verdict.WARNING: (Verdict.WARNING, Verdict.CRITICAL)}
    bad = as_bad.get(today.verdict, ())
    lasting = unbroken([one.verdict in bad for one in before])
    return replace(today, since=days[-1 - lasting].day if lasting else None)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) else None


def is_of_figure(finding: Finding) -> bool:
    """Return whether a finding is about a figure, which the table of figures already has."""
    return finding.rule in ("FQ641", "FQ642")


def figures_to_act_on(checks: Sequence[Check]) -> list[Check]:
    """Return the checks that are a warning or critical."""
    return [check for check in checks if check.verdict in (Verdict.WARNING, Verdict.CRITICAL)]


def others(checks: Sequence[Check]) -> str:
    """Return a sentence with the number of figures that are not good, good and unknown."""
    good, unknown = (sum(check.verdict is verdict for check in checks) for verdict in (Verdict.GOOD, Verdict.UNKNOWN))
    counts = {"not good": len(checks) - good - unknown, "good": good, "unknown": unknown}
    parts = [f"{count} {'is' if count == 1 else 'are'} {word}" for word, count in counts.items() if count]
    return f"Of {len(checks)} figure{'s' * (len(checks) != 1)}, {', '.join(parts)}."


def figure_rows(checks: Sequence[Check]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return headers and rows of a table: each figure, its good range and its verdict."""
    rows: list[tuple[object, ...]] = [
        (check.threshold.name, Figure(check.value or 0.0, check.measured), check.expected, check.lasting)
        for check in checks
    ]
    return ("check", "measured", "good is", "verdict"), rows
