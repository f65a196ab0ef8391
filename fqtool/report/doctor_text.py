"""A check-up as text: versions, then what the identity may do and for which commands."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from fqtool.report.table_text import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from fqtool.verbs.doctor import Checkup, Library

_WORDS = {True: "yes", False: "no", None: "not known"}


def print_libraries(found: Iterable[Library], stream: TextIO) -> None:
    """Print the versions that are installed, and an empty line."""
    rows = [("Python", platform.python_version(), "")]
    rows += [(one.name, one.installed or "none", one.wanted) for one in found]
    print_table("", ("library", "installed", "needed"), rows, stream)
    stream.write("\n")


def print_proofs(found: Checkup, stream: TextIO) -> None:
    """Print a line for each permission, and an empty line."""
    told = [(one.need, _WORDS[one.held], one.allows, one.why or None) for one in found.proofs]
    print_table("", ("permission", "held", "to", "why"), told, stream)
    stream.write("\n")


def heading(found: Checkup) -> str:
    """Return where the table is and how it stands, in one sentence."""
    if found.columns is None:
        return f"{found.url}: looked at."
    return f"{found.url} answers; {found.table} has {found.columns} columns."
