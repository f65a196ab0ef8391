"""The expressions of a registry: where each stands, what it may name, which type it must have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fqtool.finding import Location
from fqtool.quality.build import category_values, feature_values, fill
from fqtool.quality.grammar import Unreadable, parse_expression
from fqtool.quality.names import Names, feature_names
from fqtool.quality.typecheck import infer
from fqtool.quality.value_types import BOOL, FLOAT64, INT64, STRING, TIMESTAMP, ValueType
from fqtool.registry.document import Step
from fqtool.registry.judgement import Each, ViewSpec
from fqtool.registry.model import BaseColumn, Category, ColumnSpec, Feature, Owner, Registry
from fqtool.rules.subject import Subject
from fqtool.table.column import Kind, Mode, Type

Values = Mapping[str, object]
# A word of SQL that a placeholder is part of, such as feature_{index}_quality.
WORD = re.compile(r"[\w{}]*\{[a-z_]+\}[\w{}]*")
_ONCE: tuple[Values, ...] = ({},)
# What inputs are read with where there is no feature yet.
_ANY = (feature_values(Feature(0, "first", "any")),)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One expression as the file has it: whose it is, its path in the file, and what is filled in, time by time.

    `wanted` is the type that its value must have, None for any. `spec` is the managed column that it belongs to.
    """

    subject: str
    text: str
    path: tuple[Step, ...]
    at: Location
    names: Names
    wanted: ValueType | None = None
    fills: Sequence[Values] = _ONCE
    spec: ColumnSpec | None = None

    def variants(self) -> Iterator[tuple[str, Values]]:
        """Yield the filled texts that differ in more than words of one type: 2,500 features make mostly one."""
        words = WORD.findall(self.text) if "{" in self.text else []
        whole = "{description}" in self.text  # any character may stand in it
        done = set[object]()
        for values in self.fills:
            filled = fill(self.text, values) if whole else ""
            key = (filled, *(self.names.columns.get(fill(word, values).lower(), "") for word in words))
            if key not in done:
                done.add(key)
                yield fill(self.text, values), values


def entries(subject: Subject) -> Iterator[Entry]:
    """Yield every expression of the registry."""
    registry = subject.registry
    stored = {name: value_type(*found) if found else None for name, found in subject.types.items()}
    read = subject.base_names | {one.name.lower() for one in subject.managed if one.spec.owner is Owner.UPSTREAM}
    given = Names({name: found for name, found in stored.items() if name in read})
    features = tuple(feature_values(one) for one in registry.active_features)
    yield from _inputs(registry, given, features)
    # A NUMERIC that fqtool computes is a FLOAT64 until it is stored.
    exact = [ValueType(kind) for kind in (Kind.NUMERIC, Kind.BIGNUMERIC)]
    ours = (one.name.lower() for one in subject.managed if one.spec.owner is not Owner.UPSTREAM)
    row = Names(
        stored | {name: FLOAT64 for name in ours if stored[name] in exact},
        feature_names(_type_of_value(registry, given, features)),
    )
    yield from _columns(subject, row, features)
    yield from _judgement(registry, row)
    yield from _of_stored_rows(registry, Names(stored, parameters={}, open=True), features)
    yield from _defaults(registry)


def value_type(kind: Type, mode: Mode) -> ValueType:
    """Return the type of the values of a column."""
    return ValueType(kind.kind, mode is Mode.REPEATED, str(kind) if kind.fields or kind.element else "")


def _inputs(registry: Registry, given: Names, features: Sequence[Values]) -> Iterator[Entry]:
    inputs, file = registry.inputs, Location(registry.path)
    yield Entry("inputs source", inputs.source, ("inputs", "source"), file, given, STRING, features or _ANY)
    yield Entry("inputs value", inputs.value, ("inputs", "value"), file, given, None, features or _ANY)
    yield Entry("inputs sources_known", inputs.sources_known, ("inputs", "sources_known"), file, given, BOOL)
    if inputs.cold_start:
        yield Entry("inputs cold_start", inputs.cold_start, ("inputs", "cold_start"), file, given, BOOL)
    if inputs.names:
        yield Entry("inputs names", inputs.names, ("inputs", "names"), file, given, replace(STRING, repeated=True))
    told = set[str]()
    for one in registry.features:
        if one.sample_size and one.sample_size not in told:
            told.add(one.sample_size)
            yield Entry(one.name, one.sample_size, ("features", one.index, "sample_size"), one.at, given, INT64)
    for job in registry.processors:
        for key, name, wanted in (("last_updated", job.last_updated, TIMESTAMP), ("rows_found", job.rows_found, INT64)):
            if name.lower() in given.columns:  # another rule speaks of columns that do not exist
                yield Entry(job.name, name, ("processors", job.name, key), job.at, given, wanted)


