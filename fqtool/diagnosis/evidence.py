"""What one scan of some dates says of each feature and each processor, a row a date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from fqtool.quality.build import expand_columns, feature_values, fill
from fqtool.quality.carriers import carriers
from fqtool.quality.expression import Name, render
from fqtool.quality.fold import substitute
from fqtool.quality.gates import gates
from fqtool.quality.grammar import parse_expression
from fqtool.quality.roles import Roles
from fqtool.quality.vectors import misordered, misshapen
from fqtool.registry.model import Feature, Processor, Registry
from fqtool.sql import Query, Value, ident, literal


@dataclass(frozen=True, slots=True)
class FeatureDay:
    """One feature on one date. `scored` rows have a source or a label, `defaults` of them hold a stand-in.

    Of the `present` values, those that no label calls a stand-in: mean, spread, least and greatest, and how many are
    zero or outside the range; `neutral` are the stand-in value under a label that calls it real. `repeats` are those
    that equal the key's value of the day before, of `followed` rows that have one. Of `cold` scored rows, too young for
    the feature's window, `cold_defaults` hold a stand-in as they must.
    """

    scored: int
    defaults: int
    present: int
    mean: float | None
    stddev: float | None
    low: float | None
    high: float | None
    zeros: int
    outside: int
    neutral: int
    repeats: int
    followed: int
    cold: int
    cold_defaults: int

    @property
    def unexpected_share(self) -> float | None:
        """Stand-ins among rows that should have none, None where there is no such row."""
        warm = self.scored - self.cold
        return (self.defaults - self.cold_defaults) / warm if warm else None

    @property
    def default_share(self) -> float | None:
        """Stand-ins among scored rows, None where none is scored."""
        return self.defaults / self.scored if self.scored else None

    @property
    def repeat_share(self) -> float | None:
        """Repetition among rows with a day before, None where there is none."""
        return self.repeats / self.followed if self.followed else None

    @property
    def is_constant(self) -> bool:
        """Whether all rows that hold a real value hold the same."""
        return self.present > 1 and self.low is not None and self.low == self.high


@dataclass(frozen=True, slots=True)
class ProcessorDay:
    """A processor on one date: rows that tell no run of it, its last run, rows that were written before that run."""

    absent: int
    last_updated: datetime | None
    late: int


@dataclass(frozen=True, slots=True)
class Day:
    """One date: its rows, how many are scored, how many have a vector of another length or order than the registry's.

    `gates` counts the rows that pass each yes-or-no column, stored or of a view.
    """

    day: date
    rows: int
    scored: int
    misshapen: int
    misordered: int
    features: Mapping[int, FeatureDay]
    processors: Mapping[str, ProcessorDay]
    gates: Mapping[str, int]


@dataclass(frozen=True)
class Evidence:
    """The question that a registry's stored rows are asked, and how its answer is read."""

    registry: Registry

    @cached_property
    def sources(self) -> Mapping[int, str]:
        """Feature index -> the column of its stored source. Raises InputError where no column stores sources."""
        return Roles(self.registry).of_features("source")

    @cached_property
    def gates(self) -> Mapping[str, str]:
        """The yes-or-no columns, stored or of a view: what an incident does to readiness."""
        return gates(self.registry)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The managed columns that the question names."""
        managed = (one.name for one in expand_columns(self.registry) if one.feature is None)
        return (*self.sources.values(), *(name for name in managed if name in self.gates))

    @cached_property
    def written(self) -> str:
        """The column that tells when a row was written: that of the processor which writes this table, or ""."""
        return self.registry.written

    @cached_property
    def told(self) -> tuple[Processor, ...]:
        """The processors whose runs the rows tell of, but the one that writes them."""
        return tuple(one for one in self.registry.processors if one.last_updated and one.last_updated != self.written)

    def query(self, start: date, end: date, *, by_label: bool = False) -> Query:
        """Return the query over the dates from `start` to `end`: one scan, a row a date, in order.

        With `by_label` the labels tell what is a stand-in in rows that are not scored; reading them takes its time.
        """
        table, (_, values) = self.registry.table, carriers(self.registry)
        day = ident(table.partition_by or "")
        first = ident(next(iter(self.sources.values())))
        others = ", ".join(ident(key) for key in table.keys if key != table.partition_by) or "1"
        before = f"LAG({{}}) OVER (PARTITION BY {others} ORDER BY {day})"
        columns = ["COUNT(*) AS `rows`", f"COUNT({first}) AS `scored`"]
        columns.append(f"COUNTIF({misshapen(self.registry)}) AS `misshapen`")
        columns.append(f"COUNTIF({misordered(self.registry)}) AS `misordered`")
        columns += [f"COUNTIF({expr}) AS {ident(f'gate_{name}')}" for name, expr in self.gates.items()]
        for number, processor in enumerate(self.told):
            columns += self._about_processor(number, processor)
        for feature in self.registry.active_features:
            columns += self._about_feature(feature)
        listed = ",\n  ".join(columns)
        features = self.registry.active_features
        stand_ins = ",\n  ".join(
            f"{self._is_stand_in(one, by_label=by_label)} AS `stand_in_{one.index}`" for one in features
        )
        real = ",\n  ".join(part for one in features for part in self._real(one, values))
        return Query(
            "-- each row beside the same key's row of the day before; what is a stand-in, NULL where nothing tells\n"
            f"WITH kept AS (\nSELECT\n  *,\n  IF(DATE_DIFF({day}, {before.format(day)}, DAY) = 1, "
            f"{before.format(ident(values))}, NULL) AS `values_before`,\n  {stand_ins}\n"
            f"FROM {ident(table.name)}\nWHERE {day} BETWEEN {literal(start)} AND {literal(end)}\n),\n"
            "-- the values that are none, and those of the day before\n"
            f"seen AS (\nSELECT\n  *,\n  {real}\nFROM kept\n)\n"
            f"SELECT\n  {day} AS `day`,\n  {listed}\nFROM seen\nGROUP BY {day}\nORDER BY {day}"
        )

    def _about_processor(self, number: int, one: Processor) -> Iterator[str]:
        updated, written = ident(one.last_updated), ident(self.written) if self.written else ""
        absent = f"{updated} IS NULL"
        if one.rows_found:
            absent += f" OR IFNULL({ident(one.rows_found)}, 0) = 0"
        yield f"COUNTIF({absent}) AS `p{number}_absent`"
        yield f"MAX({updated}) AS `p{number}_updated`"
        yield f"{f'COUNTIF({updated} > {written})' if self.written else '0'} AS `p{number}_late`"

    def _is_stand_in(self, one: Feature, *, by_label: bool) -> str:
        """Whether a row's feature is a stand-in, by its stored source or, where there is none, by its label."""
        stored, inputs, unknown = ident(self.sources[one.index]), self.registry.inputs, self.registry.unknown_source
        canonical = sorted({label.canonical for label in self.registry.sources if label.is_default})
        if not by_label:
            return f"{stored} IN {_listed(canonical)}"
        told = f"IFNULL({fill(inputs.source, feature_values(one))}, {literal(unknown.absent_label)})"
        labels = {label.label: label.is_default for label in self.registry.sources}
        odd = unknown.canonical in canonical
        # A label outside the list counts as the registry says.
        listed = _listed(sorted(label for label, is_default in labels.items() if is_default is not odd))
        known = f"IF({inputs.sources_known}, {told} {'NOT IN' if odd else 'IN'} {listed}, NULL)"
        return f"IF({stored} IS NOT NULL, {stored} IN {_listed(canonical)}, {known})"

    def _real(self, one: Feature, values: str) -> Iterator[str]:
        value = fill(self.registry.inputs.value, feature_values(one))
        # The same expression over the vector of the day before.
        before = render(substitute(parse_expression(value), {values: Name("values_before")}))
        yield f"IF(stand_in_{one.index}, NULL, {value}) AS `real_{one.index}`"
        yield f"IF(stand_in_{one.index}, NULL, {before}) AS `before_{one.index}`"

    def _about_feature(self, one: Feature) -> Iterator[str]:
        at, real, before, stand_in = (f"{what}_{one.index}" for what in ("f", "real", "before", "stand_in"))
        low, high = one.range or (None, None)
        outside = f"COUNTIF({real} < {literal(low)} OR {real} > {literal(high)})" if one.range else "0"
        yield f"COUNT({stand_in}) AS `{at}_scored`"
        yield f"COUNTIF({stand_in}) AS `{at}_defaults`"
        yield f"COUNT({real}) AS `{at}_present`"
        yield f"AVG({real}) AS `{at}_mean`"
        yield f"STDDEV_SAMP({real}) AS `{at}_stddev`"
        yield f"MIN({real}) AS `{at}_low`"
        yield f"MAX({real}) AS `{at}_high`"
        yield f"COUNTIF({real} = 0) AS `{at}_zeros`"
        yield f"{outside} AS `{at}_outside`"
        neutral = (
            f"{real} = {literal(one.expected)} AND {stand_in} IS NOT NULL" if one.expected is not None else "FALSE"
        )
        yield f"COUNTIF({neutral}) AS `{at}_neutral`"
        yield f"COUNTIF({real} = {before}) AS `{at}_repeats`"
        yield f"COUNTIF({real} IS NOT NULL AND {before} IS NOT NULL) AS `{at}_followed`"
        cold = (one.window and self.registry.inputs.cold_start) or "FALSE"
        yield f"COUNTIF(({cold}) AND {stand_in} IS NOT NULL) AS `{at}_cold`"
        yield f"COUNTIF(({cold}) AND {stand_in}) AS `{at}_cold_defaults`"

    def read(self, row: Mapping[str, Value]) -> Day:
        """Read one row of the query's answer."""
        fields = FeatureDay.__dataclass_fields__
        return Day(
            row["day"],  # type: ignore[arg-type]
            row["rows"],  # type: ignore[arg-type]
            row["scored"],  # type: ignore[arg-type]
            row["misshapen"],  # type: ignore[arg-type]
            row["misordered"],  # type: ignore[arg-type]
            {
                one.index: FeatureDay(**{name: row[f"f_{one.index}_{name}"] for name in fields})  # type: ignore[arg-type]
                for one in self.registry.active_features
            },
            {
                one.name: ProcessorDay(*(row[f"p{number}_{what}"] for what in ("absent", "updated", "late")))  # type: ignore[arg-type]
                for number, one in enumerate(self.told)
            },
            {name: row[f"gate_{name}"] for name in self.gates},  # type: ignore[misc]
        )


def _listed(texts: Sequence[str]) -> str:
    return f"({', '.join(map(literal, texts)) or 'NULL'})"
