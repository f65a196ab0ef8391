"""What a model reads beside what the registry says it reads: missing, extra, moved and repeated names.

Models read by position, so order is as much a part of the agreement as names are. Positions count from 0, as feature
indices do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fqtool.registry.judgement import Model
from fqtool.registry.model import Registry


@dataclass(frozen=True, slots=True)
class Place:
    """A name and where it stands: in what is expected if it is missing, else in what was given."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A name that both sides have, and the position at which it stands instead of the `expected` one.

    Both are positions of what is expected: what a missing or an extra name shifts has not moved.
    """

    name: str
    position: int
    expected: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a list of names differs from the expected one; all four are empty exactly where it does not."""

    missing: tuple[Place, ...] = ()
    extra: tuple[Place, ...] = ()
    repeated: tuple[Place, ...] = ()
    moved: tuple[Moved, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.repeated or self.moved)


def compared(expected: Sequence[str], given: Sequence[str]) -> Comparison:
    """Compare a list of names with the expected one, which has each name once."""
    wanted = {name: position for position, name in enumerate(expected)}
    repeated = tuple(repeats(given))
    first = dict.fromkeys(given)
    common = [name for name in first if name in wanted]
    slots = sorted(wanted[name] for name in common)
    extra = {position: name for position, name in enumerate(given) if name not in wanted}
    for one in repeated:
        extra.pop(one.position, None)
    return Comparison(
        tuple(Place(name, position) for name, position in wanted.items() if name not in first),
        tuple(Place(name, position) for position, name in extra.items()),
        repeated,
        tuple(
            Moved(name, slot, wanted[name]) for name, slot in zip(common, slots, strict=True) if slot != wanted[name]
        ),
    )


def repeats(names: Sequence[str]) -> Iterator[Place]:
    """Yield every name that stood before, with the position at which it stands again."""
    seen = set[str]()
    for position, name in enumerate(names):
        if name in seen:
            yield Place(name, position)
        seen.add(name)


def vector_of(registry: Registry) -> tuple[str, ...]:
    """Return the whole vector's names by position; retired features keep theirs."""
    return tuple(one.name for one in registry.features)


def inputs_of(model: Model, given: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what a model reads: the features it needs in their order, and the external inputs in theirs.

    The registry does not say where the second stand among the first, so `given` does: the names of the expected list
    alternate between the two as those of the given list do.
    """
    needs = list(dict.fromkeys(model.needs))
    groups = (needs, [name for name in dict.fromkeys(model.external) if name not in needs])
    of = {name: number for number, group in enumerate(groups) for name in group}
    present = [name for name in dict.fromkeys(given) if name in of]
    known, made = frozenset(present), list[str]()
    for name in present:
        group = groups[of[name]]
        # Names that are missing go before the one that follows them in their group.
        while group:
            made.append(group.pop(0))
            if made[-1] in known:
                break
    return (*made, *groups[0], *groups[1])
