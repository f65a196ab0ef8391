"""Compare two registries: list every difference once, with the words for its message.

The feature contract and the table are compared by `migrations.contract` and `table.diff`. Their differences are not
reported again for the field of the registry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import TypeAlias

from fqtool.commands.diff.edits import ADDED, GONE, ORDER, Edit, edits, place
from fqtool.findings.finding import Location
from fqtool.findings.listing import listed
from fqtool.migrations.contract import Breach, Break, Position, breaks
from fqtool.migrations.legality import refusals
from fqtool.registry.model import BaseColumn, ColumnSpec, Feature, Registry
from fqtool.schema.build import desired_state, expand_columns, renames
from fqtool.schema.model_inputs import Moved, Place, compared
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import AddForeignKey, DropForeignKey, SetOption, SetPrimaryKey, SetProperty
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    DropColumn,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetPartitioning,
    SetType,
)
from fqtool.table.column import Mode
from fqtool.table.diff import diff, rearranges
from fqtool.table.model import State

Entry: TypeAlias = ColumnSpec | BaseColumn

_LONGEST = 60
# The fields that stored rows are computed from; a part that is a single value has the field "".
_STORED = {
    "inputs": "source value sources_known",
    "sources": "added gone weight canonical is_default",
    "unknown_source": "weight canonical absent_label",
    "tiers": "added gone min",
    "training_quality": "",
    "categories": "added gone",
    "processors": "expected last_updated rows_found",
    "features": "added gone index name category critical optional processor upstream_table expected range sample_size "
    "fallback_reason retired",
    "columns": "added gone expr type owner for_each only",
    "alerts": "added gone when number order",
    "alert_levels": "added gone when order",
    "models": "added gone needs family requires",
}
# The changes of the table that report an edit of a field.
_REPORTED_BY: dict[str, tuple[type, ...]] = {
    ADDED: (AddColumn,),
    GONE: (DropColumn,),
    "name": (RenameColumn,),
    "type": (SetType, SetMode, AddField),
    "required": (SetMode,),
    "description": (SetDescription,),
    "field_descriptions": (SetDescription,),
    "default": (SetDefault,),
    "for_each": (AddColumn, DropColumn),
    "only": (AddColumn, DropColumn),
    "renamed_from": (RenameColumn,),
    "deprecated": (AddColumn, DropColumn),
    "partition_by": (SetPartitioning,),
    "partition_granularity": (SetPartitioning,),
    "partition_expr": (SetPartitioning,),
    "cluster_by": (SetClustering,),
    "primary_key": (SetPrimaryKey,),
    "foreign_keys": (AddForeignKey, DropForeignKey),
    "properties": (SetProperty,),
    "field_properties": (SetProperty,),
}
_INPUT = ("category", "processor", "upstream_table", "upstream_column", "labels", "expected", "range", "window")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        kind: a part of the registry and its field (features.critical), or a class of Change (DropColumn). It selects
            the rule and its templates.
        subject: the entry that differs.
        at: where the entry is in the file.
        words: the words for the templates.
    """

    kind: str
    subject: str
    at: Location
    words: Mapping[str, object]


