"""The feature contract: models read the vector by position, so a position keeps its feature permanently.

The folder of migrations has the last recorded contract. A registry may append features, rename them with
`renamed_from`, and retire them; every other change breaks the contract.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fqtool.errors import MigrationError
from fqtool.registry.model import Feature

CONTRACT = "feature_contract.json"
_HEAD, _BETWEEN, _TAIL = '{"format_version": 1, "features": [\n  ', ",\n  ", "\n]}\n"


@dataclass(frozen=True, slots=True)
class Position:
    """One index of the vector and its feature."""

    index: int
    name: str
    retired: bool = False


class Breach(StrEnum):
    """How a recorded position changed."""

    GONE = "gone"
    MOVED = "moved"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class Break:
    """One break of the recorded contract.

    Attributes:
        kind: how the position changed.
        index: the recorded position.
        subject: the feature.
        message: what is wrong.
        remedy: what to do.
    """

    kind: Breach
    index: int
    subject: str
    message: str
    remedy: str


def contract_text(features: Iterable[Feature]) -> str:
    """Return the contract of a registry's features as JSON text, one position per line."""
    return f"{_HEAD}{_BETWEEN.join(map(_line, features))}{_TAIL}"


def contract_hashes(features: Iterable[Feature]) -> Iterator[str]:
    """Yield the SHA-256 of the contract of the first 0, 1, 2 and more features, each computed from the one before."""
    begun = hashlib.sha256(_HEAD.encode())
    for count, line in enumerate(("", *map(_line, features))):
        begun.update(f"{_BETWEEN if count > 1 else ''}{line}".encode())
        whole = begun.copy()
        whole.update(_TAIL.encode())
        yield whole.hexdigest()


def _line(feature: Feature) -> str:
    position = {"index": feature.index, "name": feature.name, "retired": feature.retired}
    return json.dumps(position, ensure_ascii=False)


def read_contract(text: str) -> tuple[Position, ...]:
    """Read the recorded contract.

    Raises:
        MigrationError: the text does not have the format of `contract_text`.
    """
    try:
        features = json.loads(text)["features"]
        positions = tuple(Position(int(f["index"]), str(f["name"]), bool(f["retired"])) for f in features)
        # raises ValueError for a lone surrogate, which cannot be printed
        "".join(position.name for position in positions).encode()
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise MigrationError(
            f"{CONTRACT} cannot be read.",
            remedy="Restore it from version control: it records the index of each feature.",
        ) from None
    return positions


def breaks(recorded: Iterable[Position], features: Iterable[Feature]) -> Iterator[Break]:
    """Yield every break of the recorded contract by the registry's features."""
    recorded, features = tuple(recorded), tuple(features)
    free = max([*(old.index for old in recorded), *(feature.index for feature in features)], default=-1) + 1
    by_index = {feature.index: feature for feature in features}
    by_name = {feature.name: feature.index for feature in features}
    for old in recorded:
        index, name, feature = old.index, old.name, by_index.get(old.index)
        if feature is not None and name in (feature.name, feature.renamed_from):
            continue
        if name in by_name:
            message = f"Feature `{name}` moved from index {index} to {by_name[name]}; models read by position."
            yield Break(Breach.MOVED, index, name, message, f"Give `{name}` index {index} again.")
        elif feature is None:
            message = f"Feature `{name}`, index {index}, is missing from the registry; models read by position."
            remedy = f"Add it again with `retired: true`; a new feature takes the next free index, {free}."
            yield Break(Breach.GONE, index, name, message, remedy)
        else:
            message = f"Index {index} was `{name}` and is now `{feature.name}`; an index must not be reused."
            remedy = f"If it is the same feature, write `renamed_from: {name}`; "
            remedy += f"if not, retire `{name}` and give `{feature.name}` index {free}."
            yield Break(Breach.REUSED, index, feature.name, message, remedy)
