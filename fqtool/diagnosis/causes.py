"""Causes: what explains the signs of a date together, the most likely first.

Signs of the features that one processor feeds have one cause: it did not run, ran on old input, ran late. What is left
is the feature's own. A cause says what to do about it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fqtool.diagnosis.evidence import Day, ProcessorDay
from fqtool.diagnosis.signs import Seen, Sign, signs_of
from fqtool.registry.model import Feature, Processor, Registry

_MOST = 0.5
_SHOWN = 3
_OLDER = 24.0


class Kind(StrEnum):
    """What went wrong."""

    MISSHAPEN = "misshapen"
    MISORDERED = "misordered"
    MISSING = "missing"
    MASKED = "masked"
    STALE = "stale"
    PARTIAL = "partial"
    DECLINING = "declining"
    LATE = "late"
    CONSTANT = "constant"
    NEUTRAL = "neutral"
    OUTSIDE = "outside"
    SHIFTED = "shifted"


class Confidence(StrEnum):
    """How sure a cause is, by how many independent witnesses tell of it: labels, values, the record of the run."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


_LABELS = (Sign.DEFAULTED, Sign.MORE_DEFAULTS, Sign.RISING)
_ALONE = {
    Sign.CONSTANT: Kind.CONSTANT,
    Sign.REPEATED: Kind.STALE,
    Sign.NEUTRAL: Kind.NEUTRAL,
    Sign.OUTSIDE: Kind.OUTSIDE,
    Sign.SHIFTED: Kind.SHIFTED,
    Sign.RISING: Kind.DECLINING,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong on `day`, since `since`, to which features, in how many of `rows`; with the evidence in words.

    `processor` is who is to be looked at, None where nobody is known; `last_updated` its last run as the rows tell it.
    """

    kind: Kind
    day: date
    since: date
    rows: int
    hit: int
    features: tuple[Feature, ...]
    processor: Processor | None
    last_updated: datetime | None
    evidence: tuple[str, ...]
    confidence: Confidence = Confidence.CERTAIN


def causes_of(registry: Registry, days: Sequence[Day]) -> tuple[Cause, ...]:
    """Return what explains the last of some dates in order, against those before it; () for a healthy one."""
    today = days[-1]
    if today.misshapen or today.misordered:
        return _of_vectors(days)
    seen = [found for one in registry.active_features if (found := signs_of(one, days))]
    causes: list[Cause] = []
    for processor in registry.processors:
        own = [one for one in registry.active_features if one.processor == processor.name and not one.optional]
        signs = [one for one in seen if one.feature.processor == processor.name]
        causes += _of_processor(processor, own, signs, days)
    explained = {feature.index for cause in causes for feature in cause.features}
    causes += [_alone(one, registry, days) for one in seen if one.feature.index not in explained]
    return tuple(sorted(causes, key=lambda one: (-one.hit, -len(one.features))))


def _of_vectors(days: Sequence[Day]) -> tuple[Cause, ...]:
    """Where positions do not mean what the registry says, nothing else that they seem to say counts."""
    today = days[-1]
    told = (
        (Kind.MISSHAPEN, "length", [day.misshapen for day in days]),
        (Kind.MISORDERED, "order", [day.misordered for day in days]),
    )
    made = []
    for kind, what, counts in told:
        if counts[-1]:
            since = days[-_lasting([count > 0 for count in counts])].day
            evidence = (f"{counts[-1]} of {today.rows} vectors have another {what} than the registry's",)
            made.append(Cause(kind, today.day, since, today.rows, counts[-1], (), None, None, evidence))
    return tuple(made)


def _lasting(holds: Sequence[bool]) -> int:
    count = 0
    for one in reversed(holds):
        if not one:
            break
        count += 1
    return max(count, 1)


def _of_processor(
    processor: Processor, own: Sequence[Feature], signs: Sequence[Seen], days: Sequence[Day]
) -> Iterator[Cause]:
    """Yield the one cause that a processor is of, if any."""
    today, told = days[-1], days[-1].processors.get(processor.name)
    silent = told is not None and told.absent > today.rows * _MOST
    stale, late = _is_older(processor, days), told is not None and _is_late(processor, days)
    kind, of_kind = _kind(own, signs, silent=silent, stale=stale)
    if kind is None and late:
        kind, of_kind = Kind.LATE, []
    if kind is None:
        return
    lasting = max((one.days for one in of_kind), default=1)
    hit = max((round(one.share * today.rows) for one in of_kind if one.sign is not Sign.SHIFTED), default=today.rows)
    features = tuple(one.feature for one in of_kind) or tuple(own)
    evidence = (*_of_signs(of_kind), *_of_values(of_kind, days), *_of_run(processor, told, today))
    updated = told.last_updated if told else None
    sure = _confidence(of_kind, run=silent or stale or late)
    yield Cause(kind, today.day, days[-lasting].day, today.rows, hit, features, processor, updated, evidence, sure)


def _kind(
    own: Sequence[Feature], signs: Sequence[Seen], *, silent: bool, stale: bool
) -> tuple[Kind | None, list[Seen]]:
    """Return what the signs of one processor's features say together, and which of them say it."""

    def having(*kinds: Sign) -> list[Seen]:
        return [one for one in signs if one.sign in kinds]

    enough = len(own) * _MOST
    defaulted, frozen = having(Sign.DEFAULTED), having(Sign.CONSTANT, Sign.REPEATED)
    if defaulted and len(defaulted) >= enough:
        return Kind.MISSING, defaulted
    if frozen and (silent or (len(frozen) >= enough and (stale or len(frozen) > 1))):
        return (Kind.STALE if stale and not silent else Kind.MASKED), frozen
    rising, more = having(Sign.RISING), having(Sign.MORE_DEFAULTS, Sign.DEFAULTED)
    if rising and len(rising) >= enough:
        return Kind.DECLINING, rising
    if more and len(more) >= enough:
        return Kind.PARTIAL, more
    neutral = having(Sign.NEUTRAL, Sign.CONSTANT)
    if len(neutral) > 1 and len(neutral) >= enough:
        return Kind.NEUTRAL, neutral
    return None, []


def _confidence(signs: Sequence[Seen], *, run: bool) -> Confidence:
    """Two witnesses are certain; one is likely where it differs from what is usual, a mean alone is only possible."""
    labels = any(one.sign in _LABELS for one in signs)
    values = any(one.sign not in _LABELS for one in signs)
    if labels + values + run > 1:
        return Confidence.CERTAIN
    weak = all(one.sign is Sign.SHIFTED or one.usual is None for one in signs)
    return Confidence.POSSIBLE if signs and weak else Confidence.LIKELY


def _is_older(processor: Processor, days: Sequence[Day]) -> bool:
    """Whether what the rows were made from is a day older than it ever was before."""
    ages = [day.processors[processor.name].age_hours for day in days if processor.name in day.processors]
    known = [age for age in ages[:-1] if age is not None]
    return bool(ages and known and ages[-1] is not None and ages[-1] - max(known) >= _OLDER)


def _is_late(processor: Processor, days: Sequence[Day]) -> bool:
    shares = [day.processors[processor.name].late / day.rows for day in days if day.rows]
    return bool(shares) and shares[-1] > _MOST and statistics.median(shares[:-1] or [0.0]) < _MOST


def _alone(one: Seen, registry: Registry, days: Sequence[Day]) -> Cause:
    """The cause of a sign that no processor explains."""
    today = days[-1]
    hit = today.rows if one.sign is Sign.SHIFTED else round(one.share * today.rows)
    processor = next((who for who in registry.processors if who.name == one.feature.processor), None)
    told = today.processors.get(one.feature.processor)
    evidence = (*_of_signs([one]), *_of_values([one], days))
    return Cause(
        _ALONE.get(one.sign, Kind.PARTIAL), today.day, days[-one.days].day, today.rows, hit, (one.feature,), processor,
        told.last_updated if told else None, evidence, _confidence([one], run=False),
    )  # fmt: skip


def _of_signs(signs: Sequence[Seen]) -> Iterator[str]:
    """Say what is seen, features of one sign together."""
    for sign in dict.fromkeys(one.sign for one in signs):
        own = [one for one in signs if one.sign is sign]
        named = ", ".join(f"{one.feature.index} {one.feature.name}" for one in own)
        if sign is Sign.SHIFTED:
            yield f"{named}: {sign}, by {max(one.share for one in own):.1f} standard deviations"
            continue
        usual = [one.usual for one in own if one.usual is not None]
        compared = f"usually {_between(usual)}" if usual else "no date to compare with"
        yield f"{named}: {sign} ({_between([one.share for one in own])}, {compared})"


def _of_values(signs: Sequence[Seen], days: Sequence[Day]) -> Iterator[str]:
    """Say how far the values are from what they were, where it is they that tell."""
    for one in [one for one in signs if one.sign not in _LABELS][:_SHOWN]:
        *before, today = (day.features[one.feature.index] for day in days)
        told = [day for day in before if day.present and day.mean is not None and day.stddev is not None]
        if today.mean is None or not told:
            continue
        mean, spread = (statistics.mean(getattr(day, what) for day in told) for what in ("mean", "stddev"))
        zeros = statistics.mean(day.zeros / day.present for day in told)
        yield (
            f"{one.feature.name}: mean {today.mean:.3g} (usually {mean:.3g}), standard deviation "
            f"{today.stddev or 0:.3g} ({spread:.3g}), zeros {today.zeros / today.present:.0%} ({zeros:.0%})"
        )


def _between(shares: Sequence[float]) -> str:
    """Return 2% or 1-2%."""
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return low if low == high else f"{low.rstrip('%')}-{high}"


def _of_run(processor: Processor, told: ProcessorDay | None, today: Day) -> Iterator[str]:
    """Say what the rows tell of the processor's run."""
    if told is None:
        return
    if told.absent:
        yield f"{told.absent} of {today.rows} rows tell no run of {processor.name}"
    elif told.last_updated is not None:
        yield f"{processor.name} last ran {told.last_updated:%Y-%m-%d %H:%M} UTC"
    if told.late:
        yield f"{told.late} of {today.rows} rows were written before it ran"
