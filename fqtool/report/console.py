"""The page that text goes to: a terminal of some width, or a pipe that must stay plain."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from fqtool.report.characters import write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from rich.console import RenderableType

_NARROWEST = 20  # below this, wrapping makes text harder to read than an overlong line
_UNBOUNDED = 1_000_000
_WORD = re.compile("[^ ]+ *")


class Page:
    """A stream, what rich knows about it, and the `width` at which to break lines.

    The width of a pipe is None: its lines stay whole, so that grep finds them. FORCE_COLOR alone asks for
    colour (CI logs); together with COLUMNS, for everything a terminal gets.
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
        """Return `first` and `body` as lines; the lines after the first are indented by `hang`.

        Breaks come between words only: a word wider than the page gets a line of its own, uncut.
        """
        lines: list[Text] = []
        for paragraph in body.split("\n", allow_blank=True) or [body]:
            breaks = self.width and _breaks(paragraph.plain, max(self.width - hang, _NARROWEST))
            lines.extend(paragraph.divide(breaks or ()))
        indent = Text(" " * hang)
        told = [(indent if number else first) + line for number, line in enumerate(lines)]
        for line in told:
            line.rstrip()
        return told

    def rendered(self, thing: RenderableType) -> str:
        """Return what rich would print, without its last line break."""
        if isinstance(thing, Text) and self.console.color_system is None:
            return thing.plain  # rich takes its time, and thousands of findings go to a pipe
        with self.console.capture() as printed:
            self.console.print(thing, end="")
        return printed.get()

    def write(self, lines: Iterable[Text | str]) -> None:
        """Write the lines; a plain string goes out exactly as it is."""
        told = [line if isinstance(line, str) else self.rendered(line) for line in lines]
        write("".join(f"{line}\n" for line in told), self.stream)


def _breaks(text: str, width: int) -> list[int]:
    """Return the offsets at which to break; rich's own wrapping either cuts long words or wraps nothing."""
    offsets: list[int] = []
    column = 0
    for word in _WORD.finditer(text):
        if column and column + cell_len(word[0].rstrip()) > width:
            offsets.append(word.start())
            column = 0
        column += cell_len(word[0])
    return offsets
