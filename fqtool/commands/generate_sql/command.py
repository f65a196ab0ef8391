"""fqtool generate-sql."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, report_findings, write_output
from fqtool.cli.output import say

app = typer.Typer()


@app.command("generate-sql")
def generate_sql(
    kind: Annotated[str, typer.Argument(help="The kind: scoring, table, view, writer, detection or monitoring.")],
    registry: RegistryPath = REGISTRY,
    dialect: Annotated[str, typer.Option(help="The SQL dialect: bigquery or duckdb.")] = "bigquery",
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; - is stdout.")] = Path("-"),
    check: Annotated[
        Path | None,
        typer.Option("--check", help="With writer, list the columns that this file's MERGE or INSERT lacks."),
    ] = None,
    form: Format = "text",
) -> None:
    """Print the SQL that fqtool generates from the registry."""
    from fqtool.commands.generate_sql.run import generated_sql
    from fqtool.lint.check import open_registry

    if check is not None:
        _check(registry, kind, check, form)
        return
    text = generated_sql(open_registry(registry), kind, dialect)
    write_output(out, text)
    if not text:
        say(f"{registry} has nothing for `generate-sql {kind}`.")


def _check(registry: Path, kind: str, file: Path, form: str) -> None:
    from fqtool.commands.generate_sql.check import check_writer_sql
    from fqtool.errors import UsageError
    from fqtool.lint.check import open_registry

    if kind != "writer":
        raise UsageError("--check compares the SQL of a writer.", remedy="Use generate-sql writer --check FILE.")
    findings = check_writer_sql(open_registry(registry), file)
    ok = f"No problems found in {file}."
    report_findings(findings, form, target=str(file), command="generate-sql", ok=ok)
