"""Anomalies: what is unusual about one feature on one date, compared with the dates before it.

What the registry declares normal is not an anomaly: an optional feature may be absent, a feature that may be constant
may have one value, and a row in cold start lacks the values of its windows.

An anomaly that could occur by chance is tested:

- a share of rows by the exact binomial test (Clopper and Pearson 1934);
- one value in all rows by the share of rows that usually have the value;
- a rise over days by the Mann-Kendall test (Mann 1945, Kendall 1975), where a line fits better than a step;
- a mean by Cohen's d (1988), by the scatter of daily means, and by its standard error (Welch 1947).

Rows of one date are correlated, so a difference that is usual between dates is not an anomaly. The last dates that look
like the date in question are left out of the baseline, so a problem does not become usual after its first days.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.registry.model import Feature
from fqtool.sql import Value

FEWEST = 20
"""The values of a date with fewer rows are not judged."""
BY_CHANCE = 1e-6
"""A probability below this is not chance: with 37 features and 100 dates, one store of 270 has a false alarm."""
_RISE = 0.08
_MORE = 0.2
_WHOLE = 0.9
_REPEATED = 0.95
_EFFECT = 1.0
_DAILY = 6.0
_ENOUGH = 5
_TREND, _TREND_DAYS, _BEGINNING = 2.58, 8, 3
_DAYS = re.compile(r"(\d+) days?$")


class Sign(StrEnum):
    """What is unusual about a feature."""

    DEFAULTED = "defaulted in all rows"
    MORE_DEFAULTS = "defaulted in more rows than usual"
    RISING = "defaulted in more rows on each date"
    MISSING = "NULL under a label of real values"
    NOT_FINITE = "NaN or infinite"
    CONSTANT = "one value in all rows"
    REPEATED = "the values of the day before"
    NEUTRAL = "the default value under a label of real values"
    OUTSIDE = "values outside the range"
    SHIFTED = "an unusual mean"


@dataclass(frozen=True, slots=True)
class Seen:
    """An anomaly of a feature.

    Attributes:
        feature: The feature.
        sign: The kind of anomaly.
        share: Share of rows, 0 to 1; for a mean, its distance in standard deviations.
        usual: The usual share or mean, None without earlier dates to compare with.
        days: Number of last dates that have the anomaly.
    """

    feature: Feature
    sign: Sign
    share: float
    usual: float | None
    days: int


def signs_of(feature: Feature, days: Sequence[Day]) -> Seen | None:
    """Return the gravest anomaly of a feature on the last of the sorted `days`; None without one."""
    history = [day.features[feature.index] for day in days]
    before, today = history[:-1], history[-1]
    looks = _LOOKS if _is_comparable(feature, days) else _LOOKS_AT_LABELS
    for look in looks:
        found = look(feature, before, today)
        if found is not None:
            return found
    return None


def _is_comparable(feature: Feature, days: Sequence[Day]) -> bool:
    """Whether the dates that the window of a feature covers have no gap."""
    found = _DAYS.match(feature.window)
    gaps = [(later.day, (later.day - early.day).days) for early, later in pairwise(days)]
    if found is None or not gaps:
        return True
    span, usual = int(found[1]), statistics.median(gap for _, gap in gaps)
    return not any((days[-1].day - day).days < span and gap > max(span / 2, 2 * usual) for day, gap in gaps)


def _lasting(series: Sequence[float | None], today: float, usual: float) -> int:
    """How many of the last dates are nearer to `today` than to `usual`; a None in the series is skipped.

    These dates belong to the anomaly, not to the baseline.
    """
    lasting = 0
    for count, one in enumerate(reversed(series), 1):
        if one is None:
            continue
        if abs(one - today) >= abs(one - usual):
            break
        lasting = count
    return lasting


def _apart(series: Sequence[float | None], today: float) -> tuple[list[float], int]:
    """The values before a rise that lasts until `today`, and the number of dates that it has lasted."""
    told = [one for one in series if one is not None]
    lasting = _lasting(series, today, min(told, default=today))
    return [one for one in series[: len(series) - lasting] if one is not None], lasting


def _defaulted(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    share, warm = today.unexpected_share, today.scored - today.cold
    if feature.optional or share is None:
        return None
    series = [one.unexpected_share for one in before]
    told = [one for one in series if one is not None]
    shares, lasting = _apart(series, share)
    if share < _WHOLE and (risen := _risen(told, share)):
        return Seen(feature, Sign.RISING, share, _start(told), risen)
    usual, whole = statistics.median(shares) if shares else None, _lasting(series, 1.0, 2 * _WHOLE - 1.0) + 1
    if share >= _WHOLE and (usual is None or usual >= _WHOLE):
        # No earlier date has real values, and a feature that is not optional must have some.
        return Seen(feature, Sign.DEFAULTED, share, None, whole) if warm >= FEWEST else None
    earlier = before[: len(before) - lasting]
    defaults = sum(one.defaults - one.cold_defaults for one in earlier)
    pooled = (defaults + 1) / (sum(one.scored - one.cold for one in earlier) + 2)
    if usual is None or share - usual < _RISE or _chance(round(share * warm), warm, max(usual, pooled)) > BY_CHANCE:
        return None
    sign, days = (Sign.MORE_DEFAULTS, lasting + 1) if share < _WHOLE else (Sign.DEFAULTED, whole)
    return Seen(feature, sign, share, usual, days)


def _missing(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    if feature.optional:
        return None
    declared = feature.spread.null_share
    return _without_number(feature, Sign.MISSING, [one.missing for one in (*before, today)], before, today, declared)


def _not_finite(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    return _without_number(feature, Sign.NOT_FINITE, [one.nonfinite for one in (*before, today)], before, today, None)


def _without_number(
    feature: Feature,
    sign: Sign,
    counts: Sequence[int],
    before: Sequence[FeatureDay],
    today: FeatureDay,
    declared: float | None,
) -> Seen | None:
    """More rows without a number than usual. The usual share is declared, or is that of the dates before."""
    totals = [one.present + one.missing + one.nonfinite for one in (*before, today)]
    if totals[-1] < FEWEST or not counts[-1]:
        return None
    share = counts[-1] / totals[-1]
    series = [count / total if total >= FEWEST else None for count, total in zip(counts, totals, strict=True)][:-1]
    shares, lasting = _apart(series, share)
    usual = declared if declared is not None else statistics.median(shares) if shares else 0.0
    if share >= _WHOLE > (declared or 0.0) and usual >= _WHOLE:
        # Every date before has it too, but the registry does not declare it usual.
        return Seen(feature, sign, share, None, lasting + 1)
    apart = _DAILY * statistics.stdev(shares) if len(shares) >= _ENOUGH else 0.0
    likely = _chance(counts[-1], totals[-1], max(usual, 1 / (sum(totals[:-1]) + 2))) > BY_CHANCE
    if share - usual < max(_RISE, apart) or likely:
        return None
    return Seen(feature, sign, share, usual if shares or declared is not None else None, lasting + 1)


def _all_defaulted(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    found = _defaulted(feature, before, today)
    return found if found is not None and found.sign is Sign.DEFAULTED else None


def _chance(count: int, total: int, usual: float) -> float:
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


def _start(shares: Sequence[float]) -> float:
    """The usual share on the first dates."""
    return statistics.median(shares[:_BEGINNING])


def _risen(shares: Sequence[float], today: float) -> int:
    """The number of dates for which the shares have risen to `today`; 0 where they do not rise."""
    if not _rises([*shares, today]):
        return 0
    start = _start(shares)
    risen = [one > start + _RISE / 4 for one in reversed([*shares, today])]
    return risen.index(False) if False in risen else len(risen)


def _rises(shares: Sequence[float]) -> bool:
    """Mann-Kendall: whether later dates are significantly above earlier ones, and not by one step."""
    last, start = shares[-_TREND_DAYS - 2 :], _start(shares)
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


def _is_telling(one: FeatureDay) -> bool:
    """Whether the values of a date can be judged: there are enough, and most rows are not in cold start."""
    return one.present >= FEWEST and (one.cold - one.cold_defaults) * 2 < one.present


def _constant(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    if feature.spread.may_be_constant or not _is_telling(today) or not today.is_constant:
        return None
    series = [float(one.is_constant and one.low == today.low) if _is_telling(one) else None for one in before]
    lasting = _lasting(series, 1.0, 0.0)
    told = [one for one in before[: len(before) - lasting] if _is_telling(one)]
    if not told:
        by_chance = (feature.spread.zero_share or 0.0) ** today.present if today.low == 0 else 0.0
        declared = feature.spread.min_stddev and by_chance <= BY_CHANCE
        return Seen(feature, Sign.CONSTANT, 1.0, None, lasting + 1) if declared else None
    usual = statistics.mean(one.is_constant for one in told)
    spreads = [one.stddev or 0.0 for one in told]
    if usual == 1 or _share_of(today.low, told) ** today.present > BY_CHANCE:
        return None
    if len(told) >= _ENOUGH and statistics.mean(spreads) < _DAILY * _daily(spreads, told, today):
        return None
    return Seen(feature, Sign.CONSTANT, 1.0, usual, lasting + 1)


def _share_of(value: Value, told: Sequence[FeatureDay]) -> float:
    """The share of rows in which a feature has this value: known for 0, and for 1 of a feature that is 0 or 1."""
    zeros = sum(one.zeros for one in told) / sum(one.present for one in told)
    if value == 0:
        return zeros
    return 1 - zeros if value == 1 and all((one.low, one.high) in ((0, 1), (0, 0), (1, 1)) for one in told) else 0.0


def _daily(series: Sequence[float], told: Sequence[FeatureDay], today: FeatureDay) -> float:
    """The usual distance between dates without a problem; fewer rows make it larger.

    Rows of one date are correlated, so dates are compared with dates.
    """
    fewer = statistics.median(one.present for one in told) / today.present
    return statistics.stdev(series) * math.sqrt(max(1.0, fewer))


def _repeated(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    share = today.repeat_share
    if share is None or share < _REPEATED or today.followed < FEWEST or not _is_telling(today):
        return None
    series = [one.repeat_share if _is_telling(one) and one.followed >= FEWEST else None for one in before]
    shares, lasting = _apart(series, share)
    if len(shares) < _ENOUGH or share - statistics.median(shares) < max(_MORE, _DAILY * statistics.stdev(shares)):
        return None
    return Seen(feature, Sign.REPEATED, share, statistics.median(shares), lasting + 1)


def _neutral(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    """A silent default: the label is that of a real value, the value is the default value."""
    if feature.spread.may_be_constant:
        return None
    return _more(feature, Sign.NEUTRAL, [one.neutral for one in before], today.neutral, before, today)


def _outside(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    return _more(feature, Sign.OUTSIDE, [one.outside for one in before], today.outside, before, today)


def _more(
    feature: Feature, sign: Sign, counts: Sequence[int], count: int, before: Sequence[FeatureDay], today: FeatureDay
) -> Seen | None:
    """More rows than on the dates before, beyond their usual differences."""
    if feature.optional or not _is_telling(today):
        return None
    share = count / today.present
    series = [number / one.present if _is_telling(one) else None for number, one in zip(counts, before, strict=True)]
    shares, lasting = _apart(series, share)
    if len(shares) < _ENOUGH:
        return None
    usual, told = statistics.median(shares), [one for one in before[: len(before) - lasting] if _is_telling(one)]
    error = math.sqrt(max(usual * (1 - usual), 1 / today.present) / today.present)
    if share - usual < max(_MORE, _DAILY * _daily(shares, told, today), _DAILY * error):
        return None
    return Seen(feature, sign, share, usual, lasting + 1)


def _shifted(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    """A mean that is far from usual, by the scatter of the rows and by the scatter of daily means."""
    if feature.optional or not _is_telling(today) or today.mean is None:
        return None
    series = [one.mean if _is_telling(one) else None for one in before]
    means = [one for one in series if one is not None]
    # Of two levels the usual one is that of most dates, whichever came first.
    lasting = _lasting(series, today.mean, statistics.median(means)) if means else 0
    told = [one for one in before[: len(before) - lasting] if _is_telling(one)]
    means = [one.mean for one in told if one.mean is not None]
    if len(means) < _ENOUGH:
        return None
    scatter = statistics.mean(one.stddev or 0.0 for one in told)
    off = abs(today.mean - statistics.mean(means))
    error = max(scatter, today.stddev or 0.0) / math.sqrt(today.present)
    if scatter > 0 and off >= max(_EFFECT * scatter, _DAILY * _daily(means, told, today), _DAILY * error):
        return Seen(feature, Sign.SHIFTED, off / scatter, statistics.mean(means), lasting + 1)
    return None


_LOOKS_AT_LABELS = (_defaulted,)
# A few default values must not hide that all other values are constant or old.
_LOOKS = (_all_defaulted, _missing, _not_finite, _constant, _repeated, _defaulted, _neutral, _outside, _shifted)
