"""List the expressions of a registry, each with its place, the names it may use and the type it must have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import Names, feature_names
from fqtool.expressions.typecheck import infer
from fqtool.expressions.value_types import BOOL, FLOAT64, INT64, STRING, TIMESTAMP, ValueType
from fqtool.findings.finding import Location
from fqtool.lint.context import Subject
from fqtool.registry.alerts_and_models import Each, ViewSpec
from fqtool.registry.model import BaseColumn, Category, ColumnSpec, Feature, Owner, Registry
from fqtool.registry.placeholders import category_values, feature_values, fill
from fqtool.registry.yaml.document import Step
from fqtool.scoring.value_laws import aliases
from fqtool.sql import name_sql
from fqtool.table.column import Kind, Mode, Type

Values = Mapping[str, object]
# A word of SQL that contains a placeholder, such as feature_{index}_quality.
WORD = re.compile(r"[\w{}]*\{[a-z_]+\}[\w{}]*")
# The same after `struct.`, where it is the name of a field.
_FIELD = re.compile(r"(?<=[\w`)\]]\.)`?([\w{}]*\{[a-z_]+\}[\w{}]*)")
_ONCE: tuple[Values, ...] = ({},)
# Fills inputs while the registry has no feature.
_ANY = (feature_values(Feature(0, "first", "any")),)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An expression as written in the file: its subject, its path, and the values of its placeholders per repetition.

    `expected` is the type that its value must have, None for any. `spec` is the managed column that it belongs to.
    """

    subject: str
    text: str
    path: tuple[Step, ...]
    at: Location
    names: Names
    expected: ValueType | None = None
    fills: Sequence[Values] = _ONCE
    spec: ColumnSpec | None = None

    def variants(self) -> Iterator[tuple[str, Values]]:
        """Yield the filled texts, one per combination of types of names: 2,500 features mostly give one."""
        words = WORD.findall(self.text) if "{" in self.text else []
        fields = _FIELD.findall(self.text) if words else []
        whole = "{description}" in self.text  # may contain any character
        done = set[object]()
        for values in self.fills:
            filled = fill(self.text, values) if whole else ""
            key = (
                filled,
                *(self.names.columns.get(fill(word, values).lower(), "") for word in words),
                *(fill(field, values) for field in fields),
            )
            if key not in done:
                done.add(key)
                yield fill(self.text, values), values


