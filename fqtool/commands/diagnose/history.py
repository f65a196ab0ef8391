"""One feature on one date and on the dates before it, and what may be unusual about it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fqtool.commands.diagnose.baseline import ENOUGH, Baseline
from fqtool.commands.diagnose.daily_stats import FeatureDay
from fqtool.registry.model import Feature

FEWEST = 20
"""The values of a date with fewer rows are not judged."""
FEW = 5  # distinct values that the rows of groups share


class Sign(StrEnum):
    """What is unusual about a feature."""

    DEFAULTED = "defaulted in all rows"
    MORE_DEFAULTS = "defaulted in more rows than usual"
    RISING = "defaulted in more rows on each date"
    MISSING = "NULL under a label of real values"
    NOT_FINITE = "NaN or infinite"
    CONSTANT = "one value in all rows"
    REPEATED = "the values of the key's previous row"
    NEUTRAL = "the default value under a label of real values"
    OUTSIDE = "values outside the range"
    NEGATIVE = "values of the other sign"
    SHIFTED = "an unusual mean"
    UNRELATED = "values that do not follow those of the key's previous row"
    SCATTERED = "an unusual standard deviation"
    PRECISION = "values of another precision"
    BROKEN = "values that break a law of the registry"
    APART = "values that no longer move with those of another feature"


@dataclass(frozen=True, slots=True)
class Seen:
    """An anomaly of a feature.

    Attributes:
        feature: The feature.
        sign: The kind of anomaly.
        share: Share of rows, 0 to 1; for a mean or a distance, how many usual changes between dates it is from usual.
        usual: The usual share or mean, None without earlier dates to compare with; or the declared `null_share`, where
            only that is exceeded.
        days: Number of last dates that have the anomaly.
    """

    feature: Feature
    sign: Sign
    share: float
    usual: float | None
    days: int


@dataclass(frozen=True, slots=True)
class History:
    """One feature on the date in question and on the dates before it.

    Attributes:
        feature: The feature.
        dates: The dates before.
        before: Its statistics on these dates.
        day: The date in question.
        today: Its statistics on this date.
        siblings: For each other feature of the processor, its default share on the dates before and on this one.
    """

    feature: Feature
    dates: tuple[date, ...]
    before: tuple[FeatureDay, ...]
    day: date
    today: FeatureDay
    siblings: tuple[tuple[float | None, ...], ...] = ()

    @property
    def judged(self) -> list[FeatureDay]:
        """The dates before whose values can be judged."""
        return [one for one in self.before if is_telling(one)]

    def baseline(self, series: Sequence[float | None], lasted: int) -> Baseline:
        """Return the baseline of a figure, without the last dates that belong to the anomaly."""
        kept = zip(self.dates[: len(self.dates) - lasted], series, strict=False)
        return Baseline(tuple((day, value) for day, value in kept if value is not None))

    def scatter(self, series: Sequence[float | None], lasted: int, share: float) -> float:
        """Return how far from usual a share may be; infinite where its weekday had it before."""
        baseline = self.baseline(series, lasted)
        if baseline.is_of_weekday(self.day, share):
            return math.inf
        return baseline.reach() if len(baseline.values) >= ENOUGH else 0.0

    def fewer(self) -> float:
        """How many times fewer rows the date has than the dates before."""
        return statistics.median(one.present for one in self.judged) / self.today.present


def shares_values(today: FeatureDay) -> bool:
    """Return whether the rows of a date share so few values that they are few observations."""
    return 0 < today.distinct <= FEW


def is_telling(one: FeatureDay) -> bool:
    """Return whether the values of a date can be judged: there are enough, and most rows are not in cold start."""
    return one.present >= FEWEST and (one.cold - one.cold_defaults) * 2 < one.present
