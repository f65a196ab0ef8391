"""Sheets of linked cells: what a page of tables says, before Markdown or HTML draws it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Text in a cell: `code` as it is written somewhere, `link` the anchor that it leads to, without #."""

    text: str
    code: bool = False
    link: str = ""


Cell = tuple[Part, ...]
"""Parts of a cell, with a comma between them."""


Node = tuple[str, str]
"""In a graph: what a thing is (feature, processor or table), and its name."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet, which others may link to by its anchor."""

    cells: tuple[Cell, ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table under a heading. `level` 2 is a section, 3 stands within one."""

    title: str
    anchor: str
    headers: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    told: str = ""
    level: int = 2
    edges: tuple[tuple[Node, Node], ...] = ()
    """For a graph: from where, to where."""


def text(*texts: object) -> Cell:
    """Return plain parts; None and "" are left out."""
    return tuple(Part(str(one)) for one in texts if one not in (None, ""))


def code(*texts: str) -> Cell:
    """Return parts as code; "" is left out."""
    return tuple(Part(one, code=True) for one in texts if one)


def number(value: float) -> str:
    """Return a number without needless digits: 95 for 95.0."""
    return f"{value:g}"
