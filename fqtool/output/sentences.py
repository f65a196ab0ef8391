"""Plain sentences in lines that fit the terminal; for them rich, which is slow to load, is not needed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def fitted(text: str, stream: TextIO) -> str:
    """Break text between words where a stream is a terminal; in a pipe each line stays whole.

    A terminal breaks a long line within a name. An indented line and one that begins with `Next` hold a command to
    be copied, so they are not broken.

    Args:
        text: the text, of one or more lines.
        stream: where it will be printed. As for tables, FORCE_COLOR with COLUMNS counts as a terminal.
    """
    if not (stream.isatty() or {"FORCE_COLOR", "COLUMNS"} <= os.environ.keys()):
        return text
    from shutil import get_terminal_size
    from textwrap import TextWrapper

    width = get_terminal_size().columns
    wrapper = TextWrapper(width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    lines = text.split("\n")
    return "\n".join(
        line if line.startswith((" ", "Next:", "Next (")) or len(line) <= width else wrapper.fill(line)
        for line in lines
    )
