"""Anomalies of values: one value in all rows, old values, values outside the range, an unusual mean or scatter."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from fqtool.commands.diagnose.anomalies_of_labels import NEVER
from fqtool.commands.diagnose.baseline import BY_CHANCE, ENOUGH, apart, chance, lasting, unbroken
from fqtool.commands.diagnose.daily_stats import FeatureDay
from fqtool.commands.diagnose.history import FEW, FEWEST, History, Seen, Sign, is_telling
from fqtool.commands.diagnose.shapes import is_flipped
from fqtool.sql import Value

_MORE = 0.15
_REPEATED = 0.25
_BINARY = 2
_OUT = 0.05
# Rows of a group share one value, so a few rows out of the range may be one value.
_NEW = 5
_EFFECT, _OWN = 0.5, 0.15
_SMALL_EFFECT, _LEAP, _PART = 4 / 3, 1.2, 1 / 3
_FRACTIONS = 0.1
_ERRORS = 6.0
_TIMES = math.log(1.8)
_FACTOR = 2.0
_DATES = 10


def constant(history: History) -> Seen | None:
    """One value in all rows, where rows usually differ."""
    feature, before, today = history.feature, history.before, history.today
    if feature.spread.may_be_constant or not is_telling(today) or not today.is_constant:
        return None
    lasted = lasting([float(one.is_constant) if is_telling(one) else None for one in before], 1.0, 0.0)
    told = [one for one in before[: len(before) - lasted] if is_telling(one)]
    if not told:
        by_chance = (feature.spread.zero_share or 0.0) ** today.present if today.low == 0 else 0.0
        # A text or a time may be the same for weeks.
        since_first = lasted >= ENOUGH and today.mean is not None
        named = (feature.spread.min_stddev or since_first) and by_chance <= BY_CHANCE
        return Seen(feature, Sign.CONSTANT, 1.0, None, lasted + 1) if named else None
    usual = statistics.mean(one.is_constant for one in told)
    found = Seen(feature, Sign.CONSTANT, 1.0, usual, lasted + 1)
    if usual == 1 or _share_of(today.low, told) ** today.present > BY_CHANCE:
        return None
    if feature.spread.min_stddev and not usual:
        return found  # the registry declares that the rows of each date differ, and they did
    distinct = min(one.distinct for one in told)
    fractions = distinct > 1 and all(one.whole <= _FRACTIONS * one.present for one in told)
    if len(told) >= ENOUGH and (distinct >= ENOUGH or fractions):
        return found
    spreads = [one.stddev or 0.0 for one in told]
    if len(told) >= ENOUGH and statistics.mean(spreads) < _ERRORS * statistics.stdev(spreads) * math.sqrt(
        max(1.0, history.fewer())
    ):
        return None
    return found


def _share_of(value: Value, told: Sequence[FeatureDay]) -> float:
    """The share of rows in which a feature has this value: known for 0, and for 1 of a feature that is 0 or 1."""
    zeros = sum(one.zeros for one in told) / sum(one.present for one in told)
    if value == 0:
        return zeros
    return 1 - zeros if value == 1 and all((one.low, one.high) in ((0, 1), (0, 0), (1, 1)) for one in told) else 0.0


def repeated(history: History) -> Seen | None:
    """The values of the key's previous row, in more rows than usual."""
    share, today = history.today.repeat_share, history.today
    if share is None or share < _REPEATED or today.followed < FEWEST or not is_telling(today):
        return None
    if today.distinct and all(one.distinct <= _BINARY for one in history.judged):
        return None  # yes or no, which repeats by chance
    series = [one.repeat_share if is_telling(one) and one.followed >= FEWEST else None for one in history.before]
    shares, lasted = apart(series, share)
    if len(shares) < ENOUGH or share - statistics.median(shares) < max(_MORE, history.scatter(series, lasted, share)):
        return None
    return Seen(history.feature, Sign.REPEATED, share, statistics.median(shares), lasted + 1)


def neutral(history: History) -> Seen | None:
    """A silent default: the label is that of a real value, the value is the default value."""
    if history.feature.spread.may_be_constant and history.today.is_constant:
        return None
    return _more(history, Sign.NEUTRAL, [one.neutral for one in history.before], history.today.neutral, _MORE)


