"""fqtool export and fqtool docs: files that are generated from the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli import completion
from fqtool.cli.options import REGISTRY, Format, RegistryPath, registry_words, report_findings, write_output

app = typer.Typer()


def _exports(incomplete: str) -> list[str]:
    """Complete the name of an export."""
    from fqtool.commands.export.run import EXPORTS

    return completion.begun(incomplete, EXPORTS)


_PAGES = {"markdown": "data-dictionary.md", "html": "data-dictionary.html"}
Check = Annotated[bool, typer.Option("--check", help="Compare with the file; exit 1 if it is stale.")]


@app.command()
def export(
    tool: Annotated[
        str,
        typer.Argument(
            help="dbt, odcs, terraform, feast, python, jsonschema, pydantic or avro.", autocompletion=_exports
        ),
    ],
    registry: RegistryPath = REGISTRY,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; - is stdout.")] = Path("-"),
    check: Check = False,
    form: Format = "text",
) -> None:
    """Write the registry in the format of another tool.

    No warehouse is read.
    """
    from fqtool.commands.export.run import export_named
    from fqtool.errors import UsageError
    from fqtool.lint.check import open_registry

    chosen = export_named(tool)
    if check and str(out) == "-":
        raise UsageError("--check needs a file.", remedy=f"Add --out, e.g. --out {chosen.file}.")
    text = chosen.render(open_registry(registry))
    _write_or_check(out, text, ("export", tool, *registry_words(registry), "--out", str(out)), form if check else None)


@app.command()
def docs(
    registry: RegistryPath = REGISTRY,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write into.", metavar="DIR")] = Path("docs"),
    form: Annotated[
        str, typer.Option("--format", "-f", help="The format of the page: markdown or html.", metavar="FORMAT")
    ] = "markdown",
    check: Check = False,
) -> None:
    """Write the data dictionary of the store.

    The dictionary lists the table, columns, features, lineage, alerts, gates, models and views. No warehouse is read.
    """
    from fqtool.commands.export.dictionary import dictionary
    from fqtool.errors import UsageError
    from fqtool.lint.check import open_registry

    if out.is_file():
        raise UsageError(f"--out {out} is a file; `docs` writes into a folder.", remedy="Name a folder.")
    if form not in _PAGES:
        raise UsageError(f"Unknown format {form!r}.", remedy=f"Use {' or '.join(_PAGES)}.")
    loaded = open_registry(registry)
    sheets = dictionary(loaded)
    if form == "html":
        from fqtool.commands.export.dictionary_pages import dictionary_html

        text = dictionary_html(loaded.table.name, sheets)
    else:
        from fqtool.commands.export.dictionary_pages import dictionary_markdown

        text = dictionary_markdown(loaded.table.name, sheets)
    option = () if form == "markdown" else ("--format", form)
    words = ("docs", *registry_words(registry), *option, "--out", str(out))
    _write_or_check(out / _PAGES[form], text, words, "text" if check else None)


def _write_or_check(path: Path, text: str, words: tuple[str, ...], check: str | None) -> None:
    """Write the file; or with a format in `check`, report whether the file is stale."""
    if check is None:
        write_output(path, text)
        return
    from fqtool.commands.export.run import stale_text

    findings, ok = stale_text(path, text, words), f"Up to date: `{path}` matches the registry."
    report_findings(findings, check, target=str(path), command=words[0], ok=ok)
