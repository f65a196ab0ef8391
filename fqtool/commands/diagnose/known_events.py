"""Known events: the problems of stored rows that the registry accepts for some dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from fqtool.commands.diagnose.cause import Cause
from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.findings.finding import Finding, Severity
from fqtool.registry.alerts_and_models import KnownEvent
from fqtool.registry.model import Registry

_EMPTY = FeatureDay(
    scored=0, defaults=0, missing=0, nonfinite=0, present=0, mean=None, stddev=None, low=None, high=None, zeros=0,
    outside=0, neutral=0, repeats=0, followed=0, cold=0, cold_defaults=0,
)  # fmt: skip


def event_of(registry: Registry, cause: Cause) -> KnownEvent | None:
    """Return the known event that a root cause belongs to: one that covers the date, else one that has ended.

    A root cause that began after the end of an event does not belong to it.
    """
    events = (one for one in registry.known_events if one.since <= cause.day and _is_about(one, registry, cause))
    found = sorted((one for one in events if cause.since <= one.until), key=lambda one: one.until)
    return found[-1] if found else None


def known_features(registry: Registry, day: date) -> frozenset[str]:
    """Return the names of the features that known events of a date are about."""
    current = [one for one in registry.known_events if one.since <= day <= one.until]
    return frozenset(name for one in current for name in _features(one, registry))


def without_ended_events(registry: Registry, days: Sequence[Day], *, relations_only: bool = False) -> Sequence[Day]:
    """Return the dates without the rows of events that have ended: not what later dates are compared with.

    A date of an event about whole rows is left out; else its features have no values on it, and on the date after it
    no relation to the previous row. The same sequence where no event has ended.

    Args:
        registry: The registry.
        days: The dates, the date in question last.
        relations_only: Whether the dates of events keep their rows.
    """
    today = days[-1].day
    ended = [one for one in registry.known_events if days[0].day <= one.until < today]
    if not ended:
        return days
    kept, before = [], frozenset[str]()
    for day in days:
        events = [one for one in ended if one.since <= day.day <= one.until]
        if not relations_only and any(not one.features and not one.processors for one in events):
            continue
        names = frozenset(name for one in events for name in _features(one, registry))
        empty = {one.index: _EMPTY for one in registry.active_features if one.name in names and not relations_only}
        after = {
            one.index: replace(day.features[one.index], repeats=0, followed=0, follows=None, monotone=0)
            for one in registry.active_features
            if one.name in before
        }
        kept.append(replace(day, features={**day.features, **after, **empty}) if empty or after else day)
        before = names
    return kept


def _features(event: KnownEvent, registry: Registry) -> frozenset[str]:
    of_processors = (one.name for one in registry.features if one.processor in event.processors)
    return frozenset((*event.features, *of_processors))


def _is_about(event: KnownEvent, registry: Registry, cause: Cause) -> bool:
    if not event.features and not event.processors:
        return not cause.features and cause.processor is None
    if cause.processor and cause.processor.name in event.processors:
        return True
    return bool(cause.features) and _features(event, registry).issuperset(one.name for one in cause.features)


def with_event(finding: Finding, cause: Cause) -> Finding:
    """Return a finding as a note while a known event covers the date, and with the ended event after it."""
    if cause.event is None:
        return finding
    reason, until = cause.event.reason, cause.event.until
    if cause.is_known:
        return replace(finding, severity=Severity.NOTE, message=f"{finding.message} Known until {until}: {reason}.")
    ended = f"The known event ended on {until} and the problem did not: {reason}."
    return replace(finding, message=f"{finding.message} {ended}")
