"""Scoring: one SELECT that computes every managed column of a row from its sources and values.

It has one scan, no join and no user-defined function. Its CTEs are layers: the stored columns, the features, then the
computed columns, level by level as they refer to each other. The same text runs on BigQuery and, transpiled, on DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fqtool.errors import InputError, Refusal
from fqtool.expressions.builders import KNOWN, feature_column
from fqtool.expressions.expression import NULL, Call, Expression, Literal, Name, names_in, render
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.simplify import substitute
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.schema.build import ExpandedColumn, base_columns, desired_table, expand_columns
from fqtool.schema.row_dates import RowDates, row_dates
from fqtool.scoring.feature_language import Language, by_label, raw_label, sql_of
from fqtool.scoring.layout import Layout
from fqtool.sql import TEXT_LIMIT, ident
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.typetext import parse_type

UPSTREAM = "upstream_"


@dataclass(frozen=True, slots=True)
class Computed:
    """A managed column that fqtool writes: its expression in plain GoogleSQL, and the names that this refers to."""

    column: ExpandedColumn
    expression: Expression
    needs: frozenset[str]

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


@dataclass(frozen=True)
class Scoring:
    """The scoring of one registry. Raises InputError with the name of a column whose `expr` is unusable."""

    registry: Registry

    @cached_property
    def language(self) -> Language:
        """The feature language of the registry."""
        return Language(self.registry)

    @cached_property
    def layout(self) -> Layout:
        """Where rows hold values and labels."""
        return Layout(self.registry)

    @cached_property
    def dates(self) -> RowDates:
        """How to find the rows of a date. Raises InputError where rows have no date."""
        return row_dates(self.registry)

    @cached_property
    def columns(self) -> tuple[Computed, ...]:
        """The columns that fqtool writes, in registry order."""
        return tuple(self._computed(one) for one in self.managed if one.spec.owner is not Owner.UPSTREAM)

    def _computed(self, column: ExpandedColumn) -> Computed:
        try:
            made = self.language.expand(parse_expression(column.expr or "NULL"))
        except Unreadable as error:
            raise InputError(f"{column.spec.at}: `expr` of `{column.name}`: {error.message}.") from None
        if column.feature is not None:
            made = NULL if column.feature.retired else substitute(made, self.language.names_of(column.feature))
        sql_of(made)
        if column.spec.owner is Owner.SHARED:
            made = _or_else(Name(UPSTREAM + column.name), made)
        return Computed(column, made, names_in(made))

    @cached_property
    def layers(self) -> tuple[tuple[Computed, ...], ...]:
        """The columns by level: each refers only to columns of earlier levels. Raises InputError for a cycle."""
        waiting = {one.name.lower(): one for one in self.columns}
        done: set[str] = set()
        made: list[tuple[Computed, ...]] = []
        while waiting:
            ready = [one for one in waiting.values() if not {n.lower() for n in one.needs} & waiting.keys()]
            if not ready:
                raise InputError(f"The columns refer to each other in a circle: {' -> '.join(_circle(waiting))}.")
            made.append(tuple(ready))
            for one in ready:
                done.add(one.name.lower())
                del waiting[one.name.lower()]
        return tuple(made)

    @cached_property
    def used(self) -> frozenset[str]:
        """Every name that the expression of a column refers to."""
        return frozenset().union(*(one.needs for one in self.columns))

    @cached_property
    def reads(self) -> tuple[Column, ...]:
        """The stored columns that scoring reads, with keys and upstream columns, in the order of the table."""
        read = self.named.union(name.lower() for name in self.registry.table.keys)
        read |= {one.name.lower() for one in self.managed if one.spec.owner is not Owner.FQTOOL}
        read -= {one.name.lower() for one in self.managed if one.spec.owner is Owner.FQTOOL}
        return tuple(one for one in desired_table(self.registry).columns if one.key in read)

    @cached_property
    def named(self) -> frozenset[str]:
        """Names without case of the columns that expressions of the registry read."""
        texts = [self.layout.known]
        for feature in self.registry.active_features:
            texts += [self.layout.label(feature), self.layout.value(feature), feature.sample_size]
            texts.append(self.registry.last_updated(feature))
        named = frozenset().union(*(names_in(parse_expression(text)) for text in dict.fromkeys(texts) if text))
        return frozenset(name.lower() for name in named.union(self.used))

    @cached_property
    def managed(self) -> tuple[ExpandedColumn, ...]:
        """All managed columns, with upstream columns, in registry order."""
        return expand_columns(self.registry)

    def select(self, source: str, where: str = "", *, whole: bool = False, keys: Sequence[str] = ()) -> str:
        """Return the SELECT that scores rows: the keys, then the columns that fqtool writes.

        Args:
            source: The table or subquery, as SQL.
            where: The filter, as SQL; "" for all rows.
            whole: Whether to return all managed columns, upstream columns unchanged.
            keys: The base columns that identify a row; those of the registry by default.

        Raises:
            Refusal: The text is longer than BigQuery accepts.
        """
        upstream = [one.name for one in self.managed if one.spec.owner is Owner.UPSTREAM]
        keys = keys or self.registry.table.keys
        ctes, before = self.layered(source, where, (*keys, *(upstream if whole else ())))
        computed = {one.name: _stored(one) for one in self.columns}
        last = [one.name for one in self.managed] if whole else list(computed)
        final = [*map(ident, keys), *(computed.get(name, ident(name)) for name in last)]
        return self.fitting(f"{ctes}\n{_select(final, before)}")

    def layered(
        self, source: str, where: str = "", also: Iterable[str] = (), beside: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Return the WITH clause that scores rows, and the name of its last part, which has every column.

        Args:
            source: The table or subquery, as SQL.
            where: The filter, as SQL; "" for all rows.
            also: Stored columns to pass on.
            beside: Further columns to pass on: name -> SQL over the row.
        """
        named = [f"{sql} AS {ident(name)}" for name, sql in (beside or {}).items()]
        read = self._read(source, where, also, named)
        parts = [
            ("read", "stored columns, and the label and value of each feature", read),
            *self._above,
        ]
        ctes = ",\n".join(f"-- {comment}\n{name} AS (\n{body}\n)" for name, comment, body in parts)
        return f"WITH\n{ctes}", parts[-1][0]

    @cached_property
    def _above(self) -> tuple[tuple[str, str, str], ...]:
        """The parts that do not depend on the source: name, comment, text."""
        features = "the weight and canonical source of the label, and whether it means a default value"
        parts, before = [("features", features, self._features())], "features"
        for number, layer in enumerate(self.layers, 1):
            columns = [f"{render(one.expression)} AS {ident(one.name)}" for one in layer]
            comment = "over the features" if number == 1 else f"over the columns of level {number - 1}"
            parts.append((f"level_{number}", comment, _select(["*", *columns], before)))
            before = f"level_{number}"
        return tuple(parts)

    def fitting(self, text: str) -> str:
        """Return the text. Raises Refusal where it is longer than BigQuery accepts."""
        if len(text) > TEXT_LIMIT:
            raise Refusal(
                f"Scoring {len(self.registry.active_features):,} features needs {len(text):,} characters of SQL; "
                f"BigQuery accepts {TEXT_LIMIT:,}.",
                remedy="Split the features over two stores.",
            )
        return text

    def _read(self, source: str, where: str, also: Iterable[str], beside: Iterable[str]) -> str:
        columns = [*map(ident, self._stored_names(also)), *beside]
        columns += [
            f"{ident(one.name)} AS {ident(UPSTREAM + one.name)}"
            for one in self.columns
            if one.column.spec.owner is Owner.SHARED
        ]
        columns.append(f"{self.layout.known} AS {KNOWN.name}")
        for feature in self.registry.active_features:
            columns += self._inputs_of(feature)
        return _select(columns, f"{source}{f' WHERE {where}' if where else ''}")

    def _stored_names(self, also: Iterable[str]) -> list[str]:
        """The keys, the base and upstream columns that an expression refers to, and those of `also`."""
        ours = {one.name.lower() for one in self.columns}
        upstream = [one.name for one in self.managed if one.spec.owner is Owner.UPSTREAM]
        needed = {name.lower() for name in self.used.union(self.registry.table.keys, also)}
        stored = [*(one.name for one in base_columns(self.registry)), *upstream]
        return list(dict.fromkeys(name for name in stored if name.lower() in needed and name.lower() not in ours))

    def _inputs_of(self, feature: Feature) -> Iterable[str]:
        label = raw_label(self.layout.label(feature), self.registry.unknown_source.absent_label)
        # sources_known is a column of this same SELECT, so its expression is repeated here.
        label = substitute(label, {KNOWN.name: parse_expression(self.layout.known)})
        yield f"{render(label)} AS {feature_column(feature, 'raw_source').name}"
        dynamic = {
            "value": self.layout.value(feature),
            "sample_size": feature.sample_size,
            "last_updated": self.registry.last_updated(feature),
        }
        for name, text in dynamic.items():
            column = feature_column(feature, name).name
            if text and column in self.used:
                yield f"{text} AS {column}"

    def _features(self) -> str:
        columns = ["*"]
        for feature in self.registry.active_features:
            label = feature_column(feature, "raw_source")
            for name, values, otherwise in self._per_label:
                column = feature_column(feature, name).name
                if column in self.used:
                    columns.append(f"{render(by_label(label, values, otherwise))} AS {column}")
        return _select(columns, "read")

    @cached_property
    def _per_label(self) -> tuple[tuple[str, dict[str, Expression], Expression], ...]:
        sources, unknown = self.registry.sources, self.registry.unknown_source
        return (
            ("quality", {one.label: Literal(float(one.weight)) for one in sources}, Literal(float(unknown.weight))),
            ("source", {one.label: Literal(one.canonical) for one in sources}, Literal(unknown.canonical)),
            ("is_default", {one.label: Literal(one.is_default) for one in sources}, Literal(True)),
        )


def _or_else(upstream: Expression, derived: Expression) -> Expression:
    return Call("COALESCE", (upstream, derived))


def _select(columns: Iterable[str], source: str) -> str:
    return "SELECT\n  " + ",\n  ".join(columns) + f"\nFROM {source}"


def _stored(one: Computed) -> str:
    """Return the column, cast to NUMERIC where its type is, because BigQuery does not cast FLOAT64 by itself."""
    kind, mode = parse_type(one.column.spec.type)
    if kind.kind in (Kind.NUMERIC, Kind.BIGNUMERIC) and mode is not Mode.REPEATED:
        return f"CAST({ident(one.name)} AS {kind}) AS {ident(one.name)}"
    return ident(one.name)


def _circle(waiting: Mapping[str, Computed]) -> list[str]:
    """Follow references among the waiting columns until a name repeats."""
    path = [next(iter(waiting))]
    while True:
        needs = (name.lower() for name in sorted(waiting[path[-1]].needs))
        path.append(next(name for name in needs if name in waiting))
        if path[-1] in path[:-1]:
            return path[path.index(path[-1]) :]
