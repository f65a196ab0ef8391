"""Which missing column may be an undeclared column of the table under another name: a person decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from itertools import product

from fqtool.table.changes import AddColumn, Change, DropColumn
from fqtool.table.column import Column, Mode, Type
from fqtool.table.model import State

_PAIRS = 400  # compared names of one type; a difference of more columns is not a few renames


def likely_renames(live: State, changes: Iterable[Change], declared: frozenset[str]) -> Mapping[str, Column]:
    """Return the lower-case name of a missing column -> the undeclared column of the table that it may be.

    Both have the same type. Of several columns of one type, those with the most similar names are paired.

    Args:
        live: The state of the target.
        changes: The differences from the registry.
        declared: Lower-case names of the columns whose entry can have another name or `renamed_from`.
    """
    if live.table is None:
        return {}
    missing, extra = (
        defaultdict[tuple[Type, Mode], list[Column]](list),
        defaultdict[tuple[Type, Mode], list[Column]](list),
    )
    for change in changes:
        match change:
            case AddColumn(column) if column.key in declared:
                missing[column.type.shape, column.mode].append(column)
            case DropColumn(name) if name.lower() not in live.table.layout:
                column = live.table.present(name)
                extra[column.type.shape, column.mode].append(column)
    pairs: dict[str, Column] = {}
    for of_type, columns in missing.items():
        if len(columns) * len(extra[of_type]) <= _PAIRS:
            pairs |= _most_similar(columns, extra[of_type])
    return pairs


def _most_similar(missing: list[Column], extra: list[Column]) -> dict[str, Column]:
    """Pair columns by the similarity of their names, each at most once."""
    found = dict[str, Column]()
    pairs = product(missing, extra)
    for column, other in sorted(pairs, key=lambda pair: -SequenceMatcher(None, pair[0].key, pair[1].key).ratio()):
        if column.key not in found and other not in found.values():
            found[column.key] = other
    return found
