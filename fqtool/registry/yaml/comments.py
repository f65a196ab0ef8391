"""Read the comments that address fqtool: `# fqtool: ignore FQ131 the reason`."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from fqtool.findings.finding import Location
from fqtool.registry.yaml.document import MARK, Document

_MARKED = re.compile(rf"#[ \t]*{MARK}")
_REST = re.compile(r"[^\r\n]*")
_PARTS = re.compile(rf"#[ \t]*{MARK}[ \t]*(?P<verb>\S*)[ \t]*(?P<codes>FQ\w*(?:[ \t]*,[ \t]*FQ\w*)*)?[ \t]*(?P<why>.*)")
_ALONE = re.compile(r"[ \t]*(#.*)?")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment for fqtool: its place, text, verb (`ignore`), rule codes and reason.

    `about` is the line, from 1, that it applies to: its own line, or the next line with content if the comment is
    alone on its line.
    """

    at: Location
    text: str
    verb: str
    codes: tuple[str, ...]
    reason: str
    about: int


def comments(document: Document) -> tuple[Comment, ...]:
    """Return the comments for fqtool, in the order of the text. A # inside a YAML value does not start a comment."""
    if MARK not in document.text:
        return ()
    starts = [start for start, _ in document.scalars]
    found = []
    for match in _MARKED.finditer(document.text):
        at, before = match.start(), document.text[match.start() - 1 : match.start()]
        inside = bisect_right(starts, at) - 1
        if (before and not before.isspace()) or (inside >= 0 and at < document.scalars[inside][1]):
            continue
        rest = _REST.match(document.text, at)
        found.append(_read(document, at, rest[0].rstrip() if rest else ""))
    return tuple(found)


def _read(document: Document, index: int, text: str) -> Comment:
    parts = _PARTS.match(text)
    if parts is None:
        raise AssertionError(text)  # this pattern matches whatever `_MARKED` matches
    at = document.location(index)
    codes = tuple(one.strip() for one in (parts["codes"] or "").split(",") if one.strip())
    return Comment(at, text, parts["verb"], codes, parts["why"].strip(" \t:-"), _about(document, at))


def _about(document: Document, at: Location) -> int:
    lines = document.lines
    if lines[at.line - 1][: at.column - 1].strip():
        return at.line
    after = range(at.line, len(lines))
    return next((number + 1 for number in after if not _ALONE.fullmatch(lines[number])), at.line)
