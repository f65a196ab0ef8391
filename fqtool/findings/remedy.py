"""Remedy: how to fix a finding or an error, as a value that a program can run and a person can read.

A remedy is commands to run, statements to run on the target, an entry to add to the registry, or a sentence if a person
has to decide. An edit that needs no decision is a `Finding.patch`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

_PLAIN = re.compile(r"[A-Z][A-Z_]*|<[^<>]*>|\[[^\]]*\]")
"""Placeholders that a person fills in: shown without quotes."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Command lines to run one after another, each only if the one before it succeeds.

    Args:
        lines: The words of each command line, such as `("fqtool", "migrate", "plan")`.
        first: What a person does before, as the start of the sentence: `Remove the repeats, then run:`. "" if the
            commands alone fix the finding.
    """

    lines: tuple[tuple[str, ...], ...]
    first: str = ""

    def __str__(self) -> str:
        return f"{self.first} {' && '.join(map(_shown, self.lines))}".lstrip()

    def with_options(self, options: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Commands:
        """Return the commands with options appended.

        Args:
            options: Returns the options to append for the words of a command line.
        """
        return replace(self, lines=tuple((*line, *options(line)) for line in self.lines))


@dataclass(frozen=True, slots=True)
class Statements:
    """GoogleSQL to run on the target; fqtool does not run it itself.

    Args:
        sql: One or more statements, each with a semicolon at the end.
        first: What a person decides before, as the start of the sentence.
    """

    sql: str
    first: str = ""

    def __str__(self) -> str:
        return f"{self.first} {self.sql}".lstrip()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to add to a list of the registry.

    Args:
        section: The list, such as `base_columns`.
        text: The entry on one line, as YAML, with its dash.
        unless: What to do in another case, as a sentence before; "" without one.
    """

    section: str
    text: str
    unless: str = ""

    def __str__(self) -> str:
        add = f"dd it to {self.section}: {self.text}"
        return f"{self.unless} Otherwise a{add}" if self.unless else f"A{add}"


Remedy: TypeAlias = str | Commands | Statements | Entry
"""A str is a sentence that needs a decision of a person. It names no command of fqtool."""


def commands(*lines: str, first: str = "") -> Commands:
    """Return a remedy of commands of fqtool.

    Args:
        lines: Each command as typed, without the word fqtool: `"migrate plan"`, `"score --start 2026-02-06"`.
        first: What a person does before; see `Commands`.

    Example: `str(commands("migrate plan", "migrate"))` is `"fqtool migrate plan && fqtool migrate"`.
    """
    return Commands(tuple(("fqtool", *shlex.split(line)) for line in lines), first)


def _shown(words: tuple[str, ...]) -> str:
    return " ".join(word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in words)