def outside(history: History) -> Seen | None:
    """Values outside the declared range, on any date, however many dates before have them."""
    today = history.today
    if not is_telling(today):
        return None
    share = today.outside / today.present
    series = [one.outside / one.present if is_telling(one) else None for one in history.before]
    days = lasting(series, share, 0.0)
    # A few values outside are usual on some stores; more than _OUT of the rows never become usual, so the last dates
    # that have more are judged together, and by the dates before them.
    earlier, last = history.before[: len(history.before) - days], (*history.before[len(history.before) - days :], today)
    usual = (sum(one.outside for one in earlier) + 1) / (sum(one.present for one in earlier) + 2)
    outside, present = sum(one.outside for one in last), sum(one.present for one in last)
    if today.outside >= _NEW and share >= NEVER and len(earlier) >= _DATES and not any(one.outside for one in earlier):
        return Seen(history.feature, Sign.OUTSIDE, share, 0.0, days + 1)
    if share < _OUT or chance(outside, present, min(usual, _OUT)) > BY_CHANCE:
        return None
    return Seen(history.feature, Sign.OUTSIDE, share, 0.0, days + 1)


def negative(history: History) -> Seen | None:
    """Values below 0 where they are usually not, or the reverse."""
    today = history.today
    if not is_telling(today):
        return None
    share = today.negatives / today.present
    shares = [one.negatives / one.present for one in history.judged]
    usual = statistics.median(shares) if shares else 0.0
    if _OUT < usual < 1 - _OUT or not is_flipped(history.feature, history.judged, today):
        return None
    counts, count = [one.negatives for one in history.before], today.negatives
    if usual > 1 / 2:
        counts = [one.present - one.negatives - one.zeros for one in history.before]
        count, share = today.present - today.negatives - today.zeros, 1 - share
    return _more(history, Sign.NEGATIVE, counts, count, _MORE)


def _more(history: History, sign: Sign, counts: Sequence[int], count: int, least: float) -> Seen | None:
    """More rows than on the dates before, beyond their usual differences."""
    today = history.today
    if not is_telling(today):
        return None
    share = count / today.present
    pairs = zip(counts, history.before, strict=True)
    series = [number / one.present if is_telling(one) else None for number, one in pairs]
    shares, lasted = apart(series, share)
    if len(shares) < ENOUGH:
        return None
    usual, baseline = statistics.median(shares), history.baseline(series, lasted)
    error = math.sqrt(max(usual * (1 - usual), 1 / today.present) / today.present)
    if len(shares) >= _DATES and not any(shares):
        # No row of the dates before had it.
        return Seen(history.feature, sign, share, usual, lasted + 1) if share >= NEVER and count > 1 else None
    if share - usual < max(least, baseline.reach(history.fewer()), _ERRORS * error):
        return None
    if baseline.is_of_weekday(history.day, share):
        return None
    return Seen(history.feature, sign, share, usual, lasted + 1)


def shifted(history: History) -> Seen | None:
    """A mean that is far from usual, by the scatter of daily means and by the scatter of the rows."""
    today = history.today
    if not is_telling(today) or today.mean is None:
        return None
    series = [one.mean if is_telling(one) else None for one in history.before]
    known = [one for one in series if one is not None]
    # Of two levels the usual one is that of most dates, whichever came first.
    lasted = lasting(series, today.mean, statistics.median(known)) if known else 0
    baseline = history.baseline(series, lasted)
    if len(baseline.values) < ENOUGH:
        return None
    told = history.judged[: len(baseline.values)]
    spreads = [one.stddev or 0.0 for one in told]
    is_apart = _is_apart(today, told)
    # On most dates the values may be constant.
    spread = statistics.median(spreads) or (statistics.mean(spreads) if is_apart else 0.0)
    off = abs(today.mean - baseline.usual)
    # Few dates do not show the scatter between dates: then each distinct value is one observation.
    observed = today.present if len(baseline.values) >= _DATES else max(today.distinct, 1)
    own = _own(told)
    more = max((today.stddev or 0.0) - spread, 0.0)
    error = _ERRORS * (own * spread + more) / math.sqrt(observed)
    reach = baseline.reach(history.fewer())
    if _BINARY < today.distinct <= FEW:
        # Few values that many rows share are few observations.
        reach = 2 * reach if is_apart else max(2 * reach, _width(told))
    elif off < spread * max(_EFFECT, _ERRORS / math.sqrt(observed)):
        reach *= _SMALL_EFFECT
    # Where the scatter grew by as much as the mean moved, some rows are far out: an event, not another level.
    if spread <= 0 or off < max(_EFFECT * own * spread + more, reach, error):
        return None
    if baseline.is_of_weekday(history.day, today.mean) or not _leapt(series, lasted, today.mean, off):
        return None
    return Seen(history.feature, Sign.SHIFTED, off / max(baseline.change, spread / 1000), baseline.usual, lasted + 1)


