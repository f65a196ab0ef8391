"""fqtool export and fqtool docs: files that are made from the registry."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from fqtool.cli import completion
from fqtool.cli.options import REGISTRY, Format, RegistryPath, tell
from fqtool.cli.saying import say

app = typer.Typer()
_PAGES = {"markdown": "data-dictionary.md", "html": "data-dictionary.html"}
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if what is there is stale.")]


@app.command()
def export(
    tool: Annotated[
        str, typer.Argument(help="dbt, odcs, terraform, feast or python.", autocompletion=completion.exports)
    ],
    registry: RegistryPath = REGISTRY,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write; - is stdout.")] = Path("-"),
    check: Check = False,
    form: Format = "text",
) -> None:
    """Write the registry as another tool reads it. Asks no warehouse."""
    from fqtool.errors import UsageError
    from fqtool.exports.targets import export_named
    from fqtool.verbs.workspace import open_registry

    chosen = export_named(tool)
    if check and str(out) == "-":
        raise UsageError("--check compares with a file.", remedy=f"Name it: --out {chosen.file}.")
    text = chosen.render(open_registry(registry))
    if not check and str(out) == "-":
        sys.stdout.write(text)
        return
    _put(out, text, f"fqtool export {tool}{_given(registry)} --out {quote(str(out))}", form if check else None)


@app.command()
def docs(
    registry: RegistryPath = REGISTRY,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write into.", metavar="DIR")] = Path("docs"),
    form: Annotated[str, typer.Option("--format", "-f", help="markdown or html.", metavar="FORMAT")] = "markdown",
    check: Check = False,
) -> None:
    """Write the data dictionary: table, columns, features, lineage, alerts, gates, models, views. Asks no warehouse."""
    from fqtool.errors import UsageError
    from fqtool.report.dictionary import dictionary
    from fqtool.verbs.workspace import open_registry

    if form not in _PAGES:
        raise UsageError(f"There is no page in {form!r}.", remedy=f"Use {' or '.join(_PAGES)}.")
    loaded = open_registry(registry)
    sheets = dictionary(loaded)
    if form == "html":
        from fqtool.report.dictionary_html import dictionary_html

        text = dictionary_html(loaded.table.name, sheets)
    else:
        from fqtool.report.dictionary_markdown import dictionary_markdown

        text = dictionary_markdown(loaded.table.name, sheets)
    told = "" if form == "markdown" else f" --format {form}"
    remedy = f"fqtool docs{_given(registry)}{told} --out {quote(str(out))}"
    _put(out / _PAGES[form], text, remedy, "text" if check else None)


def _given(registry: Path) -> str:
    return "" if registry == REGISTRY else f" --registry {quote(str(registry))}"


def _put(path: Path, text: str, remedy: str, check: str | None) -> None:
    """Write the file; or with a format in `check`, tell whether it would be the same."""
    if check is not None:
        from fqtool.verbs.export import stale_text

        command = remedy.split()[1]
        found = stale_text(path, text, remedy)
        tell(found, check, target=str(path), command=command, ok=f"{path} is what the registry makes.")
        return
    from fqtool.warehouse.disk import write_text

    write_text(path, text)
    say(f"Wrote {path}.")
