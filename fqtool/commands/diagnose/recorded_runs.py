"""What the rows record about the runs of a processor: no run, an old one, or one after the rows were written."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from fqtool.commands.diagnose.baseline import BY_CHANCE, ENOUGH, chance, unbroken
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.registry.model import Processor

MOST = 0.5
_MANY = 0.25
_OLDER = timedelta(hours=20)  # a day, less the usual delays of a schedule


def absent_runs(processor: Processor, days: Sequence[Day]) -> int:
    """The number of last dates on which most rows lack a run of a processor that rows used to have."""
    told = [(day.processors[processor.name].absent, day.rows) for day in days if processor.name in day.processors]
    lasting = _lasts([absent / rows for absent, rows in told])
    if not lasting:
        return 0
    before = told[: len(told) - lasting]
    usual = (sum(absent for absent, _ in before) + 1) / (sum(rows for _, rows in before) + 2)
    return lasting if usual ** told[-1][0] <= BY_CHANCE else 0


def late_runs(processor: Processor, days: Sequence[Day]) -> int:
    """The number of last dates on which many rows were written before the processor ran."""
    shares = [day.processors[processor.name].late / day.rows for day in days if processor.name in day.processors]
    return _lasts([0.0, *shares] if len(shares) == 1 else shares, _MANY)


def unrecorded_rows(processor: Processor, days: Sequence[Day]) -> int:
    """The rows of the last date without a run of a processor that hardly any row before lacks; 0 where few do."""
    told = [(day.processors[processor.name].absent, day.rows) for day in days if processor.name in day.processors]
    if len(told) < ENOUGH:
        return 0
    absent, rows = told[-1]
    usual = statistics.median(one / total for one, total in told[:-1])
    return (
        absent if absent / rows >= _MANY > usual * 2 and chance(absent, rows, max(usual, 1 / rows)) < BY_CHANCE else 0
    )


def _lasts(shares: Sequence[float], many: float = MOST) -> int:
    """The number of last dates with a share above one half, or `many`, where such a share was not usual before."""
    lasting = unbroken([one > many for one in shares])
    usual = shares[: len(shares) - lasting]
    return lasting if usual and statistics.median(usual) < many else 0


def older_runs(processor: Processor, days: Sequence[Day]) -> int:
    """The number of last dates on which the input was at least 20 hours older than on any date before.

    The age of the input is the time from the last run to the date. Rows that are written again later keep their age.
    """
    told = [(day.day, day.processors[processor.name].last_updated) for day in days if processor.name in day.processors]
    ages = [datetime.combine(day, time(), UTC) - updated if updated else None for day, updated in told]
    known = [age for age in ages if age is not None]
    if not ages or ages[-1] is None:
        return 0
    lasting = _lasts([float(age is not None and age - min(known) >= _OLDER) for age in ages])
    before = [age for age in ages[: len(ages) - lasting] if age is not None]
    return lasting if before and ages[-1] - max(before) >= _OLDER else 0
