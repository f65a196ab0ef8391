"""Signs: what is unusual about one feature on one date, against the dates before it.

What a registry calls normal is none: an optional feature may be absent, a feature that may be constant may be, a row
in cold start lacks what its windows would hold. Where a sign could come by chance it is tested: a share by the exact
binomial test (Clopper and Pearson 1934), one value in all rows by the share that the value usually has, a rise over
days by the Mann-Kendall test (Mann 1945, Kendall 1975) where a line is nearer than a step, a mean by Cohen's d (1988)
beside the scatter of daily means and its own standard error (Welch 1947). Rows of one date hang together, so what dates
differ by when nothing happens is no sign. The last dates that are like the one judged are judged with it: what is usual
is what came before them, so a cause does not hide behind its own first days.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from fqtool.diagnosis.evidence import Day, FeatureDay
from fqtool.registry.model import Feature

FEWEST = 20
"""Rows below which nothing is said of a date's values."""
BY_CHANCE = 1e-6
"""What is less likely did not come by chance: of 37 features on 100 dates, one in 270 stores has a false alarm."""
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
    """How a feature is unusual."""

    DEFAULTED = "stand-ins in all rows"
    MORE_DEFAULTS = "stand-ins in more rows than usual"
    RISING = "stand-ins in more rows every date"
    CONSTANT = "one value in all rows"
    REPEATED = "the values of the day before"
    NEUTRAL = "the stand-in value under a good label"
    OUTSIDE = "values outside the range"
    SHIFTED = "another level than usual"


@dataclass(frozen=True, slots=True)
class Seen:
    """A sign of a feature, its share of rows, what is usual (None: no date to compare with), on how many last dates."""

    feature: Feature
    sign: Sign
    share: float
    usual: float | None
    days: int


def signs_of(feature: Feature, days: Sequence[Day]) -> Seen | None:
    """Return the gravest sign of a feature on the last of some dates in order, or None."""
    history = [day.features[feature.index] for day in days]
    before, today = history[:-1], history[-1]
    looks = _LOOKS if _is_comparable(feature, days) else _LOOKS_AT_LABELS
    for look in looks:
        found = look(feature, before, today)
        if found is not None:
            return found
    return None


def _is_comparable(feature: Feature, days: Sequence[Day]) -> bool:
    """Whether the dates that a window of days looks back at have no break in them."""
    found = _DAYS.match(feature.window)
    gaps = [(later.day, (later.day - early.day).days) for early, later in pairwise(days)]
    if found is None or not gaps:
        return True
    span, usual = int(found[1]), statistics.median(gap for _, gap in gaps)
    return not any((days[-1].day - day).days < span and gap > max(span / 2, 2 * usual) for day, gap in gaps)


def _lasting(series: Sequence[float | None], today: float, usual: float) -> int:
    """How many of the last dates are more like today than like what is usual; None says nothing of its date.

    They are a part of what is judged, not of what it is judged by.
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
    """What was usual before a rise that lasts to this day, and how long it has lasted."""
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
        # Nothing tells of another usual, and no feature that is not optional is meant to be absent.
        return Seen(feature, Sign.DEFAULTED, share, None, whole) if warm >= FEWEST else None
    earlier = before[: len(before) - lasting]
    stand_ins = sum(one.defaults - one.cold_defaults for one in earlier)
    pooled = (stand_ins + 1) / (sum(one.scored - one.cold for one in earlier) + 2)
    if usual is None or share - usual < _RISE or _chance(round(share * warm), warm, max(usual, pooled)) > BY_CHANCE:
        return None
    sign, days = (Sign.MORE_DEFAULTS, lasting + 1) if share < _WHOLE else (Sign.DEFAULTED, whole)
    return Seen(feature, sign, share, usual, days)


def _all_defaulted(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    found = _defaulted(feature, before, today)
    return found if found is not None and found.sign is Sign.DEFAULTED else None


def _chance(count: int, total: int, usual: float) -> float:
    """How likely so many of so many are, or more, where the share is usually that: the tail of the binomial."""
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
    """What was usual when the dates began."""
    return statistics.median(shares[:_BEGINNING])


def _risen(shares: Sequence[float], today: float) -> int:
    """For how many dates the shares have been rising to this day's; 0 where they do not."""
    if not _rises([*shares, today]):
        return 0
    start = _start(shares)
    risen = [one > start + _RISE / 4 for one in reversed([*shares, today])]
    return risen.index(False) if False in risen else len(risen)