@dataclass(frozen=True)
class Comparison:
    """An old registry and a new one. Its properties raise InputError for an invalid column type."""

    old: Registry
    new: Registry

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Every difference: of the contract, the table, then the file. () only for equal registries."""
        rest = (_of_edit(edit) for edit in self.edits if not self._is_reported(edit))
        return (*self._of_contract(), *self._of_table(), *rest, *self._unversioned())

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """Every field that differs. A model with the new name of a renamed feature does not differ."""
        renamed = {(new.index, new.renamed_from): new.name for new in self.new.features if new.renamed_from}
        names = {old.name: renamed.get((old.index, old.name), old.name) for old in self.old.features}
        models = tuple(
            replace(model, needs=tuple(names.get(name, name) for name in model.needs)) for model in self.old.models
        )
        return edits(replace(self.old, models=models), self.new)

    @cached_property
    def _broken(self) -> tuple[Break, ...]:
        recorded = [Position(old.index, old.name, old.retired) for old in self.old.features]
        return tuple(breaks(recorded, self.new.features))

    @cached_property
    def _broken_indexes(self) -> frozenset[int]:
        return frozenset(broken.index for broken in self._broken)

    def _of_contract(self) -> Iterator[Difference]:
        before, after = ({one.index: one for one in registry.features} for registry in (self.old, self.new))
        by_name = {feature.name: feature for feature in self.new.features}
        for broken in self._broken:
            old = before[broken.index]
            new = by_name.get(old.name) or after.get(broken.index)
            kind = "renamed" if broken.kind is Breach.REUSED and _looks_renamed(old, new) else broken.kind
            words = {"index": broken.index, "before": old.name, "message": broken.message, "remedy": broken.remedy}
            yield Difference(f"contract.{kind}", broken.subject, (new or old).at, words)

    @cached_property
    def _before(self) -> State:
        return desired_state(self.old)

    @cached_property
    def _changes(self) -> tuple[Change, ...]:
        return diff(self._before, desired_state(self.new), renames(self.new))

    @cached_property
    def _reordered(self) -> bool:
        return rearranges(self._before.table, self._changes)

    def _of_table(self) -> Iterator[Difference]:
        """Group the changes of the table: those of one class that come from one entry are one difference."""
        groups: dict[tuple[object, ...], list[Change]] = {}
        for change in self._changes:
            match change:
                case DropView():
                    continue
                case PutView(view):
                    if self._only_follows(change):
                        groups[PutView, view.key] = [change]
                case SetOption(name):
                    groups[SetOption, name] = [change]
                case Reorder() if not self._reordered:
                    continue
                case _:
                    entry = self._entry(change)
                    groups.setdefault((type(change), type(entry), entry and entry.name), []).append(change)
        return map(self._of_changes, groups.values())

    def _only_follows(self, change: PutView) -> bool:
        """Return whether a view's text changed although its entry did not, apart from descriptions."""
        old = {view.key: view.text for view in self._before.views}.get(change.view.key)
        edited = (edit for edit in self.edits if edit.part.startswith("views") and edit.field != "description")
        return old != change.view.text and change.view.name not in {edit.name.partition(".")[0] for edit in edited}

    @cached_property
    def _columns(self) -> tuple[dict[str, list[tuple[str, Entry]]], ...]:
        """Of the old and the new registry: a column's name in lower case -> the part and entry that it comes from."""
        return _entries(self.old), _entries(self.new)

    def _entry(self, change: Change) -> Entry | None:
        """Return the entry that a changed column comes from: the new registry's, the old one's for a dropped column."""
        old, new = self._columns
        names = change.touched
        entries = (old if isinstance(change, DropColumn) else new).get(names[-1].lower(), ()) if names else ()
        return entries[-1][1] if entries else None

    def _of_changes(self, changes: Sequence[Change]) -> Difference:
        change, entry = changes[0], self._entry(changes[0])
        names = tuple(map(_name, changes))
        are = "are" if len(names) > 1 else "is"
        words = {
            "first": names[0],
            "names": list_names(names),
            "columns": f"{'Columns' if len(names) > 1 else 'The column'} {list_names(names)} {are}",
            "value": _value(change),
        }
        state, more = self._state(change, entry)
        kind = ".".join(filter(None, (type(change).__name__, state)))
        return Difference(kind, *self._subject(change, entry), words | more)

    def _state(self, change: Change, entry: Entry | None) -> tuple[str, dict[str, object]]:
        """Return what distinguishes changes of one class, and words about it."""
        match change:
            case DropColumn() if end := getattr(entry, "deprecated", None):
                instead = f" The deprecation names `{end.replaced_by}` as the replacement." if end.replaced_by else ""
                return "announced", {"end": end, "instead": instead}
            case DropColumn() if isinstance(entry, ColumnSpec):
                return "kept" if any(spec.name == entry.name for spec in self.new.columns) else "", {}
            case SetOption(name):
                return name, {}
            case AddColumn(column) if column.mode is not Mode.REQUIRED:
                return "", {}
            case AddColumn() | SetType() | SetMode() | SetPartitioning():
                for refusal in refusals(self._before, change):
                    return "refused", {"message": refusal.message, "remedy": refusal.remedy}
        return "", {}

    def _subject(self, change: Change, entry: Entry | None) -> tuple[str, Location]:
        match change:
            case PutView(view):
                return view.name, next(spec.at for spec in self.new.views if spec.name.lower() == view.key)
            case Reorder():
                return "columns", place(self.new, "columns")
            case SetOption(name):
                return "table", place(self.new, "table", name)
            case _ if entry:
                return entry.name, entry.at
            case _:
                key = next((key for key, kinds in _REPORTED_BY.items() if type(change) in kinds), "")
                return "table", place(self.new, "table", key)

    def _is_reported(self, edit: Edit) -> bool:
        """Return whether the contract, the table or a version reports the edit already."""
        if edit.part == "features":
            indexes = {entry.index for entry in (edit.was, edit.now) if entry is not None}
            broken = edit.field in (ADDED, GONE, "index") and not self._broken_indexes.isdisjoint(indexes)
            renamed = edit.field == "renamed_from" and edit.was.name != edit.now.name
            return broken or renamed or (edit.field == ORDER and bool(self._broken))
        reporters = (edit.field, *_REPORTED_BY.get(edit.field, ()))
        return any((edit.part, edit.name, reporter) in self._reported for reporter in reporters)

    @cached_property
    def _reported(self) -> set[tuple[str, str, object]]:
        """What other differences report: part, entry, and a field of it or a class of Change."""
        versions = (edit.name for edit in self.edits if edit.part == "schema_versions")
        reported: set[tuple[str, str, object]] = {("columns", name, "expr") for name in versions}
        if self._reordered:
            reported |= {("columns", "", ORDER), ("base_columns", "", ORDER)}
        for change in self._changes:
            names = [name.lower() for name in change.touched]
            owners = [owner for columns in self._columns for name in names for owner in columns.get(name, ())]
            reported |= {(part, entry.name, type(change)) for part, entry in owners}
            if not names:
                kinds = (change.name, "properties") if isinstance(change, SetOption) else (type(change),)
                reported |= {("table", "", kind) for kind in kinds}
        return reported

    def _unversioned(self) -> Iterator[Difference]:
        """The difference for stored values that are computed differently under the same version."""
        names = [name for name, _ in self.new.schema_versions]
        stored = (edit.part for edit in self.edits if edit.field in _STORED.get(edit.part, "-").split(" "))
        parts = tuple(dict.fromkeys(stored))
        if names and parts and all(edit.part != "schema_versions" for edit in self.edits):
            stay = f"{' and '.join(names)} {'stay' if len(names) > 1 else 'stays'}"
            words = {"parts": list_names(parts), "stay": stay, "last": names[-1]}
            yield Difference("unversioned", "schema_versions", place(self.new, "schema_versions"), words)


