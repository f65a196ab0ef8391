"""fqtool export."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, say, tell

app = typer.Typer()
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if what is there is stale.")]


@app.command()
def export(
    tool: Annotated[str, typer.Argument(help="dbt, odcs, terraform, feast or python.")],
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
    if check:
        from fqtool.verbs.export import stale_text

        given = "" if registry == REGISTRY else f" --registry {quote(str(registry))}"
        found = stale_text(out, text, f"fqtool export {tool}{given}")
        tell(found, form, target=str(out), command="export", ok=f"{out} is what the registry makes.")
    elif str(out) == "-":
        sys.stdout.write(text)
    else:
        from fqtool.warehouse.disk import write_text

        write_text(out, text)
        say(f"Wrote {out}.")