def _type_of_value(registry: Registry, given: Names, features: Sequence[Values]) -> ValueType | None:
    try:
        return infer(parse_expression(fill(registry.inputs.value, (features or _ANY)[0])), given)[0]
    except Unreadable:
        return None


def _columns(subject: Subject, row: Names, features: Sequence[Values]) -> Iterator[Entry]:
    registry, each = subject.registry, replace(row, per_feature=True)
    categories = {one.name: category_values(one) for one in registry.categories}
    types = {id(one.spec): subject.types.get(one.name.lower()) for one in subject.managed}
    for number, spec in enumerate(registry.columns):
        if spec.expr is None or id(spec) not in types or (spec.only and not spec.for_each):
            continue  # it is upstream's, dropped, repeated for nothing, or another rule asks what for
        fills: Sequence[Values] = _ONCE
        if spec.for_each is Each.FEATURE:
            fills = [one for one in features if not spec.only or one["name"] in spec.only]
        elif spec.for_each is Each.CATEGORY:
            names = spec.only or tuple(categories)
            fills = [categories.get(name) or category_values(Category(name)) for name in names]
        names_here = each if spec.for_each is Each.FEATURE else row
        found = types[id(spec)]
        wanted = value_type(*found) if found else None
        path = ("columns", number, "expr")
        yield Entry(spec.name, spec.expr, path, spec.at, names_here, wanted, fills, spec)


def _judgement(registry: Registry, row: Names) -> Iterator[Entry]:
    for number, alert in enumerate(registry.alerts):
        yield Entry(alert.code, alert.when, ("alerts", number, "when"), alert.at, row, BOOL)
        if alert.number is not None:
            yield Entry(alert.code, alert.number, ("alerts", number, "number"), alert.at, row, INT64)
    for number, level in enumerate(registry.alert_levels):
        for place, text in enumerate(level.when):
            yield Entry(level.name, text, ("alert_levels", number, "when", place), level.at, row, BOOL)
    for number, model in enumerate(registry.models):
        if model.requires:
            yield Entry(model.name, model.requires, ("models", number, "requires"), model.at, row, BOOL)


def _of_stored_rows(registry: Registry, rows: Names, features: Sequence[Values]) -> Iterator[Entry]:
    """Views and thresholds: SQL of the warehouse, of which the list of functions knows only a part."""
    for number, view in enumerate(registry.views):
        yield from _of_view(number, view, rows, features)
    for number, one in enumerate(registry.thresholds):
        yield Entry(one.name, one.metric, ("thresholds", number, "metric"), one.at, rows, FLOAT64)


def _of_view(number: int, view: ViewSpec, rows: Names, features: Sequence[Values]) -> Iterator[Entry]:
    keys = ("index", "name", "category")  # what views fill in
    repeated = [{key: one[key] for key in keys} for one in features]
    for place, column in enumerate(view.columns):
        fills: Sequence[Values] = repeated if column.for_each or view.rows_per else _ONCE
        path = ("views", number, "columns", place, "expr")
        yield Entry(column.name, column.expr, path, column.at, rows, None, fills)
    if view.where:
        yield Entry(view.name, view.where, ("views", number, "where"), view.at, rows, BOOL)


def _defaults(registry: Registry) -> Iterator[Entry]:
    """Defaults stand in CREATE and ALTER TABLE as they are written; there is no row that they could name."""
    nothing = Names({}, parameters={}, open=True)
    listed: tuple[tuple[str, Sequence[BaseColumn | ColumnSpec]], ...] = (
        ("base_columns", registry.base_columns),
        ("columns", registry.columns),
    )
    for key, columns in listed:
        for number, one in enumerate(columns):
            if one.default is not None:
                yield Entry(one.name, one.default, (key, number, "default"), one.at, nothing)
