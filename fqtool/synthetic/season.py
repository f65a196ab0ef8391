"""A synthetic season: base rows of a healthy feature store, generated from the features of a registry.

Each key has its own level, and its days vary around that level. So averages differ between keys and are correlated over
time. A row depends on (seed, key, date) alone: a date is the same in every span.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, partial
from random import Random
from typing import Any, TypeAlias

from fqtool.errors import InputError
from fqtool.expressions.expression import Expression, names_in
from fqtool.expressions.grammar import parse_expression
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.schema.build import base_columns
from fqtool.schema.row_dates import RowDates, dates_of
from fqtool.scoring.layout import Layout
from fqtool.scoring.places import Place, written
from fqtool.scoring.value_laws import aliases
from fqtool.synthetic.incidents import Incident, SyntheticRow, apply_incident
from fqtool.synthetic.keys import key_value
from fqtool.synthetic.laws import monotone_value, value_of
from fqtool.table.column import Column, Kind, Mode

Row: TypeAlias = dict[str, Any]

_BREAKS = 0.06
_OFTEN, _SELDOM = 0.97, 0.55
_THIN, _MISSING = 0.03, 0.4
_FEWEST, _MOST = 140, 340
_FEW, _FULL = 10, 60
_CATEGORIES = 5


@dataclass(frozen=True)
class Season:
    """A number of dates of synthetic rows.

    Attributes:
        registry: The registry.
        start: The first date.
        days: Number of dates.
        seed: Seed of the random numbers.
        rows_per_day: Rows per date; None draws 140 to 340, and in 6% of the dates 0.
        volumes: Rows of certain dates.
    """

    registry: Registry
    start: date
    days: int
    seed: int = 0
    rows_per_day: int | None = None
    volumes: Mapping[date, int] = field(default_factory=dict)

    def rows(self, incidents: Sequence[Incident] = ()) -> Iterator[Row]:
        """Yield base rows in date order, changed by the incidents of their dates.

        Raises InputError for a registry that reads a label or value from an expression that cannot be written to.
        """
        for number in range(self.days):
            yield from self.day(self.start + timedelta(days=number), incidents)

    def day(self, day: date, incidents: Sequence[Incident] = ()) -> Iterator[Row]:
        """Yield the rows of one date."""
        current = [incident for incident in incidents if incident.first <= day <= incident.last]
        for key in self._keys(day):
            row = self._synthetic_row(key, day)
            for incident in current:
                row = apply_incident(
                    self.registry, row, incident, partial(self._synthetic_row, key, incident.first - timedelta(days=1))
                )
            yield self._record(row)

    def _keys(self, day: date) -> list[int]:
        """The keys with a row on a date, about half of all keys."""
        drawn, declared = Random(f"{self.seed}|{day}"), self.volumes.get(day, self.rows_per_day)
        count = drawn.randint(_FEWEST, _MOST) if declared is None else declared
        if declared is None and drawn.random() < _BREAKS:
            return []
        population = max(2 * count, 2 * _MOST)
        if {column.type.kind for column in self._key_columns if not self._is_date(column)} == {Kind.BOOL}:
            population = 2  # more rows of a date would repeat the keys of others
        return sorted(drawn.sample(range(population), min(count, population)))

    def _synthetic_row(self, key: int, day: date) -> SyntheticRow:
        of_key, of_day = Random(f"{self.seed}|{key}"), Random(f"{self.seed}|{key}|{day}")
        form = of_key.gauss(0, 1)
        levels = [0.8 * form + 0.6 * of_key.gauss(0, 1) for _ in self.registry.features]
        without = of_day.random() < 0.5  # noqa: PLR2004  half of the keys lack optional features
        thin = of_day.random() < _THIN
        labels: dict[str, str] = {}
        values: list[float] = []
        for one, level in zip(self.registry.features, levels, strict=True):
            label = self._label(one, of_day, without=without, thin=thin)
            labels[str(one.index)] = label
            values.append(
                (one.expected or 0.0) if label in self._defaults else _value(one, self._kinds[one.index], level, of_day)
            )
        values = self._lawful(values, labels, levels, day)
        written = datetime.combine(day, time(12), UTC) + timedelta(minutes=of_day.randint(0, 30))
        evening = datetime.combine(day - timedelta(days=1), time(23), UTC)
        processors: dict[str, tuple[datetime | None, int]] = {
            one.name: (evening + timedelta(minutes=15 * number), 200 + (day.toordinal() * 7 + number) % 150)
            for number, one in enumerate(self.registry.processors)
        }
        names = [one.name for one in self.registry.features]
        return SyntheticRow(key, day, labels, values, names, processors, written, of_key.randint(_FEW, _FULL))

    def _lawful(self, values: list[float], labels: Mapping[str, str], levels: list[float], day: date) -> list[float]:
        """The values with those that break a law replaced."""
        values = list(values)
        for one, level in zip(self.registry.features, levels, strict=True):
            if labels[str(one.index)] in self._defaults:
                continue
            if one.monotone:
                values[one.index] = monotone_value(one, level, day)
            if one.grid:
                values[one.index] = round(values[one.index] / one.grid) * one.grid
        for one in self.registry.features:
            if one.equals and labels[str(one.index)] not in self._defaults:
                names = {
                    name: value
                    for other, value in zip(self.registry.features, values, strict=True)
                    for name in aliases(other)
                }
                made = value_of(parse_expression(one.equals), names)
                values[one.index] = values[one.index] if made is None else made
        return values

    def _label(self, one: Feature, of_day: Random, *, without: bool, thin: bool) -> str:
        """The best label, in few rows another good label; a default label in rows of keys with little history."""
        good = [label for label in one.labels if label not in self._defaults] or [self._best]
        other = [label for label in one.labels if label not in good]
        if one.optional and other and without:
            return other[0]
        if thin and other and of_day.random() < _MISSING:
            return other[0]
        return good[0] if of_day.random() < _OFTEN else of_day.choice(good)

    @cached_property
    def _defaults(self) -> frozenset[str]:
        return frozenset(one.label for one in self.registry.sources if one.is_default)

    @cached_property
    def _best(self) -> str:
        return max(self.registry.sources, key=lambda one: one.weight).label

    @cached_property
    def _layout(self) -> Layout:
        return Layout(self.registry)

    @cached_property
    def _kinds(self) -> dict[int, Kind | None]:
        """Feature index -> the type of its value, None where it is unknown."""
        types = {one.index: self._layout.type_of(one) for one in self.registry.features}
        return {index: None if found is None else found.kind for index, found in types.items()}

    @cached_property
    def _places(self) -> tuple[tuple[Feature, Place, Place | None], ...]:
        """The places of the value and the label of each feature; None for a label that the value decides."""
        found = []
        for one in self.registry.features:
            value, by_value = self._layout.value_place(one), self._layout.follows_value(one)
            label = None if by_value else self._layout.label_place(one)
            if value is None or (label is None and not by_value):
                what = "value" if value is None else "source"
                raise InputError(
                    f"{self.registry.path}: synthetic rows cannot be written where the {what} of `{one.name}` is read.",
                    remedy="Read a column, an item of an ARRAY by SAFE_OFFSET, or a key by JSON_VALUE.",
                )
            found.append((one, value, label))
        return tuple(found)

    @cached_property
    def _dates(self) -> RowDates | None:
        return dates_of(self.registry)

    @cached_property
    def _columns(self) -> tuple[Column, ...]:
        return base_columns(self.registry)

    @cached_property
    def _key_columns(self) -> tuple[Column, ...]:
        keys = {key.lower() for key in self.registry.table.keys}
        return tuple(column for column in self._columns if column.key in keys)

    def _is_date(self, column: Column) -> bool:
        return self._dates is not None and self._dates.names(column.name)

    @cached_property
    def _counts(self) -> frozenset[str]:
        """The columns with sample sizes."""
        texts = {one.sample_size for one in self.registry.features if one.sample_size}
        parts = {place.column for _, *places in self._places for place in places if place is not None}
        named = frozenset().union(*(names_in(parse_expression(text)) for text in texts)) - parts
        return frozenset(column.name for column in self._columns if column.name in named)

    @cached_property
    def _extra_columns(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """The columns with feature names, those of cold start, and the gates that upstream owns."""
        inputs = self.registry.inputs
        names, cold = (names_in(parse_expression(text or "NULL")) for text in (inputs.names, inputs.cold_start))
        gates = (one.name for one in self.registry.columns if one.owner is Owner.UPSTREAM and one.type == "BOOL")
        return names, cold, frozenset(gates)

    def _record(self, row: SyntheticRow) -> Row:
        """Return the row as a record: values where the registry reads them, other columns empty."""
        table = self.registry.table
        record: Row = {column.name: _filler(column, row.written) for column in self._columns}
        record |= {name: labels[-1] for name, labels in self.registry.accepted_versions if name in record and labels}
        record |= dict.fromkeys(self._counts, row.observations)
        for processor in self.registry.processors:
            updated, rows_found = row.processors.get(processor.name, (None, 0))
            if processor.last_updated:
                # A processor that writes this very table ran when the row was written.
                record[processor.last_updated] = row.written if processor.table.endswith(f".{table.name}") else updated
            if processor.rows_found:
                record[processor.rows_found] = rows_found
        record |= {column.name: key_value(column, row.key) for column in self._key_columns}
        if self._dates:
            record[self._dates.column] = row.day if self._dates.kind is Kind.DATE else row.written
        names, cold, gates = self._extra_columns
        record |= dict.fromkeys(names, row.names) | dict.fromkeys(cold, row.cold)
        record |= {one: Random(f"{self.seed}|{row.key}|{row.day}|{one}").random() < _OFTEN for one in sorted(gates)}
        record = written(record, self._parts(row))
        held = {name.lower(): value for name, value in record.items()}
        for name, law in self._laws:
            record[name] = record[name] if (value := value_of(law, held)) is None else value
        return record

    @cached_property
    def _laws(self) -> tuple[tuple[str, Expression], ...]:
        """The base columns that must equal an expression."""
        return tuple((one.name, parse_expression(one.equals)) for one in self.registry.base_columns if one.equals)

    def _parts(self, row: SyntheticRow) -> Iterator[tuple[Place, Any]]:
        """Yield labels and values with their places; a shorter vector has no values for its last positions."""
        for (one, at, label), value in zip(self._places, row.values, strict=False):
            stored_label = row.labels[str(one.index)]
            missing = label is None and stored_label in self._defaults
            yield at, None if missing else self._layout.stored_value(one, value)
        for one, _, label in self._places:
            if label is not None:
                yield label, row.labels[str(one.index)]


def _filler(column: Column, written: datetime) -> Any:
    """A value for a REQUIRED column, None for other columns."""
    if column.mode is not Mode.REQUIRED:
        return None
    match column.type.kind:
        case Kind.STRING | Kind.BYTES:
            return ""
        case Kind.BOOL:
            return False
        case Kind.DATE:
            return written.date()
        case Kind.TIMESTAMP | Kind.DATETIME:
            return written
        case Kind.TIME:
            return written.time()
        case Kind.JSON:
            return "{}"
        case Kind.STRUCT:
            return {field.name: _filler(field, written) for field in column.type.fields}
        case _:
            return 0


def _value(one: Feature, kind: Kind | None, level: float, of_day: Random) -> float:
    """A value around the level of the key, inside the range; 0 in the share of rows that the registry declares."""
    spread = one.spread
    if spread.zero_share and of_day.random() < spread.zero_share:
        return 0.0
    low, high = one.range or (0.0, 100.0)
    if high - low <= 1.0 and (spread.min_distinct or 2) <= 3:  # noqa: PLR2004  yes or no
        return float(of_day.random() < _SELDOM)
    drawn = 0.9 * level + 0.45 * of_day.gauss(0, 1)
    if kind is Kind.BOOL:
        return float(drawn > 0)
    if kind is Kind.STRING:
        return float(min(max(round(drawn) + _CATEGORIES // 2, 0), _CATEGORIES - 1))
    middle = (low + high) / 2 if one.expected is None or not low < one.expected < high else one.expected
    scatter = max((spread.min_stddev or 0.0) * 2, (high - low) * 0.08)
    return round(min(max(middle + scatter * drawn, low), high), 3)
