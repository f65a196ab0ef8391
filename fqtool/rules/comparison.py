"""Two registries side by side: everything that differs, told once, in the shape that the rules about it look at.

The feature contract and the table have comparers of their own (`migrations.contract`, `table.diff`); what they tell is
not told again by the fields that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from fqtool.finding import Location
from fqtool.migrations.contract import Break, Position, breaks
from fqtool.quality.build import desired_state, expand_columns, renames
from fqtool.registry.edits import ORDER, WHOLE, Edit, edits, place
from fqtool.registry.model import BaseColumn, ColumnSpec, Deprecation, Feature, Registry
from fqtool.table.changes import (
    AddColumn,
    Change,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetPartitioning,
    SetType,
    touched,
)
from fqtool.table.diff import diff, rearranges
from fqtool.table.model import State


@dataclass(frozen=True, slots=True)
class Broken:
    """A break of the feature contract; `was` held the position, `now` is what holds it or where the feature went."""

    how: Break
    was: Feature
    now: Feature | None
    at: Location


@dataclass(frozen=True, slots=True)
class Altered:
    """Changes of one kind to the table, all of them by one entry of the registry; `before` is the table as it was.

    `entry` is the entry of the columns, "" for what is no column. `kept` tells whether the new registry has it, though
    not for this column; `deprecated` is what the old one said of its end.
    """

    entry: str
    changes: tuple[Change, ...]
    before: State
    at: Location
    deprecated: Deprecation | None = None
    kept: bool = False

    @property
    def change(self) -> Change:
        """The first of them."""
        return self.changes[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, by the names that they have now, or had last."""
        return tuple(touched(one)[-1] for one in self.changes if touched(one))


@dataclass(frozen=True, slots=True)
class Unversioned:
    """What is stored comes about otherwise (`edits`), and no version in the rows tells."""

    versions: tuple[tuple[str, str], ...]
    edits: tuple[Edit, ...]
    at: Location


Difference: TypeAlias = Edit | Broken | Altered | Unversioned

# What is stored of a row comes from these; the field WHOLE is an entry that came or went.
_STORED: dict[str, tuple[str, ...]] = {
    "inputs": ("source", "value", "sources_known"),
    "sources": (WHOLE, "weight", "canonical", "is_default"),
    "unknown_source": ("weight", "canonical", "absent_label"),
    "tiers": (WHOLE, "min"),
    "training_quality": (WHOLE,),
    "categories": (WHOLE,),
    "processors": ("expected", "last_updated", "rows_found"),
    "features": (
        WHOLE, "index", "name", "category", "critical", "optional", "processor", "upstream_table", "expected", "range",
        "sample_size", "fallback_reason", "retired",
    ),
    "columns": (WHOLE, "expr", "type", "owner", "for_each", "only"),
    "alerts": (WHOLE, "when", "number", ORDER),
    "alert_levels": (WHOLE, "when", ORDER),
    "models": (WHOLE, "needs", "family", "requires"),
}  # fmt: skip
# Which changes of the table tell of a column's field.
_OF_COLUMN: dict[str, tuple[type, ...]] = {
    "name": (RenameColumn,),
    "type": (SetType, SetMode),
    "required": (SetMode,),
    "description": (SetDescription,),
    "field_descriptions": (SetDescription,),
    "default": (SetDefault,),
    "for_each": (AddColumn, DropColumn),
    "only": (AddColumn, DropColumn),
    "renamed_from": (RenameColumn,),
    "deprecated": (AddColumn, DropColumn),
}
_OF_LAYOUT = {
    "partition_by": SetPartitioning,
    "partition_granularity": SetPartitioning,
    "cluster_by": SetClustering,
}


