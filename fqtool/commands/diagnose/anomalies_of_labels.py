"""Anomalies of absence: rows that are defaulted, NULL, NaN or infinite, in more rows than the registry or usual."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from fqtool.commands.diagnose.baseline import BY_CHANCE, ENOUGH, apart, chance, lasting, risen, start_of, unbroken
from fqtool.commands.diagnose.daily_stats import FeatureDay
from fqtool.commands.diagnose.history import FEWEST, History, Seen, Sign

RISE = 0.08
"""The least rise of a share that is an anomaly."""
NEVER = 0.03
"""The least share of rows with what no row of at least ten dates had."""
_WHOLE = 0.9
_USUALLY_REAL = 0.25  # a larger share of default values must be declared
_DATES = 10


def defaulted(history: History) -> Seen | None:
    """More default values than declared, than usual, or than the other features of the processor."""
    feature, share = history.feature, history.today.unexpected_share
    if feature.optional or share is None:
        return None
    series = [_absent_share(one) for one in history.before]
    known = [one for one in series if one is not None]
    declared = feature.spread.null_share
    if share < _WHOLE and share - (declared or 0.0) >= RISE and (days := risen(known, share)):
        return Seen(feature, Sign.RISING, share, start_of(known), days)
    # A declared share is a limit and not what is usual: a rise below it is unusual all the same.
    found = _more_than_usual(history, share, series)
    if found is None and declared is not None:
        found = _more_than_declared(history, share, declared, series)
    return found or _more_than_siblings(history, share)


def _absent_share(one: FeatureDay) -> float | None:
    """The default share of an earlier date; where nearly all rows are NULL under a label of real values, their share.

    Such a date has no values either, so better labels of a later date do not count as a rise.
    """
    missing = one.missing / one.scored if one.scored else 0.0
    return missing if missing >= _WHOLE else one.unexpected_share


def _more_than_declared(history: History, share: float, declared: float, series: Sequence[float | None]) -> Seen | None:
    """More default values than the registry declares, on any date, however many dates before are as bad."""
    today = history.today
    warm = today.scored - today.cold
    if share - declared < RISE or chance(round(share * warm), warm, max(declared, 1 / (warm + 2))) > BY_CHANCE:
        return None
    sign = Sign.DEFAULTED if share >= _WHOLE else Sign.MORE_DEFAULTS
    return Seen(history.feature, sign, share, declared, lasting(series, share, declared) + 1)


def _more_than_usual(history: History, share: float, series: Sequence[float | None]) -> Seen | None:
    """More default values than on the dates before; a share that is always high must be declared."""
    feature, before, today = history.feature, history.before, history.today
    known = [one for one in series if one is not None]
    shares, lasted = apart(series, share)
    warm, whole = today.scored - today.cold, lasting(series, 1.0, 2 * _WHOLE - 1.0) + 1
    usual, is_declared = statistics.median(shares) if shares else None, feature.spread.null_share is not None
    if share >= _WHOLE and (usual is None or usual >= _WHOLE) and not is_declared:
        # No earlier date has real values, and a feature that is not optional must have some.
        return Seen(feature, Sign.DEFAULTED, share, None, whole) if warm >= FEWEST else None
    lasts = len(known) >= ENOUGH and statistics.median(known) >= _USUALLY_REAL and share - min(known) < RISE
    if lasts and share >= _USUALLY_REAL and warm >= FEWEST and not is_declared:
        # The dates before are as bad, and the registry does not declare it.
        return Seen(feature, Sign.MORE_DEFAULTS, share, None, len(before) + 1)
    if usual is None:
        return None
    earlier = before[: len(before) - lasted]
    defaults = sum(one.defaults - one.cold_defaults for one in earlier)
    pooled = (defaults + 1) / (sum(one.scored - one.cold for one in earlier) + 2)
    likely = chance(round(share * warm), warm, max(usual, pooled)) > BY_CHANCE
    if likely or share - usual < max(_least(shares), history.scatter(series, lasted, share)):
        return None
    sign, days = (Sign.MORE_DEFAULTS, lasted + 1) if share < _WHOLE else (Sign.DEFAULTED, whole)
    return Seen(feature, sign, share, usual, days)


def _more_than_siblings(history: History, share: float) -> Seen | None:
    """More default values than the feature of the processor that usually lacks the same rows."""
    own = [one.unexpected_share for one in (*history.before, history.today)]
    excesses = [
        [None if one is None or other is None else one - other for one, other in zip(own, sibling, strict=True)]
        for sibling in history.siblings
    ]
    excesses = [one for one in excesses if one[-1] is not None and sum(value is not None for value in one) > ENOUGH]
    if not excesses:
        return None
    *series, excess = min(excesses, key=lambda one: _farthest(one[:-1]))
    if excess is None or excess < RISE:
        return None
    shares, lasted = apart(series, excess)
    if len(shares) < ENOUGH:
        return None
    warm, usual = history.today.scored - history.today.cold, statistics.median(shares)
    likely = chance(round(excess * warm), warm, max(usual, 1 / (warm + 2))) > BY_CHANCE
    if likely or excess - usual < max(RISE, history.scatter(series, lasted, excess)):
        return None
    before = [one for one in own[:-1] if one is not None]
    return Seen(history.feature, Sign.MORE_DEFAULTS, share, statistics.median(before), lasted + 1)


def _farthest(series: Sequence[float | None]) -> float:
    """How far the second farthest value is from the median."""
    known = [one for one in series if one is not None]
    return sorted(abs(one - statistics.median(known)) for one in known)[-2]


def _least(shares: Sequence[float]) -> float:
    """The least rise that is an anomaly: less where no date had such a row."""
    return RISE if len(shares) < _DATES or max(shares) > 0 else NEVER


def missing(history: History) -> Seen | None:
    """More rows that are NULL under a label of real values."""
    if history.feature.optional:
        return None
    declared = history.feature.spread.null_share
    counts = [one.missing for one in (*history.before, history.today)]
    return _without_number(history, Sign.MISSING, counts, declared)


def not_finite(history: History) -> Seen | None:
    """More rows that are NaN or infinite."""
    return _without_number(history, Sign.NOT_FINITE, [one.nonfinite for one in (*history.before, history.today)], None)


def _without_number(history: History, sign: Sign, counts: Sequence[int], declared: float | None) -> Seen | None:
    """More rows without a number than usual; a share that is always high must be declared."""
    totals = [one.present + one.missing + one.nonfinite for one in (*history.before, history.today)]
    if totals[-1] < FEWEST or not counts[-1]:
        return None
    share = counts[-1] / totals[-1]
    series = [count / total if total >= FEWEST else None for count, total in zip(counts, totals, strict=True)][:-1]
    shares, lasted = apart(series, share)
    usual = statistics.median(shares) if shares else 0.0
    if share >= _USUALLY_REAL <= usual and declared is None:
        # Every date before has it too, but the registry does not declare it usual.
        days = unbroken([one is None or one >= _USUALLY_REAL for one in series]) + 1
        return Seen(history.feature, sign, share, None, days)
    is_new = len(shares) >= _DATES and not any(shares) and counts[-1] > 1

    def is_above(limit: float, scatter: float) -> bool:
        likely = not is_new and chance(counts[-1], totals[-1], max(limit, 1 / (sum(totals[:-1]) + 2))) > BY_CHANCE
        return not likely and share - limit >= max(_least(shares), scatter)

    if (shares or declared is None) and is_above(usual, history.scatter(series, lasted, share) if shares else 0.0):
        return Seen(history.feature, sign, share, usual if shares else None, lasted + 1)
    if declared is not None and is_above(declared, 0.0):
        return Seen(history.feature, sign, share, declared, lasted + 1)
    return None


def all_defaulted(history: History) -> Seen | None:
    """Default values in all rows, which explain every other anomaly."""
    found = defaulted(history)
    return found if found is not None and found.sign is Sign.DEFAULTED else None
