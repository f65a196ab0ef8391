"""Known events: the problems of stored rows that the registry accepts for some dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from fqtool.commands.diagnose.cause import Cause
from fqtool.findings.finding import Finding, Severity
from fqtool.registry.alerts_and_models import KnownEvent
from fqtool.registry.model import Registry


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