def _rises(shares: Sequence[float]) -> bool:
    """Mann-Kendall: whether the later of the last dates are certainly above the earlier, and not by one leap."""
    last, start = shares[-_TREND_DAYS - 2 :], _start(shares)
    count = len(last)
    if count < _TREND_DAYS or statistics.median(last[-4:-1]) - start < _RISE / 2 or last[-1] - start < _RISE:
        return False
    score = sum((later > early) - (later < early) for at, early in enumerate(last) for later in last[at + 1 :])
    certain = (score - 1) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18) > _TREND
    return certain and _misses_a_line(last) < _misses_a_step(last)


def _misses_a_line(shares: Sequence[float]) -> float:
    """The squared distance from the nearest straight line."""
    at = range(len(shares))
    line = statistics.linear_regression(at, shares)
    return sum((one - line.intercept - line.slope * x) ** 2 for x, one in zip(at, shares, strict=True))


def _misses_a_step(shares: Sequence[float]) -> float:
    """The squared distance from the nearest two levels, one after the other."""

    def scatter(part: Sequence[float]) -> float:
        return statistics.pvariance(part) * len(part)

    return min(scatter(shares[:at]) + scatter(shares[at:]) for at in range(1, len(shares)))


def _is_telling(one: FeatureDay) -> bool:
    """Whether the values of a date say anything: enough of them, and most not in cold start."""
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
    if usual == 1 or _share_of(today.low or 0.0, told) ** today.present > BY_CHANCE:
        return None
    if len(told) >= _ENOUGH and statistics.mean(spreads) < _DAILY * _daily(spreads, told, today):
        return None
    return Seen(feature, Sign.CONSTANT, 1.0, usual, lasting + 1)


def _share_of(value: float, told: Sequence[FeatureDay]) -> float:
    """In which share of rows a feature has this value: known of 0, and of 1 where there is nothing between."""
    zeros = sum(one.zeros for one in told) / sum(one.present for one in told)
    if value == 0:
        return zeros
    return 1 - zeros if value == 1 and all((one.low, one.high) in ((0, 1), (0, 0), (1, 1)) for one in told) else 0.0


def _daily(series: Sequence[float], told: Sequence[FeatureDay], today: FeatureDay) -> float:
    """How far dates are apart that nothing happened on; the more so, the fewer rows there are.

    Rows of one date hang together: what they share is drawn once for many of them, so dates are compared with dates.
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
    """A silent stand-in: the label is good, the value is what is written when the input is absent."""
    if feature.spread.may_be_constant:
        return None
    return _more(feature, Sign.NEUTRAL, [one.neutral for one in before], today.neutral, before, today)


def _outside(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> Seen | None:
    return _more(feature, Sign.OUTSIDE, [one.outside for one in before], today.outside, before, today)


def _more(
    feature: Feature, sign: Sign, counts: Sequence[int], count: int, before: Sequence[FeatureDay], today: FeatureDay
) -> Seen | None:
    """More rows than on any date like those before."""
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
    """A mean that is far off in units of the rows' scatter and of the days' own."""
    if feature.optional or not _is_telling(today) or today.mean is None:
        return None
    series = [one.mean if _is_telling(one) else None for one in before]
    means = [one for one in series if one is not None]
    # Which of two levels is the usual one is told by most dates, whichever came first.
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
# Some stand-ins do not hide that all other values are one, or old.
_LOOKS = (_all_defaulted, _constant, _repeated, _defaulted, _neutral, _outside, _shifted)
