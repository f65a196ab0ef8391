"""Incidents: each kind changes one synthetic row as a real incident did. INCIDENTS has one entry per kind.

The incident of 2026-02-06 exists as `defaulted`, and as `masked`, where the labels stay good and only values show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeAlias

from fqtool.errors import InputError
from fqtool.registry.model import Feature, Registry

_EMPTY = 0.9


@dataclass(frozen=True, slots=True)
class SyntheticRow:
    """A synthetic row.

    Attributes:
        key: Number of the key.
        day: Date of the row.
        labels: Feature index as text -> label.
        values: Values in index order.
        names: Names in index order.
        processors: Processor -> time of its last run (None: no run), and number of its rows.
        written: Time at which the row was written.
        observations: Sample size of its windows.
        cold: Whether the row is too young for its windows.
    """

    key: int
    day: date
    labels: dict[str, str]
    values: list[float]
    names: list[str]
    processors: dict[str, tuple[datetime | None, int]]
    written: datetime
    observations: int
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident from `first` to `last` in the features of a `processor`, or in the named `features`.

    `share` is the share of affected rows, 0 to 1, for a kind that affects only some.
    """

    kind: str
    first: date
    last: date
    processor: str = ""
    features: tuple[str, ...] = ()
    share: float = 0.3


Before: TypeAlias = Callable[[], SyntheticRow]
"""Returns the row of the same key on the date before the incident."""
ApplyIncident: TypeAlias = Callable[[Registry, SyntheticRow, Incident, Before], SyntheticRow]


def apply_incident(registry: Registry, row: SyntheticRow, incident: Incident, before: Before) -> SyntheticRow:
    """Return the row after the incident. Raises InputError for an unknown kind."""
    if incident.kind not in INCIDENTS:
        raise InputError(f"Unknown incident {incident.kind!r}.", remedy=f"Use one of: {', '.join(INCIDENTS)}.")
    return INCIDENTS[incident.kind](registry, row, incident, before)


def _features_hit(registry: Registry, incident: Incident) -> list[Feature]:
    return [
        one
        for one in registry.features
        if one.name in incident.features or (incident.processor and one.processor == incident.processor)
    ]


def _absent(row: SyntheticRow, incident: Incident) -> SyntheticRow:
    """The processor wrote nothing for the date."""
    if incident.processor not in row.processors:
        return row
    return replace(row, processors=row.processors | {incident.processor: (None, 0)})


def _with_values(row: SyntheticRow, values: Mapping[int, float]) -> SyntheticRow:
    return replace(row, values=[values.get(index, value) for index, value in enumerate(row.values)])


def _defaulted(registry: Registry, row: SyntheticRow, incident: Incident, _: Before) -> SyntheticRow:
    """No input: each feature has its default value and a default label."""
    defaults = [one.label for one in registry.sources if one.is_default]
    hit = _features_hit(registry, incident)
    labels = {str(one.index): next((own for own in one.labels if own in defaults), defaults[0]) for one in hit}
    row = replace(_absent(row, incident), labels=row.labels | labels)
    return _with_values(row, {one.index: one.expected or 0.0 for one in hit})


def _masked(registry: Registry, row: SyntheticRow, incident: Incident, before: Before) -> SyntheticRow:
    """No input under good labels: half of the features keep their last values, the others are 0.0 in all rows."""
    old, hit = before(), _features_hit(registry, incident)
    repeated = {one.index: old.values[one.index] for one in hit[::2]}
    return _with_values(_absent(row, incident), dict.fromkeys((one.index for one in hit[1::2]), 0.0) | repeated)


def _partial(registry: Registry, row: SyntheticRow, incident: Incident, before: Before) -> SyntheticRow:
    """Some rows have no input."""
    drawn = Random(f"{incident.kind}|{row.key}|{row.day}").random()
    if drawn >= incident.share:
        return row
    return replace(_defaulted(registry, row, incident, before), processors=row.processors)


def _constant(registry: Registry, row: SyntheticRow, incident: Incident, _: Before) -> SyntheticRow:
    """One value in all rows, with a good label."""
    return _with_values(row, dict.fromkeys((one.index for one in _features_hit(registry, incident)), 0.0))


def _silent(registry: Registry, row: SyntheticRow, incident: Incident, _: Before) -> SyntheticRow:
    """Some rows have no input, under a good label."""
    if Random(f"{incident.kind}|{row.key}|{row.day}").random() >= incident.share:
        return row
    return _with_values(row, {one.index: one.expected or 0.0 for one in _features_hit(registry, incident)})


def _rescaled(registry: Registry, row: SyntheticRow, incident: Incident, _: Before) -> SyntheticRow:
    """Another unit: percentages instead of shares."""
    return _with_values(row, {one.index: row.values[one.index] * 100 for one in _features_hit(registry, incident)})


def _stale(registry: Registry, row: SyntheticRow, incident: Incident, before: Before) -> SyntheticRow:
    """The input is three days old, and so are the values."""
    updated, rows_found = row.processors.get(incident.processor, (None, 0))
    aged = updated - timedelta(days=3) if updated else None
    old = before()
    row = replace(row, processors=row.processors | {incident.processor: (aged, rows_found)})
    return _with_values(row, {one.index: old.values[one.index] for one in _features_hit(registry, incident)})


def _late(_: Registry, row: SyntheticRow, incident: Incident, __: Before) -> SyntheticRow:
    """The processor ran hours after the row was written."""
    rows_found = row.processors.get(incident.processor, (None, 0))[1]
    return replace(
        row, processors=row.processors | {incident.processor: (row.written + timedelta(hours=5), rows_found)}
    )


def _wrong_length(_: Registry, row: SyntheticRow, __: Incident, ___: Before) -> SyntheticRow:
    """The vector lacks its last two values."""
    return replace(row, values=row.values[: max(len(row.values) - 2, 1)])


def _reordered(_: Registry, row: SyntheticRow, __: Incident, ___: Before) -> SyntheticRow:
    """The features have another order; labels, values and names agree with each other."""
    order = [*range(1, len(row.values)), 0]
    labels = {str(at): row.labels[str(index)] for at, index in enumerate(order)}
    values, names = [row.values[index] for index in order], [row.names[index] for index in order]
    return replace(row, labels=labels, values=values, names=names)


def _cold_start(registry: Registry, row: SyntheticRow, _: Incident, __: Before) -> SyntheticRow:
    """The season is young: most windows have no observations."""
    drawn = Random(f"cold|{row.key}|{row.day}")
    empty = [one for one in registry.features if one.window and drawn.random() < _EMPTY]
    defaults = {one.label for one in registry.sources if one.is_default}
    labels = {str(one.index): own for one in empty for own in one.labels if own in defaults}
    row = replace(row, labels=row.labels | labels, observations=drawn.randint(0, 3), cold=True)
    return _with_values(row, {one.index: one.expected or 0.0 for one in empty})


def _decline(registry: Registry, row: SyntheticRow, incident: Incident, before: Before) -> SyntheticRow:
    """More rows without input on each date."""
    days = max(1, (incident.last - incident.first).days)
    grown = incident.share * ((row.day - incident.first).days + 1) / (days + 1)
    return _partial(registry, row, replace(incident, share=grown), before)


INCIDENTS: Mapping[str, ApplyIncident] = {
    "defaulted": _defaulted,
    "masked": _masked,
    "partial": _partial,
    "constant": _constant,
    "silent": _silent,
    "rescaled": _rescaled,
    "stale": _stale,
    "late": _late,
    "wrong_length": _wrong_length,
    "reordered": _reordered,
    "cold_start": _cold_start,
    "decline": _decline,
}