def entries(subject: Subject) -> Iterator[Entry]:
    """Yield every expression of the registry, in the order in which fqtool evaluates them."""
    registry = subject.registry
    stored = {name: value_type(*found) if found else None for name, found in subject.types.items()}
    read = subject.base_names | {one.name.lower() for one in subject.managed if one.spec.owner is Owner.UPSTREAM}
    given = Names({name: found for name, found in stored.items() if name in read})
    features = tuple(feature_values(one) for one in registry.active_features)
    inputs = list(_inputs(registry, given, features))
    yield from inputs
    # A NUMERIC that fqtool computes is a FLOAT64 until it is stored.
    exact = [ValueType(kind) for kind in (Kind.NUMERIC, Kind.BIGNUMERIC)]
    ours = (one.name.lower() for one in subject.managed if one.spec.owner is not Owner.UPSTREAM)
    row = Names(
        stored | {name: FLOAT64 for name in ours if stored[name] in exact},
        feature_names(_type_of_value([one for one in inputs if one.path[-1] == "value"])),
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
    for key, text, expected in (("source", inputs.source, STRING), ("value", inputs.value, None)):
        # Without features no input is read, and {name} has no value.
        if text and (features or "{name}" not in text):
            reading = [feature_values(one) for one in registry.active_features if not getattr(one, key)]
            fills = reading if features else _ANY
            yield Entry(f"inputs {key}", text, ("inputs", key), file, given, expected, fills)
    for one in registry.active_features:
        for key, text, expected in (("source", one.source, STRING), ("value", one.value, None)):
            if text:
                path = ("features", one.index, key)
                yield Entry(one.name, text, path, one.at, given, expected, (feature_values(one),))
    if inputs.sources_known:
        yield Entry("inputs sources_known", inputs.sources_known, ("inputs", "sources_known"), file, given, BOOL)
    if inputs.cold_start:
        yield Entry("inputs cold_start", inputs.cold_start, ("inputs", "cold_start"), file, given, BOOL)
    if inputs.names:
        yield Entry("inputs names", inputs.names, ("inputs", "names"), file, given, replace(STRING, repeated=True))
    for number, column in enumerate(registry.base_columns):
        if column.equals:
            kind, path = given.columns.get(column.name.lower()), ("base_columns", number, "equals")
            yield Entry(column.name, column.equals, path, column.at, given, kind)
    seen = set[str]()
    for one in registry.features:
        if one.sample_size and one.sample_size not in seen:
            seen.add(one.sample_size)
            yield Entry(one.name, one.sample_size, ("features", one.index, "sample_size"), one.at, given, INT64)
    values = Names({name: FLOAT64 for one in registry.active_features for name in aliases(one)})
    for one in registry.active_features:
        if one.equals:
            yield Entry(one.name, one.equals, ("features", one.index, "equals"), one.at, values, FLOAT64)
        if one.monotone_within:
            yield Entry(one.name, one.monotone_within, ("features", one.index, "monotone_within"), one.at, given)
    for job in registry.processors:
        for key, name, expected in (
            ("last_updated", job.last_updated, TIMESTAMP),
            ("rows_found", job.rows_found, INT64),
        ):
            if name.lower() in given.columns:  # another rule reports unknown columns
                yield Entry(job.name, name_sql(name), ("processors", job.name, key), job.at, given, expected)


def _type_of_value(values: Sequence[Entry]) -> ValueType | None:
    """Return the type of the value of a feature, or None if features have different types."""
    try:
        kinds = {infer(parse_expression(text), one.names)[0] for one in values for text, _ in one.variants()}
    except Unreadable:
        return None
    return kinds.pop() if len(kinds) == 1 else None


def _columns(subject: Subject, row: Names, features: Sequence[Values]) -> Iterator[Entry]:
    registry, each = subject.registry, replace(row, per_feature=True)
    categories = {one.name: category_values(one) for one in registry.categories}
    types = {id(one.spec): subject.types.get(one.name.lower()) for one in subject.managed}
    for number, spec in enumerate(registry.columns):
        if spec.expr is None or id(spec) not in types or (spec.only and not spec.for_each):
            continue  # upstream, dropped, repeated for nothing, or reported by another rule
        fills: Sequence[Values] = _ONCE
        if spec.for_each is Each.FEATURE:
            fills = [one for one in features if not spec.only or one["name"] in spec.only]
        elif spec.for_each is Each.CATEGORY:
            names = spec.only or tuple(categories)
            fills = [categories.get(name) or category_values(Category(name)) for name in names]
        names_here = each if spec.for_each is Each.FEATURE else row
        found = types[id(spec)]
        expected = value_type(*found) if found else None
        path = ("columns", number, "expr")
        yield Entry(spec.name, spec.expr, path, spec.at, names_here, expected, fills, spec)


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
    """Views and thresholds: SQL of the warehouse, which may use functions outside the list."""
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
    """Defaults are part of CREATE and ALTER TABLE, where no column of a row can be used."""
    nothing = Names({}, parameters={}, open=True)
    listed: tuple[tuple[str, Sequence[BaseColumn | ColumnSpec]], ...] = (
        ("base_columns", registry.base_columns),
        ("columns", registry.columns),
    )
    for key, columns in listed:
        for number, one in enumerate(columns):
            if one.default is not None:
                yield Entry(one.name, one.default, (key, number, "default"), one.at, nothing)
