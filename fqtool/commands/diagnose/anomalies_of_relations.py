"""Anomalies of relations: values that no longer follow the key's previous row, a neighbouring row, or a feature.

A correlation is compared with those of the dates before as Fisher's z, whose scatter does not depend on its height
(Fisher 1915). Only a relation that is usually close can be missed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from fqtool.commands.diagnose.anomalies_of_labels import NEVER, RISE
from fqtool.commands.diagnose.baseline import ENOUGH, apart, lasting
from fqtool.commands.diagnose.daily_stats import FeatureDay
from fqtool.commands.diagnose.history import FEW, History, Seen, Sign, is_telling

_PAIRS = 30
_CLOSE = 0.5
_EXPLAINED = 0.1
_HIGHEST = 0.9995
_ERRORS = 5.0
_FALL, _FALL_OF_Z = 0.15, 0.5
_DATES = 10
_ROWS = 1.5


def unrelated(history: History) -> Seen | None:
    """Values that do not follow those of the key's previous row, or of its group, as they usually do: other keys."""
    if not is_telling(history.today):
        return None
    return (
        _loosened(history, Sign.UNRELATED, [one.follows if one.followed >= _PAIRS else None for one in _dates(history)])
        or _unshared(history)
        or _loosened(
            history, Sign.UNRELATED, [one.beside if one.neighbours >= _PAIRS else None for one in _dates(history)]
        )
    )


def apart_from_next(history: History) -> Seen | None:
    """Values that do not move with the next feature of the processor, as they usually do."""
    if not is_telling(history.today):
        return None
    return _loosened(history, Sign.APART, [one.along if one.present >= _PAIRS else None for one in _dates(history)])


def precision(history: History) -> Seen | None:
    """Fractions where all values are usually whole numbers, or whole numbers where hardly any is."""
    today = history.today
    if not is_telling(today) or today.mean is None or _few(history):
        return None
    shares = [_whole(one) for one in history.before]
    known, share = [one for one in shares if one is not None], _whole(today)
    if len(known) < _DATES or share is None:
        return None
    usual, are_whole = statistics.median(known), statistics.median(known) > 1 / 2
    if not are_whole:
        shares, share, usual = [None if one is None else 1 - one for one in shares], 1 - share, 1 - usual
    falls, lasted = apart([None if one is None else 1 - one for one in shares], 1 - share)
    if len(falls) < ENOUGH or usual < 1 - RISE:
        return None
    fall, highest = 1 - share - statistics.median(falls), max(falls)
    # Some fractions are whole by chance; no whole number is a fraction.
    least = NEVER if are_whole and highest == 0 else max(_FALL, 2 * highest)
    if fall < least or fall * (today.present - today.zeros) < _ROWS:
        return None
    return Seen(history.feature, Sign.PRECISION, 1 - share, statistics.median(falls), lasted + 1)


def _whole(one: FeatureDay) -> float | None:
    """The share of whole numbers among values other than 0."""
    count = one.present - one.zeros
    return (one.whole - one.zeros) / count if is_telling(one) and count > FEW else None


def _dates(history: History) -> Sequence[FeatureDay]:
    return (*history.before, history.today)


def _loosened(history: History, sign: Sign, found: Sequence[float | None]) -> Seen | None:
    """A correlation that is much weaker than usual."""
    today, now = history.today, found[-1]
    known = [one for one in found[:-1] if one is not None and math.isfinite(one)]
    if now is None or not math.isfinite(now) or len(known) < _DATES or _few(history):
        return None
    usual = statistics.median(known)
    way = 1 if usual > 0 else -1
    if abs(usual) < _CLOSE or usual**2 - max(way * now, 0) ** 2 < _EXPLAINED:
        return None
    series = [None if one is None or not math.isfinite(one) else _z(way * one) for one in found[:-1]]
    lasted = lasting(series, _z(way * now), _z(way * usual))
    baseline = history.baseline(series, lasted)
    if len(baseline.values) < ENOUGH or baseline.is_of_weekday(history.day, _z(way * now)):
        return None
    # A correlation is unusual where it is much weaker than usual, or than the weakest of the dates before, of which
    # one may be an outlier.
    values = sorted(value for _, value in baseline.values)
    least, error = values[1 if len(values) >= _DATES else 0], 1 / math.sqrt(min(today.present, today.distinct) - 3)
    fall = baseline.usual - _z(way * now) >= max(baseline.reach(history.fewer()), _ERRORS * error)
    below = least - _z(way * now) >= max(_FALL_OF_Z, (values[-1] - least) / 2, _ERRORS * error)
    if not fall and not (below and way * now <= math.tanh(least) / 2):
        return None
    share = (baseline.usual - _z(way * now)) / max(baseline.change, error)
    return Seen(history.feature, sign, share, usual, lasted + 1)


def _unshared(history: History) -> Seen | None:
    """A value that the rows of a group usually share, and that they do not share."""
    shares = [one.shared / one.neighbours if one.neighbours >= _PAIRS else None for one in _dates(history)]
    share = shares[-1]
    falls, lasted = apart([None if one is None else 1 - one for one in shares[:-1]], 1 - (share or 0.0))
    if share is None or len(falls) < _DATES or 1 - statistics.median(falls) < _CLOSE:
        return None
    distinct = [one.distinct for one in history.judged]
    if not 1 < min(distinct) <= history.today.distinct <= max(distinct):
        return None  # not the values of other keys
    usual = statistics.median(falls)
    fall, baseline = 1 - share - usual, history.baseline([1 - one for one in shares[:-1] if one is not None], lasted)
    if fall < max(_FALL, baseline.reach(history.fewer())):
        return None
    return Seen(history.feature, Sign.UNRELATED, fall / max(baseline.change, _FALL / 2), 1 - usual, lasted + 1)


def _few(history: History) -> bool:
    """Whether the rows share so few values that a correlation is one of few observations."""
    return any(one.distinct <= FEW for one in _dates(history) if is_telling(one))


def _z(correlation: float) -> float:
    """Fisher's z of a correlation."""
    return math.atanh(max(-_HIGHEST, min(_HIGHEST, correlation)))
