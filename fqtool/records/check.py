"""RecordCheck: a record beside the columns that the registry declares, and those that the live table has.

A record without a problem is checked in microseconds; what is wrong with another is found by a second look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fqtool.records.column_rules import Rule, label_rule, labels_rule, length_rule, names_rule, version_rule
from fqtool.records.misfits import ArrayAsText, Misfit, Missing, Mistyped, NotInTable, Positional, Unknown, Unreadable
from fqtool.records.values import Fits, described, fits_column, is_array_text, reason, shown
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.schema.build import desired_table, expand_columns, unmanaged_columns
from fqtool.schema.infer_registry import as_base_column
from fqtool.scoring.layout import Layout
from fqtool.scoring.places import Place, Shape
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.model import Table

NO_OBJECT = "The record is"
"""How the reason begins why a value is not a record."""
_OBJECT = "Send an object with the names of the columns."
_ONE_PER_LINE = "Send one object at a time; in a file, one per line: jq -c '.[]' FILE"


@dataclass(frozen=True)
class RecordCheck:
    """Checks records of one store.

    Args:
        registry: what the store declares.
        live: the table as it exists, None to check against the registry alone.
    """

    registry: Registry
    live: Table | None = None
    layout: Layout = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", Layout(self.registry))

    @cached_property
    def declared(self) -> Mapping[str, Column]:
        """The columns of the registry by name."""
        return {column.name: column for column in desired_table(self.registry).columns}

    @cached_property
    def base(self) -> frozenset[str]:
        """Lower-case names of the base columns that fqtool does not manage."""
        return unmanaged_columns(self.registry)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the order in which values without names are inserted: the live table's where it is known."""
        return self.live.columns if self.live else tuple(self.declared.values())

    @cached_property
    def required(self) -> frozenset[str]:
        """The fields that must have a value: keys, the vector, and what has no default and is NOT NULL or a version."""
        keys = {key.lower() for key in self.registry.table.keys}
        live = () if self.live is None else self.live.columns
        needed = (*self.declared.values(), *live)
        fixed = {
            column.name
            for column in needed
            if column.key in keys
            or (
                (column.mode is Mode.REQUIRED or column.name in self.sent_versions)
                and column.default is None
                and not column.generated
            )
        }
        return frozenset(fixed | {self.layout.vector} - {""})

    @cached_property
    def sent_versions(self) -> frozenset[str]:
        """The columns with accepted versions that a writer fills, not fqtool."""
        computed = {one.name for one in expand_columns(self.registry) if one.spec.owner is not Owner.UPSTREAM}
        return frozenset(name for name, _ in self.registry.accepted_versions) - computed

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The columns of features, of which a record must have one; none where one of them is required anyway."""
        places = () if self.layout.vector else map(self.layout.value_place, self.registry.active_features)
        columns = dict.fromkeys("" if place is None else place.column for place in places)
        is_known = self.declared.keys() >= columns.keys() and self.required.isdisjoint(columns)
        return tuple(columns) if is_known else ()

    def _has_values(self, record: Mapping[str, Any]) -> bool:
        return not self.values or any(record.get(name) is not None for name in self.values)

    @cached_property
    def accepted(self) -> Mapping[str, tuple[str, ...]]:
        """Which version labels readers accept, by column."""
        current = {name: (label,) for name, label in self.registry.schema_versions}
        return current | dict(self.registry.accepted_versions)

    def versions_of(self, column: Column) -> tuple[str | int, ...]:
        """Return the accepted versions as values of their column: numbers in an INT64."""
        labels = self.accepted.get(column.name, ())
        is_number = column.type.kind is Kind.INT64
        return tuple(int(one) if is_number and one.isdecimal() else one for one in labels)

    @cached_property
    def tests(self) -> Mapping[str, Fits]:
        """The test of each declared column: its type in the registry and in the table, and what else it must hold."""
        live = {column.key: column for column in self.columns}
        tests = dict[str, Fits]()
        for name, column in self.declared.items():
            kinds = [column]
            if self.live is not None:
                if column.key not in live:
                    continue
                kinds += [live[column.key]] if live[column.key].shape.type != column.shape.type else []
            tests[name] = self._test(name, [fits_column(kind) for kind in kinds])
        return tests

    def _test(self, name: str, fits: list[Fits]) -> Fits:
        rules = self.rules.get(name)
        if rules is None and len(fits) == 1:
            return fits[0]
        return lambda value: all(fit(value) for fit in fits) and (rules is None or next(rules(value), None) is None)

    def is_right(self, record: Any) -> bool:
        """Return whether nothing is wrong with a record: a mapping of column names to values."""
        if type(record) is not dict:
            return next(self.misfits(record), None) is None
        tests = self.tests
        for name, value in record.items():
            if value is None:
                if name in self.required or name not in tests:
                    return False
            elif not (name in tests and tests[name](value)):
                return False
        return self.required <= record.keys() and self._has_values(record)

    def misfits(self, record: Any) -> Iterator[Misfit]:
        """Yield everything that is wrong with a record: a mapping, or a sequence of values without names."""
        if isinstance(record, Mapping):
            yield from self._of_fields(record)
        elif isinstance(record, Sequence) and record and all(isinstance(item, Mapping) for item in record):
            why = f"The record is an array of {len(record)} object{'' if len(record) == 1 else 's'}"
            yield Unreadable("record", why, _ONE_PER_LINE)
        elif isinstance(record, Sequence) and not isinstance(record, str | bytes):
            yield Positional("record", len(record), len(self.columns))
            if len(record) == len(self.columns):
                named = {column.name: value for column, value in zip(self.columns, record, strict=True)}
                yield from self._of_fields({name: value for name, value in named.items() if name in self.declared})
        else:
            yield Unreadable("record", f"{NO_OBJECT} {described(record)}, not an object", _OBJECT)

    def _of_fields(self, record: Mapping[str, Any]) -> Iterator[Misfit]:
        live = {column.key: column for column in self.live.columns} if self.live else {}
        for name, value in record.items():
            column = self.declared.get(name)
            if column is None:
                near = _like(str(name), {other: True for other in self.declared if other not in record})
                counterpart = next((other for other in self.declared if other.lower() == str(name).lower()), "")
                there = None if counterpart else live.get(str(name).lower())
                yield Unknown(
                    str(name),
                    near,
                    as_base_column(self.live, there) if self.live and there else None,
                    counterpart=counterpart if counterpart in record else "",
                )
            elif self.live is not None and column.key not in live:
                yield NotInTable(name, self.live.name, column.key in self.base)
            elif value is not None:
                yield from self._of_value(column, live.get(column.key, column), value)
        for name in sorted(self.required):
            if record.get(name) is None:
                yield Missing(name, name in record)
        if not self._has_values(record):
            first, *others = self.values
            yield Missing(first, all(name in record for name in self.values), tuple(others))

    def _of_value(self, column: Column, live: Column, value: Any) -> Iterator[Misfit]:
        for kind in dict.fromkeys((column.shape, live.shape)):
            if not fits_column(kind)(value):
                is_live = kind == live.shape != column.shape
                yield from _mistyped(column.name, kind, value, live=is_live)
                return
        rules = self.rules.get(column.name)
        if rules is not None:
            yield from rules(value)

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """What the registry asks of a column's values beside their type."""
        rules = dict[str, Rule]()
        for name, labels in self.accepted.items():
            rules[name] = version_rule(name, labels)
        features = self.registry.features
        if self.layout.vector:
            rules[self.layout.vector] = length_rule(self.layout.vector, len(features))
        if names := self.registry.inputs.names:
            rules[names] = names_rule(names, tuple(feature.name for feature in features))
        for column, places in self.label_parts.items():
            rules[column] = labels_rule(column, places, self.labels)
        for column, feature in self.label_columns.items():
            rules[column] = label_rule(column, feature, self.labels)
        return rules

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The source labels of the registry."""
        return tuple(source.label for source in self.registry.sources)

    @cached_property
    def label_parts(self) -> Mapping[str, Mapping[int | str, Feature]]:
        """Columns that hold the labels of several features: column -> key of its JSON, or offset -> the feature."""
        found = dict[str, dict[int | str, Feature]]()
        for place, feature in self._label_places:
            if place.shape is not Shape.WHOLE:
                found.setdefault(place.column, {})[place.key] = feature
        return found

    @cached_property
    def label_columns(self) -> Mapping[str, Feature]:
        """Columns that hold the label of one feature: column -> the feature."""
        return {place.column: feature for place, feature in self._label_places if place.shape is Shape.WHOLE}

    @cached_property
    def _label_places(self) -> tuple[tuple[Place, Feature], ...]:
        features = self.registry.features if self._has_labels else ()
        places = ((self.layout.label_place(feature), feature) for feature in features)
        return tuple((place, feature) for place, feature in places if place is not None)

    @property
    def _has_labels(self) -> bool:
        return self.layout.has_labels and bool(self.registry.sources)


def _like(name: str, known: Mapping[str, object]) -> str:
    """Return a declared name that was probably meant, "" for no such name."""
    same = next((other for other in known if other.lower() == name.lower()), "")
    return same or nearest(name, known)


def _mistyped(path: str, column: Column, value: Any, *, live: bool) -> Iterator[Misfit]:
    """Yield what is wrong with a value that does not fit; in a STRUCT, with its fields."""
    if column.mode is Mode.REPEATED and is_array_text(value):
        yield ArrayAsText(path, column.sql_type)
    elif column.type.kind is Kind.STRUCT and column.mode is not Mode.REPEATED and isinstance(value, Mapping):
        fields = {inner.name: inner for inner in column.type.fields}
        folded = [str(name).lower() for name in value]
        if repeated := next((name for name in folded if folded.count(name) > 1), None):
            yield Mistyped(path, column.sql_type, f"the field {shown(repeated)} is given more than once", live)
        for name, item in value.items():
            inner = fields.get(name) or fields.get(str(name).lower())
            if inner is None:
                yield Unknown(f"{path}.{name}", _like(str(name), fields), struct=path.partition(".")[0])
            elif item is not None and not fits_column(inner)(item):
                yield from _mistyped(f"{path}.{name}", inner, item, live=live)
        missing = (one.name for one in fields.values() if one.mode is Mode.REQUIRED and value.get(one.name) is None)
        yield from (Missing(f"{path}.{name}", name in value) for name in missing)
    else:
        yield Mistyped(path, column.sql_type, reason(column, value), live)
