"""The feature contract: models read the vector by position, so a position keeps its feature for ever.

The folder of migrations holds the last recorded contract; a registry may append to it, rename with `renamed_from`,
and retire, nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fqtool.errors import MigrationError
from fqtool.registry.model import Feature

CONTRACT = "feature_contract.json"


@dataclass(frozen=True, slots=True)
class Position:
    """One index of the vector and the feature that holds it."""

    index: int
    name: str
    retired: bool = False


class Breach(StrEnum):
    """What became of a recorded position."""

    GONE = "gone"
    MOVED = "moved"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class Break:
    """A way in which the registry breaks the recorded contract: the feature, what is the case, what to do.

    `index` is the recorded position, `kind` what became of it.
    """

    kind: Breach
    index: int
    subject: str
    message: str
    remedy: str


def contract_text(features: Iterable[Feature]) -> str:
    """Return the contract of a registry's features as JSON text, one position a line."""
    lines = (json.dumps({"index": f.index, "name": f.name, "retired": f.retired}, ensure_ascii=False) for f in features)
    return '{"format_version": 1, "features": [\n  ' + ",\n  ".join(lines) + "\n]}\n"


def read_contract(text: str) -> tuple[Position, ...]:
    """Read the recorded contract. Raises MigrationError when it is not what `contract_text` writes."""
    try:
        raw = json.loads(text)
        read = tuple(Position(int(f["index"]), str(f["name"]), bool(f["retired"])) for f in raw["features"])
        "".join(one.name for one in read).encode()  # ValueError for half of a surrogate pair, which nothing can print
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise MigrationError(
            f"{CONTRACT} cannot be read.", remedy="Restore it from version control: it says which index is which."
        ) from None
    return read


def breaks(recorded: Iterable[Position], features: Iterable[Feature]) -> Iterator[Break]:
    """Yield every break of the recorded contract by the registry's features."""
    recorded, features = tuple(recorded), tuple(features)
    free = max([*(one.index for one in recorded), *(one.index for one in features)], default=-1) + 1
    by_index = {feature.index: feature for feature in features}
    by_name = {feature.name: feature.index for feature in features}
    for old in recorded:
        now = by_index.get(old.index)
        if now is None and old.name not in by_name:
            yield Break(
                Breach.GONE,
                old.index,
                old.name,
                f"Feature {old.index}, {old.name}, is gone from the registry; models read by position.",
                f"Put it back with retired: true; a new feature takes the next free index, {free}.",
            )
        elif now is not None and old.name in (now.name, now.renamed_from):
            continue
        elif now is None or old.name in by_name:
            yield Break(
                Breach.MOVED,
                old.index,
                old.name,
                f"Feature {old.name} moved from index {old.index} to {by_name[old.name]}; models read by position.",
                f"Give {old.name} index {old.index} again.",
            )
        else:
            yield Break(
                Breach.REUSED,
                old.index,
                now.name,
                f"Index {old.index} was {old.name} and is now {now.name}: an index is never reused.",
                f"If it is the same feature, write renamed_from: {old.name}; "
                f"if not, retire {old.name} and give {now.name} index {free}.",
            )
