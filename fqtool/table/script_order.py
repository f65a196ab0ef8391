"""The SQL files of a team, and the order in which it runs them, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from fqtool.errors import InputError

_SUFFIXES = (".sql", ".ddl")
_VERSION = re.compile(r"[VB]?(?P<version>\d+(?:[._]\d+)*)(?=[^0-9a-z]|$)", re.IGNORECASE)
_REVERTS = re.compile(r"U\d|.*[._-](down|rollback)\.\w+$", re.IGNORECASE)
_DOWN = re.compile(r"^--[ \t]*(?:\+goose[ \t]+down|migrate:down)\b.*", re.IGNORECASE | re.MULTILINE | re.DOTALL)


def sql_files(path: Path) -> tuple[list[Path], list[str]]:
    """Return the SQL files of a folder in order, or one file; and a note on each file that is left out.

    Raises:
        InputError: The folder has no such file.
    """
    if not path.is_dir():
        return [path], []
    found, notes = in_order(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    if not found:
        raise InputError(f"The folder {path} has no .sql or .ddl file.", remedy="Name a file or another folder.")
    return found, notes


def version_of(path: Path) -> tuple[int, ...]:
    """Return the version at the start of a file name: (1, 2) for `V1.2__add.sql` and `1_2-add.sql`, () without one."""
    match = _VERSION.match(path.stem)
    return tuple(int(part) for part in re.split(r"[._]", match["version"])) if match else ()


def in_order(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Return files by version, then files without a version (Flyway's `R__name.sql`) by path; and a note on each other.

    Flyway's `U1__name.sql` and golang-migrate's `1_name.down.sql` are left out: they revert a version, and run only
    when a person asks for it.
    """
    files = sorted(paths, key=lambda path: (not version_of(path), version_of(path), _numbered(str(path))))
    reverting = [path for path in files if _REVERTS.match(path.name)]
    notes = [f"{path} was not read: its name is that of a script that reverts a version." for path in reverting]
    return [path for path in files if path not in reverting], notes


def _numbered(text: str) -> list[tuple[str, int]]:
    """A key that compares the numbers in a text as numbers: step_2 before step_10."""
    return [(words, int(number or 0)) for words, number in re.findall(r"(\D*)(\d*)", text)]


def without_down(text: str) -> str:
    """Return a script without the part that reverts it: after `-- +goose Down` or `-- migrate:down`."""
    return _DOWN.sub("", text)
