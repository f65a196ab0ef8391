"""The query for daily statistics: one scan of some dates, one row per date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from fqtool.commands.diagnose.daily_stats import MOST_GROUPS, Day, FeatureDay, ProcessorDay
from fqtool.commands.diagnose.row_relations import relations
from fqtool.expressions.expression import render
from fqtool.expressions.value_types import BOOL, FLOAT64, ValueType
from fqtool.registry.alerts_and_models import Threshold
from fqtool.registry.model import Feature, Processor, Registry
from fqtool.schema.build import expand_columns
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.gates import gates
from fqtool.scoring.layout import Layout
from fqtool.scoring.read_once import read_once
from fqtool.scoring.roles import Roles
from fqtool.scoring.value_laws import LAWS, ValueLaws
from fqtool.sql import Query, Value, distinct_texts, ident, literal, texts_of
from fqtool.table.column import Kind

_EARLIER, _NEAR = "earlier_", "near_"
_COUNTED = "\t"


@dataclass(frozen=True)
class Evidence:
    """The query for the daily statistics of a registry, and how its rows are read.

    Attributes:
        registry: The registry.
        measuring: Whether the same scan computes the figures of the thresholds.
    """

    registry: Registry
    measuring: bool = False

    @cached_property
    def sources(self) -> Mapping[int, str]:
        """Feature index -> the column of its stored source, for features that have one."""
        return Roles(self.registry).of_features("source")

    @cached_property
    def layout(self) -> Layout:
        """Where values and labels are read."""
        return Layout(self.registry)

    @cached_property
    def laws(self) -> ValueLaws:
        """The laws of values that the registry declares."""
        return ValueLaws(self.registry)

    @cached_property
    def has_sources(self) -> bool:
        """Whether the source of every feature is stored; else the labels decide what is defaulted."""
        return all(one.index in self.sources for one in self.registry.active_features)

    @cached_property
    def gates(self) -> Mapping[str, str]:
        """The BOOL columns, stored or of a view: they show what an incident does to readiness."""
        return gates(self.registry)

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The thresholds whose figures the scan computes."""
        return self.registry.thresholds if self.measuring else ()

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The managed columns that the query reads."""
        managed = (one.name for one in expand_columns(self.registry) if one.feature is None)
        scored = Roles(self.registry).scored
        read = (
            *self.sources.values(),
            *(name for name in managed if name in self.gates),
            *([scored] if scored else ()),
        )
        return tuple(dict.fromkeys(read))

    @cached_property
    def written(self) -> str:
        """The column with the time at which a row was written: that of the processor of this table, or ""."""
        return self.registry.written

    @cached_property
    def recorded(self) -> tuple[Processor, ...]:
        """The processors whose runs the rows record, without the one that writes them."""
        return tuple(one for one in self.registry.processors if one.last_updated and one.last_updated != self.written)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The columns that group rows: those of `entities`, and the keys where several name a row of a date."""
        dates, table = row_dates(self.registry), self.registry.table
        keys = [one for one in table.keys if not dates.names(one)]
        return tuple(dict.fromkeys((*table.entities, *(keys if len(keys) > 1 else ()))))

    @cached_property
    def samples(self) -> tuple[Feature, ...]:
        """The first feature of each processor, whose values under labels of default values are counted."""
        first = {one.processor: one for one in reversed(self.registry.active_features)}
        return tuple(first.values()) if self.layout.has_labels else ()

    @cached_property
    def categorical(self) -> tuple[Feature, ...]:
        """The features whose values are text."""
        text = ValueType(Kind.STRING)
        return tuple(one for one in self.registry.active_features if self.layout.type_of(one) == text)

    def query(self, start: date, end: date, *, by_label: bool = False) -> Query:
        """Return the query over the dates from `start` to `end`: one scan, one row per date, in order.

        Args:
            start: The first date.
            end: The last date.
            by_label: Whether labels decide what is defaulted in rows that are not scored. Reading labels is slower.
        """
        flat, columns = read_once(self.registry)
        return Evidence(flat, self.measuring).over(columns, start, end, by_label=by_label or not self.has_sources)

    def over(self, found: Mapping[str, str], start: date, end: date, *, by_label: bool) -> Query:
        """Return the query over rows that have these columns too: name -> SQL over a row of the table."""
        table, layout = self.registry.table, self.layout
        dates = row_dates(self.registry)
        day = dates.of_row()
        scored = Roles(self.registry).scored
        others = ", ".join(ident(key) for key in table.keys if not dates.names(key)) or "1"
        before = f"LAG({{}}) OVER (PARTITION BY {others} ORDER BY {dates.named()})"
        columns = [
            "COUNT(*) AS `rows`",
            f"{f'COUNT({ident(scored)})' if scored else f'COUNTIF({layout.known})'} AS `scored`",
        ]
        columns.append(f"COUNTIF({layout.known}) AS `labelled`")
        columns.append("COUNTIF(is_repeated) AS `repeated`")
        columns.append(f"COUNTIF({layout.misshapen}) AS `misshapen`")
        columns.append(f"COUNTIF({layout.misordered}) AS `misordered`")
        columns += [f"COUNTIF({expr}) AS {ident(f'gate_{name}')}" for name, expr in self.gates.items()]
        columns += [f"{' '.join(one.metric.split())} AS {ident(f'figure_{one.name}')}" for one in self.thresholds]
        columns += [_groups(number, name) for number, name in enumerate(self.groups)]
        columns += [
            _at_most(f"real_{one.index}", f"real_{one.index}", f"category_{one.index}") for one in self.categorical
        ]
        for number, processor in enumerate(self.recorded):
            columns += self._about_processor(number, processor)
        for feature in self.registry.active_features:
            columns += self._about_feature(feature)
        listed = ",\n  ".join(columns)
        features = self.registry.active_features
        defaulted = ",\n  ".join(
            f"{self._is_default(one, by_label=by_label)} AS `default_{one.index}`" for one in features
        )
        real = ",\n  ".join(part for one in features for part in self._real(one))
        sizes = "".join(
            f"  COUNT(*) OVER (PARTITION BY {day}, {ident(name)}) AS `rows_{number}`,\n"
            for number, name in enumerate(self.groups)
        )
        earlier = "".join(
            f"  {self.laws.previous(one, f'IF({self._is_default(one, by_label=by_label)}, NULL, {layout.value(one)})')}"
            f" AS `previous_{one.index}`,\n"
            for one in self.laws.features
            if one.monotone
        )
        earlier += "".join(
            f"  IF({before.format(day)} < {day}, {before.format(ident(name))}, NULL) AS {ident(_EARLIER + name)},\n"
            for name in layout.carriers
        )
        if self.groups:
            ordered = ", ".join(ident(key) for key in table.keys if not dates.names(key))
            near = f"LAG({{}}) OVER (PARTITION BY {day}, {ident(self.groups[0])} ORDER BY {ordered})"
            earlier += "".join(f"  {near.format(ident(name))} AS {ident(_NEAR + name)},\n" for name in layout.carriers)
        rows = f"{ident(table.name)}\nWHERE {dates.between(start, end)}"
        if found:
            rows = f"(SELECT *, {', '.join(f'{sql} AS {ident(name)}' for name, sql in found.items())}\nFROM {rows})"
        return Query(
            "-- each row with the values of the previous row of its key; what is defaulted, NULL if unknown\n"
            f"WITH kept AS (\nSELECT\n  *,\n  {dates.named()} = {before.format(dates.named())} AS `is_repeated`,\n"
            f"{sizes}{earlier}  {defaulted}\n"
            f"FROM {rows}\n),\n"
            "-- real values, values that are not finite, and values of the previous row\n"
            f"seen AS (\nSELECT\n  *,\n  {real}\nFROM kept\n)\n"
            f"SELECT\n  {day} AS `day`,\n  {listed}\nFROM seen\nGROUP BY 1\nORDER BY 1"
        )

    def _about_processor(self, number: int, one: Processor) -> Iterator[str]:
        updated, written = ident(one.last_updated), ident(self.written) if self.written else ""
        absent = f"{updated} IS NULL"
        if one.rows_found:
            absent += f" OR IFNULL({ident(one.rows_found)}, 0) = 0"
        yield f"COUNTIF({absent}) AS `p{number}_absent`"
        yield f"MAX({updated}) AS `p{number}_updated`"
        yield f"{f'COUNTIF({updated} > {written})' if self.written else '0'} AS `p{number}_late`"

    def _is_default(self, one: Feature, *, by_label: bool) -> str:
        """Whether the feature of a row is defaulted, by its stored source or, without one, by its label."""
        canonical = sorted({label.canonical for label in self.registry.sources if label.is_default})
        held = ident(self.sources[one.index]) if one.index in self.sources else ""
        if not by_label:
            return f"{held} IN {_listed(canonical)}"
        known = self.laws.is_default(one)
        return f"IF({held} IS NOT NULL, {held} IN {_listed(canonical)}, {known})" if held else known

    def _real(self, one: Feature) -> Iterator[str]:
        value, at = self.layout.value(one), one.index
        # The same expression over the columns of the previous row.
        before, near = (
            render(self.layout.renamed(one, {name: prefix + name for name in self.layout.carriers}))
            for prefix in (_EARLIER, _NEAR)
        )
        if self.layout.type_of(one) == FLOAT64:
            nonfinite = f"IS_NAN({value}) OR IS_INF({value})"
            yield f"NOT default_{at} AND ({nonfinite}) AS `nonfinite_{at}`"
            yield f"IF(default_{at} OR {nonfinite}, NULL, {value}) AS `real_{at}`"
            yield f"IF(default_{at} OR IS_NAN({before}) OR IS_INF({before}), NULL, {before}) AS `before_{at}`"
            if self.groups:
                yield f"IF(default_{at} OR IS_NAN({near}) OR IS_INF({near}), NULL, {near}) AS `near_{at}`"
        else:
            yield f"FALSE AS `nonfinite_{at}`"
            yield f"IF(default_{at}, NULL, {value}) AS `real_{at}`"
            yield f"IF(default_{at}, NULL, {before}) AS `before_{at}`"
            if self.groups:
                yield f"IF(default_{at}, NULL, {near}) AS `near_{at}`"

    def _about_feature(self, one: Feature) -> Iterator[str]:
        at, real, before, default = (f"{what}_{one.index}" for what in ("f", "real", "before", "default"))
        number = self.layout.number(one, real)
        low, high = one.range or (None, None)
        outside = f"COUNTIF({number} < {literal(low)} OR {number} > {literal(high)})" if one.range and number else "0"
        yield f"COUNT({default}) AS `{at}_scored`"
        yield f"COUNTIF({default}) AS `{at}_defaults`"
        missing = f"NOT {default} AND NOT IFNULL(nonfinite_{one.index}, FALSE) AND {real} IS NULL"
        yield f"COUNTIF({missing} AND NOT IFNULL({self.layout.misshapen}, TRUE)) AS `{at}_missing`"
        yield f"COUNTIF(nonfinite_{one.index}) AS `{at}_nonfinite`"
        yield f"COUNT({real}) AS `{at}_present`"
        yield f"{f'AVG({number})' if number else 'CAST(NULL AS FLOAT64)'} AS `{at}_mean`"
        yield f"{f'STDDEV_SAMP({number})' if number else 'CAST(NULL AS FLOAT64)'} AS `{at}_stddev`"
        yield f"MIN({number or real}) AS `{at}_low`"
        yield f"MAX({number or real}) AS `{at}_high`"
        yield f"{f'COUNTIF({number} = 0)' if number else '0'} AS `{at}_zeros`"
        yield f"{outside} AS `{at}_outside`"
        neutral = (
            f"{number} = {literal(one.expected)} AND {default} IS NOT NULL"
            if one.expected is not None and number
            else "FALSE"
        )
        yield f"COUNTIF({neutral}) AS `{at}_neutral`"
        moving = f" AND ({number} != 0 OR {self.layout.number(one, before)} != 0)" if number else ""
        yield f"COUNTIF({real} = {before}{moving}) AS `{at}_repeats`"
        yield f"COUNTIF({real} IS NOT NULL AND {before} IS NOT NULL{moving}) AS `{at}_followed`"
        yield f"{f'COUNT(DISTINCT {number})' if number else '0'} AS `{at}_distinct`"
        yield f"{f'COUNTIF({number} < 0)' if number else '0'} AS `{at}_negatives`"
        if one in self.samples:
            stored = self.layout.value(one)
            other = f" AND {self.layout.number(one, stored)} != {literal(one.expected)}" if neutral != "FALSE" else ""
            yield f"COUNTIF({default} AND {stored} IS NOT NULL{other}) AS `{at}_kept`"
        yield f"{f'COUNTIF({number} = ROUND({number}))' if number else '0'} AS `{at}_whole`"
        for law, broken in self.laws.broken(one, lambda other: f"real_{other.index}", f"previous_{one.index}"):
            yield f"COUNTIF({broken}) AS `{at}_{law}`"
        for first, second, swapped in self.laws.swaps(one, lambda other: f"real_{other.index}"):
            yield f"COUNTIF({swapped}) AS `{at}_swapped_{first.index}_{second.index}`"
        yield from relations(one, self.registry.active_features, self.layout, grouped=bool(self.groups))
        cold = (one.window and self.registry.inputs.cold_start) or "FALSE"
        yield f"COUNTIF(({cold}) AND {default} IS NOT NULL) AS `{at}_cold`"
        yield f"COUNTIF(({cold}) AND {default}) AS `{at}_cold_defaults`"

    def read(self, row: Mapping[str, Value]) -> Day:
        """Return one row of the query as a Day."""
        return Day(
            row["day"],  # type: ignore[arg-type]
            row["rows"],  # type: ignore[arg-type]
            row["scored"],  # type: ignore[arg-type]
            row["repeated"],  # type: ignore[arg-type]
            row["misshapen"],  # type: ignore[arg-type]
            row["misordered"],  # type: ignore[arg-type]
            {one.index: self._of_feature(row, one) for one in self.registry.active_features},
            {
                one.name: ProcessorDay(*(row[f"p{number}_{what}"] for what in ("absent", "updated", "late")))  # type: ignore[arg-type]
                for number, one in enumerate(self.recorded)
            },
            {name: row[f"gate_{name}"] for name in self.gates},  # type: ignore[misc]
            {one.name: row[f"figure_{one.name}"] for one in self.thresholds},
            {
                name: {group: int(count) for group, _, count in (one.rpartition(_COUNTED) for one in texts_of(found))}
                for number, name in enumerate(self.groups)
                if isinstance(found := row[f"group_{number}"], str)
            },
            {
                one.index: frozenset(texts_of(found))
                for one in self.categorical
                if isinstance(found := row[f"category_{one.index}"], str)
            },
            row["labelled"],  # type: ignore[arg-type]
        )

    def _of_feature(self, row: Mapping[str, Value], one: Feature) -> FeatureDay:
        """The statistics of a feature; the query counts only the laws that it has."""
        at, fields = f"f_{one.index}", FeatureDay.__dataclass_fields__.keys() - {"swapped"}
        pairs = [(first.index, second.index) for first, second in self.laws.pairs(one)]
        optional = {*LAWS, "kept"}
        values = {name: row[f"{at}_{name}"] for name in fields if name not in optional or f"{at}_{name}" in row}
        if self.layout.type_of(one) == BOOL:  # the query reads TRUE as 1
            values |= {name: None if values[name] is None else bool(values[name]) for name in ("low", "high")}
        return FeatureDay(
            **values,  # type: ignore[arg-type]
            swapped={pair: row[f"{at}_swapped_{pair[0]}_{pair[1]}"] for pair in pairs},  # type: ignore[misc]
        )


def _groups(number: int, name: str) -> str:
    """The groups of a date with their rows as one text."""
    text = f"CONCAT(CAST({ident(name)} AS STRING), {literal(_COUNTED)}, CAST(rows_{number} AS STRING))"
    return _at_most(ident(name), text, f"group_{number}")


def _at_most(value: str, text: str, name: str) -> str:
    """A text of each value of a date as one text, NULL where there are more than MOST_GROUPS values."""
    return f"IF(COUNT(DISTINCT {value}) <= {MOST_GROUPS}, {distinct_texts(text)}, NULL) AS {ident(name)}"


def _listed(texts: Sequence[str]) -> str:
    return f"({', '.join(map(literal, texts)) or 'NULL'})"
