"""Python source: literals and comments of any text."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return text as a literal, in double quotes where it can be."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def remark(text: str) -> str:
    """Return text as one line that a comment can hold; what cannot be seen is written as an escape."""
    line = " ".join(text.split())
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
