"""fqtool generate-schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, registry_words, report_findings, write_output

app = typer.Typer()


@app.command("generate-schema")
def generate_schema(
    registry: RegistryPath = REGISTRY,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; - is stdout.")] = Path("-"),
    check: Annotated[
        Path | None, typer.Option("--check", help="Compare with this file; exit 1 if it is stale.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Write the whole table, base columns first.")] = False,
    form: Format = "text",
) -> None:
    """Write the managed columns as BigQuery schema JSON.

    `bq` and Terraform read this format.
    """
    from fqtool.commands.generate_schema.run import generated_schema, stale_schema
    from fqtool.lint.check import open_registry

    loaded = open_registry(registry)
    if check is not None:
        words = ("generate-schema", *registry_words(registry), *["--full"] * full, "--out", str(check))
        findings = stale_schema(loaded, check, full=full, words=words)
        ok = f"Up to date: `{check}` matches the registry."
        report_findings(findings, form, target=str(check), command="generate-schema", ok=ok)
        return
    write_output(out, generated_schema(loaded, full=full))
