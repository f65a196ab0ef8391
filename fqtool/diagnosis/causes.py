"""Causes: what explains the signs of a date together, the most likely first.

Signs of the features that one processor feeds have one cause: it did not run, ran on old input, ran late. What is left
is the feature's own. A cause says what to do about it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from fqtool.diagnosis.evidence import Day, ProcessorDay
from fqtool.diagnosis.signs import BY_CHANCE, Seen, Sign, signs_of
from fqtool.registry.model import Feature, Processor, Registry

_MOST = 0.5
_SHOWN = 3
_OLDER = timedelta(hours=20)  # a day, and what schedules wander


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


_SAID_BY = {
    Kind.MISSING: (Sign.DEFAULTED,),
    Kind.MASKED: (Sign.CONSTANT, Sign.REPEATED),
    Kind.STALE: (Sign.CONSTANT, Sign.REPEATED),
    Kind.DECLINING: (Sign.RISING,),
    Kind.PARTIAL: (Sign.MORE_DEFAULTS, Sign.DEFAULTED),
    Kind.NEUTRAL: (Sign.NEUTRAL, Sign.CONSTANT),
}
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
    causes = list(_of_vectors(days))
    if any(one.hit > today.rows * _MOST for one in causes):
        # Where positions do not mean what the registry says, nothing else that they seem to say counts.
        return tuple(causes)
    seen = [found for one in registry.active_features if (found := signs_of(one, days))]
    for processor in sorted(registry.processors, key=lambda one: -len(_near(one, seen))):
        own = [one for one in registry.active_features if one.processor == processor.name and not one.optional]
        for cause, explained in _of_processor(processor, own, _near(processor, seen), days):
            causes.append(cause)
            seen = [one for one in seen if one not in explained]
    causes += [_alone(one, registry, days) for one in seen]
    return tuple(sorted(causes, key=lambda one: (-one.hit, -len(one.features))))


def _of_vectors(days: Sequence[Day]) -> tuple[Cause, ...]:
    """Vectors whose positions do not mean what the registry says."""
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


def _near(processor: Processor, seen: Sequence[Seen]) -> list[Seen]:
    """The signs of what a processor feeds, its own features first; what is computed from its table follows it."""
    own = [one for one in seen if one.feature.processor == processor.name]
    table = processor.table.rpartition(".")[2]
    return [*own, *(one for one in seen if one not in own and table and one.feature.upstream_table == table)]


def _of_processor(
    processor: Processor, own: Sequence[Feature], near: list[Seen], days: Sequence[Day]
) -> Iterator[tuple[Cause, list[Seen]]]:
    """Yield the one cause that a processor is of, if any, and the signs that it explains."""
    today, told = days[-1], days[-1].processors.get(processor.name)
    absent, old, late = (look(processor, days) for look in (_absent, _older, _late))
    silent = told is not None and told.absent > today.rows * _MOST
    kind = _kind(own, [one for one in near if one.feature.processor == processor.name], silent=silent, stale=old > 0)
    if kind is not None:
        record = {Kind.MASKED: absent, Kind.STALE: old}.get(kind, 0)
        explained, lasting = near, max(record, *(one.days for one in near if one.sign in _SAID_BY[kind]))
        hit = max((_hit(one, today) for one in near if one.sign in _SAID_BY[kind]), default=today.rows)
    elif absent and told:
        # The record of the run alone tells of it, and labels where there are too few rows to judge by them.
        shares = [today.features[one.index].default_share or 0.0 for one in own]
        kind, lasting, hit, explained = Kind.MASKED, absent, told.absent, near
        if shares and min(shares) > _MOST:
            kind = Kind.MISSING
    elif old:
        kind, lasting, hit, explained = Kind.STALE, old, today.rows, near
    elif late and told:
        kind, lasting, hit, explained = Kind.LATE, late, told.late, []
    else:
        return
    features = tuple(one.feature for one in explained) or tuple(own)
    evidence = (*_of_signs(explained), *_of_values(explained, days), *_of_run(processor, told, today))
    updated = told.last_updated if told else None
    sure = _confidence(explained, run=silent or old > 0 or late > 0)
    cause = Cause(kind, today.day, days[-lasting].day, today.rows, hit, features, processor, updated, evidence, sure)
    yield cause, explained


def _hit(one: Seen, today: Day) -> int:
    """In how many rows a sign is seen."""
    return today.rows if one.sign is Sign.SHIFTED else round(one.share * today.rows)


def _kind(own: Sequence[Feature], signs: Sequence[Seen], *, silent: bool, stale: bool) -> Kind | None:
    """Return what the signs of one processor's features say together."""

    def having(kind: Kind) -> int:
        return sum(one.sign in _SAID_BY[kind] for one in signs)

    enough, frozen = len(own) * _MOST, having(Kind.MASKED)
    if 0 < having(Kind.MISSING) >= enough:
        return Kind.MISSING
    if frozen and (silent or (frozen >= enough and (stale or frozen > 1))):
        return Kind.STALE if stale and not silent else Kind.MASKED
    if 0 < having(Kind.DECLINING) >= enough:
        return Kind.DECLINING
    if 0 < having(Kind.PARTIAL) >= enough:
        return Kind.PARTIAL
    if 1 < having(Kind.NEUTRAL) >= enough:
        return Kind.NEUTRAL
    return None


