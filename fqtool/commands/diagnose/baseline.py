"""The baseline: what is usual for a figure of a date, by the same figure of the dates before it.

Usual is the median, and the usual change between dates is the median absolute deviation times 1.4826, which estimates
the standard deviation and which one bad date does not move (Hampel 1974; Huber, Robust Statistics, 1981). A figure that
the same weekday had before is usual too. The last dates that look like the date in question are left out, so that a
problem does not become usual after its first days.

Other differences that could occur by chance are tested by the exact binomial test (Clopper and Pearson 1934), and a
rise over days by the Mann-Kendall test (Mann 1945, Kendall 1975), where a line fits better than a step.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

BY_CHANCE = 1e-6
"""A probability below this is not chance: with 37 features and 100 dates, one store of 270 has a false alarm."""
ENOUGH = 5
"""Fewest dates that show how much a figure changes between dates."""
SIGMA = 1.4826
_CHANGES = 6.0
_BEYOND = 1.5
_TRIMMED = 10  # with so many dates, one of them may be an outlier
_NEARER = 0.35
_RISE = 0.08
_TREND, _TREND_DAYS, _BEGINNING = 2.58, 8, 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """The figures of the dates before.

    Attributes:
        values: Date -> figure, in order.
    """

    values: tuple[tuple[date, float], ...]

    @property
    def usual(self) -> float:
        """The median."""
        return statistics.median(value for _, value in self.values)

    @property
    def change(self) -> float:
        """The usual change between dates: the median absolute deviation as a standard deviation."""
        usual = self.usual
        return SIGMA * statistics.median(abs(value - usual) for _, value in self.values)

    def reach(self, fewer: float = 1.0) -> float:
        """How far from the median a figure may be.

        That is six usual changes, and more than the farthest of the dates before, of which one may be an outlier.

        Args:
            fewer: How many times fewer rows the date has than the dates before; fewer rows scatter more.
        """
        usual = self.usual
        far = sorted(abs(value - usual) for _, value in self.values)
        farthest = far[-2] if len(far) >= _TRIMMED else far[-1]
        return max(_CHANGES * self.change, _BEYOND * farthest) * math.sqrt(max(1.0, fewer))

    def is_of_weekday(self, day: date, today: float) -> bool:
        """Return whether the figure is near that of an earlier date with the same weekday."""
        off = abs(today - self.usual)
        same = [value for one, value in self.values if one.weekday() == day.weekday()]
        return any(abs(today - value) <= _NEARER * off for value in same)


def lasting(series: Sequence[float | None], today: float, usual: float) -> int:
    """How many of the last dates are nearer to `today` than to `usual`; a None in the series is skipped.

    These dates belong to the anomaly, not to the baseline.
    """
    count = 0
    for number, one in enumerate(reversed(series), 1):
        if one is None:
            continue
        if abs(one - today) >= abs(one - usual):
            break
        count = number
    return count


def unbroken(holds: Sequence[bool]) -> int:
    """How many of the last dates hold in sequence, 0 where the last one does not."""
    return next((at for at, one in enumerate(reversed(holds)) if not one), len(holds))


def apart(series: Sequence[float | None], today: float) -> tuple[list[float], int]:
    """The values before a rise that lasts until `today`, and the number of dates that it has lasted."""
    known = [one for one in series if one is not None]
    lasted = lasting(series, today, min(known, default=today))
    return [one for one in series[: len(series) - lasted] if one is not None], lasted


def chance(count: int, total: int, usual: float) -> float:
    """The probability of `count` or more of `total` rows at the share `usual`: the tail of the binomial."""
    if usual >= 1:
        return 1.0
    found, odds = 0.0, math.log(usual) - math.log1p(-usual)
    ways = math.lgamma(total + 1) + total * math.log1p(-usual)
    for one in range(count, total + 1):
        term = math.exp(ways - math.lgamma(one + 1) - math.lgamma(total - one + 1) + one * odds)
        found += term
        if term < found * 1e-12:
            break
    return found


def start_of(shares: Sequence[float]) -> float:
    """The usual share on the first dates."""
    return statistics.median(shares[:_BEGINNING])


def risen(shares: Sequence[float], today: float) -> int:
    """The number of dates for which the shares have risen to `today`; 0 where they do not rise."""
    if not rises([*shares, today]):
        return 0
    start = start_of(shares)
    above = [one > start + _RISE / 4 for one in reversed([*shares, today])]
    return above.index(False) if False in above else len(above)


def rises(shares: Sequence[float]) -> bool:
    """Mann-Kendall: whether later dates are significantly above earlier ones, and not by one step."""
    last, start = shares[-_TREND_DAYS - 2 :], start_of(shares)
    count = len(last)
    if count < _TREND_DAYS or statistics.median(last[-4:-1]) - start < _RISE / 2 or last[-1] - start < _RISE:
        return False
    score = sum((later > early) - (later < early) for at, early in enumerate(last) for later in last[at + 1 :])
    certain = (score - 1) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18) > _TREND
    return certain and _misses_a_line(last) < _misses_a_step(last)


def _misses_a_line(shares: Sequence[float]) -> float:
    """The squared distance from the best straight line."""
    at = range(len(shares))
    line = statistics.linear_regression(at, shares)
    return sum((one - line.intercept - line.slope * x) ** 2 for x, one in zip(at, shares, strict=True))


def _misses_a_step(shares: Sequence[float]) -> float:
    """The squared distance from the best two levels, one after the other."""

    def scatter(part: Sequence[float]) -> float:
        return statistics.pvariance(part) * len(part)

    return min(scatter(shares[:at]) + scatter(shares[at:]) for at in range(1, len(shares)))
