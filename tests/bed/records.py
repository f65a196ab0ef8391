"""What servers of the test bed checked and refused, in files that pytest reads: servers may be other processes.

Where FQTOOL_BED_RECORDS names no folder, nothing is kept; a server refuses all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bed.api_values import Violation

FOLDER = "FQTOOL_BED_RECORDS"
_REQUESTS, _REFUSALS, _UNEXPECTED = "requests", "refusals", "unexpected"


@dataclass(frozen=True)
class Refusal:
    """A request, or an answer to one, that does not fit the description of the API."""

    request: str
    """Method and path."""
    place: str
    reason: str


class Records:
    """Notes of one server."""

    def __init__(self) -> None:
        self._shapes: set[str] = set()

    def request(self, shape: str) -> None:
        """Note a request that fits. The words of its shape are written once."""
        mark = hashlib.sha256(shape.encode()).hexdigest()[:16]
        _append(_REQUESTS, mark if shape in self._shapes else f"{mark} {shape}")
        self._shapes.add(shape)

    def refusals(self, request: str, violations: tuple[Violation, ...]) -> None:
        """Note what does not fit."""
        for violation in violations:
            _append(_REFUSALS, json.dumps(asdict(Refusal(request, violation.place, violation.reason))))


def take_refusals() -> list[Refusal]:
    """Return what was refused since the last call in this pytest process, and forget it."""
    folder = _folder()
    refusals = []
    for file in sorted(folder.glob(f"*.{_REFUSALS}")) if folder else ():
        taken = file.rename(file.with_name(f"{uuid.uuid4().hex}.taken"))
        refusals += [Refusal(**json.loads(line)) for line in taken.read_text(encoding="utf-8").splitlines()]
        taken.unlink()
    return refusals


def note_unexpected(count: int) -> None:
    """Note refusals that no test took."""
    for _ in range(count):
        _append(_UNEXPECTED, "1")


def summary(folder: Path) -> str:
    """Return one line about all requests of a session, whichever process checked them."""
    lines = _lines(folder, _REQUESTS)
    shapes = {line.partition(" ")[0] for line in lines}
    refused = len(_lines(folder, _UNEXPECTED))
    return f"BigQuery requests: {len(lines):,} checked, {len(shapes):,} distinct shapes, {refused:,} refused"


def _lines(folder: Path, kind: str) -> list[str]:
    return [line for file in folder.rglob(f"*.{kind}") for line in file.read_text(encoding="utf-8").splitlines()]


def _folder() -> Path | None:
    name = os.environ.get(FOLDER)
    return Path(name) if name else None


def _append(kind: str, line: str) -> None:
    if (folder := _folder()) is not None:
        with (folder / f"{os.getpid()}.{kind}").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
