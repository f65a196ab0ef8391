"""A registry under examination: what several rules look up, worked out once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from fqtool.errors import InputError
from fqtool.finding import Location
from fqtool.quality.build import ExpandedColumn, expand_columns
from fqtool.registry.model import Registry
from fqtool.table.column import Mode, Type
from fqtool.table.typetext import parse_type


@dataclass(frozen=True)
class Subject:
    """The registry with its columns expanded and its names collected."""

    registry: Registry

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

    def named_columns(self) -> Iterator[tuple[str, str, Location]]:
        """Yield name, description and place of every column, base columns first."""
        for base in self.registry.base_columns:
            yield base.name, base.description, base.at
        for one in self.managed:
            yield one.name, one.description, one.spec.at


@lru_cache(maxsize=1024)
def type_of(text: str) -> tuple[Type, Mode] | None:
    """Return the type that the text means, or None: the rule about types says what is wrong with it."""
    try:
        return parse_type(text)
    except InputError:
        return None


def repeats(names: Iterable[tuple[str, Location]]) -> Iterator[tuple[str, Location, Location]]:
    """Yield each name that stood before, without regard to case, with its place and the place of the first."""
    first: dict[str, Location] = {}
    for name, at in names:
        if name.lower() in first:
            yield name, at, first[name.lower()]
        first.setdefault(name.lower(), at)
