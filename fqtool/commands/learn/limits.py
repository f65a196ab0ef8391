"""The range and spread of a feature, learned from the daily statistics of dates that were in order."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.commands.diagnose.history import FEWEST
from fqtool.registry.model import Feature
from fqtool.registry.yaml.edit import flow_list, number

FEWEST_DATES = 14
_MARGIN = 0.5  # of the width of the observed values, on each side
_SOME = 0.01  # the smallest share that is written


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one feature. None and 0 are left out of the registry.

    Args:
        range: The lowest and highest plausible value; None for text, times and constant features.
        min_stddev: The lowest daily standard deviation.
        zero_share: The usual share of zeros, 0 to 1.
        null_share: The highest daily share of rows without a value, 0 to 1. NaN counts only with `nan_is_missing`.
        may_be_constant: Whether all rows of some date had one value.
    """

    range: tuple[float, float] | None = None
    min_stddev: float = 0.0
    zero_share: float = 0.0
    null_share: float = 0.0
    may_be_constant: bool = False

    def entries(self) -> Iterator[tuple[str, str]]:
        """Yield the keys of a feature's entry, and their values as YAML on one line."""
        if self.range is not None:
            yield "range", flow_list([number(one) for one in self.range])
        spread = [
            f"{name}: {number(value)}"
            for name in ("min_stddev", "zero_share", "null_share")
            if (value := getattr(self, name))
        ]
        spread += ["may_be_constant: true"] * self.may_be_constant
        if spread:
            yield "spread", f"{{{', '.join(spread)}}}"


def learned(feature: Feature, days: Sequence[Day]) -> Limits:
    """Learn the limits of a feature.

    The range is wider than the observed values by half of their width on each side, since fourteen dates do not show
    every real value. It does not cross zero where no value did, and values from 0 to 1 keep that range.

    Args:
        feature: The feature.
        days: The statistics of the dates, at least FEWEST_DATES of them.
    """
    told = [day.features[feature.index] for day in days]
    told = [one for one in told if one.present >= FEWEST]
    if not told:
        some = any(day.features[feature.index].present for day in days)
        return Limits(null_share=_null_share(feature, days) if some else 0.0)
    numbers = [(float(one.low), float(one.high)) for one in told if _is_number(one)]  # type: ignore[arg-type]
    zeros = round(statistics.median(one.zeros / one.present for one in told), 2)
    constant = any(one.is_constant for one in told)
    scatter = min((one.stddev or 0.0 for one in told), default=0.0)
    return Limits(
        _range(min(low for low, _ in numbers), max(high for _, high in numbers)) if numbers else None,
        0.0 if constant else _down(scatter),
        zeros if _SOME <= zeros < 1 else 0.0,
        _null_share(feature, days),
        constant,
    )


def _is_number(one: FeatureDay) -> bool:
    return one.mean is not None and isinstance(one.low, int | float) and not isinstance(one.low, bool)


def _null_share(feature: Feature, days: Sequence[Day]) -> float:
    """The highest share of rows without a value but for one date, rounded up; 0 where there is hardly any.

    A row with NaN or infinity has a value, which `diagnose` reports on its own: `null_share` allows none of them.
    """
    told = [(day.features[feature.index], day.rows) for day in days if day.rows]
    shares = sorted(1 - (one.present + one.nonfinite) / rows for one, rows in told)
    highest = shares[-2] if len(shares) > 1 else 0.0  # the first date of a store lacks all history
    return min(math.ceil(highest * 100) / 100, 1.0) if highest >= _SOME else 0.0


def _range(low: float, high: float) -> tuple[float, float] | None:
    width = high - low
    if width <= 0 or not math.isfinite(width):
        return None
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    least, most = low - _MARGIN * width, high + _MARGIN * width
    return (
        0.0 if low >= 0 > least else _rounded(least, width, math.floor),
        0.0 if high <= 0 < most else _rounded(most, width, math.ceil),
    )


def _down(value: float) -> float:
    """The value with two significant digits, not above it."""
    return _rounded(value, value, math.floor) if value >= sys.float_info.min and math.isfinite(value) else 0.0


def _rounded(value: float, size: float, whole: Callable[[float], int]) -> float:
    """The value as a multiple of the second digit of a size, down by `math.floor` or up by `math.ceil`."""
    digits = 1 - math.floor(math.log10(size))
    step = 10.0**-digits
    return round(whole(value / step) * step, max(0, digits))
