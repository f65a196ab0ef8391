"""The data dictionary of a store as sheets of linked cells, which Markdown and HTML are rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from fqtool.commands.export.contents import Held, contents, declared_column, declared_table
from fqtool.registry.model import Feature, Owner, Processor, Registry
from fqtool.schema.build import desired_table
from fqtool.scoring.gates import gates
from fqtool.scoring.layout import Layout
from fqtool.table.column import Kind, Mode

# Properties of the table that the first sheet shows in its own words.
_OWN_FACTS = ("description", "labels", "require_partition_filter", "partition_expiration_days")


@dataclass(frozen=True, slots=True)
class Part:
    """Text in a cell.

    Attributes:
        text: the text.
        code: whether it is code.
        link: the anchor that it links to, without #.
    """

    text: str
    code: bool = False
    link: str = ""


Cell = tuple[Part, ...]
"""The parts of a cell, which are separated by commas."""


Node = tuple[str, str]
"""A node of a graph: its kind (feature, processor or table) and its name."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet. Other cells can link to its anchor."""

    cells: tuple[Cell, ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table under a heading. `level` 2 is a section, 3 a part of a section."""

    title: str
    anchor: str
    headers: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    note: str = ""
    level: int = 2
    edges: tuple[tuple[Node, Node], ...] = ()
    """The edges of a graph: from, to."""


def text(*texts: object) -> Cell:
    """Return a cell of plain parts; None and "" are left out."""
    return tuple(Part(str(one)) for one in texts if one not in (None, ""))


def code(*texts: str) -> Cell:
    """Return a cell of code parts; "" is left out."""
    return tuple(Part(one, code=True) for one in texts if one)


def number(value: float) -> str:
    """Return a number without trailing zeros: 95 for 95.0."""
    return f"{value:g}"


def dictionary(registry: Registry) -> tuple[Sheet, ...]:
    """Return every sheet, in reading order."""
    return tuple(_Writer(registry).sheets())


@dataclass(frozen=True)
class _Writer:
    """Builds the sheets of one registry."""

    registry: Registry

    @cached_property
    def held(self) -> tuple[Held, ...]:
        return contents(self.registry)

    @cached_property
    def anchors(self) -> Mapping[str, str]:
        """Column name in lower case -> anchor."""
        return {one.name.lower(): f"column-{one.name.lower()}" for one in self.held}

    @cached_property
    def by_name(self) -> Mapping[str, Feature]:
        return {one.name: one for one in self.registry.features}

    @cached_property
    def columns_of(self) -> Mapping[int, tuple[str, ...]]:
        """Feature index -> its own columns."""
        made: dict[int, tuple[str, ...]] = {}
        for one in self.held:
            if one.managed and one.managed.feature:
                index = one.managed.feature.index
                made[index] = (*made.get(index, ()), one.name)
        return made

    def columns(self, names: Iterable[str]) -> Cell:
        return tuple(Part(one, code=True, link=self.anchors.get(one.lower(), "")) for one in names if one)

    def features(self, found: Iterable[Feature]) -> Cell:
        return tuple(Part(f"{one.index} {one.name}", link=f"feature-{one.index}") for one in found)

    def processor(self, name: str) -> Cell:
        known = any(one.name == name for one in self.registry.processors)
        return (Part(name, link=f"processor-{name}" if known else ""),) if name else ()

    def sheets(self) -> Iterator[Sheet]:
        yield self._table()
        yield from self._columns()
        yield from self._features()
        yield self._lineage()
        yield from self._processors()
        yield from self._quality()
        yield from self._alerts()
        yield self._gates()
        yield self._models()
        yield from self._views()

    def _table(self) -> Sheet:
        spec, table = self.registry.table, desired_table(self.registry)
        layout = f"{spec.partition_by} by {spec.partition_granularity}" if spec.partition_by else "none"
        layout = spec.partition_expr or layout
        others = {name: value for name, value in declared_table(table).items() if name not in _OWN_FACTS}
        needed = "; every query must filter by it" if spec.require_partition_filter else ""
        expires = f"; kept for {number(days)} days" if (days := spec.partition_expiration_days) else ""
        facts: list[tuple[str, Cell]] = [
            ("table", code(spec.name)),
            ("description", text(spec.description)),
            ("keys", self.columns(spec.keys)),
            ("partitions", text(f"{layout}{needed}{expires}")),
            ("clustered by", self.columns(spec.cluster_by)),
            ("columns", text(len(self.held))),
            ("features", text(len(self.registry.features))),
            *((f"target {name}", code(url)) for name, url in self.registry.targets),
            *((name, code(version)) for name, version in self.registry.schema_versions),
            *((f"label {key}", text(value)) for key, value in spec.labels or ()),
            ("primary key", self.columns(table.primary_key)),
            *(("foreign key", code(key)) for key in table.foreign_keys),
            *((name.replace("_", " "), text(_plain(value))) for name, value in others.items()),
        ]
        rows = tuple(Row((text(name), cell)) for name, cell in facts if cell)
        return Sheet("Table", "table", ("fact", "value"), rows)

    def _columns(self) -> Iterator[Sheet]:
        sections: dict[str, list[Held]] = {}
        for one in self.held:
            sections.setdefault(one.section, []).append(one)
        yield Sheet("Columns", "columns", note="In the order of the table, by section.")
        for name, held in sections.items():
            headers = ("name", "type", "mode", "description", "expression", "notes")
            rows = tuple(self._column(one) for one in held)
            yield Sheet(name, f"section-{name}", headers, rows, level=3)

    def _column(self, one: Held) -> Row:
        spec = one.managed.spec if one.managed else None
        notes: list[Part] = []
        if one.managed and one.managed.feature:
            notes += self.features([one.managed.feature])
        if spec and spec.owner is not Owner.FQTOOL:
            kept = "written by upstream" if spec.owner is Owner.UPSTREAM else "upstream's value is kept"
            notes.append(Part(kept))
        if spec and (gone := spec.deprecated):
            instead = f"; use {gone.replaced_by}" if gone.replaced_by else ""
            notes.append(Part(f"deprecated since {gone.since}, kept until {gone.remove_after}{instead}"))
        if one.accepted:
            notes.append(Part(f"one of {', '.join(one.accepted)}"))
        if one.bounds:
            notes.append(Part(f"{one.bounds[0]} to {one.bounds[1]}"))
        notes += [
            Part(f"{name.replace('_', ' ')} {_plain(value)}")
            for name, value in declared_column(one.column).items()
            if name != "default"
        ]
        if one.column.default is not None:
            notes += [Part("default"), *code(one.column.default)]
        expr = one.managed.expr if one.managed and one.managed.expr else ""
        mode = "" if one.column.mode is Mode.NULLABLE else str(one.column.mode)
        cells = (
            code(one.name), code(one.column.sql_type), text(mode), text(one.column.description), code(expr),
            tuple(notes),
        )  # fmt: skip
        return Row(cells, self.anchors[one.name.lower()])

    def _features(self) -> Iterator[Sheet]:
        headers = (
            "index", "name", "type", "category", "processor", "range", "expected", "labels", "columns", "description",
        )  # fmt: skip
        layout = Layout(self.registry)
        rows = tuple(
            Row(
                (
                    text(one.index),
                    code(one.name),
                    text(*_type(layout, one)),
                    text(one.category, *self._flags(one)),
                    self.processor(one.processor),
                    text(f"{number(one.range[0])} to {number(one.range[1])}" if one.range else ""),
                    text(number(one.expected) if one.expected is not None else ""),
                    code(*one.labels),
                    self.columns(self.columns_of.get(one.index, ())),
                    text(one.description),
                ),
                f"feature-{one.index}",
            )
            for one in self.registry.features
        )
        note = "The vector by position. The expected value is the default value of an absent input."
        yield Sheet("Features", "features", headers, rows, note)
        groups = tuple(
            Row((code(one.name), text(one.description), self.features(self._in(one.name))))
            for one in self.registry.categories
        )
        yield Sheet("Categories", "categories", ("category", "description", "features"), groups)

    @staticmethod
    def _flags(one: Feature) -> Iterator[str]:
        for flag in ("critical", "optional", "retired"):
            if getattr(one, flag):
                yield flag

    def _in(self, category: str) -> Iterator[Feature]:
        return (one for one in self.registry.features if one.category == category)

    def _lineage(self) -> Sheet:
        processors = {one.name: one for one in self.registry.processors}
        rows: list[Row] = []
        edges: list[tuple[Node, Node]] = []
        for one in self.registry.active_features:
            made = processors.get(one.processor, Processor(one.processor))
            upstream = one.upstream_table or made.table
            cells = (
                self.features([one]), self.processor(one.processor), code(upstream),
                code(*(name.strip() for name in one.upstream_column.split(","))),
            )  # fmt: skip
            rows.append(Row(cells))
            path = [("feature", f"{one.index} {one.name}"), ("processor", one.processor), ("table", upstream)]
            edges += pairwise(node for node in path if node[1])
        note = "The processor that writes each feature, and the table that it reads."
        headers = ("feature", "processor", "upstream table", "upstream columns")
        return Sheet("Lineage", "lineage", headers, tuple(rows), note, edges=tuple(dict.fromkeys(edges)))

    def _processors(self) -> Iterator[Sheet]:
        rows = tuple(
            Row(
                (
                    text(one.name), code(one.table), text(one.phase), text(one.schedule),
                    text("for every date" if one.expected else ""), self.columns((one.last_updated, one.rows_found)),
                    self.features(found for found in self.registry.features if found.processor == one.name),
                    text(one.description),
                ),
                f"processor-{one.name}",
            )
            for one in self.registry.processors
        )  # fmt: skip
        headers = ("processor", "writes", "phase", "schedule", "expected", "run columns", "features", "description")
        yield Sheet("Processors", "processors", headers, rows)

    def _quality(self) -> Iterator[Sheet]:
        unknown = self.registry.unknown_source
        rows = [
            Row((code(one.label), text(number(one.weight)), code(one.canonical),
                 text("default" if one.is_default else ""), text(one.description)))
            for one in self.registry.sources
        ]  # fmt: skip
        rows.append(Row((text("any other"), text(number(unknown.weight)), code(unknown.canonical), (), ())))
        absent = f"A feature without a label in a row counts as {unknown.absent_label}."
        note = f"The weight is the quality 0-100 of a feature. {absent}"
        yield Sheet("Sources", "sources", ("label", "weight", "stored as", "kind", "description"), tuple(rows), note)
        bands = tuple(Row((code(one.name), text(number(one.min)))) for one in self.registry.tiers)
        yield Sheet("Tiers", "tiers", ("tier", "from"), bands, "Bands of a value 0-100, lower bound inclusive.")

    def _alerts(self) -> Iterator[Sheet]:
        rows = tuple(
            Row((code(one.code), text(one.level), code(one.when), code(one.number or ""), text(one.description)))
            for one in self.registry.alerts
        )
        yield Sheet("Alerts", "alerts", ("code", "level", "when", "number", "description"), rows)
        levels = tuple(Row((code(one.name), code(*one.when))) for one in self.registry.alert_levels)
        note = "A row gets the first level with a true condition; the last level has no condition."
        yield Sheet("Alert levels", "levels", ("level", "any of"), levels, note)

    def _gates(self) -> Sheet:
        stored = {one.name: one.managed for one in self.held if one.managed}
        rows = []
        for name, sql in gates(self.registry).items():
            if one := stored.get(name):
                rows.append(Row((self.columns([name]), code(one.expr) if one.expr else text("upstream writes it"))))
            else:
                rows.append(Row((code(name), code(sql[1:-1]))))
        note = "BOOL columns of the table and its views that accept or reject a row."
        return Sheet("Gates", "gates", ("gate", "true where"), tuple(rows), note)

    def _models(self) -> Sheet:
        rows = tuple(
            Row(
                (
                    code(one.name), text(one.family),
                    self.features(self.by_name[name] for name in one.needs if name in self.by_name),
                    code(*one.external), self.columns([one.requires] if one.requires else []), text(one.description),
                ),
                f"model-{one.name}",
            )
            for one in self.registry.models
        )  # fmt: skip
        headers = ("model", "family", "reads", "external", "requires", "description")
        return Sheet("Models", "models", headers, rows, "Inputs are in the order in which the model reads them.")

    def _views(self) -> Iterator[Sheet]:
        yield Sheet("Views", "views", note="" if self.registry.views else "There are no views.")
        for one in self.registry.views:
            every = one.include == ("*",)
            rows = [Row((self.columns([name]), (), text("as stored"))) for name in one.include if name != "*"]
            rows += [Row((text("every column of the table"), (), ()))] if every else []
            rows += [Row((code(made.name), code(made.expr), text(made.description))) for made in one.columns]
            headers = ("column", "expression", "description")
            repeated = one.rows_per or any(made.for_each for made in one.columns)
            note = " ".join(
                (one.description, "{index} and {name} are those of each feature." if repeated else "")
            ).strip()
            yield Sheet(one.name, f"view-{one.name}", headers, tuple(rows), note, 3)


def _plain(value: object) -> str:
    """A property as the registry declares it, as text."""
    if isinstance(value, dict):
        value = [f"{key}={text}" for key, text in value.items()]
    return ", ".join(value) if isinstance(value, list) else str(value)


def _type(layout: Layout, feature: Feature) -> tuple[str, ...]:
    """The type of the value of a feature, and what that means for text."""
    found = layout.type_of(feature)
    if found is None:
        return ()
    return (str(found), "categorical") if found.kind is Kind.STRING else (str(found),)
