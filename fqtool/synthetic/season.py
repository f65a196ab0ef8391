"""A synthetic season: base-table rows of a healthy feature store, made from what its registry says of each feature.

A key has a level of its own that days vary around, so averages differ between keys and hang together over time. Every
row comes from (seed, key, date) alone: a date is the same whatever span it is made in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, partial
from random import Random
from typing import Any, TypeAlias

from fqtool.quality.build import base_columns
from fqtool.quality.carriers import carriers
from fqtool.quality.expression import names_in
from fqtool.quality.grammar import parse_expression
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.synthetic.incidents import Incident, Made, spoiled
from fqtool.table.column import Column, Kind, Mode

Row: TypeAlias = dict[str, Any]

_BREAKS = 0.06
_OFTEN, _SELDOM = 0.97, 0.55
_THIN, _MISSING = 0.03, 0.4
_FEWEST, _MOST = 140, 340
_FEW, _FULL = 10, 60


@dataclass(frozen=True)
class Season:
    """Dates from `start`; `rows_per_day` None draws 140 to 340, and now and then a date without rows.

    `volumes` says how many rows certain dates have.
    """

    registry: Registry
    start: date
    days: int
    seed: int = 0
    rows_per_day: int | None = None
    volumes: Mapping[date, int] = field(default_factory=dict)

    def rows(self, incidents: Sequence[Incident] = ()) -> Iterator[Row]:
        """Yield base-table rows in date order, spoiled by the incidents of their dates.

        Raises InputError where the registry reads labels or values from several columns.
        """
        for number in range(self.days):
            yield from self.day(self.start + timedelta(days=number), incidents)

    def day(self, day: date, incidents: Sequence[Incident] = ()) -> Iterator[Row]:
        """Yield the rows of one date."""
        now = [one for one in incidents if one.first <= day <= one.last]
        for key in self._keys(day):
            made = self._made(key, day)
            for one in now:
                made = spoiled(self.registry, made, one, partial(self._made, key, one.first - timedelta(days=1)))
            yield self._row(made)

    def _keys(self, day: date) -> list[int]:
        """Who has a row; about half of those who ever have one."""
        drawn, said = Random(f"{self.seed}|{day}"), self.volumes.get(day, self.rows_per_day)
        count = drawn.randint(_FEWEST, _MOST) if said is None else said
        if said is None and drawn.random() < _BREAKS:
            return []
        return sorted(drawn.sample(range(max(2 * count, 2 * _MOST)), count))

    def _made(self, key: int, day: date) -> Made:
        of_key, of_day = Random(f"{self.seed}|{key}"), Random(f"{self.seed}|{key}|{day}")
        form = of_key.gauss(0, 1)
        levels = [0.8 * form + 0.6 * of_key.gauss(0, 1) for _ in self.registry.features]
        without = of_day.random() < 0.5  # noqa: PLR2004  half of the keys lack what is optional
        thin = of_day.random() < _THIN
        labels: dict[str, str] = {}
        values: list[float] = []
        for one, level in zip(self.registry.features, levels, strict=True):
            label = self._label(one, of_day, without=without, thin=thin)
            labels[str(one.index)] = label
            values.append((one.expected or 0.0) if label in self._stand_ins else _value(one, level, of_day))
        written = datetime.combine(day, time(12), UTC) + timedelta(minutes=of_day.randint(0, 30))
        evening = datetime.combine(day - timedelta(days=1), time(23), UTC)
        processors: dict[str, tuple[datetime | None, int]] = {
            one.name: (evening + timedelta(minutes=15 * number), 200 + (day.toordinal() * 7 + number) % 150)
            for number, one in enumerate(self.registry.processors)
        }
        names = [one.name for one in self.registry.features]
        return Made(key, day, labels, values, names, processors, written, of_key.randint(_FEW, _FULL))

    def _label(self, one: Feature, of_day: Random, *, without: bool, thin: bool) -> str:
        """The best label, in few rows another good one; a stand-in in thin rows, of keys with next to no history."""
        good = [label for label in one.labels if label not in self._stand_ins] or [self._best]
        other = [label for label in one.labels if label not in good]
        if one.optional and other and without:
            return other[0]
        if thin and other and of_day.random() < _MISSING:
            return other[0]
        return good[0] if of_day.random() < _OFTEN else of_day.choice(good)

    @cached_property
    def _stand_ins(self) -> frozenset[str]:
        return frozenset(one.label for one in self.registry.sources if one.is_default)

    @cached_property
    def _best(self) -> str:
        return max(self.registry.sources, key=lambda one: one.weight).label

    @cached_property
    def _carriers(self) -> tuple[str, str]:
        return carriers(self.registry)

    @cached_property
    def _columns(self) -> tuple[Column, ...]:
        return base_columns(self.registry)

    @cached_property
    def _counts(self) -> frozenset[str]:
        """Columns that sample sizes are read from."""
        texts = {one.sample_size for one in self.registry.features if one.sample_size}
        named = frozenset().union(*(names_in(parse_expression(text)) for text in texts)) - set(self._carriers)
        return frozenset(column.name for column in self._columns if column.name in named)

    @cached_property
    def _told(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """The columns of the features' names and of cold start, as far as there are any, and upstream's own gates."""
        inputs = self.registry.inputs
        names, cold = (names_in(parse_expression(text or "NULL")) for text in (inputs.names, inputs.cold_start))
        gates = (one.name for one in self.registry.columns if one.owner is Owner.UPSTREAM and one.type == "BOOL")
        return names, cold, frozenset(gates)

    def _row(self, made: Made) -> Row:
        """Put what was made where the registry reads it from; columns that it says nothing of are empty."""
        table, (of_labels, of_values) = self.registry.table, self._carriers
        row: Row = {column.name: _filler(column, made.written) for column in self._columns}
        row |= dict.fromkeys(self._counts, made.games)
        for one in self.registry.processors:
            updated, found = made.processors.get(one.name, (None, 0))
            if one.last_updated:
                # A processor that writes this very table ran when the row was written.
                row[one.last_updated] = made.written if one.table.endswith(f".{table.name}") else updated
            if one.rows_found:
                row[one.rows_found] = found
        for key in table.keys:
            row[key] = f"{key}_{made.key:04d}"
        if table.partition_by:
            row[table.partition_by] = made.day
        names, cold, gates = self._told
        row |= dict.fromkeys(names, made.names) | dict.fromkeys(cold, made.cold)
        row |= {one: Random(f"{self.seed}|{made.key}|{made.day}|{one}").random() < _OFTEN for one in sorted(gates)}
        return row | {of_labels: json.dumps(made.labels), of_values: made.values}


def _filler(column: Column, written: datetime) -> Any:
    """What stands in a column that must hold something."""
    if column.mode is not Mode.REQUIRED:
        return None
    match column.type.kind:
        case Kind.STRING:
            return ""
        case Kind.BOOL:
            return False
        case Kind.DATE:
            return written.date()
        case Kind.TIMESTAMP | Kind.DATETIME:
            return written
        case _:
            return 0


def _value(one: Feature, level: float, of_day: Random) -> float:
    """A value around the key's level, inside the range; zero as often as the registry expects."""
    spread = one.spread
    if spread.zero_share and of_day.random() < spread.zero_share:
        return 0.0
    low, high = one.range or (0.0, 100.0)
    middle = (low + high) / 2 if one.expected is None or not low < one.expected < high else one.expected
    scatter = max((spread.min_stddev or 0.0) * 2, (high - low) * 0.08)
    if high - low <= 1.0 and (spread.min_distinct or 2) <= 3:  # noqa: PLR2004  yes or no
        return float(of_day.random() < _SELDOM)
    drawn = middle + scatter * (0.9 * level + 0.45 * of_day.gauss(0, 1))
    return round(min(max(drawn, low), high), 3)
