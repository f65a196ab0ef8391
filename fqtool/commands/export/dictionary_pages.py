"""The data dictionary as Markdown, with the lineage as a Mermaid graph, and as one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files

from fqtool.commands.export.dictionary import Cell, Node, Part, Sheet
from fqtool.errors import UsageError
from fqtool.output.markdown import code, escape

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
    if sheet.note:
        yield escape(sheet.note)
    if sheet.edges:
        yield _graph(sheet.edges)
    if sheet.headers and not sheet.rows:
        yield "No entries."
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
    """Write the characters that Mermaid or Markdown would read as markup as Mermaid's references."""
    return "".join(one if one.isalnum() or one in " _.-" else f"#{ord(one)};" for one in text)


def dictionary_html(name: str, sheets: Iterable[Sheet]) -> str:
    """Render the HTML page.

    Args:
        name: the title.
        sheets: the sheets.

    Raises:
        UsageError: the packages of the extra `report` are not installed.
    """
    try:
        import jinja2
    except ImportError:
        raise UsageError(
            "The HTML page needs the package jinja2.",
            remedy="Run pip install 'fqtool[report]', or use --format markdown.",
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fqtool.commands.export", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = files("fqtool.commands.export").joinpath("page", "dictionary.css").read_text(encoding="utf-8")
    return environment.get_template("dictionary.html.j2").render(name=name, sheets=list(sheets), style=style)