def _is_apart(today: FeatureDay, told: Sequence[FeatureDay]) -> bool:
    """Whether all values of a date, above 0, are below half of those of these dates, or above twice as much."""
    least, most = min(float(one.low) for one in told), max(float(one.high) for one in told)  # type: ignore[arg-type]
    low, high = float(today.low), float(today.high)  # type: ignore[arg-type]
    return min(low, least) > 0 and (_FACTOR * high < least or _FACTOR * most < low)


def _width(told: Sequence[FeatureDay]) -> float:
    """The distance from the least to the greatest value of these dates."""
    return max(float(one.high) for one in told) - min(float(one.low) for one in told)  # type: ignore[arg-type]


def _leapt(series: Sequence[float | None], lasted: int, today: float, off: float) -> bool:
    """Whether a level began with a leap; means that wander, such as the weather, or that follow a season do not."""
    means = [one for one in (*series, today) if one is not None]
    at = len(means) - 1 - sum(one is not None for one in series[len(series) - lasted :])
    leaps = sorted(abs(late - early) for early, late in pairwise(means[:at]))
    if len(leaps) < ENOUGH:
        return True
    # One date far out is two leaps.
    return abs(means[at] - means[at - 1]) >= max(_LEAP * leaps[-3 if len(leaps) >= _DATES else -1], _PART * off)


def _own(told: Sequence[FeatureDay]) -> float:
    """The part of the scatter of rows that the key's previous row does not explain, 0 to 1."""
    known = [one.follows for one in told if one.follows is not None and math.isfinite(one.follows)]
    usual = min(max(statistics.median(known), 0.0), 1.0) if known else 0.0
    return max(math.sqrt(1 - usual**2), _OWN)


def scattered(history: History) -> Seen | None:
    """A standard deviation that is a multiple of the usual one, with a mean that agrees, as in another unit."""
    today = history.today
    if not is_telling(today) or not today.stddev or today.distinct <= FEW or 2 * today.zeros > today.present:
        return None
    series = [math.log(one.stddev) if is_telling(one) and one.stddev else None for one in history.before]
    now = math.log(today.stddev)
    known = [one for one in series if one is not None]
    lasted = lasting(series, now, statistics.median(known)) if known else 0
    baseline = history.baseline(series, lasted)
    if len(baseline.values) < _DATES:
        return None
    off, error = abs(now - baseline.usual), _ERRORS / math.sqrt(2 * today.present)
    if off < max(_TIMES, baseline.reach(history.fewer()), error) or baseline.is_of_weekday(history.day, now):
        return None
    usual, factor = math.exp(baseline.usual), math.exp(now - baseline.usual)
    mean = statistics.median(one.mean or 0.0 for one in history.judged[: len(baseline.values)])
    if abs((today.mean or 0.0) - factor * mean) > _EFFECT * today.stddev:
        return None  # the values are narrower or wider, not multiplied
    least = statistics.median(float(one.low) for one in history.judged[: len(baseline.values)])  # type: ignore[arg-type]
    times = float(today.low) / least if least else factor  # type: ignore[arg-type]
    if times <= 0 or math.log(times) / math.log(factor) < _EFFECT:
        return None  # one side of the values is as usual
    return Seen(history.feature, Sign.SCATTERED, off / max(baseline.change, error / _ERRORS), usual, lasted + 1)


def broken(history: History) -> Seen | None:
    """Values that break a declared law, in any row: a law holds on every date, however many dates before break it."""
    shares = [max(one.broken.values(), default=0) / max(one.present, 1) for one in (*history.before, history.today)]
    if not shares[-1]:
        return None
    usual = statistics.median(shares[:-1]) if history.before else None
    return Seen(history.feature, Sign.BROKEN, shares[-1], usual, unbroken([share > 0 for share in shares]))
