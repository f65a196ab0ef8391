"""Compare the inputs of a model with those of the registry: missing, extra, moved and repeated names.

Models read by position, so the order matters as the names do. Positions count from 0, as feature indices do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fqtool.registry.alerts_and_models import Model
from fqtool.registry.model import Registry


@dataclass(frozen=True, slots=True)
class Place:
    """A name and its position: in the expected list if the name is missing, otherwise in the given list."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A name in both lists, at another position than expected.

    Both numbers are positions in the expected list: a name that a missing or extra name shifts has not moved.
    """

    name: str
    position: int
    expected: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between a list of names and the expected list. All four are empty if the lists are equal."""

    missing: tuple[Place, ...] = ()
    extra: tuple[Place, ...] = ()
    repeated: tuple[Place, ...] = ()
    moved: tuple[Moved, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.repeated or self.moved)


def compared(expected: Sequence[str], given: Sequence[str]) -> Comparison:
    """Compare a list of names with the expected list.

    Args:
        expected: The expected names, each once.
        given: The names to compare.
    """
    places = {name: position for position, name in enumerate(expected)}
    repeated = tuple(repeats(given))
    first = dict.fromkeys(given)
    common = [name for name in first if name in places]
    slots = sorted(places[name] for name in common)
    extra = {position: name for position, name in enumerate(given) if name not in places}
    for one in repeated:
        extra.pop(one.position, None)
    return Comparison(
        tuple(Place(name, position) for name, position in places.items() if name not in first),
        tuple(Place(name, position) for position, name in extra.items()),
        repeated,
        tuple(
            Moved(name, slot, places[name]) for name, slot in zip(common, slots, strict=True) if slot != places[name]
        ),
    )


def repeats(names: Sequence[str]) -> Iterator[Place]:
    """Yield every name that occurs again, with its position."""
    seen = set[str]()
    for position, name in enumerate(names):
        if name in seen:
            yield Place(name, position)
        seen.add(name)


def vector_of(registry: Registry) -> tuple[str, ...]:
    """Return the names of the whole vector by position, retired features included."""
    return tuple(one.name for one in registry.features)


def inputs_of(model: Model, given: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names that a model reads: its features and its external inputs, each in their order.

    The registry does not define how features and external inputs alternate. The result alternates as `given` does.

    Args:
        model: The model of the registry.
        given: The names that the model reads in practice. Empty: all features come first.
    """
    needs = list(dict.fromkeys(model.needs))
    groups = (needs, [name for name in dict.fromkeys(model.external) if name not in needs])
    of = {name: number for number, group in enumerate(groups) for name in group}
    present = [name for name in dict.fromkeys(given) if name in of]
    known, made = frozenset(present), list[str]()
    for name in present:
        group = groups[of[name]]
        # A missing name is placed before the next name of its group.
        while group:
            made.append(group.pop(0))
            if made[-1] in known:
                break
    return (*made, *groups[0], *groups[1])
