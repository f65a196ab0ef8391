"""Gates that fewer rows pass than usual, and the features behind a gate or figure: those defaulted more than usual."""

from __future__ import annotations

import re
import statistics
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fqtool.commands.diagnose.anomalies_of_labels import RISE
from fqtool.commands.diagnose.baseline import BY_CHANCE, ENOUGH, Baseline, apart, chance
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.history import FEWEST
from fqtool.registry.model import Feature, Registry
from fqtool.schema.build import expand_columns

_FALL = 0.1
_EXPLAINED = 0.9
_SHOWN = 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Behind:
    """A feature that is defaulted in more rows than usual: the share of rows, and the usual one, 0 to 1."""

    feature: Feature
    share: float
    usual: float

    @property
    def rise(self) -> float:
        """How much the share is above the usual one."""
        return self.share - self.usual


@dataclass(frozen=True, slots=True)
class FallenGate:
    """A gate that fewer rows pass than usual.

    Attributes:
        name: The column.
        share: Share of scored rows that pass it, 0 to 1.
        usual: The usual share.
        lasting: Number of last dates on which it is as low.
    """

    name: str
    share: float
    usual: float
    lasting: int


def features_behind(days: Sequence[Day], features: Collection[Feature]) -> tuple[Behind, ...]:
    """Return the features that are defaulted in more rows than usual on the last date, the largest rise first.

    A rise below that of an anomaly counts too: several small ones together lower a gate.
    """
    *before, today = days
    found = []
    for one in features:
        share = today.features[one.index].default_share
        known = [known for day in before if (known := day.features[one.index].default_share) is not None]
        usual = statistics.median(known) if known else 0.0
        if share is not None and share - usual >= RISE / 2:
            found.append(Behind(one, share, usual))
    return tuple(sorted(found, key=lambda one: (-one.rise, one.feature.index)))


def behind_text(behind: Sequence[Behind]) -> str:
    """Return the features with their shares, such as `pace_score is defaulted in 40% of the rows, usually 2%`."""
    texts = [
        f"{one.feature.name} is defaulted in {one.share:.0%} of the rows, usually {one.usual:.0%}"
        for one in behind[:_SHOWN]
    ]
    more = len(behind) - _SHOWN
    return "; ".join([*texts, f"and {more} more feature{'s' * (more > 1)}"] if more > 0 else texts)


def features_read(registry: Registry, metric: str) -> tuple[Feature, ...]:
    """Return the features that a figure is about: those of the managed columns in its SQL."""
    words = {one.lower() for one in _WORD.findall(metric)}
    found = set[int]()
    for column in expand_columns(registry):
        if column.name.lower() in words:
            found |= {
                one.index
                for one in registry.active_features
                if column.feature in (None, one) and (not column.category or column.category.name == one.category)
            }
    return tuple(one for one in registry.active_features if one.index in found)


def fallen_gates(days: Sequence[Day], registry: Registry) -> Iterator[FallenGate]:
    """Yield the gates that fewer rows of the last date pass than usual, also for its weekday.

    A fall that rows in cold start explain, or the absence of an optional feature, is not reported.
    """
    *before, today = days
    if min(today.scored, today.rows) < FEWEST or _is_colder(days):
        return
    excused = max(
        (one.rise for one in features_behind(days, registry.active_features) if one.feature.optional), default=0
    )
    for name in today.gates:
        failing, series = _failing(today, name) or 0.0, [_failing(day, name) for day in before]
        shares, lasted = apart(series, failing)
        if len(shares) < ENOUGH:
            continue
        dates = zip((day.day for day in before[: len(before) - lasted]), series, strict=False)
        baseline = Baseline(tuple((day, share) for day, share in dates if share is not None))
        fall, usual = failing - baseline.usual, max(baseline.usual, 1 / (today.scored + 2))
        if fall < max(_FALL, baseline.reach()) or excused >= _EXPLAINED * fall:
            continue
        by_chance = chance(round(failing * today.scored), today.scored, usual) > BY_CHANCE
        if not by_chance and not baseline.is_of_weekday(today.day, failing):
            yield FallenGate(name, 1 - failing, 1 - baseline.usual, lasted + 1)


def _failing(day: Day, name: str) -> float | None:
    """The share of scored rows that do not pass a gate; None where too few rows are scored."""
    return max(0.0, 1 - day.gates[name] / day.scored) if day.scored >= FEWEST else None


def _is_colder(days: Sequence[Day]) -> bool:
    """Whether more rows than usual are in cold start."""
    *before, cold = [max((one.cold for one in day.features.values()), default=0) / max(day.rows, 1) for day in days]
    return bool(before) and cold - statistics.median(before) >= _FALL
