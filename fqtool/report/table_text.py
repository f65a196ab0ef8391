"""A table as text: ruled on a terminal, plain aligned columns in a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from rich.console import JustifyMethod
    from rich.table import Table
    from rich.text import Text

    from fqtool.report.console import Page

_BORDER = 3
_HANG = 4


def print_table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], stream: TextIO) -> None:
    """Print rows under headers; a column of numbers is aligned right, None is an empty cell.

    Nothing is cut: in a pipe one row is one line of any length, on a terminal cells wrap, and where even
    the longest words do not fit side by side each row becomes a block of `header: cell` lines.
    """
    from rich.text import Text

    from fqtool.report.characters import visible
    from fqtool.report.console import Page

    page = Page(stream)
    values = [tuple(row) for row in rows]
    columns = [_column(header, [row[position] for row in values]) for position, header in enumerate(headers)]
    if title:
        page.write([Text(visible(title), "bold")])
    if page.width is None or _narrowest(columns) <= page.width:
        page.write(line.rstrip() for line in page.rendered(_grid(columns, page)).splitlines())
    else:
        page.write(_blocks(columns, page))


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    cells: tuple[str, ...]
    numeric: bool

    @property
    def whole(self) -> bool:
        """Names and numbers keep their width, so that what gives way on a narrow terminal is prose."""
        return not any(" " in cell for cell in self.cells)

    def narrowest(self) -> int:
        from rich.cells import cell_len

        texts = (self.header, *self.cells)
        return max(cell_len(word) for text in texts for word in ([text] if self.whole else text.split(" ")))


def _column(header: str, values: Sequence[object]) -> _Column:
    from fqtool.report.characters import visible

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
