"""What may be wrong with the figures of a date, against the thresholds of the registry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from fqtool.finding import Finding, Severity, rule
from fqtool.quality.checks import Check, Verdict


def check_daily(check: Check, day: date) -> tuple[Finding, ...]:
    """Return what is wrong with one figure of a date."""
    return (*daily_warning(check, day), *daily_critical(check, day))


def _told(check: Check, day: date) -> Finding:
    one = check.threshold
    return Finding(
        one.name,
        f"{one.name} is {check.measured} on {day}; good is {check.wanted}.",
        remedy=f"fqtool diagnose --date {day}",
        location=one.at,
    )


@rule("FQ641", Severity.WARNING)
def daily_warning(check: Check, day: date) -> Iterator[Finding]:
    """A daily figure is not good, and not critical yet.

    Problem: it lies between the bounds `good` and `critical` of its threshold, or above `at_most`.

    Why: something is partly missing; or the bounds do not fit this store.

    Example: mean_matchup is 60.0; good is at least 70.

    Fix: run `fqtool diagnose` for the date; where the figure is normal, move the bound in `thresholds`.
    """
    if check.verdict is Verdict.WARNING:
        yield _told(check, day)


@rule("FQ642")
def daily_critical(check: Check, day: date) -> Iterator[Finding]:
    """A daily figure is beyond the bound `critical` of its threshold.

    Problem: models should not predict from these rows, nor be trained on them.

    Why: a processor did not run, or most of its input was missing.

    Example: red_share is 100%; good is below 5%.

    Fix: run `fqtool diagnose` for the date and do what it says.
    """
    if check.verdict is Verdict.CRITICAL:
        yield _told(check, day)


@rule("FQ643", Severity.WARNING)
def date_not_scored(day: date, rows: int) -> Iterator[Finding]:
    """A date has rows, and none of them is scored.

    Problem: its quality is unknown, so no figure can be judged.

    Why: scoring did not run, or every row lacks its sources.

    Example: 201 rows, and feature_quality_score is NULL in all of them.

    Fix: score the date.
    """
    message = f"None of {rows} rows on {day} is scored, so its figures cannot be told."
    yield Finding("scoring", message, remedy=f"fqtool score --start {day}")
