"""Problems that have lasted for most of the baseline, so that the dates just before no longer show what is usual.

The dates one and two weeks before are diagnosed as they were at the time, by the dates before them. A root cause that
was found then is one of the last date too where that date and nearly all dates since have it, compared with the same
dates before. A real event that passed is not: the dates after it are usual again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from fqtool.commands.diagnose.baseline import ENOUGH
from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.registry.model import Feature

_DAYS_BEFORE = (14, 7)  # whole weeks, so that a date is compared with its weekday as it was at the time
_NEARLY_ALL = 0.8
_DECLARED = (Kind.OUTSIDE, Kind.NO_VALUE, Kind.NOT_FINITE)
_NEW = (Kind.GROUP_NEW, Kind.CATEGORY_NEW)

Judge = Callable[[Sequence[Day], Sequence[date], Sequence[Feature]], Sequence[Cause]]
"""The dates to compare, the date in question last; all dates with rows up to it; the features to look at, () for all
-> its root causes."""


def lasting_causes(days: Sequence[Day], older: Sequence[Day], judge: Judge) -> Iterator[Cause]:
    """Yield the root causes of the last date that one of one or two weeks before had, with the onset found then.

    Args:
        days: The dates, the date in question last.
        older: The dates before them, as many days as those.
        judge: Returns the root causes of a date.
    """
    every, today = [*older, *days], days[-1]
    baseline = (today.day - days[0].day).days
    dates = [one.day for one in every]
    for back in _DAYS_BEFORE:
        at = next((at for at, day in enumerate(dates) if day == today.day - timedelta(days=back)), None)
        if at is None or back > baseline:
            continue
        before = [one for one in every[:at] if (dates[at] - one.day).days <= baseline]
        for then in judge([*before, every[at]], dates[: at + 1], ()) if before else ():
            usual = [one for one in before if one.day < then.since]
            if len(usual) < ENOUGH or then.kind in _NEW:
                continue  # these dates do not show what was usual before it; a new group is usual after a week
            cause = _same(then, judge([*usual, today], dates, then.features))
            between = (
                _same(then, judge([*usual, every[one]], dates[: one + 1], then.features))
                for one in range(at + 1, len(every) - 1)
            )
            if cause and sum(one is not None for one in between) >= _NEARLY_ALL * (len(every) - at - 2):
                compared = f"compared with the {len(usual)} dates before {then.since}: all dates since have it"
                yield replace(cause, since=then.since, evidence=(*cause.evidence, compared))


def explains(lasting: Cause, other: Cause) -> bool:
    """Return whether a root cause that has lasted shows more than another one about the same features.

    The dates before it lack the problem. A declaration, or dates that all have the problem, do not show what changed.
    """
    if not other.features or not set(lasting.features).issuperset(other.features):
        return False
    return other.at_least or other.kind in _DECLARED or other.kind is lasting.kind


def is_same(cause: Cause, other: Cause) -> bool:
    """Return whether two root causes are about the same features, or the same of the whole rows."""
    if cause.features or other.features:
        return not {one.index for one in cause.features}.isdisjoint(one.index for one in other.features)
    return cause.kind is other.kind


def _same(cause: Cause, causes: Sequence[Cause]) -> Cause | None:
    return next((one for one in causes if is_same(cause, one)), None)
