"""The source line that a finding is about, with a caret under the place, as good compilers show it."""

from __future__ import annotations

import re
from pathlib import Path

from rich.cells import cell_len, set_cell_size

from fqtool.finding import Location
from fqtool.report.characters import visible

_TOKEN = re.compile(r"\w[\w.-]*")
_LARGEST = 8 * 1024 * 1024
_WIDEST = 120
_CUT = "..."
_GUTTER = 9
_BEFORE_CARET = 0.6  # share of a cropped line that stays left of the caret


class SourceLines:
    """Reads each file once, and only regular files of a sane size: a FIFO would block forever."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def excerpt(self, place: Location, width: int | None) -> tuple[str, str] | None:
        """Return the numbered source line and the caret line below it, or None where there is nothing to show."""
        line = self._line(place)
        if line is None or not line.strip():
            return None
        start = min(max(place.column - 1, 0), len(line))
        token = _TOKEN.match(line, start)
        end = token.end() if token else min(start + 1, len(line))
        before, under, after = (_shown(part) for part in (line[:start], line[start:end], line[end:]))
        before, after = _crop(before, under, after, min(width or _WIDEST, _WIDEST) - _GUTTER)
        carets = "^" * max(cell_len(under), 1) if place.column else ""
        blank = " " * cell_len(before)
        return f"{place.line:>6} | {before}{under}{after}", f"{'':>6} | {blank}{carets}" if carets else ""

    def between(self, start: Location, end: Location) -> list[str]:
        """Return the lines from one place to another; one that ends at the start of a line leaves that line out."""
        last = end.line - (end.column == 1 and end.line > start.line)
        found = (self._line(Location(start.file, number)) for number in range(start.line, last + 1))
        return [line for line in found if line is not None]

    def _line(self, place: Location) -> str | None:
        if place.file not in self._files:
            self._files[place.file] = _read(place.file)
        lines = self._files[place.file]
        return lines[place.line - 1] if 0 < place.line <= len(lines) else None


def _read(file: str) -> list[str]:
    try:
        path = Path(file)
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return []
        return path.read_text(encoding="utf-8", errors="replace").split("\n")
    except (OSError, ValueError):
        return []


def _shown(text: str) -> str:
    return visible(text.replace("\t", "    "))


def _crop(before: str, under: str, after: str, width: int) -> tuple[str, str]:
    """Shorten what stands left and right of the place, so that the place itself stays in view."""
    if cell_len(before + under + after) <= width:
        return before, after
    left = max(int(width * _BEFORE_CARET), width - cell_len(under + after))
    if cell_len(before) > left:
        before = before[-left:]
        while cell_len(before) > left - len(_CUT):
            before = before[1:]
        before = _CUT + before
    right = max(width - cell_len(before + under), len(_CUT))
    if cell_len(after) > right:
        after = set_cell_size(after, right - len(_CUT)).rstrip() + _CUT
    return before, after
