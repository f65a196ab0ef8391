"""What the YAML parser refuses, told by the mistake that is most often behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fqtool.finding import Location

if TYPE_CHECKING:
    import yaml

_NO_BREAK_SPACE = "\u00a0"
_NO_BLANK = re.compile(r"[ \t-]*[\w-]+:[^\s/]\S*")
_ODD_INDENT = re.compile(rf"[ \t]*(?={_NO_BREAK_SPACE})")


def syntax_problem(
    lines: Sequence[str], error: yaml.MarkedYAMLError, at: Location, begun: Location | None
) -> tuple[Location, str, str]:
    """Return the place, the problem in words and what to do; `begun` is where what could not be read begins."""
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or line[at.column - 1 : at.column] == "\t":
        return at, "a tab stands where blanks belong", "Indent with blanks."
    for number in (at.line, at.line - 1):
        odd = _ODD_INDENT.match(lines[number - 1]) if 0 < number <= len(lines) else None
        if odd:
            place = replace(at, line=number, column=odd.end() + 1)
            return place, "a no-break space stands where blanks belong", "Indent with blanks."
    told = (error.problem or str(error)).rstrip(".")
    since = f", which begins in line {begun.line}" if begun and begun.line < at.line else ""
    problem = f"{told} ({error.context}{since})" if error.context else told
    return at, problem, _remedy(told, lines, at)


def _remedy(told: str, lines: Sequence[str], at: Location) -> str:
    if "mapping values are not allowed" in told:
        above = lines[at.line - 2] if at.line > 1 else ""
        if _NO_BLANK.fullmatch(above.partition(" #")[0].rstrip()):
            return f"Write a blank after the colon in line {at.line - 1}."
        return "Quote the value: a colon and a blank inside it start a map."
    if "cannot start any token" in told:
        return "Quote the value that starts here."
    if "did not find expected" in told:
        return "Look for a bracket, quote or comma that is missing, or for wrong indentation."
    return "Mend the place shown; the mistake is there or just before it."
