"""Where a character of a text stands in the file, when YAML folded, quoted or indented the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fqtool.finding import Location
from fqtool.registry.document import Document, Step

_BLOCK = re.compile(r"[|>][-+0-9]*[ \t]*(#[^\n]*)?\n\s*")
_BLANK = re.compile(r"\s*")


def place_in(document: Document, path: Sequence[Step], value: str, offset: int) -> Location:
    """Return the place of the character at `offset` of the text `value` that stands at `path`.

    It is where the text begins, if escapes hide the character.
    """
    _, start = document.indices(path)
    return document.location(_followed(document.text, start, value[:offset]))


def _followed(text: str, start: int, before: str) -> int:
    """Read value and file side by side: any run of blanks in one is a run of blanks in the other."""
    block = _BLOCK.match(text, start)
    quote = text[start : start + 1] if text[start : start + 1] in ("'", '"') else ""
    at = block.end() if block else start + len(quote)
    place = len(before) - len(before.lstrip()) if block else 0
    while place < len(before):
        char = before[place]
        if char.isspace():
            ends = _end(before, place), _end(text, at)
            if ends[1] == at:
                return start
            place, at = ends
            continue
        # '' in single quotes and a backslash in double quotes stand before the character they protect.
        at += (quote == char == "'") or (quote == '"' and text[at : at + 1] == "\\")
        if text[at : at + 1] != char:
            return start
        place, at = place + 1, at + 1
    return at


def _end(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
