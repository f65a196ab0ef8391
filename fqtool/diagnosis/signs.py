"""Signs: what is unusual about one feature on one date, against the dates before it.

What a registry calls normal is none: an optional feature may be absent, a feature that may be constant may be, a row
in cold start lacks what its windows would hold. Where a sign could come by chance it is tested: a share by the exact
binomial test (Clopper and Pearson 1934), one value in all rows by the share that the value usually has, a rise over
days by the Mann-Kendall test (Mann 1945, Kendall 1975), a mean by Cohen's d (1988) beside the scatter of daily means
and its own standard error (Welch 1947).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fqtool.diagnosis.evidence import Day, FeatureDay
from fqtool.registry.model import Feature

FEWEST = 20
"""Rows below which nothing is said of a date's values."""
_BY_CHANCE = 1e-6  # of 37 features on 100 dates, one in 270 stores has a false alarm
_RISE = 0.08
_MORE = 0.2
_WHOLE = 0.9
_REPEATED, _SELDOM = 0.95, 0.8
_EFFECT = 1.0
_DAILY = 6.0
_TREND, _TREND_DAYS, _BEGINNING = 2.58, 8, 3


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
    """A sign of a feature, its share of rows, what is usual (None: no date to compare with), and its first date."""

    feature: Feature
    sign: Sign
    share: float
    usual: float | None
    days: int


def signs_of(feature: Feature, days: Sequence[Day]) -> Seen | None:
    """Return the gravest sign of a feature on the last of some dates in order, or None."""
    history = [day.features[feature.index] for day in days]
    before, today = history[:-1], history[-1]
    for look in _LOOKS:
        found = look(feature, before, today)
        if found is not None:
            sign, share, usual = found
            return Seen(feature, sign, share, usual, _lasting(feature, sign, history))
    return None


def _lasting(feature: Feature, sign: Sign, history: Sequence[FeatureDay]) -> int:
    """On how many dates to the last the sign holds; a rise counts from where it began."""
    if sign is Sign.RISING:
        start = _start([one.unexpected_share or 0.0 for one in history])
        risen = [(one.unexpected_share or 0.0) > start + _RISE / 4 for one in reversed(history)]
        return risen.index(False) if False in risen else len(history)
    count = 1
    for end in range(len(history) - 1, 1, -1):
        found = next((f for look in _LOOKS if (f := look(feature, history[: end - 1], history[end - 1]))), None)
        if found is None or found[0] is not sign:
            break
        count += 1
    return count


_Found = tuple[Sign, float, float | None] | None


def _defaulted(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> _Found:
    share, warm = today.unexpected_share, today.scored - today.cold
    if feature.optional or share is None or warm < FEWEST:
        return None
    shares = [one.unexpected_share for one in before if one.unexpected_share is not None]
    if not shares:
        return (Sign.DEFAULTED, share, None) if share >= _WHOLE else None
    usual = statistics.median(shares)
    if share < _WHOLE and _rises([*shares, share]):
        return Sign.RISING, share, _start(shares)
    stand_ins = sum(one.defaults - one.cold_defaults for one in before)
    pooled = (stand_ins + 1) / (sum(one.scored - one.cold for one in before) + 2)
    if share - usual < _RISE or _chance(round(share * warm), warm, max(usual, pooled)) > _BY_CHANCE:
        return None
    return (Sign.DEFAULTED if share >= _WHOLE else Sign.MORE_DEFAULTS), share, usual


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


def _rises(shares: Sequence[float]) -> bool:
    """Mann-Kendall: whether the later of the last dates are certainly above the earlier, and not by one leap."""
    last, start = shares[-_TREND_DAYS - 2 :], _start(shares)
    count = len(last)
    if count < _TREND_DAYS or statistics.median(last[-4:-1]) - start < _RISE / 2 or last[-1] - start < _RISE:
        return False
    score = sum((later > early) - (later < early) for at, early in enumerate(last) for later in last[at + 1 :])
    return (score - 1) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18) > _TREND


