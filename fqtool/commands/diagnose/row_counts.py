"""Row counts of a date: fewer or more rows than usual, repeated keys, a date without rows.

A count is compared with the median of the dates before it. The scatter is their median absolute deviation (Hampel
1974). A count that the same weekday had before is usual, so a weekly pattern raises no alarm.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fqtool.commands.diagnose.baseline import unbroken
from fqtool.commands.diagnose.daily_stats import Day

_ENOUGH = 7
_SHARE = 0.25
_SCATTER = 4.0
_SIGMA = 1.4826  # times the median absolute deviation is the standard deviation of a normal distribution
_MARGIN = 0.1
_CHANCE = 2.0  # standard deviations of a Poisson count
_WEEK = 7
_SMALL, _CHANGES, _FEW, _WEEKS = 0.12, 6.0, 5.0, 3


@dataclass(frozen=True, slots=True)
class UnusualCount:
    """An unusual number of rows.

    Attributes:
        usual: The median of the dates before.
        least: The least count of the dates before.
        most: The greatest count of the dates before.
        dates: Number of dates before.
        lasting: Number of last dates that have the unusual count.
    """

    usual: float
    least: int
    most: int
    dates: int
    lasting: int


def unusual_count(days: Sequence[Day]) -> UnusualCount | None:
    """Return how the row count of the last date differs from the dates before it, None where it does not.

    The last dates with about as many rows are left out of the baseline, so a problem does not become usual.
    """
    *before, today = days
    lasting = unbroken([_alike(one, today) for one in before])
    history = before[: len(before) - lasting]
    counts = [one.rows for one in history]
    same = [one for one in history if one.day.weekday() == today.day.weekday()]
    if len(counts) >= _ENOUGH and not _is_usual(counts, today.rows) and not any(_alike(one, today) for one in same):
        return _unusual(history, same, lasting + 1)
    lasting = _far_from_weekday(before, today)
    if not lasting:
        return None
    history = before[: len(before) + 1 - lasting]
    return _unusual(history, [one for one in history if one.day.weekday() == today.day.weekday()], lasting)


def _unusual(history: Sequence[Day], same: Sequence[Day], lasting: int) -> UnusualCount:
    counts = [one.rows for one in history]
    usual = statistics.median([one.rows for one in same] or counts)
    return UnusualCount(usual, min(counts), max(counts), len(counts), lasting)


def _far_from_weekday(before: Sequence[Day], today: Day) -> int:
    """The number of last dates whose count is far from that of their weekday; 0 where the last one is not.

    Where a weekday has nearly the same count each week, a small difference is unusual.
    """
    every = [*before, today]
    spans = range(len(every) - _WEEK - _WEEKS, 0, -1)
    return next((one for one in spans if _all_far(every[: len(every) - one], every[len(every) - one :])), 0)


def _all_far(history: Sequence[Day], last: Sequence[Day]) -> bool:
    changes = [abs(late.rows - early.rows) for late, early in _weeks(history)]
    if len(changes) < _WEEKS:
        return False
    margin = max(_CHANGES * _SIGMA * statistics.median(changes), 2 * max(changes), _FEW)

    def is_far(one: Day) -> bool:
        same = [early.rows for early in history if early.day.weekday() == one.day.weekday()]
        return bool(same) and min(abs(one.rows - rows) for rows in same) > max(margin, _SMALL * statistics.median(same))

    return all(map(is_far, last))


def _weeks(history: Sequence[Day]) -> Iterator[tuple[Day, Day]]:
    """Yield each date beside the same weekday of the week before."""
    by_day = {one.day: one for one in history}
    for one in history:
        early = by_day.get(one.day - timedelta(days=_WEEK))
        if early is not None:
            yield one, early


def _alike(one: Day, other: Day) -> bool:
    return abs(one.rows - other.rows) <= _by_chance(one.rows)


def _is_usual(counts: Sequence[int], today: int) -> bool:
    """Whether a count is near the median, or within the counts of the dates before."""
    usual = statistics.median(counts)
    scatter = _SIGMA * statistics.median(abs(count - usual) for count in counts)
    # Few dates show less than the whole range of counts.
    margin = _MARGIN * usual + (max(counts) - min(counts)) / 2
    among = min(counts) - margin <= today <= max(counts) + margin
    return among or abs(today - usual) <= max(_by_chance(usual), _SCATTER * scatter)


def _by_chance(usual: float) -> float:
    """The difference between counts that chance explains."""
    return max(_SHARE * usual, _CHANCE * math.sqrt(usual))


def repeated_keys(days: Sequence[Day]) -> int:
    """Return the number of last dates with repeated keys, 0 where the last date has none."""
    return unbroken([one.repeated > 0 for one in days])


def usual_rows(day: date, start: date, before: Sequence[Day]) -> float | None:
    """Return the usual number of rows of a date without rows, None where such a date is usual.

    Args:
        day: The date without rows.
        start: The first date that was read.
        before: The dates from `start` on that have rows.
    """
    if 2 * len(before) <= (day - start).days:
        return None
    dates = {one.day for one in before}
    if dates.isdisjoint(_same_weekdays(day, start)) and day - timedelta(days=_WEEK) >= start:
        return None
    return statistics.median(one.rows for one in before)


def first_absent(day: date, start: date, before: Sequence[Day]) -> date:
    """Return the first of the dates in sequence without rows, up to `day`, that usually has rows.

    A weekday that never has rows is passed over, as `usual_rows` does. Args as there.
    """
    weekdays, since = {one.day.weekday() for one in before}, before[-1].day + timedelta(days=1)
    while since < day and since.weekday() not in weekdays and since - timedelta(days=_WEEK) >= start:
        since += timedelta(days=1)
    return since


def _same_weekdays(day: date, start: date) -> Iterator[date]:
    while (day := day - timedelta(days=_WEEK)) >= start:
        yield day
