"""Root causes: what explains the anomalies of a date together, the most likely first.

The anomalies of the features of one processor have one root cause: it did not run, ran on old input, or ran late. Any
other anomaly has a root cause of its own.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from fqtool.commands.diagnose.anomalies import BY_CHANCE, Seen, Sign, signs_of
from fqtool.commands.diagnose.daily_stats import Day, ProcessorDay
from fqtool.commands.diagnose.row_counts import repeated_keys, unusual_count, usual_rows
from fqtool.output.table_text import index_ranges
from fqtool.registry.model import Feature, Owner, Processor, Registry

_MOST = 0.5
_SHOWN = 3
_OLDER = timedelta(hours=20)  # a day, less the usual delays of a schedule


class Kind(StrEnum):
    """The kind of a root cause."""

    MISSHAPEN = "misshapen"
    MISORDERED = "misordered"
    ROW_COUNT = "row count"
    REPEATED_KEYS = "repeated keys"
    NO_ROWS = "no rows"
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
    NO_VALUE = "no value"
    NOT_FINITE = "not finite"


class Confidence(StrEnum):
    """How sure a root cause is, by the number of independent observations: labels, values, recorded runs."""

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
    Sign.MISSING: Kind.NO_VALUE,
    Sign.NOT_FINITE: Kind.NOT_FINITE,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong on a date.

    Attributes:
        kind: The kind of root cause.
        day: The date.
        since: The first of the dates in sequence that have the problem.
        rows: Rows of the date.
        hit: Rows of the date that have the problem.
        features: The features that have the problem, () where it is about whole rows.
        processor: The processor that feeds them, None where it is unknown.
        last_updated: The last run of the processor that the rows record.
        evidence: The evidence, one observation per text.
        confidence: How sure it is.
        scorable: Whether the registry has columns that `fqtool score` computes.
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
    scorable: bool = True


def causes_of(registry: Registry, days: Sequence[Day]) -> tuple[Cause, ...]:
    """Return the root causes of the last of `days`, compared with the dates before it; () for a healthy date."""
    scorable = _scorable(registry)
    return tuple(replace(one, scorable=scorable) for one in _causes(registry, days))


def _scorable(registry: Registry) -> bool:
    return any(one.owner is not Owner.UPSTREAM for one in registry.columns)


def _causes(registry: Registry, days: Sequence[Day]) -> tuple[Cause, ...]:
    today = days[-1]
    causes = list(_of_vectors(days))
    if any(one.hit > today.rows * _MOST for one in causes):
        # Where positions hold other features than the registry, the statistics of features mean nothing.
        return tuple(causes)
    causes += _of_rows(days)
    seen = [found for one in registry.active_features if (found := signs_of(one, days))]
    for processor in sorted(registry.processors, key=lambda one: -len(_near(one, seen))):
        own = [one for one in registry.active_features if one.processor == processor.name and not one.optional]
        for cause, explained in _of_processor(processor, own, _near(processor, seen), days):
            causes.append(cause)
            seen = [one for one in seen if one not in explained]
    causes += [_alone(one, registry, days) for one in seen]
    return tuple(sorted(causes, key=lambda one: (-one.hit, -len(one.features))))


def _of_vectors(days: Sequence[Day]) -> tuple[Cause, ...]:
    """Vectors whose positions hold other features than the registry."""
    today = days[-1]
    counted = (
        (Kind.MISSHAPEN, "length", [day.misshapen for day in days]),
        (Kind.MISORDERED, "order", [day.misordered for day in days]),
    )
    causes = []
    for kind, what, counts in counted:
        if counts[-1]:
            since = days[-_lasting([count > 0 for count in counts])].day
            evidence = (f"{counts[-1]:,} of {today.rows:,} vectors differ from the registry in {what}",)
            causes.append(Cause(kind, today.day, since, today.rows, counts[-1], (), None, None, evidence))
    return tuple(causes)


def _of_rows(days: Sequence[Day]) -> Iterator[Cause]:
    """An unusual number of rows, and keys that repeat."""
    today = days[-1]
    if lasting := repeated_keys(days):
        evidence = (f"{today.repeated:,} of {today.rows:,} rows have the keys of another row of the date",)
        since = days[-lasting].day
        yield Cause(Kind.REPEATED_KEYS, today.day, since, today.rows, today.repeated, (), None, None, evidence)
    if (found := unusual_count(days)) is not None:
        since = days[-found.lasting].day
        usual = f"usually {found.usual:,.0f} rows, {found.least:,} to {found.most:,}"
        evidence = (f"{usual} on {found.dates} earlier dates",)
        yield Cause(
            Kind.ROW_COUNT, today.day, since, today.rows, today.rows, (), None, None, evidence, Confidence.LIKELY
        )


def date_without_rows(registry: Registry, day: date, start: date, before: Sequence[Day]) -> Cause | None:
    """Return the root cause of a date without rows, None where that is usual.

    Args:
        registry: The registry.
        day: The date.
        start: The first date that was read.
        before: The dates from `start` on that have rows.
    """
    usual = usual_rows(day, start, before)
    if usual is None:
        return None
    evidence = (f"usually {usual:.0f} rows, on {len(before)} of {(day - start).days} earlier dates",)
    since = before[-1].day + timedelta(days=1)
    return Cause(Kind.NO_ROWS, day, since, 0, 0, (), None, None, evidence, scorable=_scorable(registry))


def _lasting(holds: Sequence[bool]) -> int:
    count = 0
    for one in reversed(holds):
        if not one:
            break
        count += 1
    return max(count, 1)


def _near(processor: Processor, seen: Sequence[Seen]) -> list[Seen]:
    """The anomalies of the features of a processor, then those of features computed from its table."""
    own = [one for one in seen if one.feature.processor == processor.name]
    table = processor.table.rpartition(".")[2]
    return [*own, *(one for one in seen if one not in own and table and one.feature.upstream_table == table)]


def _of_processor(
    processor: Processor, own: Sequence[Feature], near: list[Seen], days: Sequence[Day]
) -> Iterator[tuple[Cause, list[Seen]]]:
    """Yield the root cause that a processor has, if any, and the anomalies that it explains."""
    today, told = days[-1], days[-1].processors.get(processor.name)
    absent, old, late = (look(processor, days) for look in (_absent, _older, _late))
    silent = told is not None and told.absent > today.rows * _MOST
    kind = _kind(own, [one for one in near if one.feature.processor == processor.name], silent=silent, stale=old > 0)
    if kind is not None:
        record = {Kind.MASKED: absent, Kind.STALE: old}.get(kind, 0)
        explained, lasting = near, max(record, *(one.days for one in near if one.sign in _SAID_BY[kind]))
        hit = max((_hit(one, today) for one in near if one.sign in _SAID_BY[kind]), default=today.rows)
    elif absent and told:
        # Only the recorded runs show it, or labels of too few rows to judge by them.
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
    evidence = (*_of_signs(explained), *_of_values(explained, days), *_of_run(told, today))
    updated = told.last_updated if told else None
    sure = _confidence(explained, run=silent or old > 0 or late > 0)
    cause = Cause(kind, today.day, days[-lasting].day, today.rows, hit, features, processor, updated, evidence, sure)
    yield cause, explained


def _hit(one: Seen, today: Day) -> int:
    """The number of rows that have an anomaly."""
    return today.rows if one.sign is Sign.SHIFTED else round(one.share * today.rows)


def _kind(own: Sequence[Feature], signs: Sequence[Seen], *, silent: bool, stale: bool) -> Kind | None:
    """Return the kind of root cause that the anomalies of the features of one processor have together."""

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
    """Two kinds of observation are certain, one that is unusual is likely, an unusual mean alone is possible."""
    labels = any(one.sign in _LABELS for one in signs)
    values = any(one.sign not in _LABELS for one in signs)
    if labels + values + run > 1:
        return Confidence.CERTAIN
    weak = all(one.sign is Sign.SHIFTED or one.usual is None for one in signs)
    return Confidence.POSSIBLE if signs and weak else Confidence.LIKELY


def _absent(processor: Processor, days: Sequence[Day]) -> int:
    """The number of last dates on which most rows lack a run of a processor that rows used to have."""
    told = [(day.processors[processor.name].absent, day.rows) for day in days if processor.name in day.processors]
    lasting = _lasts([absent / rows for absent, rows in told])
    if not lasting:
        return 0
    before = told[: len(told) - lasting]
    usual = (sum(absent for absent, _ in before) + 1) / (sum(rows for _, rows in before) + 2)
    return lasting if usual ** told[-1][0] <= BY_CHANCE else 0


def _late(processor: Processor, days: Sequence[Day]) -> int:
    """The number of last dates on which most rows were written before the processor ran."""
    shares = [day.processors[processor.name].late / day.rows for day in days if processor.name in day.processors]
    return _lasts([0.0, *shares] if len(shares) == 1 else shares)


def _lasts(shares: Sequence[float]) -> int:
    """The number of last dates with a share above one half, where such a share was not usual before."""
    lasting = next((at for at, one in enumerate(reversed(shares)) if one <= _MOST), len(shares))
    usual = shares[: len(shares) - lasting]
    return lasting if usual and statistics.median(usual) < _MOST else 0


def _older(processor: Processor, days: Sequence[Day]) -> int:
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


def _alone(one: Seen, registry: Registry, days: Sequence[Day]) -> Cause:
    """The root cause of an anomaly that no processor explains."""
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
    """Yield a text for each kind of anomaly, with its features."""
    for sign in dict.fromkeys(one.sign for one in signs):
        own = [one for one in signs if one.sign is sign]
        names = ", ".join(one.feature.name for one in own)
        named = f"feature{'s' * (len(own) > 1)} {index_ranges(one.feature.index for one in own)} ({names})"
        if sign is Sign.SHIFTED:
            yield f"{named}: {sign}, {max(one.share for one in own):.1f} standard deviations from usual"
            continue
        usual = [one.usual for one in own if one.usual is not None]
        compared = f"usually {_between(usual)}" if usual else "no earlier date to compare with"
        shares = _between([one.share for one in own])
        yield f"{named}: {sign} ({compared if shares == '100%' and 'all rows' in sign else f'{shares}, {compared}'})"


def _of_values(signs: Sequence[Seen], days: Sequence[Day]) -> Iterator[str]:
    """Yield how far the values are from usual, for anomalies of values."""
    for one in [one for one in signs if one.sign not in _LABELS][:_SHOWN]:
        *before, today = (day.features[one.feature.index] for day in days)
        told = [day for day in before if day.present and day.mean is not None and day.stddev is not None]
        if today.mean is None or not told:
            continue
        mean, spread = (statistics.mean(getattr(day, what) for day in told) for what in ("mean", "stddev"))
        zeros = statistics.mean(day.zeros / day.present for day in told)
        yield (
            f"{one.feature.name}: mean {today.mean:.3g} (usually {mean:.3g}), standard deviation "
            f"{today.stddev or 0:.3g} (usually {spread:.3g}), zeros {today.zeros / today.present:.0%} "
            f"(usually {zeros:.0%})"
        )


def _between(shares: Sequence[float]) -> str:
    """Return `2%` or `1-2%`."""
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return low if low == high else f"{low.rstrip('%')}-{high}"


def _of_run(told: ProcessorDay | None, today: Day) -> Iterator[str]:
    """Yield what the rows record about the run of the processor."""
    if told is None:
        return
    if told.absent:
        yield f"{told.absent:,} of {today.rows:,} rows record no run"
    elif told.last_updated is not None:
        yield f"the last run was at {told.last_updated:%Y-%m-%d %H:%M} UTC"
    if told.late:
        yield f"{told.late:,} of {today.rows:,} rows were written before that run"
