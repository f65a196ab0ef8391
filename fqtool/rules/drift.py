"""Drift as a value: one difference between a live table and the registry, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fqtool.table.changes import (
    Change,
    DropColumn,
    PutView,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetOption,
    SetPartitioning,
    SetPolicyTags,
    touched,
)
from fqtool.table.diff import diff
from fqtool.table.model import State

BY_HAND = "changed by hand"
UNAPPLIED = "unapplied"
AHEAD = "registry ahead of files"
BEHIND = "registry behind"
AS_FOUND = "as it was found"
UNDECLARED = "not declared"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: the change that would take `live` to the registry, and how it came about.

    `ours` tells whether fqtool may make the change: base columns and columns of others it leaves alone.
    """

    change: Change
    live: State
    cause: str
    ours: bool = True


def find_drift(
    live: State,
    desired: State,
    *,
    base: frozenset[str],
    recorded: State | None,
    planned: State | None,
    renames: Mapping[str, str],
    as_found: bool = False,
) -> tuple[Drift, ...]:
    """Return every difference of `live` from `desired`, each with its cause.

    `recorded` is the state that the applied migrations made (None: ledger not read), `planned` what all files make.
    `as_found` tells that the base table was there before fqtool, with words of its own.
    """
    there, here = (None if state is None or state.table is None else state for state in (recorded, planned))
    drifts = []
    for change in diff(live, desired, renames):
        of_base = bool(base.intersection(map(str.lower, touched(change))))
        cause = (
            AS_FOUND if of_base and as_found and _is_words(change) else _cause(change, desired, renames, there, here)
        )
        drifts.append(Drift(change, live, cause, not of_base))
    return tuple(drifts)


def _is_words(change: Change) -> bool:
    """What a baseline is not compared by."""
    return isinstance(change, SetDescription | SetDefault | SetPolicyTags)


def _cause(
    change: Change, desired: State, renames: Mapping[str, str], recorded: State | None, planned: State | None
) -> str:
    """Where the ledger's state agrees with the registry, a hand was at work; else a file or the registry waits."""
    spot = _spot(change)
    if isinstance(change, DropColumn):
        if recorded is None and planned is None:
            return UNDECLARED
        made = (state.table and state.table.find(change.name) for state in (recorded, planned) if state)
        return BEHIND if any(made) else BY_HAND
    if recorded is not None and spot not in map(_spot, diff(recorded, desired, renames)):
        return BY_HAND
    if planned is not None and spot not in map(_spot, diff(planned, desired, renames)):
        return UNAPPLIED if recorded is not None else f"{UNAPPLIED}, or {BY_HAND}"
    return AHEAD


def _spot(change: Change) -> tuple[object, ...]:
    """What a change is about, without the value: two changes of one spot speak of the same thing."""
    match change:
        case SetOption(name, _):
            return (SetOption, name)
        case SetDescription(path, _) | SetPolicyTags(path, _):
            return (type(change), *map(str.lower, path))
        case PutView(view):
            return (PutView, view.key)
        case Reorder() | SetPartitioning() | SetClustering():
            return (type(change),)
        case _:
            return (type(change), *map(str.lower, touched(change)))
