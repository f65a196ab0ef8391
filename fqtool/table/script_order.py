"""The order in which a team runs its SQL files, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_VERSION = re.compile(r"V?(?P<version>\d+(?:[._]\d+)*)(?=[^0-9a-z]|$)", re.IGNORECASE)
_REVERTS = re.compile(r"U\d")


def version_of(path: Path) -> tuple[int, ...]:
    """Return the version at the start of a file name: (1, 2) for `V1.2__add.sql` and `1_2-add.sql`, () without one."""
    match = _VERSION.match(path.stem)
    return tuple(int(part) for part in re.split(r"[._]", match["version"])) if match else ()


def in_order(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Return files by version, then files without a version (Flyway's `R__name.sql`) by path; and a note on each other.

    Flyway's `U1__name.sql` are left out: they revert a version, and run only when a person asks for it.
    """
    files = sorted(paths, key=lambda path: (not version_of(path), version_of(path), str(path)))
    reverting = [path for path in files if _REVERTS.match(path.name)]
    notes = [f"{path} was not read: its name is that of a script that reverts a version." for path in reverting]
    return [path for path in files if path not in reverting], notes
