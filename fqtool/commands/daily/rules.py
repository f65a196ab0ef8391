"""Rules about the figures of a date, judged by the thresholds of the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.gate_falls import behind_text, features_behind, features_read
from fqtool.commands.diagnose.known_events import known_features
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.remedy import commands
from fqtool.monitoring.checks import Check, Verdict
from fqtool.registry.model import Registry


def check_daily(check: Check, registry: Registry, days: Sequence[Day]) -> tuple[Finding, ...]:
    """Return the findings about one figure of a date: notes where only features of known events are behind it.

    Args:
        check: The figure and its threshold.
        registry: The registry.
        days: The statistics of the date, last, and of the dates that it is compared with.
    """
    day = days[-1].day
    behind = features_behind(days, features_read(registry, check.threshold.metric))
    text = behind_text(behind)
    findings = (*daily_warning(check, day, text), *daily_critical(check, day, text))
    if behind and known_features(registry, day).issuperset(one.feature.name for one in behind):
        return tuple(replace(finding, severity=Severity.NOTE) for finding in findings)
    return findings


def _finding(check: Check, day: date, behind: str) -> Finding:
    threshold = check.threshold
    lasting = f" ({check.lasting})" if check.since else ""
    return Finding(
        threshold.name,
        f"{threshold.name} is {check.measured} on {day}; good is {check.expected}{lasting}.",
        behind,
        remedy=commands(f"diagnose --date {day}", first="For the root cause and its fix, run:"),
        location=threshold.at,
        since=check.since or day,
    )


@rule("FQ641", Severity.WARNING, group=Group.DAILY)
def daily_warning(check: Check, day: date, behind: str) -> Iterator[Finding]:
    """A daily figure is worse than good, but not critical.

    Problem: The figure is between the bounds `good` and `critical` of its threshold, or above `at_most`.

    Why: Input is partly missing, or the bounds do not fit this store.

    Example: `mean_demand` is 60.0; good is at least 70. The cause names the features that are defaulted in more rows
    than usual.

    Fix: Run `fqtool diagnose` for the date. Where the figure is normal, change the bound under `thresholds`.
    """
    if check.verdict is Verdict.WARNING:
        yield _finding(check, day, behind)


@rule("FQ642", group=Group.DAILY)
def daily_critical(check: Check, day: date, behind: str) -> Iterator[Finding]:
    """A daily figure is beyond the bound `critical` of its threshold.

    Problem: Models should not predict from these rows, nor be trained on them.

    Why: A processor did not run, or most of its input was missing.

    Example: `red_share` is 100%; good is below 5%. The cause names the features that are defaulted in more rows than
    usual.

    Fix: Run `fqtool diagnose` for the date and follow its fixes.
    """
    if check.verdict is Verdict.CRITICAL:
        yield _finding(check, day, behind)
