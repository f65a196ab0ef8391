"""Conflict markers that a merge leaves in a text file."""

from __future__ import annotations

import re
from collections.abc import Sequence

_OURS, _BASE, _THEIRS, _END = (re.compile(rf"{re.escape(sign)}{{7}}(?: .*)?") for sign in "<|=>")
_MARKER = re.compile(r"(?:<{7}|>{7})(?: .*)?")


def conflict_line(lines: Sequence[str]) -> int:
    """Return the number, from 1, of the first line that is a conflict marker; 0 if no line is."""
    return next((number for number, line in enumerate(lines, 1) if _MARKER.fullmatch(line)), 0)


def side(text: str, *, ours: bool) -> str:
    """Return one side of a text with merge conflicts: that of `git checkout --ours`, or of `--theirs`."""
    kept, keeping = list[str](), True
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        if _OURS.fullmatch(bare):
            keeping = ours
        elif _BASE.fullmatch(bare):
            keeping = False
        elif _THEIRS.fullmatch(bare):
            keeping = not ours
        elif _END.fullmatch(bare):
            keeping = True
        elif keeping:
            kept.append(line)
    return "".join(kept)
