"""Root causes: what explains the anomalies of a date together, the most likely first.

The anomalies of the features of one processor have one root cause: it did not run, ran on old input, or ran late. Any
other anomaly has a root cause of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from fqtool.commands.diagnose.anomalies import Seen, Sign, shares_values, signs_of
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.evidence import DISTANCES, OF_LABELS, run_text, signs_text, values_text
from fqtool.commands.diagnose.groups import groups_gone, groups_new
from fqtool.commands.diagnose.recorded_runs import MOST, absent_runs, late_runs, older_runs
from fqtool.commands.diagnose.row_counts import repeated_keys, unusual_count, usual_rows
from fqtool.commands.diagnose.shapes import shape_of
from fqtool.registry.model import Feature, Owner, Processor, Registry
from fqtool.scoring.layout import Layout

_EDGE = 2  # with fewer dates, the first date read does not show when it began


class Kind(StrEnum):
    """The kind of a root cause."""

    MISSHAPEN = "misshapen"
    MISORDERED = "misordered"
    ROW_COUNT = "row count"
    REPEATED_KEYS = "repeated keys"
    NO_ROWS = "no rows"
    GROUP_GONE = "group gone"
    GROUP_NEW = "group new"
    MISSING = "missing"
    MASKED = "masked"
    STALE = "stale"
    REPEATED = "repeated"
    PARTIAL = "partial"
    DECLINING = "declining"
    LATE = "late"
    CONSTANT = "constant"
    NEUTRAL = "neutral"
    OUTSIDE = "outside"
    SHIFTED = "shifted"
    NO_VALUE = "no value"
    NOT_FINITE = "not finite"
    OTHER_KEYS = "other keys"


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
_ALONE = {
    Sign.CONSTANT: Kind.CONSTANT,
    Sign.REPEATED: Kind.REPEATED,
    Sign.NEUTRAL: Kind.NEUTRAL,
    Sign.OUTSIDE: Kind.OUTSIDE,
    Sign.SHIFTED: Kind.SHIFTED,
    Sign.RISING: Kind.DECLINING,
    Sign.MISSING: Kind.NO_VALUE,
    Sign.NOT_FINITE: Kind.NOT_FINITE,
    Sign.NEGATIVE: Kind.SHIFTED,
    Sign.UNRELATED: Kind.OTHER_KEYS,
}
_OF_LEVEL = (Sign.OUTSIDE, Sign.NEGATIVE, Sign.SHIFTED)
_MOVING = 0.5  # a feature that repeats in fewer rows than this normally moves


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
        detail: What changed, in words: the shape of a shift, or the groups.
        absent: The word for rows without a real value: `defaulted`, or `missing` where rows have no labels.
        at_least: Whether the problem may have begun before `since`, the first date that was read.
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
    detail: str = ""
    absent: str = "defaulted"
    at_least: bool = False


def causes_of(registry: Registry, days: Sequence[Day]) -> tuple[Cause, ...]:
    """Return the root causes of the last of `days`, compared with the dates before it; () for a healthy date."""
    scorable, absent = _scorable(registry), "defaulted" if Layout(registry).has_labels else "missing"

    def completed(one: Cause) -> Cause:
        evidence = tuple(text.replace("defaulted in", f"{absent} in") for text in one.evidence)
        at_least = one.since == days[0].day and len(days) > _EDGE
        return replace(one, scorable=scorable, evidence=evidence, absent=absent, at_least=at_least)

    return tuple(completed(one) for one in _causes(registry, days))


def _scorable(registry: Registry) -> bool:
    return any(one.owner is not Owner.UPSTREAM for one in registry.columns)


def _causes(registry: Registry, days: Sequence[Day]) -> tuple[Cause, ...]:
    today = days[-1]
    causes = list(_of_vectors(days))
    if any(one.hit > today.rows * MOST for one in causes):
        # Where positions hold other features than the registry, the statistics of features mean nothing.
        return tuple(causes)
    causes += _of_rows(days)
    seen = _independent([found for one in registry.active_features if (found := signs_of(one, days))], today)
    for processor in sorted(registry.processors, key=lambda one: -len(_near(one, seen))):
        own = [one for one in registry.active_features if one.processor == processor.name and not one.optional]
        for cause, explained in _of_processor(processor, own, _near(processor, seen), days):
            causes.append(cause)
            seen = [one for one in seen if one not in explained]
    causes += _without_processor(seen, registry, days)
    return tuple(sorted(causes, key=lambda one: (-one.hit, -len(one.features))))


def _independent(seen: Sequence[Seen], today: Day) -> list[Seen]:
    """The anomalies without a repetition of few shared values in one feature of a processor: that happens by chance."""
    repeated = Counter(one.feature.processor for one in seen if one.sign is Sign.REPEATED)

    def by_chance(one: Seen) -> bool:
        alone = one.sign is Sign.REPEATED and repeated[one.feature.processor] == 1
        return alone and shares_values(today.features[one.feature.index])

    return [one for one in seen if not by_chance(one)]


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
    """Groups without rows, new groups, an unusual number of rows, and keys that repeat."""
    today = days[-1]
    gone = groups_gone(days)
    for kind, changes in ((Kind.GROUP_GONE, gone), (Kind.GROUP_NEW, groups_new(days))):
        for one in changes:
            since = days[-one.lasting].day
            yield Cause(
                kind, today.day, since, today.rows, today.rows, (), None, None, (one.evidence,), detail=one.text
            )
    if lasting := repeated_keys(days):
        evidence = (f"{today.repeated:,} of {today.rows:,} rows have the keys of another row of the date",)
        since = days[-lasting].day
        yield Cause(Kind.REPEATED_KEYS, today.day, since, today.rows, today.repeated, (), None, None, evidence)
    if not gone and (found := unusual_count(days)) is not None:
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
    absent, old, late = (look(processor, days) for look in (absent_runs, older_runs, late_runs))
    silent = told is not None and told.absent > today.rows * MOST
    ran = told is not None and not silent and not old
    moving = [one for one in own if _moves(one, days)]
    kind = _kind(own, moving, [one for one in near if one.feature.processor == processor.name], ran, silent, old > 0)
    if kind is not None:
        record = {Kind.MASKED: absent, Kind.STALE: old}.get(kind, 0)
        explained = [one for one in near if one.sign is not Sign.NOT_FINITE]
        lasting = max(record, *(one.days for one in near if one.sign in _SAID_BY[kind]))
        hit = max((_hit(one, today) for one in near if one.sign in _SAID_BY[kind]), default=today.rows)
    elif absent and told:
        # Only the recorded runs show it, or labels of too few rows to judge by them.
        shares = [today.features[one.index].default_share or 0.0 for one in own]
        kind, lasting, hit, explained = Kind.MASKED, absent, told.absent, near
        if shares and min(shares) > MOST:
            kind = Kind.MISSING
    elif old:
        kind, lasting, hit, explained = Kind.STALE, old, today.rows, near
    elif late and told:
        kind, lasting, hit, explained = Kind.LATE, late, told.late, []
    else:
        return
    features = tuple(one.feature for one in explained) or tuple(own)
    evidence = (*signs_text(explained), *values_text(explained, days), *run_text(told, today))
    updated = told.last_updated if told else None
    sure = _confidence(explained, run=silent or old > 0 or late > 0)
    cause = Cause(kind, today.day, days[-lasting].day, today.rows, hit, features, processor, updated, evidence, sure)
    yield cause, explained


def _moves(feature: Feature, days: Sequence[Day]) -> bool:
    """Whether the values of a feature usually differ from those of the previous row of the key."""
    shares = [share for day in days[:-1] if (share := day.features[feature.index].repeat_share) is not None]
    return not shares or min(shares) < _MOVING


def _hit(one: Seen, today: Day) -> int:
    """The number of rows that have an anomaly."""
    return today.rows if one.sign in DISTANCES else round(one.share * today.rows)


def _kind(
    own: Sequence[Feature], moving: Sequence[Feature], signs: Sequence[Seen], ran: bool, silent: bool, stale: bool
) -> Kind | None:
    """Return the kind of root cause that the anomalies of the features of one processor have together.

    A record that the processor ran excludes that it did not run, and that its output is old.
    """

    def having(kind: Kind) -> int:
        return sum(one.sign in _SAID_BY[kind] for one in signs)

    enough, frozen = len(own) * MOST, having(Kind.MASKED)
    repeated = sum(one.sign is Sign.REPEATED for one in signs)
    if 0 < having(Kind.MISSING) >= enough:
        return Kind.PARTIAL if ran else Kind.MISSING
    if frozen and silent:
        return Kind.MASKED
    if 0 < repeated >= len(moving) * MOST and stale:
        return Kind.STALE
    if not ran and frozen > 1 and frozen >= enough:
        return Kind.STALE if stale or repeated == frozen else Kind.MASKED
    if 0 < having(Kind.DECLINING) >= enough:
        return Kind.DECLINING
    if 0 < having(Kind.PARTIAL) >= enough:
        return Kind.PARTIAL
    if 1 < having(Kind.NEUTRAL) >= enough:
        return Kind.NEUTRAL
    return None


def _confidence(signs: Sequence[Seen], *, run: bool) -> Confidence:
    """Two kinds of observation are certain, one that is unusual is likely, an unusual mean alone is possible."""
    labels = any(one.sign in OF_LABELS for one in signs)
    values = any(one.sign not in OF_LABELS for one in signs)
    if labels + values + run > 1:
        return Confidence.CERTAIN
    weak = all(one.sign in DISTANCES or one.usual is None for one in signs)
    return Confidence.POSSIBLE if signs and weak else Confidence.LIKELY


def _without_processor(seen: Sequence[Seen], registry: Registry, days: Sequence[Day]) -> Iterator[Cause]:
    """Yield the root causes of anomalies that no processor explains: one for those that are alike.

    Means that moved together across processors are one event.
    """
    groups: dict[tuple[object, ...], list[Seen]] = {}
    details: dict[tuple[object, ...], str] = {}
    for one in seen:
        kind, processor, detail = _ALONE.get(one.sign, Kind.PARTIAL), one.feature.processor, ""
        key: tuple[object, ...] = (kind, processor)
        if one.sign in _OF_LEVEL:
            own = [other for other in registry.active_features if other.processor == processor]
            shape = shape_of(one, own, days)
            detail = shape.text
            pair = sorted((one.feature.index, shape.other.index)) if shape.other else one.feature.index
            key = (kind, "") if shape.is_shift and kind is Kind.SHIFTED else (str(pair),)
        details[key] = details.get(key) or detail
        groups[key] = [*groups.get(key, ()), one]
    for key, alike in groups.items():
        yield _alone(alike, details[key], registry, days)


def _alone(alike: Sequence[Seen], detail: str, registry: Registry, days: Sequence[Day]) -> Cause:
    """The root cause of anomalies that no processor explains."""
    today, names = days[-1], {one.feature.processor for one in alike}
    processor = next((who for who in registry.processors if {who.name} == names), None)
    told = today.processors.get(processor.name) if processor else None
    evidence = (*signs_text(alike), *values_text(alike, days))
    if len(names) > 1:
        evidence = (f"may be real: means of {len(names)} processors moved together", *evidence)
        detail = ""
    return Cause(
        _ALONE.get(alike[0].sign, Kind.PARTIAL), today.day, days[-max(one.days for one in alike)].day, today.rows,
        max(_hit(one, today) for one in alike), tuple(one.feature for one in alike), processor,
        told.last_updated if told else None, evidence, _confidence(alike, run=False), detail=detail,
    )  # fmt: skip
