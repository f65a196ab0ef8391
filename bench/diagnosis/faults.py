"""The kinds of fault, each in three strengths, and what a right finding about it has.

A fault changes the rows of one date. Its strength is a share of rows, or a size in usual deviations: the standard
deviation of the daily means.
"""

from __future__ import annotations

import json
import random
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta

from stores import Row, Store


@dataclass(frozen=True)
class Place:
    """Where a fault is injected.

    Attributes:
        store: The store.
        feature: The feature, or the first of the two.
        day: The date of these rows.
        first: The first date with the fault.
        progress: Share of the dates of the fault that have passed, above 0 to 1.
        drawn: The random numbers of the date.
        usual: Daily means of the feature before the fault.
    """

    store: Store
    feature: str
    day: date
    first: date
    progress: float
    drawn: random.Random
    usual: Sequence[float]

    @property
    def other(self) -> str:
        """Another feature of the same processor."""
        own = [one for one, who in self.store.features.items() if who == self.store.features[self.feature]]
        return next((one for one in own if one != self.feature), self.feature)

    @property
    def processor(self) -> str:
        """The processor of the feature."""
        return self.store.features[self.feature]

    @property
    def together(self) -> list[str]:
        """The features of the processor."""
        return [one for one, who in self.store.features.items() if who == self.processor]

    def before(self, key: str) -> Row | None:
        """The row of a key on the last date before the fault."""
        day = self.first
        for _ in range(7):
            day -= timedelta(days=1)
            for row in self.store.rows.get(day, []):
                if key_of(self.store, row) == key:
                    return row
        return None


def key_of(store: Store, row: Row) -> str:
    """Return the keys of a row without its date."""
    return "|".join(str(row[one]) for one in store.registry["table"]["keys"] if one != "day")


Change = Callable[[Place, list[Row], float], list[Row]]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        change: Changes the rows of a date.
        strengths: Strong, medium, weak.
        causes: Rules whose finding names the cause, or a rule and a word of its text.
        subject: What a right finding names: `feature`, `processor`, `group` or `rows`.
        labelled: Whether it needs labels or the record of runs.
    """

    change: Change
    strengths: tuple[float, float, float]
    causes: str
    subject: str = "feature"
    labelled: bool = False

    def names_cause(self, text: str) -> bool:
        """Return whether the text of a finding names the cause."""
        return re.search(self.causes, text) is not None


def _some(rows: list[Row], share: float, place: Place) -> list[Row]:
    """The rows of a share of the keys: the same keys on each date of the fault."""
    return [row for row in rows if _drawn(place, row) < share] if share < 1 else rows


def _drawn(place: Place, row: Row) -> float:
    return random.Random(f"{place.first}|{place.feature}|{key_of(place.store, row)}").random()


def _set(value: Callable[[Place, Row], float | None]) -> Change:
    def change(place: Place, rows: list[Row], share: float) -> list[Row]:
        for row in _some(rows, share, place):
            row[place.feature] = value(place, row)
        return rows

    return change


def _constant(place: Place, rows: list[Row], at: float) -> list[Row]:
    """One value in all rows: 0, the usual mean, or a value of the date."""
    held = [row[place.feature] for row in rows if row[place.feature] is not None]
    value = {1.0: 0.0, 2.0: statistics.mean(place.usual), 3.0: statistics.median_low(held)}[at]
    for row in rows:
        row[place.feature] = value
    return rows


def _label(row: Row, place: Place, features: Sequence[str], label: str) -> None:
    labels = json.loads(row["labels"])
    row["labels"] = json.dumps(labels | {str(list(place.store.features).index(one)): label for one in features})


def _not_run(place: Place, rows: list[Row], share: float) -> list[Row]:
    for row in _some(rows, share, place):
        for one in place.together:
            row[one] = 0.0 if place.store.labelled else None
        if place.store.labelled:
            _label(row, place, place.together, "none")
            if share == 1:
                row[f"{place.processor.lower()}_at"] = None
    return rows


def _masked(place: Place, rows: list[Row], share: float) -> list[Row]:
    """No run, but labels of real values: values of the date before and zeros."""
    for row in _some(rows, share, place):
        old = place.before(key_of(place.store, row))
        for at, one in enumerate(place.together):
            row[one] = 0.0 if at % 2 or old is None else old[one]
        _label(row, place, place.together, "real")
        row[f"{place.processor.lower()}_at"] = None
    return rows


def _stale(place: Place, rows: list[Row], share: float) -> list[Row]:
    for row in _some(rows, share, place):
        old = place.before(key_of(place.store, row))
        for one in place.together if old else ():
            row[one] = old[one]  # type: ignore[index]
        if place.store.labelled and share == 1:
            stamp = f"{place.processor.lower()}_at"
            row[stamp] -= timedelta(days=(place.day - place.first).days + 1)
    return rows


def _shift(place: Place, rows: list[Row], size: float) -> list[Row]:
    step = size * (statistics.stdev(place.usual) or 1.0)
    for row in rows:
        if row[place.feature] is not None:
            row[place.feature] += step
    return rows


def _unit(place: Place, rows: list[Row], factor: float) -> list[Row]:
    for row in rows:
        if row[place.feature] is not None:
            row[place.feature] *= factor
    return rows


def _sign(place: Place, rows: list[Row], share: float) -> list[Row]:
    for row in _some(rows, share, place):
        if row[place.feature] is not None:
            row[place.feature] = -row[place.feature]
    return rows


def _swapped(place: Place, rows: list[Row], share: float) -> list[Row]:
    for row in _some(rows, share, place):
        row[place.feature], row[place.other] = row[place.other], row[place.feature]
    return rows


def _wrong_join(place: Place, rows: list[Row], share: float) -> list[Row]:
    """The values of a processor of other keys."""
    hit = _some(rows, share, place)
    source = [{one: row[one] for one in place.together} for row in hit]
    place.drawn.shuffle(source)
    for row, other in zip(hit, source, strict=True):
        row.update(other)
    return rows


def _rows_missing(place: Place, rows: list[Row], share: float) -> list[Row]:
    return [row for row in rows if _drawn(place, row) >= share]


def groups_of(store: Store, rows: Sequence[Row]) -> list[str]:
    """Return the groups of rows, the largest first."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row[store.group]] = counts.get(row[store.group], 0) + 1
    return sorted(counts, key=lambda one: (-counts[one], one))


