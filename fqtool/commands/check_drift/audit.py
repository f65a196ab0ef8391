"""Audit: compare stored rows with what scoring computes from them, by one scan.

Every column that fqtool writes is computed again and compared with its stored value, so that also aggregates are
checked exactly. Rows of another version of the columns are counted, not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property

from fqtool.commands.check_drift.upstream_values import UpstreamFacts
from fqtool.expressions.builders import feature_column
from fqtool.expressions.expression import Call
from fqtool.expressions.grammar import parse_expression
from fqtool.monitoring.question import Stored
from fqtool.registry.model import BaseColumn, Feature, Owner, Registry
from fqtool.schema.build import ExpandedColumn
from fqtool.scoring.scoring import Computed, Scoring
from fqtool.scoring.value_laws import LAWS, ValueLaws
from fqtool.sql import Query, Value, distinct_texts, ident, literal, texts_of
from fqtool.table.column import Kind, Mode
from fqtool.table.typetext import parse_type

_NEAR = 1e-6  # engines add floats in different orders
_STORED = "stored_"
_DAY = "day_of_row"
_AGAIN = ("misshapen", "misordered", "late", "old", "waiting", "repeated")
"""The flags of rows that scoring again, or building again, puts right."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One managed column over all rows.

    Attributes:
        column: the column.
        differ: the number of rows whose value differs from the computed one.
        filled: the number of rows that have a value.
        is_constant: whether every row has the same value.
        may_be: whether the column may be constant, because its expression has no input that varies.
    """

    column: ExpandedColumn
    differ: int
    filled: int
    is_constant: bool
    may_be: bool


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """One feature over all rows.

    Attributes:
        feature: the feature.
        unknown: the number of rows with a raw label that the registry does not list.
        labels: these labels.
        unlisted: the number of rows whose stored source is not canonical.
        outside: the number of rows whose stored quality is below 0 or above 100.
        owner: the owner of the feature or its processor, "" without one.
        broken: law -> number of rows whose real value breaks it.
    """

    feature: Feature
    unknown: int
    labels: tuple[str, ...]
    unlisted: int
    outside: int
    owner: str = ""
    broken: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audited:
    """The counts of one scan.

    Attributes:
        start: the first date.
        end: the last date.
        rows: the number of rows.
        days: the number of dates with rows.
        compared: the number of scored rows that were compared.
        old: the number of rows that another version scored.
        waiting: the number of rows with sources and without a score.
        late: the number of rows that were written after they were scored.
        repeated: the number of rows that have the keys of another row.
        misshapen: the number of rows whose vector has another length than the registry's.
        misordered: the number of rows whose feature names differ from the registry or are in another order.
        columns: counts per managed column.
        features: counts per feature.
        unlisted: column -> number of rows with a tier or level outside its list.
        dates: the first and the last date of the rows that are `waiting`, `old` and so on.
        versions: base column -> number of rows without one of its accepted versions.
        unequal: base column -> number of rows that differ from its `equals`.
        upstream: counts per feature that is compared with the column it is read from.
        unread: table upstream -> why it could not be read.
    """

    start: date
    end: date
    rows: int
    days: int
    compared: int
    old: int
    waiting: int
    late: int
    repeated: int
    misshapen: int
    misordered: int
    columns: tuple[ColumnFacts, ...]
    features: tuple[FeatureFacts, ...]
    unlisted: Mapping[str, int]
    dates: Mapping[str, tuple[date, date]]
    versions: Mapping[str, int]
    unequal: Mapping[str, int]
    upstream: tuple[UpstreamFacts, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """The query of an audit, and how its result is read."""

    registry: Registry

    @cached_property
    def scoring(self) -> Scoring:
        """How the rows are scored."""
        return Scoring(self.registry)

    @cached_property
    def stored(self) -> Stored:
        """The names of stored columns."""
        return Stored(self.registry)

    @cached_property
    def compared(self) -> tuple[Computed, ...]:
        """The columns that scoring reproduces: all but the time at which it ran."""
        return tuple(one for one in self.scoring.columns if one.name != self.stored.roles.computed_at)

    @cached_property
    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """The columns with a tier or an alert level, with their allowed values."""
        tiers, levels = (tuple(one.name for one in of) for of in (self.registry.tiers, self.registry.alert_levels))
        found = {one.name: tiers for one in self.scoring.columns if self._is_call(one, "TIER")}
        return found | {one.name: levels for one in self.scoring.columns if self._is_call(one, "ALERT_LEVEL")}

    @staticmethod
    def _is_call(one: Computed, name: str) -> bool:
        made = parse_expression(one.column.expr or "NULL")
        return isinstance(made, Call) and made.name == name

    def query(self, start: date, end: date) -> Query:
        """Return the query over a span of dates: one scan, one row.

        Args:
            start: the first date.
            end: the last date.

        Raises:
            Refusal: the text is longer than BigQuery allows.
        """
        where = self.stored.dates.between(start, end)
        beside = {f"{_STORED}{one.name}": ident(one.name) for one in self.scoring.columns}
        beside |= {**self._flags, **self._of_base(), **self._of_laws(), _DAY: self.stored.dates.of_row()}
        upstream = [one.name for one in self.scoring.managed if one.spec.owner is Owner.UPSTREAM]
        ctes, last = self.scoring.layered(self.stored.table, where, upstream, beside)
        columns = ",\n  ".join(
            f"{sql} AS {ident(name)}"
            for part in (
                self._of_rows(),
                self._of_columns(),
                self._of_lists(),
                self._of_features(),
                ((flag, f"COUNTIF({flag})") for flag in self._of_base()),
            )
            for name, sql in part
        )
        # Scoring needs a time; no compared column has it.
        moment = datetime.combine(end, time(), UTC)
        return Query(self.scoring.fitting(f"{ctes}\nSELECT\n  {columns}\nFROM {last}"), (("computed_at", moment),))

    def _of(self, name: str) -> str:
        """A column as it is stored."""
        ours = any(one.name == name for one in self.scoring.columns)
        return ident(f"{_STORED}{name}" if ours else name)

    @cached_property
    def _flags(self) -> Mapping[str, str]:
        """Conditions on each stored row."""
        roles, written = self.stored.roles, self.registry.written
        scored, layout = f"{ident(roles.scored)} IS NOT NULL" if roles.scored else "TRUE", self.stored.layout
        versions = [f"{ident(name)} = {literal(text)}" for name, text in roles.versions.items()]
        current = f"IFNULL({' AND '.join(versions)}, FALSE)" if versions else "TRUE"
        late = "FALSE"
        if roles.computed_at and written:
            # A row is scored at a whole second, and may have been written within it.
            late = f"IFNULL({ident(roles.computed_at)} < TIMESTAMP_TRUNC({ident(written)}, SECOND), FALSE)"
        return {
            "is_misshapen": layout.misshapen,
            "is_misordered": layout.misordered,
            "is_late": late,
            "is_repeated": f"ROW_NUMBER() OVER (PARTITION BY {', '.join(map(ident, self.registry.table.keys))}) > 1",
            "is_old": f"{scored} AND NOT {current}",
            "is_waiting": f"({layout.known}) AND NOT {scored}",
            "is_compared": f"({layout.known}) AND {scored} AND {current} AND NOT {late}",
        }

    @cached_property
    def _versions(self) -> Mapping[str, tuple[str, ...]]:
        """The base columns that have accepted versions; those that scoring writes are compared with it."""
        ours = {one.name for one in self.scoring.managed}
        return {name: labels for name, labels in self.registry.accepted_versions if name not in ours}

    @cached_property
    def _equal(self) -> tuple[BaseColumn, ...]:
        return tuple(one for one in self.registry.base_columns if one.equals)

    def _of_base(self) -> Mapping[str, str]:
        """Conditions on base columns with a declared meaning."""
        versions = (
            f"IFNULL(CAST({ident(name)} AS STRING) NOT IN {_listed(labels)}, TRUE)"
            for name, labels in self._versions.items()
        )
        unequal = (
            _differs(ident(one.name), f"({one.equals})", kind.kind, mode)
            for one in self._equal
            for kind, mode in (parse_type(one.type),)
        )
        return {f"v{number}": sql for number, sql in enumerate(versions)} | {
            f"u{number}": sql for number, sql in enumerate(unequal)
        }

    @cached_property
    def laws(self) -> ValueLaws:
        """The laws of values."""
        return ValueLaws(self.registry)

    def _of_laws(self) -> Mapping[str, str]:
        """The real values that laws read, and those of the previous rows."""
        real = {
            one.index: f"IF({self.laws.is_default(one)}, NULL, {self.laws.layout.value(one)})" for one in self.laws.read
        }
        columns = {f"real_{index}": text for index, text in real.items()}
        return columns | {
            f"previous_{one.index}": self.laws.previous(one, real[one.index])
            for one in self.laws.features
            if one.monotone
        }

    def _of_rows(self) -> Iterator[tuple[str, str]]:
        yield "rows", "COUNT(*)"
        yield "days", f"COUNT(DISTINCT {_DAY})"
        for flag in self._flags:
            name = flag.removeprefix("is_")
            yield name, f"COUNTIF({flag})"
            if name in _AGAIN:
                yield f"{name}_first", f"MIN(IF({flag}, {_DAY}, NULL))"
                yield f"{name}_last", f"MAX(IF({flag}, {_DAY}, NULL))"

    def _of_columns(self) -> Iterator[tuple[str, str]]:
        again = {one.name for one in self.compared}
        for number, one in enumerate(self.scoring.managed):
            held, (kind, mode) = self._of(one.name), parse_type(one.spec.type)
            differs = _differs(held, ident(one.name), kind.kind, mode)
            yield f"c{number}_differ", f"COUNTIF(is_compared AND {differs})" if one.name in again else "0"
            if mode is Mode.REPEATED:
                yield f"c{number}_filled", f"COUNTIF(ARRAY_LENGTH({held}) > 0)"
                yield f"c{number}_constant", "FALSE"
            else:
                yield f"c{number}_filled", f"COUNT({held})"
                yield f"c{number}_constant", f"COUNT({held}) = COUNT(*) AND MIN({held}) = MAX({held})"

    def _of_lists(self) -> Iterator[tuple[str, str]]:
        for number, (name, allowed) in enumerate(self.lists.items()):
            yield f"l{number}", f"COUNTIF({self._of(name)} NOT IN {_listed(allowed)})"

    def _of_features(self) -> Iterator[tuple[str, str]]:
        roles = self.stored.roles
        sources, qualities = roles.of_features("source"), roles.of_features("quality")
        labels = _listed(one.label for one in self.registry.sources)
        canonical = [one.canonical for one in self.registry.sources] + [self.registry.unknown_source.canonical]
        for one in self.registry.active_features:
            raw = feature_column(one, "raw_source").name
            yield f"f{one.index}_unknown", f"COUNTIF({raw} NOT IN {labels})"
            undeclared = f"IF({raw} NOT IN {labels}, {raw}, NULL)"
            yield f"f{one.index}_labels", distinct_texts(undeclared)
            if one.index in sources:
                source = self._of(sources[one.index])
                yield f"f{one.index}_unlisted", f"COUNTIF({source} NOT IN {_listed(canonical)})"
            if one.index in qualities:
                quality = self._of(qualities[one.index])
                yield f"f{one.index}_outside", f"COUNTIF({quality} < 0 OR {quality} > 100)"
        for one in self.laws.features:
            for law, broken in self.laws.broken(one, lambda other: f"real_{other.index}", f"previous_{one.index}"):
                yield f"f{one.index}_{law}", f"COUNTIF({broken})"

    def read(self, row: Mapping[str, Value], start: date, end: date) -> Audited:
        """Read the row of the query's result.

        Args:
            row: the row.
            start: the first date.
            end: the last date.
        """

        def count(name: str) -> int:
            value = row.get(name)
            return value if isinstance(value, int) else 0

        columns = tuple(
            ColumnFacts(
                one,
                count(f"c{n}_differ"),
                count(f"c{n}_filled"),
                row[f"c{n}_constant"] is True,
                self._may_be_constant(one),
            )
            for n, one in enumerate(self.scoring.managed)
        )
        features = tuple(
            FeatureFacts(
                one, count(f"f{one.index}_unknown"), texts_of(row[f"f{one.index}_labels"]),
                count(f"f{one.index}_unlisted"), count(f"f{one.index}_outside"),
                self.registry.owner(one),
                {law: broken for law in LAWS if (broken := count(f"f{one.index}_{law}"))},
            )
            for one in self.registry.active_features
        )  # fmt: skip
        return Audited(
            start, end, count("rows"), count("days"), count("compared"), count("old"), count("waiting"), count("late"),
            count("repeated"), count("misshapen"), count("misordered"), columns, features,
            {name: count(f"l{number}") for number, name in enumerate(self.lists)}, dict(self._dates(row)),
            {name: count(f"v{number}") for number, name in enumerate(self._versions)},
            {one.name: count(f"u{number}") for number, one in enumerate(self._equal)},
        )  # fmt: skip

    def _dates(self, row: Mapping[str, Value]) -> Iterator[tuple[str, tuple[date, date]]]:
        for name in _AGAIN:
            first, last = (self.stored.dates.day_of(row[f"{name}_{end}"]) for end in ("first", "last"))
            if first and last:
                yield name, (first, last)

    def _may_be_constant(self, one: ExpandedColumn) -> bool:
        """Whether no input of its expression varies: a version, a static list, labels of one weight."""
        made = next((computed for computed in self.scoring.columns if computed.name == one.name), None)
        return one.feature is not None or (made is not None and not made.needs)


def _differs(held: str, made: str, kind: Kind, mode: Mode) -> str:
    """The condition that two values differ."""
    if mode is Mode.REPEATED:
        if kind is Kind.STRING:
            return f"ARRAY_TO_STRING({held}, ',') != ARRAY_TO_STRING({made}, ',')"
        return f"TO_JSON_STRING({held}) != TO_JSON_STRING({made})"
    if kind in (Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC):
        far = f"ABS(CAST({held} AS FLOAT64) - CAST({made} AS FLOAT64)) > {literal(_NEAR)}"
        return f"(({held} IS NULL) != ({made} IS NULL) OR {far})"
    return f"({held} IS DISTINCT FROM {made})"


def _listed(names: Iterable[str]) -> str:
    return f"({', '.join(map(literal, dict.fromkeys(names)))})"
