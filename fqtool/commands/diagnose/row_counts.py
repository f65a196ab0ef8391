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

from fqtool.commands.diagnose.daily_stats import Day

_ENOUGH = 7
_SHARE = 0.25
_SCATTER = 4.0
_SIGMA = 1.4826  # times the median absolute deviation is the standard deviation of a normal distribution
_MARGIN = 0.1
_CHANCE = 2.0  # standard deviations of a Poisson count
_WEEK = 7


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
    lasting = next((number for number, one in enumerate(reversed(before)) if not _alike(one, today)), len(before))
    history = before[: len(before) - lasting]
    counts = [one.rows for one in history]
    if len(counts) < _ENOUGH or _is_usual(counts, today.rows):
        return None
    same = [one for one in history if one.day.weekday() == today.day.weekday()]
    if any(_alike(one, today) for one in same):
        return None
    usual = statistics.median([one.rows for one in same] or counts)
    return UnusualCount(usual, min(counts), max(counts), len(counts), lasting + 1)


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
    return next((number for number, one in enumerate(reversed(days)) if not one.repeated), len(days))


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


def _same_weekdays(day: date, start: date) -> Iterator[date]:
    while (day := day - timedelta(days=_WEEK)) >= start:
        yield day
