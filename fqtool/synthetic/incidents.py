"""How a feature store breaks: each incident spoils one row as the real one did. An open table: one entry, one way.

The incident of 2026-02-06 comes as `defaulted`, and as `masked`, where the labels stay good and only values tell.
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
class Made:
    """A row as it was made: the key's number, labels by index, values and names in index order.

    `processors` tell when each ran and how many rows of it were found; `written` is when the row was, `games` the
    sample behind its windows, `cold` whether it is too young for them.
    """

    key: int
    day: date
    labels: dict[str, str]
    values: list[float]
    names: list[str]
    processors: dict[str, tuple[datetime | None, int]]
    written: datetime
    games: int
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """What breaks from `first` to `last`: the features of a `processor`, or the `features` named.

    `share` is the part of the rows that is hit, where the kind hits only some.
    """

    kind: str
    first: date
    last: date
    processor: str = ""
    features: tuple[str, ...] = ()
    share: float = 0.3


Before: TypeAlias = Callable[[], Made]
"""The same key's row of the date before the incident."""
Spoil: TypeAlias = Callable[[Registry, Made, Incident, Before], Made]


def spoiled(registry: Registry, made: Made, incident: Incident, before: Before) -> Made:
    """Return the row as the incident leaves it. Raises InputError for a kind that is none."""
    if incident.kind not in INCIDENTS:
        raise InputError(f"There is no incident {incident.kind!r}.", remedy=f"Use one of: {', '.join(INCIDENTS)}.")
    return INCIDENTS[incident.kind](registry, made, incident, before)


def _hit(registry: Registry, incident: Incident) -> list[Feature]:
    return [
        one
        for one in registry.features
        if one.name in incident.features or (incident.processor and one.processor == incident.processor)
    ]


def _absent(made: Made, incident: Incident) -> Made:
    """The processor wrote nothing for the date."""
    if incident.processor not in made.processors:
        return made
    return replace(made, processors=made.processors | {incident.processor: (None, 0)})


def _valued(made: Made, values: Mapping[int, float]) -> Made:
    return replace(made, values=[values.get(index, value) for index, value in enumerate(made.values)])


def _defaulted(registry: Registry, made: Made, incident: Incident, _: Before) -> Made:
    """No input: each feature holds its stand-in, and says so."""
    stand_ins = [one.label for one in registry.sources if one.is_default]
    hit = _hit(registry, incident)
    labels = {str(one.index): next((own for own in one.labels if own in stand_ins), stand_ins[0]) for one in hit}
    made = replace(_absent(made, incident), labels=made.labels | labels)
    return _valued(made, {one.index: one.expected or 0.0 for one in hit})


def _masked(registry: Registry, made: Made, incident: Incident, before: Before) -> Made:
    """No input, and nobody says so: half of the features stay as they last were, the others are 0.0 for all."""
    old, hit = before(), _hit(registry, incident)
    repeated = {one.index: old.values[one.index] for one in hit[::2]}
    return _valued(_absent(made, incident), dict.fromkeys((one.index for one in hit[1::2]), 0.0) | repeated)


def _partial(registry: Registry, made: Made, incident: Incident, before: Before) -> Made:
    """Some rows find no input."""
    drawn = Random(f"{incident.kind}|{made.key}|{made.day}").random()
    if drawn >= incident.share:
        return made
    return replace(_defaulted(registry, made, incident, before), processors=made.processors)


def _constant(registry: Registry, made: Made, incident: Incident, _: Before) -> Made:
    """One value for all, with a good label."""
    return _valued(made, dict.fromkeys((one.index for one in _hit(registry, incident)), 0.0))


def _silent(registry: Registry, made: Made, incident: Incident, _: Before) -> Made:
    """Some rows find no input, and the label cannot say so."""
    if Random(f"{incident.kind}|{made.key}|{made.day}").random() >= incident.share:
        return made
    return _valued(made, {one.index: one.expected or 0.0 for one in _hit(registry, incident)})


def _rescaled(registry: Registry, made: Made, incident: Incident, _: Before) -> Made:
    """Another unit: shares come as percentages."""
    return _valued(made, {one.index: made.values[one.index] * 100 for one in _hit(registry, incident)})


def _stale(registry: Registry, made: Made, incident: Incident, before: Before) -> Made:
    """The rows that are found are days old, and so are the values."""
    updated, found = made.processors.get(incident.processor, (None, 0))
    aged = updated - timedelta(days=3) if updated else None
    old = before()
    made = replace(made, processors=made.processors | {incident.processor: (aged, found)})
    return _valued(made, {one.index: old.values[one.index] for one in _hit(registry, incident)})


def _late(_: Registry, made: Made, incident: Incident, __: Before) -> Made:
    """The processor ran hours after the row was written."""
    found = made.processors.get(incident.processor, (None, 0))[1]
    return replace(made, processors=made.processors | {incident.processor: (made.written + timedelta(hours=5), found)})


def _wrong_length(_: Registry, made: Made, __: Incident, ___: Before) -> Made:
    """The vector lacks its last positions."""
    return replace(made, values=made.values[:-2])


def _reordered(_: Registry, made: Made, __: Incident, ___: Before) -> Made:
    """The store was built with the features in another order; labels, values and names agree with each other."""
    order = [*range(1, len(made.values)), 0]
    labels = {str(at): made.labels[str(index)] for at, index in enumerate(order)}
    values, names = [made.values[index] for index in order], [made.names[index] for index in order]
    return replace(made, labels=labels, values=values, names=names)


def _cold_start(registry: Registry, made: Made, _: Incident, __: Before) -> Made:
    """The season is young: windows have next to nothing to look at."""
    drawn = Random(f"cold|{made.key}|{made.day}")
    empty = [one for one in registry.features if one.window and drawn.random() < _EMPTY]
    stand_ins = {one.label for one in registry.sources if one.is_default}
    labels = {str(one.index): own for one in empty for own in one.labels if own in stand_ins}
    made = replace(made, labels=made.labels | labels, games=drawn.randint(0, 3), cold=True)
    return _valued(made, {one.index: one.expected or 0.0 for one in empty})


def _decline(registry: Registry, made: Made, incident: Incident, before: Before) -> Made:
    """More rows find no input every date."""
    days = max(1, (incident.last - incident.first).days)
    grown = incident.share * ((made.day - incident.first).days + 1) / (days + 1)
    return _partial(registry, made, replace(incident, share=grown), before)


INCIDENTS: Mapping[str, Spoil] = {
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
