"""A registry under examination: what several rules look up, worked out once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from fqtool.errors import InputError
from fqtool.finding import Edit, Finding, Location
from fqtool.quality.build import ExpandedColumn, expand_columns
from fqtool.registry.document import Step
from fqtool.registry.explain import nearest
from fqtool.registry.model import Registry
from fqtool.table.column import Mode, Type
from fqtool.table.typetext import parse_type

COLUMN_LIMIT = 10_000  # BIGQUERY 37
PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True)
class Subject:
    """The registry with its columns expanded and its names collected.

    `today` is what dates are compared with; None keeps rules about dates silent.
    """

    registry: Registry
    today: date | None = None

    @cached_property
    def managed(self) -> tuple[ExpandedColumn, ...]:
        """The managed columns, repeated entries expanded."""
        return expand_columns(self.registry)

    @cached_property
    def types(self) -> dict[str, tuple[Type, Mode] | None]:
        """Lower-case name of every column -> its type, or None where the type cannot be read."""
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
        """Return where the key at `path` stands, or of a list the item; the whole file where nothing is known."""
        document = self.registry.document
        return document.at_key(path) if document else Location(self.registry.path)

    def within(self, entry: Location, *path: Step) -> Location:
        """Return where a part of the entry at a place stands; that place where the entry has no such part."""
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
        """Where an entry stands -> its path in the file; features are not in the file's order here."""
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
        """Return the edit that writes `new` for the value at `path`; () where the file does not have `old` there."""
        document = self.registry.document
        if document is None:
            return ()
        _, start = document.indices(path)
        if not document.text.startswith(old, start):
            return ()
        return (Edit(document.location(start), document.location(start + len(old)), new),)

    @cached_property
    def named(self) -> tuple[ExpandedColumn, ...]:
        """The managed columns whose names could be filled in; another rule speaks of unknown placeholders."""
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
    """Return how many columns the table has as BigQuery counts them: with the fields of STRUCTs."""
    return sum(1 + (_fields(one[0]) if one else 0) for one in subject.types.values())


def _fields(kind: Type) -> int:
    return sum(1 + _fields(field.type) for field in kind.fields)


@lru_cache(maxsize=1024)
def type_of(text: str) -> tuple[Type, Mode] | None:
    """Return the type that the text means, or None: the rule about types says what is wrong with it."""
    try:
        return parse_type(text)
    except InputError:
        return None


def once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the first finding of each place: an entry that stands for forty columns has one mistake, not forty."""
    told = set[Location | None]()
    for one in findings:
        if one.location not in told:
            told.add(one.location)
            yield one


@dataclass(frozen=True, slots=True)
class Repeat:
    """A name that stood before, without regard to case: its place, and the first one with its place."""

    name: str
    at: Location
    first: str
    first_at: Location

    @property
    def cause(self) -> str:
        """Where the first one stands, and how it is written where that is another way."""
        otherwise = f" as {self.first}; names are compared without case" if self.first != self.name else ""
        return f"first in line {self.first_at.line}{otherwise}"


def repeats(names: Iterable[tuple[str, Location]]) -> Iterator[Repeat]:
    """Yield each name that stood before."""
    first: dict[str, tuple[str, Location]] = {}
    for name, at in names:
        if name.lower() in first:
            yield Repeat(name, at, *first[name.lower()])
        first.setdefault(name.lower(), (name, at))


def meant(used: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """Return the known names that are used, also by one that is not known and most likely misspelt."""
    return frozenset(one if one in known else nearest(one, known) for one in set(used))