@dataclass(frozen=True)
class Comparison:
    """An old registry and a new one. Raises InputError for a column type that is none."""

    old: Registry
    new: Registry

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Everything that differs, in the order of the file; () exactly where the registries say the same."""
        rest = tuple(one for one in self.edits if not self._told_otherwise(one))
        return (*self.broken, *self.altered, *rest, *self._unversioned())

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """Every field that differs. A feature's new name in what a model needs is no difference of the model."""
        here = {(one.index, one.renamed_from): one.name for one in self.new.features if one.renamed_from}
        names = {one.name: here[one.index, one.name] for one in self.old.features if (one.index, one.name) in here}
        models = tuple(
            replace(model, needs=tuple(names.get(name, name) for name in model.needs)) for model in self.old.models
        )
        return edits(replace(self.old, models=models), self.new)

    @cached_property
    def broken(self) -> tuple[Broken, ...]:
        """The breaks of the feature contract."""
        recorded = [Position(one.index, one.name, one.retired) for one in self.old.features]
        was = {one.index: one for one in self.old.features}
        here, named = {one.index: one for one in self.new.features}, {one.name: one for one in self.new.features}
        found = []
        for one in breaks(recorded, self.new.features):
            old = was[one.index]
            now = named.get(old.name) or here.get(one.index)
            found.append(Broken(one, old, now, now.at if now else old.at))
        return tuple(found)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What would have to change in the table and its views."""
        return diff(self._before, desired_state(self.new), renames(self.new))

    @cached_property
    def _before(self) -> State:
        return desired_state(self.old)

    @cached_property
    def altered(self) -> tuple[Altered, ...]:
        """The changes of the table, those of one kind by one entry together."""
        groups: dict[tuple[object, ...], list[Change]] = {}
        for change in self.changes:
            if isinstance(change, Reorder) and not self._reordered:
                continue
            if not isinstance(change, PutView | DropView):
                groups.setdefault((type(change), *self._group(change)), []).append(change)
            elif isinstance(change, PutView) and self._only_follows(change):
                groups.setdefault((PutView, change.view.key), []).append(change)
        return tuple(self._altered(tuple(group)) for group in groups.values())

    @cached_property
    def _reordered(self) -> bool:
        return rearranges(self._before.table, self.changes)

    def _group(self, change: Change) -> tuple[object, ...]:
        if isinstance(change, SetOption):
            return (change.name,)
        entry = self._entry(change)
        return (type(entry), entry.name) if entry else ()

    def _entry(self, change: Change) -> ColumnSpec | BaseColumn | None:
        """The entry that a changed column comes from: in the new registry, but for one that went."""
        names = _touched(change)
        entries = self._old_entries if isinstance(change, DropColumn) else self._entries
        return entries.get(names[-1]) if names else None

    @cached_property
    def _entries(self) -> dict[str, ColumnSpec | BaseColumn]:
        return _entries(self.new)

    @cached_property
    def _old_entries(self) -> dict[str, ColumnSpec | BaseColumn]:
        return _entries(self.old)

    def _altered(self, changes: tuple[Change, ...]) -> Altered:
        change, entry = changes[0], self._entry(changes[0])
        if isinstance(change, PutView):
            views = {one.name.lower(): one.at for one in self.new.views}
            return Altered(change.view.name, changes, self._before, views[change.view.key])
        at = entry.at if entry else place(self.new, *_key(change))
        kept = isinstance(entry, ColumnSpec) and entry.name in {one.name for one in self.new.columns}
        deprecated = getattr(entry, "deprecated", None)
        return Altered(entry.name if entry else "", changes, self._before, at, deprecated, kept)

    def _only_follows(self, change: PutView) -> bool:
        """Whether a view's text follows from something else: its own entry says nothing new but words."""
        old = {one.key: one.text for one in self._before.views}.get(change.view.key)
        told = (one for one in self.edits if one.part.startswith("views") and one.field != "description")
        return old != change.view.text and change.view.name not in {one.name.partition(".")[0] for one in told}

    def _told_otherwise(self, one: Edit) -> bool:
        """Whether the contract, the table or a version tells of it already."""
        match one.part:
            case "features":
                places = {entry.index for entry in (one.was, one.now) if entry is not None}
                broken = one.field in (WHOLE, "index") and not places.isdisjoint(self._broken_places)
                named = one.field == "renamed_from" and one.was.name != one.now.name
                return broken or named or (one.field == ORDER and bool(self.broken))
            case "columns" | "base_columns":
                return self._told_of_column(one)
            case "table":
                kind = _OF_LAYOUT.get(one.field)
                return any(
                    (kind is not None and isinstance(change, kind))
                    or (isinstance(change, SetOption) and change.name == one.field)
                    for change in self.changes
                )
            case _:
                return False

    @cached_property
    def _broken_places(self) -> frozenset[int]:
        return frozenset(one.how.index for one in self.broken)

    def _told_of_column(self, one: Edit) -> bool:
        if one.field == ORDER:
            return self._reordered
        if one.field == "expr" and one.name in self._versions_set:
            return True
        kinds = _OF_COLUMN.get(one.field, ())
        if one.field == WHOLE:
            kinds = (AddColumn,) if one.came else (DropColumn,)
        names = self._names.get((one.part, one.name), frozenset())
        return any(isinstance(change, kinds) and names.intersection(_touched(change)) for change in self.changes)

    @cached_property
    def _versions_set(self) -> frozenset[str]:
        return frozenset(one.name for one in self.edits if one.part == "schema_versions")

    @cached_property
    def _names(self) -> dict[tuple[str, str], frozenset[str]]:
        """(part, entry's name) -> lower-case names of its columns, before and after."""
        found: dict[tuple[str, str], set[str]] = {}
        for registry in (self.old, self.new):
            for column in expand_columns(registry):
                found.setdefault(("columns", column.spec.name), set()).add(column.name.lower())
            for base in registry.base_columns:
                found.setdefault(("base_columns", base.name), set()).add(base.name.lower())
        return {key: frozenset(names) for key, names in found.items()}

    def _unversioned(self) -> Iterator[Unversioned]:
        versions = self.new.schema_versions
        if not versions or any(one.part == "schema_versions" for one in self.edits):
            return
        stored = tuple(one for one in self.edits if one.field in _STORED.get(one.part, ()))
        if stored:
            yield Unversioned(versions, stored, place(self.new, "schema_versions"))


def _entries(registry: Registry) -> dict[str, ColumnSpec | BaseColumn]:
    """Lower-case name of a column -> the entry that it comes from."""
    managed: dict[str, ColumnSpec | BaseColumn] = {one.name.lower(): one.spec for one in expand_columns(registry)}
    return {one.name.lower(): one for one in registry.base_columns} | managed


def _key(change: Change) -> tuple[str, ...]:
    """The key of the registry that a change which touches no column comes from."""
    match change:
        case Reorder():
            return ("columns",)
        case SetOption(name):
            return ("table", name)
        case _:
            return ("table", next((key for key, kind in _OF_LAYOUT.items() if isinstance(change, kind)), ""))


def _touched(change: Change) -> list[str]:
    return [name.lower() for name in touched(change)]