def _entries(registry: Registry) -> dict[str, list[tuple[str, Entry]]]:
    entries: dict[str, list[tuple[str, Entry]]] = {}
    for base in registry.base_columns:
        entries.setdefault(base.name.lower(), []).append(("base_columns", base))
    for column in expand_columns(registry):
        entries.setdefault(column.name.lower(), []).append(("columns", column.spec))
    return entries


def _looks_renamed(old: Feature, new: Feature | None) -> bool:
    """Return whether two features differ only in name and description."""
    return new is not None and all(getattr(old, field) == getattr(new, field) for field in _INPUT)


def _name(change: Change) -> str:
    match change:
        case RenameColumn(name, to):
            return f"`{name}` to `{to}`"
        case SetDescription(path):
            return f"`{'.'.join(path)}`"
        case AddField():
            return f"`{change.full_name}`"
        case _:
            return "".join(f"`{name}`" for name in tuple(change.touched)[:1])


def _value(change: Change) -> str:
    match change:
        case SetType(_, value) | SetMode(_, value):
            return str(value)
        case SetDefault(_, value) | SetOption(_, value):
            return show(value)
        case SetClustering(columns) | SetPrimaryKey(columns):
            return ", ".join(columns) or "nothing"
        case _:
            return ""


def _of_edit(edit: Edit) -> Difference:
    field = "" if edit.field in (ADDED, GONE) else edit.field
    words = {
        "name": edit.name,
        "field": edit.field,
        "part": edit.part,
        "entry": edit.now,
        "before": edit.old,
        "after": edit.new,
        "old": show(edit.old),
        "new": show(edit.new),
        "list": ".".join(filter(None, (edit.part, edit.name))),
        "path": " of ".join(filter(None, (field, edit.name, edit.part))),
    }
    kind, subject = f"{edit.part}.{edit.field}".removesuffix("."), edit.name or edit.part
    match edit.part, edit.field:
        case "inputs", _:
            subject = edit.field
        case "sources", "canonical":
            subject = edit.old
        case "features", "retired" if edit.old:
            kind += ".back"
        case "models", "needs" | "external":
            words["inputs"] = _inputs(edit.old, edit.new)
        case "views", "include":
            gone, new = ([name for name in a if name not in b] for a, b in ((edit.old, edit.new), (edit.new, edit.old)))
            kind += ".less" if gone else ".more" if new else ""
            words["names"] = list_names([f"`{name}`" for name in gone or new])
    return Difference(kind, subject, edit.at, words)


def _inputs(old: Sequence[str], new: Sequence[str]) -> str:
    differences = compared(old, new)
    places: dict[str, Sequence[Place | Moved]] = {
        "lost": differences.missing,
        "new": differences.extra,
        "twice": differences.repeated,
        "moved": differences.moved,
    }
    return "; ".join(
        f"{word} {list_names([f'`{one.name}`' for one in names])}" for word, names in places.items() if names
    )


def show(value: object) -> str:
    """Return a value of the registry as one short line, written as in its file."""
    text = " ".join(_plain(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _plain(value: object) -> str:
    if value in (None, "", ()):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if is_dataclass(value):
        items = ((field.name, getattr(value, field.name)) for field in fields(value) if field.name != "at")
        return f"{{{', '.join(f'{name}: {_plain(item)}' for name, item in items if item not in (None, '', ()))}}}"
    return str(value)


def list_names(names: Sequence[str]) -> str:
    """Return the first three names, and how many more there are."""
    return listed(names, 3)
