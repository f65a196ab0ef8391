"""Shapes: how values changed, distinguished by the means and standard deviations of a date and of the dates before.

Two swapped features move towards each other by the same share of their distance. Another unit multiplies mean and
standard deviation by the same factor. A flipped sign puts values on the other side of 0. What remains is a shift.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fqtool.commands.diagnose.baseline import SIGMA
from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.commands.diagnose.history import Seen, Sign, is_telling
from fqtool.registry.model import Feature

_LEAST_SHARE = 0.15
_SAME_SHARE = 0.1
_SCATTER = 0.1
_FACTOR, _SAME_FACTOR = 1.5, 1.4
_NEARLY = 0.2
_MIRRORED = 0.5  # of the usual mean; values nearer to 0 on the other side have only moved
_LARGER = (10, 100, 1000, 1e6, 1e9, 60, 3600, 24, 86400, 7, 12, 2.54, 3.2808, 1.6093, 2.2046)
_UNITS = (*_LARGER, *(1 / one for one in _LARGER))
"""Factors between units: decimal prefixes, times, inches, feet, miles and pounds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the values of a feature changed.

    Attributes:
        text: The change in words, such as `the values are 100 times the usual ones: another unit`.
        other: The feature that it is swapped with, None otherwise.
        is_shift: Whether it is no more than a shift.
    """

    text: str
    other: Feature | None = None
    is_shift: bool = False


def shape_of(seen: Seen, own: Sequence[Feature], days: Sequence[Day]) -> Shape:
    """Return how the values of an anomaly changed.

    Args:
        seen: An anomaly of values.
        own: The features of the same processor.
        days: The dates, the date in question last.
    """
    before, today = days[: len(days) - seen.days], days[-1]
    told = _told(seen.feature, before)
    now = today.features[seen.feature.index]
    if not told or now.mean is None or now.stddev is None or not now.present:
        return Shape("")
    for other in own:
        if other.index != seen.feature.index and _is_swapped(seen.feature, other, before, today):
            return Shape(f"it seems to be swapped with {other.name} (feature {other.index})", other)
    mean, spread = (statistics.median(getattr(one, what) for one in told) for what in ("mean", "stddev"))
    return _sign(seen, told, now, mean, spread) or _unit(now, mean, spread) or _shift(seen, now, mean)


def is_flipped(feature: Feature, before: Sequence[FeatureDay], now: FeatureDay) -> bool:
    """Return whether values on the other side of 0 can be usual ones with another sign.

    Where the declared range has both signs, such values mirror the usual ones: they are as far from 0, and the mean
    moved by no more than a change of their sign explains. A frost fulfils neither.

    Args:
        feature: The feature.
        before: The dates to compare with.
        now: The date in question.
    """
    means = [one.mean for one in before if one.mean is not None]
    if feature.range is None or not feature.range[0] < 0 < feature.range[1] or not means or now.mean is None:
        return True
    usual = statistics.median(means)
    rows, farthest = (now.negatives, now.low) if usual >= 0 else (now.present - now.negatives - now.zeros, now.high)
    explained = 2 * abs(usual) * rows / now.present
    return abs(float(farthest)) >= _MIRRORED * abs(usual) and abs(now.mean - usual) <= 2 * explained  # type: ignore[arg-type]


def _told(feature: Feature, days: Sequence[Day]) -> list[FeatureDay]:
    every = (day.features[feature.index] for day in days)
    return [one for one in every if is_telling(one) and one.mean is not None and one.stddev is not None]


def _is_swapped(one: Feature, other: Feature, before: Sequence[Day], today: Day) -> bool:
    """Whether two means moved towards each other by the same share of their distance."""
    means = [[day.mean or 0.0 for day in _told(feature, before)] for feature in (one, other)]
    now = [today.features[feature.index].mean for feature in (one, other)]
    if not all(means) or now[0] is None or now[1] is None:
        return False
    usual = [statistics.median(values) for values in means]
    distance = usual[1] - usual[0]
    changes = [
        SIGMA * statistics.median(abs(value - at) for value in values) for values, at in zip(means, usual, strict=True)
    ]
    if not distance or max(changes) > _SCATTER * abs(distance):
        return False
    shares = (now[0] - usual[0]) / distance, (usual[1] - now[1]) / distance
    return min(shares) >= _LEAST_SHARE and max(shares) <= 1 + _LEAST_SHARE and abs(shares[0] - shares[1]) <= _SAME_SHARE


def _sign(seen: Seen, told: Sequence[FeatureDay], now: FeatureDay, mean: float, spread: float) -> Shape | None:
    """A flipped sign: values below 0 where they usually are above it, or the reverse."""
    shares = [one.negatives / one.present for one in told]
    usual, share = statistics.median(shares), now.negatives / now.present
    if not is_flipped(seen.feature, told, now):
        return None
    if seen.sign is Sign.NEGATIVE or (usual < _SAME_SHARE / 2 and share >= usual + _LEAST_SHARE):
        rows = now.negatives if mean >= 0 else now.present - now.negatives - now.zeros
        return Shape(f"the sign seems to be flipped in {rows:,} rows")
    is_mirrored = now.mean is not None and abs(now.mean + mean) <= abs(mean) / 3 and abs(mean) >= spread / 2
    return Shape("the sign seems to be flipped") if is_mirrored else None


def _unit(now: FeatureDay, mean: float, spread: float) -> Shape | None:
    """One factor for mean and standard deviation; where values hardly differ, the factor between two units."""
    if not mean or not now.mean or now.mean / mean <= 0:
        return None
    of_mean = now.mean / mean
    if abs(math.log(of_mean)) < math.log(_FACTOR):
        return None
    alike = now.stddev and spread and abs(math.log(of_mean * spread / now.stddev)) <= math.log(_SAME_FACTOR)
    hardly = max(now.stddev or 0.0, spread) <= _SCATTER * abs(now.mean - mean)
    same = now.stddev and spread and abs(math.log(now.stddev / spread)) <= math.log(_SAME_FACTOR)
    if alike or (hardly and not same and any(abs(math.log(of_mean / one)) <= _NEARLY for one in _UNITS)):
        return Shape(f"the values are about {of_mean:.3g} times the usual ones, as in another unit")
    return None


def _shift(seen: Seen, now: FeatureDay, mean: float) -> Shape:
    if seen.sign not in (Sign.SHIFTED, Sign.OUTSIDE, Sign.PRECISION) or now.mean is None:
        return Shape("", is_shift=True)
    far = f"{abs(now.mean - mean):.3g} {'higher' if now.mean > mean else 'lower'}"
    if seen.sign is not Sign.SHIFTED:
        return Shape(f"the mean is {far} than usual", is_shift=True)
    return Shape(f"{far}, {min(seen.share, 1000):.1f} times the usual change between dates", is_shift=True)
