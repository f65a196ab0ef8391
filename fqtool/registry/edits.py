"""How two registries differ: every field of every entry, found by walking the values, so that none can be forgotten.

What a difference means is for the rules to say. Places in the file and the file's name are no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

from fqtool.finding import Location
from fqtool.registry.model import Feature, Registry

K = TypeVar("K")

ORDER = "order"
WHOLE = ""
"""The field of an edit that is about an entry as a whole: it came or it went."""
_UNCOMPARED = ("path", "document", "at")
_KEYS = ("name", "code", "label", "what")


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference: in which `part` of the registry, of which entry, in which of its fields.

    `part` is a section, as features, or a list inside one, as views.columns; `name` is the entry's, "" where the part
    has no entries. `field` is WHOLE where an entry came (`old` is None) or went (`new` is None), ORDER where the same
    entries stand in another order. `was` and `now` are the entries that hold the field, None where there is none.
    """

    part: str
    name: str
    field: str
    old: Any
    new: Any
    at: Location
    was: Any = None
    now: Any = None

    @property
    def came(self) -> bool:
        """Whether the entry is new."""
        return self.field == WHOLE and self.old is None

    @property
    def went(self) -> bool:
        """Whether the entry is gone."""
        return self.field == WHOLE and self.new is None


def edits(old: Registry, new: Registry) -> tuple[Edit, ...]:
    """Return every difference, by section in the model's order; () exactly where the registries say the same."""
    return tuple(edit for one in fields(Registry) if one.name not in _UNCOMPARED for edit in _part(old, new, one.name))


def place(registry: Registry, *path: str) -> Location:
    """Return where a part without a place of its own stands in the file that the registry was read from."""
    return registry.document.at_key(path) if registry.document else Location(registry.path)


def _part(old: Registry, new: Registry, part: str) -> Iterator[Edit]:
    was, now = getattr(old, part), getattr(new, part)
    if was == now:
        return
    if is_dataclass(was) and is_dataclass(now):
        yield from _fields(part, "", was, now, getattr(now, "at", None) or place(new, part))
    elif isinstance(was, tuple) and _is_map(*was, *now):
        yield from _map(old, new, part)
    elif isinstance(was, tuple):
        yield from _entries(part, "", was, now, place(new, part))
    else:
        yield Edit(part, "", WHOLE, was, now, place(old if now is None else new, part), was, now)


def _is_map(*entries: object) -> bool:
    return all(isinstance(one, tuple) for one in entries)


def _map(old: Registry, new: Registry, part: str) -> Iterator[Edit]:
    was, now = dict(getattr(old, part)), dict(getattr(new, part))
    for name in dict.fromkeys((*was, *now)):
        if name not in now:
            yield Edit(part, name, WHOLE, was[name], None, place(old, part, name), part, None)
        elif name not in was:
            yield Edit(part, name, WHOLE, None, now[name], place(new, part, name), None, part)
        elif was[name] != now[name]:
            yield Edit(part, name, "value", was[name], now[name], place(new, part, name), part, part)
    if [name for name in was if name in now] != [name for name in now if name in was]:
        yield Edit(part, "", ORDER, tuple(was), tuple(now), place(new, part))


def _entries(part: str, owner: str, was: Sequence[Any], now: Sequence[Any], at: Location) -> Iterator[Edit]:
    """Compare two lists of entries; `owner` goes before the name of an entry inside another."""
    pairs = _feature_pairs(was, now) if part == "features" else _named_pairs(was, now)
    there, here = {one for one, _ in pairs}, {other for _, other in pairs}
    for number, one in enumerate(was):
        if number not in there:
            yield Edit(part, owner + _key(one), WHOLE, one, None, one.at, one, None)
    for number, one in enumerate(now):
        if number not in here:
            yield Edit(part, owner + _key(one), WHOLE, None, one, one.at, None, one)
    for one, other in pairs:
        yield from _fields(part, owner + _key(now[other]), was[one], now[other], now[other].at)
    followed = [other for _, other in sorted(pairs)]
    if followed != sorted(followed):
        yield Edit(part, owner.removesuffix("."), ORDER, tuple(map(_key, was)), tuple(map(_key, now)), at)


def _fields(part: str, name: str, was: Any, now: Any, at: Location) -> Iterator[Edit]:
    for one in fields(was):
        old, new = getattr(was, one.name), getattr(now, one.name)
        if one.name in _UNCOMPARED or old == new:
            continue
        if isinstance(old, tuple) and isinstance(new, tuple) and any(map(is_dataclass, (*old, *new))):
            yield from _entries(f"{part}.{one.name}", f"{name}.", old, new, at)
        else:
            yield Edit(part, name, one.name, old, new, at, was, now)


def _key(entry: Any) -> str:
    return str(next(getattr(entry, key) for key in _KEYS if hasattr(entry, key)))


def _named_pairs(was: Sequence[Any], now: Sequence[Any]) -> list[tuple[int, int]]:
    """Pair entries of one name, and an entry with the one that it says it was renamed from."""
    names, left = {_key(one) for one in now}, _by(_key, was)
    pairs = []
    for number, one in enumerate(now):
        former = getattr(one, "renamed_from", None)
        wanted = (_key(one), former if former and former not in names else None)
        numbers = next((left[name] for name in wanted if name is not None and left.get(name)), None)
        if numbers:
            pairs.append((numbers.pop(0), number))
    return pairs


def _feature_pairs(was: Sequence[Feature], now: Sequence[Feature]) -> list[tuple[int, int]]:
    """Pair features by index where it is the same one, under its name or the former one; else by name."""
    pairs: list[tuple[int, int]] = []
    for key in (_index, _key):
        taken, free = {one for one, _ in pairs}, {other for _, other in pairs}
        left = _by(key, now, without=free)
        for one, old in enumerate(was):
            numbers = left.get(key(old), []) if one not in taken else []
            same = (other for other in numbers if old.name in (now[other].name, now[other].renamed_from))
            if (found := next(same, None)) is not None:
                numbers.remove(found)
                pairs.append((one, found))
    return pairs


def _index(feature: Feature) -> int:
    return feature.index


def _by(key: Callable[[Any], K], entries: Sequence[Any], without: Container[int] = ()) -> dict[K, list[int]]:
    """Where the entries of each key stand."""
    found: dict[K, list[int]] = {}
    for number, one in enumerate(entries):
        if number not in without:
            found.setdefault(key(one), []).append(number)
    return found
