"""A registry to check, with the lookups that several rules share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from fqtool.errors import InputError
from fqtool.findings.finding import Edit, Finding, Location
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.model import Registry
from fqtool.registry.yaml.document import Step
from fqtool.schema.build import ExpandedColumn, expand_columns
from fqtool.table.column import Mode, Type
from fqtool.table.typetext import parse_type

PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True)
class Subject:
    """The registry with its columns expanded and its names collected.

    `today` is the date (UTC) to compare dates with. None: rules about dates report nothing.
    """

    registry: Registry
    today: date | None = None

    @cached_property
    def managed(self) -> tuple[ExpandedColumn, ...]:
        """The managed columns, repeated entries expanded."""
        return expand_columns(self.registry)

    @cached_property
    def types(self) -> dict[str, tuple[Type, Mode] | None]:
        """Lower-case name of every column -> its type, or None for a type that is not valid."""
        found = {one.name.lower(): type_of(one.spec.type) for one in self.managed}
        return found | {one.name.lower(): type_of(one.type) for one in self.registry.base_columns}

    @cached_property
    def base_names(self) -> frozenset[str]:
        """Lower-case names of the base columns."""
        return frozenset(one.name.lower() for one in self.registry.base_columns)

    @cached_property
    def feature_names(self) -> frozenset[str]:
        """Names of the features that are not retired."""
        return frozenset(one.name for one in self.registry.active_features)

    @cached_property
    def category_names(self) -> frozenset[str]:
        """Names of the categories."""
        return frozenset(one.name for one in self.registry.categories)

    def place(self, *path: Step) -> Location:
        """Return the place of the key or list item at `path`; without a document, the whole file."""
        document = self.registry.document
        return document.at_key(path) if document else Location(self.registry.path)

    def within(self, entry: Location, *path: Step) -> Location:
        """Return the place of a part of an entry, or the place of the entry if it has no such part.

        Args:
            entry: The place of the entry, as the model has it.
            path: The path of the part within the entry.
        """
        document, begun = self.registry.document, self._paths.get(entry)
        if document is None or begun is None:
            return entry
        try:
            document.value((*begun, *path))
        except (KeyError, IndexError, TypeError):
            return entry
        return document.at((*begun, *path))

    @cached_property
    def _paths(self) -> dict[Location, tuple[Step, ...]]:
        """Place of an entry -> its path in the file. The model does not keep the order of features in the file."""
        document = self.registry.document
        if document is None:
            return {}
        paths: list[tuple[Step, ...]] = []
        for key, value in document.data.items():
            paths += ((key, step) for step in (value if isinstance(value, dict) else range(_length(value))))
        for number, view in enumerate(document.data.get("views", ())):
            paths += (("views", number, "columns", place) for place in range(len(view["columns"])))
        return {document.at_key(path): path for path in paths} | {self.registry.table.at: ("table",)}

    def replaced(self, old: str, new: str, *path: Step) -> tuple[Edit, ...]:
        """Return the edit that replaces the value `old` at `path` by `new`; () if the file has another text there."""
        document = self.registry.document
        if document is None or document.is_shared(path):
            return ()
        _, start = document.indices(path)
        if not document.text.startswith(old, start):
            return ()
        return (Edit(document.location(start), document.location(start + len(old)), new),)

    @cached_property
    def named(self) -> tuple[ExpandedColumn, ...]:
        """The managed columns without unknown placeholders in their names, which another rule reports."""
        return tuple(one for one in self.managed if not PLACEHOLDER.search(one.name))

    def named_columns(self) -> Iterator[tuple[str, str, Location]]:
        """Yield name, description and place of every column, base columns first."""
        for base in self.registry.base_columns:
            yield base.name, base.description, base.at
        for one in self.named:
            yield one.name, one.description, one.spec.at


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def column_count(subject: Subject) -> int:
    """Return the number of columns of the table as BigQuery counts them: fields of STRUCTs included."""
    return sum(1 + (_fields(one[0]) if one else 0) for one in subject.types.values())


def _fields(kind: Type) -> int:
    return sum(1 + _fields(field.type) for field in kind.fields)


@lru_cache(maxsize=1024)
def type_of(text: str) -> tuple[Type, Mode] | None:
    """Return the type that a text names, or None if it is not valid, which the rule about types reports."""
    try:
        return parse_type(text)
    except InputError:
        return None


def once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield only the first finding of each place: an entry repeated over forty columns has one mistake, not forty."""
    places = set[Location | None]()
    for finding in findings:
        if finding.location not in places:
            places.add(finding.location)
            yield finding


@dataclass(frozen=True, slots=True)
class Repeat:
    """A name that occurs again, in any case: the name and place here, and the first name and place."""

    name: str
    at: Location
    first: str
    first_at: Location

    @property
    def cause(self) -> str:
        """The line of the first name, and its spelling if it differs in case."""
        otherwise = f" as {self.first}; the case of names is ignored" if self.first != self.name else ""
        return f"first in line {self.first_at.line}{otherwise}"


def repeats(names: Iterable[tuple[str, Location]]) -> Iterator[Repeat]:
    """Yield each name that occurs again, ignoring case."""
    first: dict[str, tuple[str, Location]] = {}
    for name, at in names:
        if name.lower() in first:
            yield Repeat(name, at, *first[name.lower()])
        first.setdefault(name.lower(), (name, at))


def meant(used: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """Return the known names that are used. An unknown name counts as the known name that it resembles."""
    return frozenset(one if one in known else nearest(one, known) for one in set(used))
