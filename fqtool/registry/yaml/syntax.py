"""Explain a syntax error of the YAML parser by the mistake that usually causes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fqtool.findings.finding import Location
from fqtool.registry.merge_markers import conflict_line

if TYPE_CHECKING:
    import yaml

_NO_BREAK_SPACE = "\u00a0"
_NO_BLANK = re.compile(r"[ \t-]*[\w-]+:[^\s/]\S*")
_NO_BREAK_INDENT = re.compile(rf"[ \t]*(?={_NO_BREAK_SPACE})")


def syntax_problem(
    lines: Sequence[str], error: yaml.MarkedYAMLError, at: Location, begun: Location | None
) -> tuple[Location, str, str]:
    """Explain a syntax error.

    Args:
        lines: The lines of the file.
        error: The error of the parser.
        at: The place of the error.
        begun: The start of the list, map or text that could not be parsed, or None.

    Returns:
        The place of the mistake, the problem, and the remedy.
    """
    if conflict := conflict_line(lines):
        remedy = "Keep one side of each conflict, or both, and delete the lines of the markers."
        return replace(at, line=conflict, column=1), "the file has a merge conflict", remedy
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or line[at.column - 1 : at.column] == "\t":
        return at, "the line is indented with a tab", "Indent with blanks."
    for number in (at.line, at.line - 1):
        indented = _NO_BREAK_INDENT.match(lines[number - 1]) if 0 < number <= len(lines) else None
        if indented:
            place = replace(at, line=number, column=indented.end() + 1)
            return place, "the line is indented with a no-break space", "Indent with blanks."
    problem = (error.problem or str(error)).rstrip(".")
    since = f", which starts in line {begun.line}" if begun and begun.line < at.line else ""
    full = f"{problem} ({error.context}{since})" if error.context else problem
    return at, full, _remedy(problem, lines, at)


def _remedy(problem: str, lines: Sequence[str], at: Location) -> str:
    if "mapping values are not allowed" in problem:
        above = lines[at.line - 2] if at.line > 1 else ""
        if _NO_BLANK.fullmatch(above.partition(" #")[0].rstrip()):
            return f"Write a blank after the colon in line {at.line - 1}."
        return "Quote the value: a colon and a blank inside it start a map."
    if "cannot start any token" in problem:
        return "Quote the value that starts here."
    if "did not find expected" in problem:
        return "Look for a missing bracket, quote or comma, or for wrong indentation."
    return "Fix the mistake at this place or just before it."
