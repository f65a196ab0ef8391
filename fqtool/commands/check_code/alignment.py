"""A list of names beside the vector: names that were inserted, replaced or moved, and features that were left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from fqtool.commands.check_code.name_lists import SMALLEST, Named
from fqtool.registry.checks.explain_schema import nearest


@dataclass(frozen=True, slots=True)
class Difference:
    """A name of a list that disagrees with the vector.

    `index` is the index in the vector of the name that the list should have there, None for a name too many.
    """

    named: Named
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Alignment:
    """What a copy of the vector has different, in the order of the list, and the features that it leaves out."""

    differences: tuple[Difference, ...]
    left_out: tuple[str, ...]


def aligned(listed: Sequence[Named], vector: Sequence[str], is_other: Callable[[str], bool]) -> Alignment | None:
    """Compare a list with the vector, None for a list that does not repeat it.

    A copy has five names that follow one another as in the vector, or most of the vector in order: five names, or fewer
    beside all others. Names before the first feature and after the last one are other columns, but for one that is
    similar to a feature that the list leaves out.

    Args:
        listed: The names in the order of the list.
        vector: The features in the order of the registry.
        is_other: Whether a name between features may be another column.
    """
    names, features = [one.name for one in listed], frozenset(vector)
    matcher = SequenceMatcher(None, names, vector, autojunk=False)
    longest = max(matcher.get_matching_blocks(), key=lambda block: block.size)
    same = sum(block.size for block in matcher.get_matching_blocks())
    is_most = (same >= SMALLEST or features.issubset(names)) and 2 * same > len(vector)
    if longest.size < SMALLEST and not is_most:
        return None
    left_out = tuple(name for name in vector if name not in names)
    shift = longest.b - longest.a
    start = min(at for at, name in enumerate(names) if name in features)
    similar = tuple(_similar(listed[:start], vector[: vector.index(names[start])], left_out, is_other))
    moved = tuple(_moved(listed, vector, matcher, is_other))
    in_place = [
        Difference(one, at + shift)
        for at, one in enumerate(listed)
        if at >= start and at + shift < len(vector) and (at + shift < 0 or vector[at + shift] != one.name)
    ]
    outside = any(name in features for name in names[max(len(vector) - shift, 0) :]) or start + shift < 0
    differences = moved if outside or 2 * len(moved) < len(in_place) else tuple(in_place)
    return Alignment((*similar, *differences), left_out)


def _similar(
    before: Sequence[Named], expected: Sequence[str], left_out: Sequence[str], is_other: Callable[[str], bool]
) -> Iterator[Difference]:
    """Yield the name before the first feature of a list, where it is similar to the one that belongs there."""
    is_left_out = bool(before and expected) and expected[-1] in left_out
    if is_left_out and not is_other(before[-1].name) and nearest(before[-1].name, expected[-1:]):
        yield Difference(before[-1], len(expected) - 1)


def _moved(
    listed: Sequence[Named], vector: Sequence[str], matcher: SequenceMatcher[str], is_other: Callable[[str], bool]
) -> Iterator[Difference]:
    """Yield what differs where names may be inserted or left out."""
    features, known = frozenset(vector), {one.name for one in listed}
    for kind, first, end, at, after in matcher.get_opcodes():
        if kind == "equal":
            continue
        given, expected = listed[first:end], vector[at:after]
        if first == 0 or (end == len(listed) and not expected):
            given = [one for one in given if one.name in features]
            expected = []
        for offset, one in enumerate(given):
            if offset < len(expected) and expected[offset] not in known:
                yield Difference(one, at + offset)
            elif one.name in features or not is_other(one.name):
                yield Difference(one)
