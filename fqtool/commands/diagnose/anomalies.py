"""Anomalies: what is unusual about one feature on one date, compared with the dates before it.

What the registry declares normal is not an anomaly: an optional feature may be absent, a feature that may be constant
may have one value, and a row in cold start lacks the values of its windows. A declared range or share holds on every
date, also where all dates before break it; what is not declared is compared with the baseline.

Rows of one date are correlated, and a value that all rows of a group share is one observation. So a date is compared
with dates, by the scatter between dates (see `baseline`), and not by the number of its rows.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from fqtool.commands.diagnose.baseline import BY_CHANCE, ENOUGH, Baseline, apart, chance, lasting, risen, start_of
from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.registry.model import Feature
from fqtool.sql import Value

FEWEST = 20
"""The values of a date with fewer rows are not judged."""
_RISE = 0.08
_MORE = 0.15
_WHOLE = 0.9
_USUALLY_REAL = 0.25  # a larger share of default values must be declared
_REPEATED = 0.25
_BINARY = 2
_OUT = 0.05
_PAIRS = 40  # fewer rows with a previous row: their mean distance varies too much between dates
_EFFECT = 0.5
_CLOSE, _FARTHER = 0.6, 0.2
_FEW = 5  # distinct values that the rows of groups share
_ERRORS = 6.0
_DATES = 10
_DAYS = re.compile(r"(\d+) days?$")


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
    UNRELATED = "values far from the key's previous row"


@dataclass(frozen=True, slots=True)
class Seen:
    """An anomaly of a feature.

    Attributes:
        feature: The feature.
        sign: The kind of anomaly.
        share: Share of rows, 0 to 1; for a mean or a distance, how many usual changes between dates it is from usual.
        usual: The usual share or mean, None without earlier dates to compare with.
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
    """

    feature: Feature
    dates: tuple[date, ...]
    before: tuple[FeatureDay, ...]
    day: date
    today: FeatureDay

    @property
    def judged(self) -> list[FeatureDay]:
        """The dates before whose values can be judged."""
        return [one for one in self.before if is_telling(one)]

    def baseline(self, series: Sequence[float | None], lasted: int) -> Baseline:
        """Return the baseline of a figure, without the last dates that belong to the anomaly."""
        kept = zip(self.dates[: len(self.dates) - lasted], series, strict=False)
        return Baseline(tuple((day, value) for day, value in kept if value is not None))

    def fewer(self) -> float:
        """How many times fewer rows the date has than the dates before."""
        return statistics.median(one.present for one in self.judged) / self.today.present


def signs_of(feature: Feature, days: Sequence[Day]) -> Seen | None:
    """Return the gravest anomaly of a feature on the last of the sorted `days`; None without one."""
    *before, today = (day.features[feature.index] for day in days)
    history = History(feature, tuple(day.day for day in days[:-1]), tuple(before), days[-1].day, today)
    looks = _LOOKS if _is_comparable(feature, days) else _LOOKS_AT_LABELS
    for look in looks:
        found = look(history)
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


def shares_values(today: FeatureDay) -> bool:
    """Return whether the rows of a date share so few values that they are few observations."""
    return 0 < today.distinct <= _FEW


def is_telling(one: FeatureDay) -> bool:
    """Return whether the values of a date can be judged: there are enough, and most rows are not in cold start."""
    return one.present >= FEWEST and (one.cold - one.cold_defaults) * 2 < one.present


def _defaulted(history: History) -> Seen | None:
    feature, before, today = history.feature, history.before, history.today
    share, warm, declared = today.unexpected_share, today.scored - today.cold, feature.spread.null_share
    if feature.optional or share is None:
        return None
    series = [one.unexpected_share for one in before]
    known = [one for one in series if one is not None]
    if declared is None and share < _WHOLE and (days := risen(known, share)):
        return Seen(feature, Sign.RISING, share, start_of(known), days)
    shares, lasted = apart(series, share)
    whole = lasting(series, 1.0, 2 * _WHOLE - 1.0) + 1
    if declared is not None:
        return _more_than_declared(history, share, declared, series)
    usual = statistics.median(shares) if shares else None
    if share >= _WHOLE and (usual is None or usual >= _WHOLE):
        # No earlier date has real values, and a feature that is not optional must have some.
        return Seen(feature, Sign.DEFAULTED, share, None, whole) if warm >= FEWEST else None
    lasts = len(known) >= ENOUGH and statistics.median(known) >= _USUALLY_REAL and share - min(known) < _RISE
    if lasts and share >= _USUALLY_REAL and warm >= FEWEST:
        # The dates before are as bad, and the registry does not declare it.
        return Seen(feature, Sign.MORE_DEFAULTS, share, None, len(before) + 1)
    if usual is None:
        return None
    earlier = before[: len(before) - lasted]
    defaults = sum(one.defaults - one.cold_defaults for one in earlier)
    pooled = (defaults + 1) / (sum(one.scored - one.cold for one in earlier) + 2)
    likely = chance(round(share * warm), warm, max(usual, pooled)) > BY_CHANCE
    if likely or share - usual < max(_RISE, _scatter(history, series, lasted, share)):
        return None
    sign, days = (Sign.MORE_DEFAULTS, lasted + 1) if share < _WHOLE else (Sign.DEFAULTED, whole)
    return Seen(feature, sign, share, usual, days)


def _more_than_declared(history: History, share: float, declared: float, series: Sequence[float | None]) -> Seen | None:
    """More default values than the registry declares, on any date, however many dates before are as bad."""
    today = history.today
    warm = today.scored - today.cold
    if share - declared < _RISE or chance(round(share * warm), warm, max(declared, 1 / (warm + 2))) > BY_CHANCE:
        return None
    sign = Sign.DEFAULTED if share >= _WHOLE else Sign.MORE_DEFAULTS
    return Seen(history.feature, sign, share, declared, lasting(series, share, declared) + 1)


def _scatter(history: History, series: Sequence[float | None], lasted: int, share: float) -> float:
    """How far from usual a share may be by the scatter between dates; infinite where its weekday had it before."""
    baseline = history.baseline(series, lasted)
    if baseline.is_of_weekday(history.day, share):
        return math.inf
    return baseline.reach() if len(baseline.values) >= ENOUGH else 0.0


def _missing(history: History) -> Seen | None:
    if history.feature.optional:
        return None
    declared = history.feature.spread.null_share
    counts = [one.missing for one in (*history.before, history.today)]
    return _without_number(history, Sign.MISSING, counts, declared)


def _not_finite(history: History) -> Seen | None:
    return _without_number(history, Sign.NOT_FINITE, [one.nonfinite for one in (*history.before, history.today)], None)


def _without_number(history: History, sign: Sign, counts: Sequence[int], declared: float | None) -> Seen | None:
    """More rows without a number than usual. The usual share is declared, or is that of the dates before."""
    totals = [one.present + one.missing + one.nonfinite for one in (*history.before, history.today)]
    if totals[-1] < FEWEST or not counts[-1]:
        return None
    share = counts[-1] / totals[-1]
    series = [count / total if total >= FEWEST else None for count, total in zip(counts, totals, strict=True)][:-1]
    shares, lasted = apart(series, share)
    usual = declared if declared is not None else statistics.median(shares) if shares else 0.0
    if share >= _USUALLY_REAL > (declared or 0.0) and usual >= _USUALLY_REAL:
        # Every date before has it too, but the registry does not declare it usual.
        return Seen(history.feature, sign, share, None, lasted + 1)
    likely = chance(counts[-1], totals[-1], max(usual, 1 / (sum(totals[:-1]) + 2))) > BY_CHANCE
    scatter = _scatter(history, series, lasted, share) if shares and declared is None else 0.0
    if likely or share - usual < max(_RISE, scatter):
        return None
    return Seen(history.feature, sign, share, usual if shares or declared is not None else None, lasted + 1)


def _all_defaulted(history: History) -> Seen | None:
    found = _defaulted(history)
    return found if found is not None and found.sign is Sign.DEFAULTED else None


def _constant(history: History) -> Seen | None:
    feature, before, today = history.feature, history.before, history.today
    if feature.spread.may_be_constant or not is_telling(today) or not today.is_constant:
        return None
    series = [float(one.is_constant and one.low == today.low) if is_telling(one) else None for one in before]
    lasted = lasting(series, 1.0, 0.0)
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
    if len(told) >= ENOUGH and min(one.distinct for one in told) >= ENOUGH:
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


def _repeated(history: History) -> Seen | None:
    share, today = history.today.repeat_share, history.today
    if share is None or share < _REPEATED or today.followed < FEWEST or not is_telling(today):
        return None
    if today.distinct and all(one.distinct <= _BINARY for one in history.judged):
        return None  # yes or no, which repeats by chance
    series = [one.repeat_share if is_telling(one) and one.followed >= FEWEST else None for one in history.before]
    shares, lasted = apart(series, share)
    if len(shares) < ENOUGH or share - statistics.median(shares) < max(_MORE, _scatter(history, series, lasted, share)):
        return None
    return Seen(history.feature, Sign.REPEATED, share, statistics.median(shares), lasted + 1)


def _neutral(history: History) -> Seen | None:
    """A silent default: the label is that of a real value, the value is the default value."""
    if history.feature.spread.may_be_constant:
        return None
    return _more(history, Sign.NEUTRAL, [one.neutral for one in history.before], history.today.neutral, _MORE)


def _outside(history: History) -> Seen | None:
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
    if share < _OUT or chance(outside, present, min(usual, _OUT)) > BY_CHANCE:
        return None
    return Seen(history.feature, Sign.OUTSIDE, share, 0.0, days + 1)


def _negative(history: History) -> Seen | None:
    """Values below 0 where they are usually not, or the reverse."""
    today = history.today
    if not is_telling(today):
        return None
    share = today.negatives / today.present
    shares = [one.negatives / one.present for one in history.judged]
    usual = statistics.median(shares) if shares else 0.0
    if _OUT < usual < 1 - _OUT:
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
    if share - usual < max(least, baseline.reach(history.fewer()), _ERRORS * error):
        return None
    if baseline.is_of_weekday(history.day, share):
        return None
    return Seen(history.feature, sign, share, usual, lasted + 1)


def _shifted(history: History) -> Seen | None:
    """A mean that is far from usual, by the scatter of daily means and by the scatter of the rows."""
    today = history.today
    if not is_telling(today) or today.mean is None:
        return None
    return _far(history, Sign.SHIFTED, [one.mean if is_telling(one) else None for one in history.before], today.mean)


def _unrelated(history: History) -> Seen | None:
    """Values that are farther from those of the key's previous row than usual: values of other keys."""
    today = history.today
    if not is_telling(today) or today.step is None or today.followed < _PAIRS:
        return None
    series = [one.step if is_telling(one) and one.followed >= _PAIRS else None for one in history.before]
    found = _far(history, Sign.UNRELATED, series, today.step)
    spread = statistics.median(one.stddev or 0.0 for one in history.judged) if history.judged else 0.0
    if found is None or found.usual is None or not spread or found.usual >= min(today.step, _CLOSE * spread):
        return None
    # After a date with a wide scatter, or on one, steps are large too.
    widest = max(today.stddev or 0.0, history.judged[-1].stddev or 0.0)
    return found if today.step >= (found.usual / spread + _FARTHER) * widest else None


