"""Scoring: one SELECT that computes every managed column of a row from its sources and values.

One scan, no join, no function of ours; CTEs in layers: what is read, what each feature is, then columns level by level
as they refer to each other. The same text runs on BigQuery and, transpiled, on DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from fqtool.errors import InputError, Refusal
from fqtool.quality.build import ExpandedColumn, base_columns, desired_table, expand_columns, feature_values, fill
from fqtool.quality.compose import KNOWN, TEXT_LIMIT, feature_column
from fqtool.quality.expression import NULL, Call, Expression, Literal, Name, names_in, render
from fqtool.quality.fold import substitute
from fqtool.quality.grammar import Unreadable, parse_expression
from fqtool.quality.language import Language, by_label, raw_label, sql_of
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.sql import ident
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.typetext import parse_type

UPSTREAM = "upstream_"


@dataclass(frozen=True, slots=True)
class Computed:
    """A managed column that fqtool writes: its expression in plain GoogleSQL, and what that refers to."""

    column: ExpandedColumn
    expression: Expression
    needs: frozenset[str]

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


@dataclass(frozen=True)
class Scoring:
    """The scoring of one registry. Raises InputError naming the column whose expr cannot be used."""

    registry: Registry

    @cached_property
    def language(self) -> Language:
        """The registry's feature language."""
        return Language(self.registry)

    @cached_property
    def columns(self) -> tuple[Computed, ...]:
        """The columns that fqtool writes, in registry order."""
        return tuple(self._computed(one) for one in self.managed if one.spec.owner is not Owner.UPSTREAM)

    def _computed(self, column: ExpandedColumn) -> Computed:
        try:
            made = self.language.expand(parse_expression(column.expr or "NULL"))
        except Unreadable as error:
            raise InputError(f"{column.spec.at}: the expr of {column.name}: {error.message}.") from None
        if column.feature is not None:
            made = NULL if column.feature.retired else substitute(made, self.language.names_of(column.feature))
        sql_of(made)
        if column.spec.owner is Owner.SHARED:
            made = _or_else(Name(UPSTREAM + column.name), made)
        return Computed(column, made, names_in(made))

    @cached_property
    def layers(self) -> tuple[tuple[Computed, ...], ...]:
        """The columns by level: each refers only to what levels before it made. Raises InputError for a cycle."""
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
        """Every name that some column's expression refers to."""
        return frozenset().union(*(one.needs for one in self.columns))

    @cached_property
    def reads(self) -> tuple[Column, ...]:
        """The stored columns that scoring reads, keys and upstream's columns among them, in the table's order."""
        inputs = self.registry.inputs
        texts = [inputs.sources_known]
        for feature in self.registry.active_features:
            values = feature_values(feature)
            texts += [fill(inputs.source, values), fill(inputs.value, values), feature.sample_size]
            texts.append(self.registry.last_updated(feature))
        named = frozenset().union(*(names_in(parse_expression(text)) for text in dict.fromkeys(texts) if text))
        wanted = {name.lower() for name in named.union(self.used, self.registry.table.keys)}
        wanted |= {one.name.lower() for one in self.managed if one.spec.owner is not Owner.FQTOOL}
        wanted -= {one.name.lower() for one in self.managed if one.spec.owner is Owner.FQTOOL}
        return tuple(one for one in desired_table(self.registry).columns if one.key in wanted)

    @cached_property
    def managed(self) -> tuple[ExpandedColumn, ...]:
        """All managed columns, upstream's among them, in registry order."""
        return expand_columns(self.registry)

    def select(self, source: str, where: str = "", *, whole: bool = False) -> str:
        """Return the SELECT that scores `source`, a table or subquery in SQL: keys, then the columns fqtool writes.

        With `whole`, all managed columns: those that upstream owns are passed on as they are. Raises Refusal where the
        text is longer than BigQuery takes.
        """
        upstream = [one.name for one in self.managed if one.spec.owner is Owner.UPSTREAM]
        ctes, before = self.layered(source, where, upstream if whole else ())
        computed = {one.name: _stored(one) for one in self.columns}
        last = [one.name for one in self.managed] if whole else list(computed)
        final = [*map(ident, self.registry.table.keys), *(computed.get(name, ident(name)) for name in last)]
        return self.fitting(f"{ctes}\n{_select(final, before)}")

    def layered(
        self, source: str, where: str = "", also: Iterable[str] = (), beside: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Return the WITH clause that scores `source`, and the name of its last part, which holds every column.

        `also` are stored columns that it is to pass on, `beside` further ones by name with their SQL over the row.
        """
        named = [f"{sql} AS {ident(name)}" for name, sql in (beside or {}).items()]
        read = self._read(source, where, also, named)
        parts = [
            ("read", "what the row says of itself, and the label and value of each feature", read),
            *self._above,
        ]
        ctes = ",\n".join(f"-- {comment}\n{name} AS (\n{body}\n)" for name, comment, body in parts)
        return f"WITH\n{ctes}", parts[-1][0]

    @cached_property
    def _above(self) -> tuple[tuple[str, str, str], ...]:
        """The parts that are the same whatever is scored: name, comment, text."""
        features = "the label's weight, canonical source, and whether it is a stand-in"
        parts, before = [("features", features, self._features())], "features"
        for number, layer in enumerate(self.layers, 1):
            columns = [f"{render(one.expression)} AS {ident(one.name)}" for one in layer]
            comment = "over the features" if number == 1 else f"over the columns of level {number - 1}"
            parts.append((f"level_{number}", comment, _select(["*", *columns], before)))
            before = f"level_{number}"
        return tuple(parts)

    def fitting(self, text: str) -> str:
        """Return the text. Raises Refusal where it is longer than BigQuery takes."""
        if len(text) > TEXT_LIMIT:
            raise Refusal(
                f"Scoring {len(self.registry.active_features):,} features takes {len(text):,} characters of SQL; "
                f"BigQuery takes {TEXT_LIMIT:,}.",
                remedy="Split the features over two stores.",
            )
        return text

    def _read(self, source: str, where: str, also: Iterable[str], beside: Iterable[str]) -> str:
        inputs = self.registry.inputs
        columns = [*map(ident, self._stored_names(also)), *beside]
        columns += [
            f"{ident(one.name)} AS {ident(UPSTREAM + one.name)}"
            for one in self.columns
            if one.column.spec.owner is Owner.SHARED
        ]
        columns.append(f"{inputs.sources_known} AS {KNOWN.name}")
        for feature in self.registry.active_features:
            columns += self._inputs_of(feature)
        return _select(columns, f"{source}{f' WHERE {where}' if where else ''}")

    def _stored_names(self, also: Iterable[str]) -> list[str]:
        """Keys, the base and upstream columns that some expression refers to, and those of `also`."""
        ours = {one.name.lower() for one in self.columns}
        upstream = [one.name for one in self.managed if one.spec.owner is Owner.UPSTREAM]
        wanted = {name.lower() for name in self.used.union(self.registry.table.keys, also)}
        stored = [*(one.name for one in base_columns(self.registry)), *upstream]
        return list(dict.fromkeys(name for name in stored if name.lower() in wanted and name.lower() not in ours))

    def _inputs_of(self, feature: Feature) -> Iterable[str]:
        inputs, values = self.registry.inputs, feature_values(feature)
        label = raw_label(fill(inputs.source, values), self.registry.unknown_source.absent_label)
        # sources_known is a column of this very SELECT, so its expression stands here once more.
        label = substitute(label, {KNOWN.name: parse_expression(inputs.sources_known)})
        yield f"{render(label)} AS {feature_column(feature, 'raw_source').name}"
        dynamic = {
            "value": fill(inputs.value, values),
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
    """A FLOAT64 is not assigned to a NUMERIC column by itself, so it is cast at the end."""
    kind, mode = parse_type(one.column.spec.type)
    if kind.kind in (Kind.NUMERIC, Kind.BIGNUMERIC) and mode is not Mode.REPEATED:
        return f"CAST({ident(one.name)} AS {kind}) AS {ident(one.name)}"
    return ident(one.name)


def _circle(waiting: Mapping[str, Computed]) -> list[str]:
    """Follow references among the columns that wait until one comes again."""
    path = [next(iter(waiting))]
    while True:
        needs = (name.lower() for name in sorted(waiting[path[-1]].needs))
        path.append(next(name for name in needs if name in waiting))
        if path[-1] in path[:-1]:
            return path[path.index(path[-1]) :]
