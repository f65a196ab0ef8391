"""Root causes: what explains the anomalies of a date together, the most likely first.

The anomalies of the features of one processor have one root cause: it did not run, ran on old input, or ran late. Any
other anomaly has a root cause of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from fqtool.commands.diagnose.absent_labels import labels_missing, without_labels
from fqtool.commands.diagnose.anomalies import signs_of
from fqtool.commands.diagnose.cause import Cause, Confidence, Kind
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.evidence import (
    DISTANCES,
    OF_LABELS,
    OF_LEVEL,
    constant_text,
    labels_text,
    run_text,
    signs_text,
    values_text,
)
from fqtool.commands.diagnose.gate_falls import behind_text, fallen_gates, features_behind
from fqtool.commands.diagnose.groups import categories_new
from fqtool.commands.diagnose.history import Seen, Sign, shares_values
from fqtool.commands.diagnose.known_events import event_of, without_ended_events
from fqtool.commands.diagnose.lasting import explains, is_same, lasting_causes
from fqtool.commands.diagnose.recorded_runs import MOST, absent_runs, late_runs, older_runs, unrecorded_rows
from fqtool.commands.diagnose.row_causes import of_rows, of_vectors
from fqtool.commands.diagnose.row_counts import first_absent, usual_rows
from fqtool.commands.diagnose.row_relations import next_of
from fqtool.commands.diagnose.shapes import shape_of
from fqtool.commands.diagnose.swaps import swap_causes
from fqtool.commands.diagnose.unscored import not_scored
from fqtool.registry.model import Feature, Owner, Processor, Registry
from fqtool.scoring.layout import PRESENT, Layout
from fqtool.scoring.value_laws import law_text

REWRITTEN = f"the stored source is `{PRESENT}`, so the rows changed after they were scored"
"""What NULL under a good source means in a store without labels, where the source follows from the value."""
_WITHOUT_LABELS = {Sign.MISSING: f"NULL under the source {PRESENT}", Sign.NEUTRAL: "the default value"}
_EDGE = 2  # with fewer dates, the first date read does not show when it began


_SAID_BY = {
    Kind.MISSING: (Sign.DEFAULTED,),
    Kind.MASKED: (Sign.CONSTANT, Sign.REPEATED, Sign.NEUTRAL),
    Kind.STALE: (Sign.CONSTANT, Sign.REPEATED),
    Kind.DECLINING: (Sign.RISING,),
    Kind.PARTIAL: (Sign.MORE_DEFAULTS, Sign.DEFAULTED),
    Kind.NEUTRAL: (Sign.NEUTRAL, Sign.CONSTANT),
}
_OF_PARTIAL = _SAID_BY[Kind.PARTIAL]
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
    Sign.SCATTERED: Kind.SHIFTED,
    Sign.PRECISION: Kind.SHIFTED,
    Sign.APART: Kind.SHIFTED,
    Sign.BROKEN: Kind.LAW,
}
_SAME_ONSET = 2  # days; the first date of a weak anomaly may not show
_MOVING = 0.5  # a feature that repeats in fewer rows than this normally moves


def causes_of(registry: Registry, days: Sequence[Day], older: Sequence[Day] = ()) -> tuple[Cause, ...]:
    """Return the root causes of the last of `days`, compared with the dates before it; () for a healthy date.

    The dates of known events that have ended are left out of the comparison, and the end of an event causes no anomaly.

    Args:
        registry: The registry.
        days: The dates, the date in question last.
        older: The dates before them: what a problem is compared with that has lasted for most of `days`.
    """
    found = _compared(registry, days, [one.day for one in days])
    for one in lasting_causes(days, older, partial(_compared, registry)) if older else ():
        found = [other for other in found if not explains(one, other)]
        if not any(is_same(one, other) for other in found):
            found.append(replace(one, event=event_of(registry, one)))
    return tuple(sorted(found, key=lambda one: (-one.hit, -len(one.features))))


def _compared(
    registry: Registry, days: Sequence[Day], dates: Sequence[date], only: Sequence[Feature] = ()
) -> list[Cause]:
    """The root causes of the last of `days`, in these features; `dates` are all dates with rows up to it."""
    scorable, absent = _scorable(registry), "defaulted" if Layout(registry).has_labels else "missing"

    def completed(one: Cause) -> Cause:
        evidence = tuple(text.replace("defaulted in", f"{absent} in") for text in one.evidence)
        if absent == "missing":
            for sign, words in _WITHOUT_LABELS.items():
                evidence = tuple(text.replace(sign, words) for text in evidence)
        sure = one.confidence
        if one.kind in (Kind.MISSING, Kind.PARTIAL) and (unsure := labels_text(one.features, days)):
            evidence, sure = (*evidence, unsure), Confidence.POSSIBLE
        at_least = one.since == days[0].day and len(days) > _EDGE
        owner, event = _owners(registry, one), event_of(registry, one)
        detail = REWRITTEN if absent == "missing" and one.kind is Kind.NO_VALUE else one.detail
        # Where no earlier date has a value, nothing shows that it is about the runs of the processor.
        always = one.kind is Kind.MISSING and at_least and not one.recorded
        kind = Kind.PARTIAL if always else one.kind
        return replace(
            one, kind=kind, detail=detail, scorable=scorable, evidence=evidence, confidence=sure, absent=absent,
            owner=owner, event=event, at_least=at_least,
        )  # fmt: skip

    compared = without_ended_events(registry, days)
    left_out = {one.day for one in days}.difference(one.day for one in compared)
    dates = [one for one in dates if one not in left_out]
    found = [completed(one) for one in _causes(registry, compared, dates, only)]
    if compared is not days:
        # Whether a problem has outlived its event only the dates of the event show.
        every = without_ended_events(registry, days, relations_only=True)
        outlived = [
            cause for one in _causes(registry, every, dates, only) if (cause := completed(one)).event is not None
        ]
        found = [*outlived, *(one for one in found if not any(is_same(one, cause) for cause in outlived))]
    return found


def _owners(registry: Registry, cause: Cause) -> str:
    """The owners of the features, each once; of the processor where no feature is named."""
    owners = [registry.owner(one) for one in cause.features] or [cause.processor.owner if cause.processor else ""]
    return ", ".join(dict.fromkeys(filter(None, owners)))


def _scorable(registry: Registry) -> bool:
    return any(one.owner is not Owner.UPSTREAM for one in registry.columns)


def _causes(
    registry: Registry, days: Sequence[Day], dates: Sequence[date], only: Sequence[Feature]
) -> tuple[Cause, ...]:
    today = days[-1]
    if without_labels(today):
        return (labels_missing(registry, days),)
    causes = list(of_vectors(days))
    if any(one.hit > today.rows * MOST for one in causes):
        # Where positions hold other features than the registry, the statistics of features mean nothing.
        return tuple(causes)
    causes += [*not_scored(days), *of_rows(days)]
    looked_at = only or registry.active_features
    found = (signs_of(one, days, _together(registry, one), dates) for one in looked_at)
    seen = _independent([one for one in found if one is not None], registry, today)
    for swapped, explained in swap_causes(registry, seen, days):
        if all(one.features != swapped.features for one in causes):
            causes.append(swapped)
            seen = [one for one in seen if one not in explained]
    for processor in sorted(registry.processors, key=lambda one: -len(_near(one, seen))):
        own = [one for one in registry.active_features if one.processor == processor.name and not one.optional]
        for cause, explained in _of_processor(processor, own, _near(processor, seen), days):
            causes.append(cause)
            seen = [one for one in seen if one not in explained]
    causes += _without_processor(seen, registry, days)
    named = {feature.index for one in causes for feature in one.features}
    causes += _of_categories([one for one in registry.active_features if one.index not in named], registry, days)
    return tuple(causes or _of_gates(registry, days))


def _of_categories(features: Sequence[Feature], registry: Registry, days: Sequence[Day]) -> Iterator[Cause]:
    """Values of text features that no earlier date has."""
    today, processors = days[-1], {one.name: one for one in registry.processors}
    for feature in features:
        if new := categories_new(feature.index, days):
            yield Cause(
                Kind.CATEGORY_NEW, today.day, days[-new.lasting].day, today.rows, 1, (feature,),
                processors.get(feature.processor), None, (new.evidence,), Confidence.LIKELY, detail=new.text,
            )  # fmt: skip


def _together(registry: Registry, feature: Feature) -> list[Feature]:
    return [one for one in registry.active_features if one.processor == feature.processor and one.processor]


def _independent(seen: Sequence[Seen], registry: Registry, today: Day) -> list[Seen]:
    """The anomalies that no other one explains.

    A repetition of few shared values in one feature of a processor happens by chance. A feature that no longer moves
    with the next one is explained by any anomaly of the next one.
    """
    repeated = Counter(one.feature.processor for one in seen if one.sign is Sign.REPEATED)
    unusual = {one.feature.index for one in seen}

    def is_explained(one: Seen) -> bool:
        if one.sign is Sign.APART:
            following = next_of(one.feature, registry.active_features)
            return following is not None and following.index in unusual
        alone = one.sign is Sign.REPEATED and repeated[one.feature.processor] == 1
        return alone and shares_values(today.features[one.feature.index])

    return [one for one in seen if not is_explained(one)]


def _of_gates(registry: Registry, days: Sequence[Day]) -> Iterator[Cause]:
    """Yield the fall of gates that no other root cause explains, with the features behind it."""
    fallen, today = sorted(fallen_gates(days, registry), key=lambda one: one.share - one.usual), days[-1]
    if not fallen:
        return
    behind = features_behind(days, registry.active_features)
    shares = (f"{one.name} is TRUE in {one.share:.0%} of the rows, usually {one.usual:.0%}" for one in fallen)
    evidence = (*shares, behind_text(behind) or "no feature is defaulted in more rows than usual")
    lasting, hit = max(one.lasting for one in fallen), round((1 - fallen[0].share) * today.scored)
    features = tuple(one.feature for one in behind)
    detail = ", ".join(one.name for one in fallen)
    yield Cause(
        Kind.GATE, today.day, days[-lasting].day, today.rows, hit, features, None, None, evidence,
        Confidence.LIKELY, detail=detail,
    )  # fmt: skip


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
    since = first_absent(day, start, before)
    cause = Cause(Kind.NO_ROWS, day, since, 0, 0, (), None, None, evidence, scorable=_scorable(registry))
    return replace(cause, event=event_of(registry, cause))


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
    silent = told is not None and (told.absent > today.rows * MOST or unrecorded_rows(processor, days) > 0)
    ran = told is not None and not silent and not old
    moving = [one for one in own if _moves(one, days)]
    kind = _kind(own, moving, [one for one in near if one.feature.processor == processor.name], ran, silent, old > 0)
    if kind is Kind.PARTIAL and late:
        kind = None  # the rows lack values because they were written before the run
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
        kind, lasting, hit, explained = Kind.LATE, late, told.late, [one for one in near if one.sign in _OF_PARTIAL]
    else:
        return
    features = tuple(one.feature for one in explained) or tuple(own)
    evidence = (*signs_text(explained), *values_text(explained, days), *run_text(told, today))
    updated = told.last_updated if told else None
    sure = _confidence(explained, run=silent or old > 0 or late > 0)
    yield Cause(
        kind, today.day, days[-lasting].day, today.rows, hit, features, processor, updated, evidence, sure,
        recorded=silent or absent > 0,
    ), explained  # fmt: skip


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

    enough, frozen = len(own) * MOST, having(Kind.STALE)
    repeated = sum(one.sign is Sign.REPEATED for one in signs)
    if 0 < having(Kind.MISSING) >= enough:
        return Kind.PARTIAL if ran else Kind.MISSING
    if silent and (frozen or having(Kind.NEUTRAL)):
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
        if one.sign is Sign.BROKEN:
            laws = days[-1].features[one.feature.index].broken
            detail = ", ".join(f"`{law_text(one.feature, law)}`" for law in laws)
            key = (kind, one.feature.index)
        if one.sign in OF_LEVEL:
            own = [other for other in registry.active_features if other.processor == processor]
            shape = shape_of(one, own, days)
            detail = shape.text
            pair = sorted((one.feature.index, shape.other.index)) if shape.other else one.feature.index
            key = (kind, "") if shape.is_shift and kind is Kind.SHIFTED else (str(pair),)
        details[key] = details.get(key) or detail
        groups[key] = [*groups.get(key, ()), one]
    for key, alike in groups.items():
        for same in _by_onset(alike):
            yield _alone(same, details[key] or constant_text(same, days[-1]), registry, days)


def _by_onset(alike: Sequence[Seen]) -> Iterator[list[Seen]]:
    """Yield the anomalies that began at about the same time."""
    group: list[Seen] = []
    for one in sorted(alike, key=lambda one: one.days):
        if group and one.days - group[-1].days > _SAME_ONSET:
            yield group
            group = []
        group = [*group, one]
    yield sorted(group, key=lambda one: one.feature.index)


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