def _far(history: History, sign: Sign, series: Sequence[float | None], value: float) -> Seen | None:
    """A figure that is far from the median of the dates before, by its scatter between dates."""
    known, today = [one for one in series if one is not None], history.today
    # Of two levels the usual one is that of most dates, whichever came first.
    lasted = lasting(series, value, statistics.median(known)) if known else 0
    baseline = history.baseline(series, lasted)
    if len(baseline.values) < ENOUGH:
        return None
    told = history.judged[: len(baseline.values)]
    spread = statistics.median(one.stddev or 0.0 for one in told)
    off = abs(value - baseline.usual)
    # Few dates do not show the scatter between dates: then each distinct value is one observation.
    observed = today.present if len(baseline.values) >= _DATES else max(today.distinct, 1)
    error = max(spread, today.stddev or 0.0) / math.sqrt(observed)
    # Few values that many rows share are few observations.
    reach = baseline.reach(history.fewer()) * (2 if _BINARY < today.distinct <= _FEW else 1)
    if spread <= 0 or off < max(_EFFECT * spread, reach, _ERRORS * error):
        return None
    if baseline.is_of_weekday(history.day, value):
        return None
    return Seen(history.feature, sign, off / max(baseline.change, spread / 1000), baseline.usual, lasted + 1)


_LOOKS_AT_LABELS = (_defaulted,)
_LOOKS = (
    _all_defaulted, _missing, _not_finite, _constant, _repeated, _defaulted, _neutral, _outside, _negative, _shifted,
    _unrelated,
)  # fmt: skip
"""A few default values must not hide that all other values are constant or old."""
