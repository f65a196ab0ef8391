"""Daily checks: a figure of a date's rows against what the registry calls good and critical."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fqtool.registry.judgement import Threshold


class Verdict(StrEnum):
    """What a figure means; `unknown` where it cannot be told, as the mean of no rows."""

    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """A threshold and the figure that was measured, None where there is none."""

    threshold: Threshold
    value: float | None

    @property
    def verdict(self) -> Verdict:
        """The bound `good` belongs to what is good where higher is better, to warnings where lower is (DOMAIN 13)."""
        if self.value is None:
            return Verdict.UNKNOWN
        one = self.threshold
        if one.good > one.critical:
            if self.value < one.critical:
                return Verdict.CRITICAL
            too_much = one.at_most is not None and self.value > one.at_most
            return Verdict.WARNING if self.value < one.good or too_much else Verdict.GOOD
        if self.value > one.critical:
            return Verdict.CRITICAL
        return Verdict.GOOD if self.value < one.good else Verdict.WARNING

    @property
    def wanted(self) -> str:
        """What is good, in words."""
        one = self.threshold
        if one.good <= one.critical:
            return f"below {told(one.good, one.unit)}"
        most = f", at most {told(one.at_most, one.unit)}" if one.at_most is not None else ""
        return f"at least {told(one.good, one.unit)}{most}"

    @property
    def measured(self) -> str:
        """The figure in words."""
        return "unknown" if self.value is None else told(self.value, self.threshold.unit)


def told(value: float, unit: str) -> str:
    """Say a figure as its unit asks: a share in percent, other figures with one digit where they are not whole."""
    if unit == "share":
        return f"{100 * value:.1f}%".replace(".0%", "%")
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
