"""Swapped features: two of a processor, or of none, of which each has the values of the other in a share of the rows.

A swap moves every mean and share of the one towards that of the other by the same part of their distance. So mean,
shares of zeros, of negative and of whole numbers are compared: at least one must show it, and none may contradict.
Where scales are alike, a declared `equals` shows it: rows break it, and keep it with the values of the two exchanged.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import combinations

from fqtool.commands.diagnose.baseline import ENOUGH, SIGMA
from fqtool.commands.diagnose.cause import Cause, Confidence, Kind
from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.commands.diagnose.evidence import OF_VALUES, values_text
from fqtool.commands.diagnose.history import FEW, Seen, Sign, is_telling
from fqtool.registry.model import Feature, Registry
from fqtool.scoring.value_laws import law_text

_LEAST = 0.15
_APART = 0.15  # of the rows; shares of two features that are nearer show nothing
_LONGEST = 7  # last dates with the problem
_SAME, _FARTHEST = 0.1, 0.4
_CHANGES, _CHANGES_ALONE, _TOLERANCE = 4.0, 10.0, 3.0
_NEARLY_ALL = 0.9
_STEADY, _MIRRORED, _DATES = 0.25, 0.4, 7  # of the usual difference; on so many dates
_ROUNDED = 0.01  # of the distance; a figure that never changes is known no better

_FIGURES: tuple[Callable[[FeatureDay], float | None], ...] = (
    lambda one: one.mean,
    lambda one: one.whole / one.present,
    lambda one: one.zeros / one.present,
    lambda one: one.negatives / one.present,
)


def swap_causes(registry: Registry, seen: Sequence[Seen], days: Sequence[Day]) -> Iterator[tuple[Cause, list[Seen]]]:
    """Yield the root cause of each two swapped features, and the anomalies that it explains.

    Args:
        registry: The registry.
        seen: The anomalies of the last date.
        days: The dates, the date in question last.
    """
    yield from _in_laws(registry, seen, days)
    yield from _in_figures(registry, seen, days)


def _in_laws(registry: Registry, seen: Sequence[Seen], days: Sequence[Day]) -> Iterator[tuple[Cause, list[Seen]]]:
    """The swaps that repair the rows that break an `equals`."""
    today, processors = days[-1], {one.name: one for one in registry.processors}
    for broken in (one for one in seen if one.sign is Sign.BROKEN):
        about = today.features[broken.feature.index]
        if (pair := swap_in_law(about)) is None:
            continue
        first, second = (one for one in registry.active_features if one.index in pair)
        law, rows = law_text(broken.feature, "equals"), about.swapped[pair]
        evidence = (
            f"{rows:,} of {about.equals:,} rows that break `{law}` of {broken.feature.name} keep it with both exchanged"
        )
        signs = (*OF_VALUES, Sign.BROKEN)
        explained = [one for one in seen if one is broken or (one.feature in (first, second) and one.sign in signs)]
        yield (
            Cause(
                Kind.SWAPPED, today.day, days[-broken.days].day, today.rows, rows, (first, second),
                processors.get(first.processor), None, (evidence,), Confidence.LIKELY, detail=_detail(first, second),
            ),
            explained,
        )  # fmt: skip


def _in_figures(registry: Registry, seen: Sequence[Seen], days: Sequence[Day]) -> Iterator[tuple[Cause, list[Seen]]]:
    """The swaps that means and shares show."""
    today, unusual = days[-1], [one.feature for one in seen]
    for processor in (*registry.processors, None):
        own = [one for one in registry.active_features if one.processor == (processor.name if processor else "")]
        # Features of no processor are many and unrelated: without an anomaly they are not compared.
        for first, second, share, lasting in swaps(own, days, unusual, alone=processor is not None):
            explained = [one for one in seen if one.feature in (first, second) and one.sign in OF_VALUES]
            if any(one.feature in (first, second) and one not in explained for one in seen):
                continue
            evidence = tuple(values_text(explained, days)) or (f"{share:.0%} of the distance of their usual values",)
            told = today.processors.get(processor.name) if processor else None
            updated = told.last_updated if told else None
            hit = min(today.rows, round(share * today.rows))
            yield (
                Cause(
                    Kind.SWAPPED, today.day, days[-lasting].day, today.rows, hit, (first, second), processor, updated,
                    evidence, Confidence.LIKELY, detail=_detail(first, second),
                ),
                explained,
            )  # fmt: skip


def _detail(first: Feature, second: Feature) -> str:
    return f"{first.name} seems to be swapped with {second.name} (feature {second.index})"


def swap_in_law(one: FeatureDay) -> tuple[int, int] | None:
    """Return the indices of two features that explain why rows break the `equals` of a feature; None without such two.

    Nearly all of these rows keep the law with the values of the two exchanged.
    """
    pair = max(one.swapped, key=lambda pair: one.swapped[pair], default=None)
    rows = one.swapped[pair] if pair else 0
    return pair if rows >= FEW and rows >= _NEARLY_ALL * one.equals else None


def swaps(
    own: Sequence[Feature], days: Sequence[Day], unusual: Container[Feature], *, alone: bool = True
) -> Iterator[tuple[Feature, Feature, float, int]]:
    """Yield two swapped features, the share of rows, and the number of last dates, for the features of a processor.

    Args:
        own: The features of the processor.
        days: The dates, the date in question last.
        unusual: The features with an anomaly; two others must have moved farther.
        alone: Whether to compare two others at all. Default: True.
    """
    for one, other in combinations(own, 2):
        is_unusual = one in unusual or other in unusual
        if not is_unusual and not alone:
            continue
        least = _CHANGES if is_unusual else _CHANGES_ALONE
        longest = min(_LONGEST, len(days) - ENOUGH)
        if longest < 1 or _share(one, other, days[: len(days) - longest], days[-1], least) is None:
            continue
        for lasting in range(longest, 0, -1):
            before, last = days[: len(days) - lasting], days[len(days) - lasting :]
            shares = [share for day in reversed(last) if (share := _share(one, other, before, day, least)) is not None]
            if len(shares) == lasting:
                yield one, other, shares[0], lasting
                break


def _share(one: Feature, other: Feature, before: Sequence[Day], today: Day, least: float) -> float | None:
    """The share of rows in which two features are swapped; None where they are not."""
    now = [today.features[feature.index] for feature in (one, other)]
    told = [[day.features[feature.index] for day in before] for feature in (one, other)]
    told = [[day for day in days if is_telling(day) and day.mean is not None] for days in told]
    if min(map(len, told)) < ENOUGH or not all(is_telling(day) and day.mean is not None for day in now):
        return None
    rows = max(statistics.median((day.stddev or 0.0) / math.sqrt(day.present) for day in days) for days in told)
    found = [
        _moved(
            [figure(day) or 0.0 for day in now],
            [[figure(day) or 0.0 for day in days] for days in told],
            0.0 if at else rows,
            least,
            _APART if at else 0.0,
        )
        for at, figure in enumerate(_FIGURES)
    ]
    shares = [share for share in found if share]
    if any(share == 0.0 for share in found):
        return None
    if not shares and _is_mirrored(
        [day.mean or 0.0 for day in now], [[day.mean or 0.0 for day in days] for days in told]
    ):
        return 1.0
    return statistics.median(shares) if shares else None


def _is_mirrored(now: Sequence[float], told: Sequence[Sequence[float]]) -> bool:
    """Whether the difference of two means, which move together from date to date, has the other sign.

    Such as the temperature and the dew point: each changes more than they differ, and one is always the higher.
    """
    if len(told[0]) != len(told[1]):
        return False
    differences = [one - other for one, other in zip(*told, strict=True)]
    usual, today = float(statistics.median(differences)), now[0] - now[1]
    change = SIGMA * statistics.median(abs(one - usual) for one in differences)
    if len(differences) < _DATES or abs(usual) < _CHANGES / 2 * change or not usual:
        return False
    return min(one / usual for one in differences) >= _STEADY and abs(today + usual) <= _MIRRORED * abs(usual)


def _moved(
    now: Sequence[float], told: Sequence[Sequence[float]], error: float, least: float, apart: float
) -> float | None:
    """The part of their distance by which two figures moved to each other: 0 where not, None where it is not known."""
    usual = [statistics.median(values) for values in told]
    distance = usual[1] - usual[0]
    changes = [
        SIGMA * statistics.median(abs(value - at) for value in values) for values, at in zip(told, usual, strict=True)
    ]
    change = max(*changes, _ROUNDED * abs(distance))
    if not distance or abs(distance) < max(_CHANGES * change, apart):
        return None
    moved = (now[0] - usual[0]) / distance, (usual[1] - now[1]) / distance
    near = min(max(_SAME, _TOLERANCE * (change + error) / abs(distance)), _FARTHEST)
    if max(abs(part) for part in moved) < max(_LEAST, _CHANGES * change / abs(distance)) / 2:
        return 0.0
    lowest = max(_LEAST, least * min(changes) / abs(distance), _TOLERANCE * change / abs(distance))
    if abs(moved[0] - moved[1]) > near:
        return 0.0
    return statistics.mean(moved) if lowest <= min(moved) and max(moved) <= 1 + near else None
