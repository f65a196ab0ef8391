"""The data dictionary as Markdown, with the lineage as a Mermaid graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fqtool.report.markdown import code, escape
from fqtool.report.sheets import Cell, Node, Part, Sheet

NOTE = "<!-- Written by `fqtool docs`; change the registry, not this file. -->"
_SHAPES = {"feature": '["{}"]', "processor": '(["{}"])', "table": '[("{}")]'}


def dictionary_markdown(name: str, sheets: Iterable[Sheet]) -> str:
    """Return the page."""
    listed = list(sheets)
    links = " | ".join(f"[{escape(one.title)}](#{one.anchor})" for one in listed if one.level == 2)  # noqa: PLR2004
    parts = [NOTE, f"# {escape(name)}", links, *(line for one in listed for line in _sheet(one))]
    return "\n\n".join(parts) + "\n"


def _sheet(sheet: Sheet) -> Iterator[str]:
    yield f'<a id="{sheet.anchor}"></a>\n\n{"#" * sheet.level} {escape(sheet.title)}'
    if sheet.told:
        yield escape(sheet.told)
    if sheet.edges:
        yield _graph(sheet.edges)
    if sheet.headers and not sheet.rows:
        yield "There are none."
    if sheet.rows:
        lines = [f"| {' | '.join(sheet.headers)} |", f"|{' --- |' * len(sheet.headers)}"]
        for row in sheet.rows:
            cells = [_cell(one) for one in row.cells]
            if row.anchor:
                cells[0] = f'<a id="{row.anchor}"></a>{cells[0]}'
            lines.append(f"| {' | '.join(cells)} |")
        yield "\n".join(lines)


def _cell(cell: Cell) -> str:
    return ", ".join(_part(one) for one in cell)


def _part(one: Part) -> str:
    shown = code(one.text) if one.code else escape(one.text)
    return f"[{shown}](#{one.link})" if one.link else shown


def _graph(edges: Iterable[tuple[Node, Node]]) -> str:
    ends = list(edges)
    numbers = {node: f"n{number}" for number, node in enumerate(dict.fromkeys(node for edge in ends for node in edge))}
    lines = [f"  {number}{_SHAPES[kind].format(_label(name))}" for (kind, name), number in numbers.items()]
    lines += [f"  {numbers[start]} --> {numbers[end]}" for start, end in ends]
    return "\n".join(["```mermaid", "graph LR", *lines, "```"])


def _label(text: str) -> str:
    """Mermaid's own references, for what it or Markdown would take for markup."""
    return "".join(one if one.isalnum() or one in " _.-" else f"#{ord(one)};" for one in text)
