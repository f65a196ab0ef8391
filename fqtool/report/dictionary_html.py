"""The data dictionary as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from fqtool.errors import UsageError
from fqtool.report.sheets import Sheet


def dictionary_html(name: str, sheets: Iterable[Sheet]) -> str:
    """Render the page. Raises UsageError where the packages of the extra `report` are not installed."""
    try:
        import jinja2
    except ImportError:
        raise UsageError(
            "The page needs a package for templates.", remedy="pip install 'fqtool[report]', or --format markdown"
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fqtool.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = files("fqtool.report").joinpath("page", "dictionary.css").read_text(encoding="utf-8")
    return environment.get_template("dictionary.html.j2").render(name=name, sheets=list(sheets), style=style)