def _confidence(signs: Sequence[Seen], *, run: bool) -> Confidence:
    """Two witnesses are certain; one is likely where it differs from what is usual, a mean alone is only possible."""
    labels = any(one.sign in _LABELS for one in signs)
    values = any(one.sign not in _LABELS for one in signs)
    if labels + values + run > 1:
        return Confidence.CERTAIN
    weak = all(one.sign is Sign.SHIFTED or one.usual is None for one in signs)
    return Confidence.POSSIBLE if signs and weak else Confidence.LIKELY


def _absent(processor: Processor, days: Sequence[Day]) -> int:
    """For how many dates most rows have told no run of a processor that they used to tell of, and not by chance."""
    told = [(day.processors[processor.name].absent, day.rows) for day in days if processor.name in day.processors]
    lasting = _lasts([absent / rows for absent, rows in told])
    if not lasting:
        return 0
    before = told[: len(told) - lasting]
    usual = (sum(absent for absent, _ in before) + 1) / (sum(rows for _, rows in before) + 2)
    return lasting if usual ** told[-1][0] <= BY_CHANCE else 0


def _late(processor: Processor, days: Sequence[Day]) -> int:
    """For how many dates most rows have been written before it ran; from the first date on if there is but one."""
    shares = [day.processors[processor.name].late / day.rows for day in days if processor.name in day.processors]
    return _lasts([0.0, *shares] if len(shares) == 1 else shares)


def _lasts(shares: Sequence[float]) -> int:
    """How many of the last dates have most of their rows, where that was not usual before."""
    lasting = next((at for at, one in enumerate(reversed(shares)) if one <= _MOST), len(shares))
    usual = shares[: len(shares) - lasting]
    return lasting if usual and statistics.median(usual) < _MOST else 0


def _older(processor: Processor, days: Sequence[Day]) -> int:
    """For how many dates what the rows were made from has been a day older than it ever was before.

    It is as old as its last run is before the date: rows may be written again later, and are not older for that.
    """
    told = [(day.day, day.processors[processor.name].last_updated) for day in days if processor.name in day.processors]
    ages = [datetime.combine(day, time(), UTC) - updated if updated else None for day, updated in told]
    known = [age for age in ages if age is not None]
    if not ages or ages[-1] is None:
        return 0
    lasting = _lasts([float(age is not None and age - min(known) >= _OLDER) for age in ages])
    before = [age for age in ages[: len(ages) - lasting] if age is not None]
    return lasting if before and ages[-1] - max(before) >= _OLDER else 0


def _alone(one: Seen, registry: Registry, days: Sequence[Day]) -> Cause:
    """The cause of a sign that no processor explains."""
    today = days[-1]
    processor = next((who for who in registry.processors if who.name == one.feature.processor), None)
    told = today.processors.get(one.feature.processor)
    evidence = (*_of_signs([one]), *_of_values([one], days))
    return Cause(
        _ALONE.get(one.sign, Kind.PARTIAL), today.day, days[-one.days].day, today.rows, _hit(one, today),
        (one.feature,), processor,
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
