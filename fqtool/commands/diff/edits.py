"""The differences of two registries: every field of every entry, found by walking the values, so that none is missed.

The rules decide what a difference means. Positions in the file and the file's name are not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from fqtool.findings.finding import Location
from fqtool.registry.model import Feature, Registry

ADDED, GONE, ORDER, VALUE = "added", "gone", "order", "value"
"""The field of a difference where an entry was added or removed, the order changed, or a name has another value."""
_UNCOMPARED = ("path", "document", "at")
_KEYS = ("name", "code", "label", "what", "reason")
_Key = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference.

    Attributes:
        part: a section of the registry such as features, or a list inside one such as views.columns.
        name: the name of the entry; "" where the part has no entries.
        field: ADDED, GONE, ORDER, VALUE, or a field of the entry; "" where the part is one value.
        old: the old value.
        new: the new value.
        at: where it is in the file.
        was: the old entry, or None.
        now: the new entry, or None.
    """

    part: str
    name: str
    field: str
    old: Any
    new: Any
    at: Location
    was: Any = None
    now: Any = None


def edits(old: Registry, new: Registry) -> tuple[Edit, ...]:
    """Return every difference, by section in the model's order; () only for equal registries."""
    return tuple(edit for one in fields(Registry) if one.name not in _UNCOMPARED for edit in _part(old, new, one.name))


def place(registry: Registry, *path: str) -> Location:
    """Return the position of a part of the registry in its file."""
    return registry.document.at_key(path) if registry.document else Location(registry.path)


def _part(old: Registry, new: Registry, part: str) -> Iterator[Edit]:
    was, now = getattr(old, part), getattr(new, part)
    if was == now:
        return
    if is_dataclass(was) and is_dataclass(now):
        yield from _fields(part, "", was, now, getattr(now, "at", None) or place(new, part))
    elif not isinstance(was, tuple):
        yield Edit(part, "", "", was, now, place(old if now is None else new, part), was, now)
    elif all(isinstance(one, tuple) for one in (*was, *now)):
        yield from _map(old, new, part)
    else:
        yield from _entries(part, "", was, now, place(new, part))


def _map(old: Registry, new: Registry, part: str) -> Iterator[Edit]:
    was, now = dict(getattr(old, part)), dict(getattr(new, part))
    for name in dict.fromkeys((*was, *now)):
        if was.get(name) != now.get(name) or (name in was) != (name in now):
            field = GONE if name not in now else VALUE if name in was else ADDED
            at = place(new if name in now else old, part, name)
            yield Edit(part, name, field, was.get(name), now.get(name), at)
    if [name for name in was if name in now] != [name for name in now if name in was]:
        yield Edit(part, "", ORDER, tuple(was), tuple(now), place(new, part))


def _entries(part: str, owner: str, was: Sequence[Any], now: Sequence[Any], at: Location) -> Iterator[Edit]:
    """Compare two lists of entries; `owner` is the prefix of the name of an entry inside another."""
    pairs = _pairs(was, now, _keys(part, now))
    paired = set(pairs.values())
    for number, one in enumerate(was):
        if number not in pairs:
            yield Edit(part, owner + _key(one), GONE, one, None, one.at, one, None)
    for number, one in enumerate(now):
        if number not in paired:
            yield Edit(part, owner + _key(one), ADDED, None, one, one.at, None, one)
    for old, new in sorted(pairs.items(), key=lambda pair: pair[1]):
        yield from _fields(part, owner + _key(now[new]), was[old], now[new], now[new].at)
    followed = [new for _, new in sorted(pairs.items())]
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


def _keys(part: str, now: Sequence[Any]) -> tuple[tuple[_Key, _Key], ...]:
    """The keys that pair an old entry with a new one: its name, or `renamed_from` of the new one.

    Features are paired by index first, because two of them may swap names.
    """
    if part == "features":
        return (_position, _position), (_position, lambda one: (one.index, one.renamed_from)), (_key, _key)
    names = {_key(one) for one in now}

    def former(entry: Any) -> object:
        name = getattr(entry, "renamed_from", None)
        return None if name in names else name

    # BigQuery ignores the case of the names of columns.
    folded = ((_folded, _folded),) if part in ("columns", "base_columns") else ()
    return (_key, _key), (_key, former), *folded


def _folded(entry: Any) -> str:
    return _key(entry).lower()


def _position(feature: Feature) -> object:
    return feature.index, feature.name


def _pairs(was: Sequence[Any], now: Sequence[Any], keys: tuple[tuple[_Key, _Key], ...]) -> dict[int, int]:
    """Pair the positions of entries, by the first key that two of them share."""
    pairs: dict[int, int] = {}
    for old_key, new_key in keys:
        left: dict[object, list[int]] = {}
        paired = set(pairs.values())
        for number, one in enumerate(now):
            if number not in paired:
                left.setdefault(new_key(one), []).append(number)
        for number, one in enumerate(was):
            if number not in pairs and left.get(old_key(one)):
                pairs[number] = left[old_key(one)].pop(0)
    return pairs