def _is_telling(one: FeatureDay) -> bool:
    """Whether the values of a date say anything: enough of them, and most not in cold start."""
    return one.present >= FEWEST and one.cold * 2 < one.present


def _constant(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> _Found:
    if feature.spread.may_be_constant or not _is_telling(today) or not today.is_constant:
        return None
    told = [one for one in before if _is_telling(one)]
    usual = [one.is_constant for one in told]
    if _share_of(today.low or 0.0, feature, told) ** today.present > _BY_CHANCE:
        return None
    if not usual:
        return (Sign.CONSTANT, 1.0, None) if feature.spread.min_stddev else None
    return (Sign.CONSTANT, 1.0, statistics.mean(usual)) if statistics.mean(usual) < 1 else None


def _share_of(value: float, feature: Feature, told: Sequence[FeatureDay]) -> float:
    """In which share of rows a feature usually has this value: known of 0, and of 1 where there is nothing between."""
    present = sum(one.present for one in told)
    if value == 0:
        return sum(one.zeros for one in told) / present if present else feature.spread.zero_share or 0.0
    if value == 1 and present and all((one.low, one.high) in ((0, 1), (0, 0), (1, 1)) for one in told):
        return 1 - sum(one.zeros for one in told) / present
    return 0.0


def _repeated(_: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> _Found:
    share = today.repeat_share
    told = [one for one in before if _is_telling(one) and one.followed >= FEWEST]
    usual = [one.repeat_share for one in told if one.repeat_share is not None]
    if share is None or share < _REPEATED or today.followed < FEWEST or not _is_telling(today) or not usual:
        return None
    return (Sign.REPEATED, share, statistics.median(usual)) if statistics.median(usual) <= _SELDOM else None


def _neutral(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> _Found:
    """A silent stand-in: the label is good, the value is what is written when the input is absent."""
    return _more(feature, Sign.NEUTRAL, [one.neutral for one in before], today.neutral, before, today)


def _outside(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> _Found:
    return _more(feature, Sign.OUTSIDE, [one.outside for one in before], today.outside, before, today)


def _more(
    feature: Feature, sign: Sign, counts: Sequence[int], count: int, before: Sequence[FeatureDay], today: FeatureDay
) -> _Found:
    """More rows than on any day like those before: rows of one day hang together, so days are compared with days."""
    told = [(number, one) for number, one in zip(counts, before, strict=True) if _is_telling(one)]
    if feature.optional or not _is_telling(today) or len(told) < 5:  # noqa: PLR2004
        return None
    shares, share = [number / one.present for number, one in told], count / today.present
    usual = statistics.median(shares)
    error = math.sqrt(max(usual * (1 - usual), 1 / today.present) / today.present)
    if share - usual < _MORE or (share - usual) / max(statistics.stdev(shares), error) < _DAILY:
        return None
    return sign, share, usual


def _shifted(feature: Feature, before: Sequence[FeatureDay], today: FeatureDay) -> _Found:
    """A mean that is far off in units of the rows' scatter and of the days' own."""
    usual = [one for one in before if _is_telling(one) and one.mean is not None and one.stddev is not None]
    if feature.optional or not _is_telling(today) or today.mean is None or len(usual) < 5:  # noqa: PLR2004
        return None
    means = [one.mean for one in usual if one.mean is not None]
    scatter = statistics.mean(one.stddev for one in usual if one.stddev is not None)
    off = abs(today.mean - statistics.mean(means))
    daily = max(statistics.stdev(means), max(scatter, today.stddev or 0.0) / math.sqrt(today.present))
    if scatter > 0 and off / scatter >= _EFFECT and off / daily >= _DAILY:
        return Sign.SHIFTED, off / scatter, statistics.mean(means)
    return None


_LOOKS = (_defaulted, _constant, _repeated, _neutral, _outside, _shifted)
