"""Find the place in the file of a character of a text that YAML folds, quotes or indents."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fqtool.findings.finding import Location
from fqtool.registry.yaml.document import Document, Step

_BLOCK = re.compile(r"[|>][-+0-9]*[ \t]*(#[^\n]*)?\n\s*")
_BLANK = re.compile(r"\s*")


def place_in(document: Document, path: Sequence[Step], value: str, offset: int) -> Location:
    """Find the place of a character of a text.

    Args:
        document: The parsed file.
        path: The path of the text.
        value: The text, as parsed.
        offset: The index of the character in `value`, from 0.

    Returns:
        The place of the character, or the start of the text if escapes make it unclear.
    """
    _, start = document.indices(path)
    return document.location(_followed(document.text, start, value[:offset]))


def _followed(text: str, start: int, before: str) -> int:
    """Compare value and file side by side: a run of blanks matches any run of blanks."""
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
        # '' in single quotes and a backslash in double quotes precede the character that they escape.
        at += (quote == char == "'") or (quote == '"' and text[at : at + 1] == "\\")
        if text[at : at + 1] != char:
            return start
        place, at = place + 1, at + 1
    return at


def _end(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
