"""Characters that a terminal, a file or XML cannot show, as escapes."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

# Bidirectional controls reorder the text that a reader sees. The others are invisible, so two names that differ look
# alike. The joiners U+200C and U+200D stay: emoji and several scripts are written with them.
_DECEPTIVE = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u00ad\u200b\u2060\ufeff"
)
_OBEYED = frozenset({"Cc", "Cs", "Zl", "Zp"})
_NOT_XML = "[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # compiled on first use, since that is slow


def visible(text: str, keep: str = "") -> str:
    r"""Return the text with control, bidirectional and invisible characters written as escapes (`\x1b`).

    Characters in `keep` stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not _hidden(char) else _escape(char) for char in text)


def visible_lines(text: str, keep: str = "\n") -> str:
    """Return text of several lines with the same characters written as escapes; `keep` stays as it is."""
    return visible(text.replace("\r\n", "\n"), keep)


def visible_block(text: str) -> str:
    """Return text of several lines that may contain commands to paste; tabs stay as they are."""
    return visible_lines(text, "\n\t")


def xml_text(text: str) -> str:
    """Return the text with the characters that XML 1.0 cannot contain written as escapes.

    A carriage return is legal, but every parser turns it into a newline, so it is escaped too.
    """
    return re.sub(_NOT_XML, lambda found: _escape(found[0]), text)


def write(text: str, stream: TextIO) -> None:
    """Write the text; characters that the stream's encoding lacks are written as escapes."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _hidden(char: str) -> bool:
    return char in _DECEPTIVE or unicodedata.category(char) in _OBEYED


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
