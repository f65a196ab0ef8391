"""The evidence of a root cause as texts: anomalies, values beside the usual ones, and the record of a run."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from fqtool.commands.diagnose.daily_stats import Day, ProcessorDay
from fqtool.commands.diagnose.history import Seen, Sign
from fqtool.output.table_text import index_ranges
from fqtool.registry.model import Feature

OF_LABELS = (Sign.DEFAULTED, Sign.MORE_DEFAULTS, Sign.RISING)
"""The anomalies that labels show; values show the others."""
DISTANCES = (Sign.SHIFTED, Sign.UNRELATED, Sign.SCATTERED, Sign.APART)
"""The anomalies of all rows, whose share is a number of usual changes."""
OF_LEVEL = (Sign.OUTSIDE, Sign.NEGATIVE, Sign.SHIFTED, Sign.SCATTERED, Sign.PRECISION, Sign.APART)
"""The anomalies of the size of values."""
OF_VALUES = (*OF_LEVEL, Sign.UNRELATED, Sign.CONSTANT, Sign.REPEATED, Sign.NEUTRAL)
"""The anomalies that values of another feature cause."""
_SHOWN = 3
_MOST_KEPT = 0.9
_THOUSAND, _BILLION = 1e3, 1e9


def signs_text(signs: Sequence[Seen]) -> Iterator[str]:
    """Yield a text for each kind of anomaly, with its features."""
    for sign in dict.fromkeys(one.sign for one in signs):
        own = [one for one in signs if one.sign is sign]
        names = ", ".join(one.feature.name for one in own)
        named = f"feature{'s' * (len(own) > 1)} {index_ranges(one.feature.index for one in own)} ({names})"
        if sign in DISTANCES:
            changes = min(max(one.share for one in own), 1000)
            yield f"{named}: {sign}, {changes:.1f} times the usual change between dates"
            continue
        limits = [limit for one in own if (limit := _limit(one)) is not None]
        usual = [one.usual for one in own if one.usual is not None and one.usual != _limit(one)]
        alone = "as on the earlier dates" if all(one.days > 1 for one in own) else "no earlier date to compare with"
        compared = f"usually {_between(usual)}" if usual else "" if limits else alone
        compared = ", ".join(filter(None, (compared, f"null_share allows {_between(limits)}" if limits else "")))
        if sign is Sign.CONSTANT and usual:
            dates = f"as on {_between(usual)} of the earlier dates" if any(usual) else "on none of the earlier dates"
            yield f"{named}: {sign} ({dates})"
            continue
        shares = _between([one.share for one in own])
        yield f"{named}: {sign} ({compared if shares == '100%' and 'all rows' in sign else f'{shares}, {compared}'})"


def _limit(one: Seen) -> float | None:
    """The declared share of rows without a value, for anomalies that are about these rows."""
    return one.feature.spread.null_share if one.sign in (*OF_LABELS, Sign.MISSING) else None


def values_text(signs: Sequence[Seen], days: Sequence[Day]) -> Iterator[str]:
    """Yield how far the values are from usual, for anomalies of values."""
    for one in [one for one in signs if one.sign not in OF_LABELS][:_SHOWN]:
        *before, today = (day.features[one.feature.index] for day in days)
        told = [day for day in before if day.present and day.mean is not None and day.stddev is not None]
        if today.mean is None or not told:
            continue
        if isinstance(today.low, bool):
            usual = statistics.median(day.mean for day in told if day.mean is not None)
            yield f"{one.feature.name}: TRUE in {today.mean:.0%} of the rows (usually {usual:.0%})"
            continue
        mean, spread = (statistics.median(getattr(day, what) for day in told) for what in ("mean", "stddev"))
        zeros = statistics.median(day.zeros / day.present for day in told)
        yield (
            f"{one.feature.name}: mean {_figure(today.mean)} (median of the earlier dates: {_figure(mean)}), standard "
            f"deviation {_figure(today.stddev or 0)} ({_figure(spread)}), zeros {today.zeros / today.present:.0%} "
            f"({zeros:.0%})"
        )


def _figure(value: float) -> str:
    """A number with three digits, or all digits of a whole number from 1,000 to a billion."""
    return f"{value:,.0f}" if _THOUSAND <= abs(value) < _BILLION else f"{value:.3g}"


def labels_text(features: Sequence[Feature], days: Sequence[Day]) -> str:
    """Return how many defaulted rows hold a value, where that is unusual: the labels may be wrong. "" otherwise."""
    for one in features:
        *before, today = (day.features[one.index] for day in days)
        earlier, kept = sum(day.defaults for day in before), sum(day.kept for day in before)
        if today.kept >= _MOST_KEPT * today.defaults > 0 and 2 * kept <= earlier:
            return (
                f"the labels may be wrong: {today.kept:,} of {today.defaults:,} defaulted rows hold a value of "
                f"{one.name} that is not its default value"
            )
    return ""


def _between(shares: Sequence[float]) -> str:
    """Return `2%` or `1-2%`."""
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return low if low == high else f"{low.rstrip('%')}-{high}"


def constant_text(alike: Sequence[Seen], today: Day) -> str:
    """Return the value that all rows of one constant feature have; "" for other anomalies."""
    if len(alike) > 1 or alike[0].sign is not Sign.CONSTANT:
        return ""
    value = today.features[alike[0].feature.index].low
    if isinstance(value, bool):
        return str(value).upper()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def run_text(told: ProcessorDay | None, today: Day) -> Iterator[str]:
    """Yield what the rows record about the run of the processor."""
    if told is None:
        return
    if told.absent:
        yield f"{told.absent:,} of {today.rows:,} rows record no run"
    elif told.last_updated is not None:
        yield f"the last run was at {told.last_updated:%Y-%m-%d %H:%M} UTC"
    if told.late:
        yield f"{told.late:,} of {today.rows:,} rows were written before that run"
