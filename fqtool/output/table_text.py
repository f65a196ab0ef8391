"""A table as text: with borders on a terminal, plain aligned columns in a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from rich.console import JustifyMethod
    from rich.table import Table
    from rich.text import Text

    from fqtool.output.console import Page

_BORDER = 3
_HANG = 4


def print_table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], stream: TextIO) -> None:
    """Print rows under headers.

    A column of numbers is right-aligned, None is an empty cell, a column without any value is left out. Nothing is cut:
    in a pipe a row is one line of any length. On a terminal cells with spaces wrap. Where the longest words do not fit
    side by side, each row is printed as a block of `header: cell` lines.

    Args:
        title: a line above the table; "" prints none.
        headers: the column titles.
        rows: the rows, each as long as `headers`.
        stream: where to print.
    """
    from rich.text import Text

    from fqtool.output.characters import visible
    from fqtool.output.console import Page

    page = Page(stream)
    values = [tuple(row) for row in rows]
    columns = [_column(header, [row[position] for row in values]) for position, header in enumerate(headers)]
    columns = [column for column in columns if any(column.cells) or not values]
    if title:
        page.write([Text(visible(title), "bold")])
    if page.width is None or _narrowest(columns) <= page.width:
        page.write(line.rstrip() for line in page.rendered(_grid(columns, page)).splitlines())
    else:
        page.write(_blocks(columns, page))


class Figure(float):
    """A number in a table with its own text, aligned right: `Figure(0.5, "50%")`.

    Args:
        value: The number, None for an empty cell.
        text: Its text, or a format such as `{:,.0f}`.
    """

    text: str

    def __new__(cls, value: float | None, text: str = "{:,.0f}") -> Self:
        """Take the number and its text."""
        figure = super().__new__(cls, 0.0 if value is None else value)
        figure.text = "" if value is None else text.format(value)
        return figure

    def __str__(self) -> str:
        """Return the text."""
        return self.text


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    cells: tuple[str, ...]
    numeric: bool

    @property
    def whole(self) -> bool:
        """Whether no cell contains a space. Names and numbers are not wrapped on a narrow terminal."""
        return not any(" " in cell for cell in self.cells)

    def narrowest(self) -> int:
        from rich.cells import cell_len

        texts = (self.header, *self.cells)
        return max(cell_len(word) for text in texts for word in ([text] if self.whole else text.split(" ")))


def _column(header: str, values: Sequence[object]) -> _Column:
    from fqtool.output.characters import visible

    cells = tuple(visible("" if value is None else str(value)) for value in values)
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in values]
    return _Column(visible(header), cells, bool(numbers) and all(numbers))


def _narrowest(columns: Sequence[_Column]) -> int:
    return sum(column.narrowest() + _BORDER for column in columns) + 1


def _grid(columns: Sequence[_Column], page: Page) -> Table:
    from rich.box import ROUNDED
    from rich.table import Table

    if page.width is None:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
    else:
        table = Table(box=ROUNDED, border_style="dim", header_style="bold")
    for column in columns:
        justify: JustifyMethod = "right" if column.numeric else "left"
        table.add_column(column.header, justify=justify, no_wrap=column.whole, overflow="fold")
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table


def _blocks(columns: Sequence[_Column], page: Page) -> Iterator[Text]:
    from rich.text import Text

    for row in zip(*(column.cells for column in columns), strict=True):
        for column, cell in zip(columns, row, strict=True):
            if cell:
                yield from page.wrapped(Text.assemble((f"{column.header}:", "bold"), " "), Text(cell), _HANG)
        yield Text()


def index_ranges(indexes: Iterable[int]) -> str:
    """Return 5-8, 13 for 5, 6, 7, 8, 13."""
    spans: list[list[int]] = []
    for index in indexes:
        if spans and index == spans[-1][-1] + 1:
            spans[-1].append(index)
        else:
            spans.append([index])
    return ", ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)