def _group_missing(place: Place, rows: list[Row], at: float) -> list[Row]:
    """No row of the largest, the middle, or the smallest group."""
    groups = groups_of(place.store, place.store.rows[place.first])
    gone = {1.0: groups[0], 2.0: groups[len(groups) // 2], 3.0: groups[-1]}[at]
    return [row for row in rows if row[place.store.group] != gone]


def _repeated(place: Place, rows: list[Row], share: float) -> list[Row]:
    twice = _some(rows, share, place) or rows[:1]
    return [*rows, *deepcopy(twice)]


def _no_rows(_: Place, __: list[Row], ___: float) -> list[Row]:
    return []


def _outside(place: Place, row: Row) -> float | None:
    """A value above the range, another one in each row."""
    limits = _range(place)
    return limits[1] + (limits[1] - limits[0]) * (0.1 + 0.1 * place.drawn.random()) if limits else row[place.feature]


def _range(place: Place) -> tuple[float, float] | None:
    found = next(one for one in place.store.registry["features"] if one["name"] == place.feature)
    return tuple(found["range"]) if "range" in found else None


def _part_defaulted(place: Place, rows: list[Row], share: float) -> list[Row]:
    for row in _some(rows, share, place):
        row[place.feature] = 0.0 if place.store.labelled else None
        if place.store.labelled:
            _label(row, place, [place.feature], "none")
    return rows


def _late(place: Place, rows: list[Row], share: float) -> list[Row]:
    for row in _some(rows, share, place):
        row[f"{place.processor.lower()}_at"] = row["written_at"] + timedelta(hours=6)
    return rows


def _decline(place: Place, rows: list[Row], share: float) -> list[Row]:
    return _part_defaulted(place, rows, share * place.progress)


FAULTS: Mapping[str, Fault] = {
    "NaN": Fault(_set(lambda *_: float("nan")), (1.0, 0.4, 0.1), "FQ614"),
    "NULL": Fault(_set(lambda *_: None), (1.0, 0.4, 0.1), "FQ613|FQ60[14]"),
    "one value in all rows": Fault(_constant, (1.0, 2.0, 3.0), "FQ607|FQ611.*all"),
    "a processor did not run": Fault(_not_run, (1.0, 0.5, 0.2), "FQ60[14]", "processor"),
    "it did not run, labels report real values": Fault(_masked, (1.0, 0.7, 0.4), "FQ602", "processor", labelled=True),
    "old output": Fault(_stale, (1.0, 0.7, 0.4), "FQ603", "processor"),
    "shifted mean": Fault(_shift, (20.0, 12.0, 8.0), "FQ608|FQ612.*(higher|lower)"),
    "another unit": Fault(_unit, (100.0, 0.01, 2.54), "FQ6(08|12).*(times|unit)"),
    "sign flipped": Fault(_sign, (1.0, 0.6, 0.3), "FQ6(08|12).*sign"),
    "two features swapped": Fault(_swapped, (1.0, 0.6, 0.3), "FQ6.*swapped"),
    "values of other keys": Fault(_wrong_join, (1.0, 0.6, 0.3), "FQ6.*other keys", "processor"),
    "rows missing": Fault(_rows_missing, (0.7, 0.5, 0.3), "FQ615", "rows"),
    "a group missing": Fault(_group_missing, (1.0, 2.0, 3.0), "FQ61[58].*no rows|FQ618", "group"),
    "keys repeated": Fault(_repeated, (1.0, 0.3, 0.001), "FQ616", "rows"),
    "no rows": Fault(_no_rows, (1.0, 1.0, 1.0), "FQ617", "rows"),
    "values outside the range": Fault(_set(_outside), (1.0, 0.4, 0.1), "FQ612"),
    "default values under good labels": Fault(
        _set(lambda *_: 0.0), (1.0, 0.5, 0.25), "FQ611|FQ607", labelled=True
    ),
    "more defaults of one feature": Fault(_part_defaulted, (1.0, 0.4, 0.15), "FQ60[14]"),
    "processor late": Fault(_late, (1.0, 0.8, 0.6), "FQ606", "processor", labelled=True),
    "more defaults on each date": Fault(_decline, (0.7, 0.5, 0.3), "FQ605"),
}  # fmt: skip
