"""Daily checks: a figure of the rows of a date, judged by a threshold of the registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fqtool.registry.alerts_and_models import Threshold


class Verdict(StrEnum):
    """What a figure means; `unknown` for a figure without a value, such as the mean of 0 rows."""

    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """A threshold and the measured figure of a date.

    Attributes:
        threshold: The threshold.
        value: The figure, None for one without a value.
        since: The first of the dates in sequence with a verdict at least as bad, None where the date before is better.
    """

    threshold: Threshold
    value: float | None
    since: date | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict. The bound `good` itself is good where higher is better, and a warning where lower is better."""
        if self.value is None:
            return Verdict.UNKNOWN
        threshold = self.threshold
        if threshold.good > threshold.critical:
            if self.value < threshold.critical:
                return Verdict.CRITICAL
            too_much = threshold.at_most is not None and self.value > threshold.at_most
            return Verdict.WARNING if self.value < threshold.good or too_much else Verdict.GOOD
        if self.value > threshold.critical:
            return Verdict.CRITICAL
        return Verdict.GOOD if self.value < threshold.good else Verdict.WARNING

    @property
    def lasting(self) -> str:
        """The verdict, with the first date that has it: `critical since 2026-02-04`."""
        return f"{self.verdict} since {self.since}" if self.since else str(self.verdict)

    @property
    def expected(self) -> str:
        """The good range as text, such as `at least 80%`."""
        threshold = self.threshold
        if threshold.good <= threshold.critical:
            return f"below {figure_text(threshold.good, threshold.unit)}"
        most = f", at most {figure_text(threshold.at_most, threshold.unit)}" if threshold.at_most is not None else ""
        return f"at least {figure_text(threshold.good, threshold.unit)}{most}"

    @property
    def measured(self) -> str:
        """The figure as text, with its unit."""
        return "unknown" if self.value is None else figure_text(self.value, self.threshold.unit)


def figure_text(value: float, unit: str) -> str:
    """Return a figure as text: a share in percent, another figure with one decimal unless it is whole."""
    if unit == "share":
        return f"{100 * value:.1f}%".replace(".0%", "%")
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
