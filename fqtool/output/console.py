"""Text for people: width and colour of the terminal."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from fqtool.output.characters import write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from rich.console import RenderableType


_NARROWEST = 20  # below this, wrapping makes text harder to read than an overlong line
_UNBOUNDED = 1_000_000
_WORD = re.compile("[^ ]+ *")


class Page:
    """A stream, its rich console, and the `width` in cells at which to break lines.

    The width of a pipe is not set: its lines stay whole, so that grep finds them. FORCE_COLOR alone enables colour
    (CI logs); together with COLUMNS it enables wrapping too.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.console = Console(
            file=stream,
            color_system=None if os.environ.get("NO_COLOR") else "auto",
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=True,
        )
        asked = self.console.is_terminal and "COLUMNS" in os.environ
        self.width = self.console.width if asked or stream.isatty() else None
        if self.width is None:
            self.console.width = _UNBOUNDED

    def wrapped(self, first: Text, body: Text, hang: int) -> list[Text]:
        """Break text into lines between words; a word wider than the page gets a line of its own.

        Args:
            first: the label before the first line.
            body: the text.
            hang: cells by which the other lines are indented.
        """
        lines: list[Text] = []
        for paragraph in body.split("\n", allow_blank=True) or [body]:
            label = 0 if lines else max(cell_len(first.plain) - hang, 0)
            breaks = self.width and _breaks(paragraph.plain, max(self.width - hang, _NARROWEST), label)
            lines.extend(paragraph.divide(breaks or ()))
        indent = Text(" " * hang)
        wrapped = [(indent if number else first) + line for number, line in enumerate(lines)]
        for line in wrapped:
            line.rstrip()
        return wrapped

    def rendered(self, thing: RenderableType) -> str:
        """Return what rich would print, without its last line break."""
        if isinstance(thing, Text) and self.console.color_system is None:
            return thing.plain  # rich is slow, and thousands of findings may be written to a pipe
        with self.console.capture() as printed:
            self.console.print(thing, end="")
        return printed.get()

    def write(self, lines: Iterable[Text | str]) -> None:
        """Write the lines; a plain string is written unchanged."""
        texts = [line if isinstance(line, str) else self.rendered(line) for line in lines]
        write("".join(f"{text}\n" for text in texts), self.stream)


def _breaks(text: str, width: int, column: int) -> list[int]:
    """Return the offsets at which to break; `column` is where the text begins.

    Rich's own wrapping either cuts long words or does not wrap.
    """
    offsets: list[int] = []
    for word in _WORD.finditer(text):
        if column and column + cell_len(word[0].rstrip()) > width:
            offsets.append(word.start())
            column = 0
        column += cell_len(word[0])
    return offsets
