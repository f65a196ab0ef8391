"""fqtool demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.options import MIGRATIONS, REGISTRY, Folder, RegistryPath, with_options, with_options_in, workspace_of
from fqtool.cli.output import current_run, say

if TYPE_CHECKING:
    from fqtool.commands.report.run import Report
    from fqtool.workspace import Workspace


app = typer.Typer()


@app.command()
def demo(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    file: Annotated[Path, typer.Option(help="The DuckDB file to create.")] = Path(".fqtool/demo.duckdb"),
) -> None:
    """Run the whole workflow on embedded DuckDB.

    The demo uses a database file of its own.
    """
    from fqtool.commands.demo.run import shipped

    if (registry, folder) == (REGISTRY, MIGRATIONS) and not (registry.exists() or folder.exists()):
        registry, folder = shipped()
        say("There is no registry in this folder, so the demo uses the feature store that comes with fqtool.")
    show_demo(workspace_of(registry, folder), file)


def show_demo(workspace: Workspace, file: Path) -> None:
    """Run the demo and print each step. Its report is written beside the file."""
    from fqtool.commands.backfill.command import watched
    from fqtool.commands.demo.run import Step, run_demo
    from fqtool.commands.diagnose.run import print_surroundings
    from fqtool.findings.remedy import commands
    from fqtool.output.findings import print_findings
    from fqtool.output.table_text import print_table

    run = current_run()
    given = list(run.options)

    def show(step: Step) -> None:
        if step.command.startswith("fqtool "):
            run.options = given
            print(f"\n$ {with_options(commands(step.command.removeprefix('fqtool ')))}", flush=True)
        elif step.command:
            print(f"\n# {step.command}", flush=True)
        for line in step.lines:
            print(line)
        for sheet in step.sheets:
            print()
            print_table(sheet.title, sheet.headers, sheet.rows, sys.stdout)
        if step.diagnosis is not None:
            print_surroundings(step.diagnosis, workspace.registry, sys.stdout)
        if step.report is not None:
            print(_page(step.report, file.with_suffix(".html")))
        if step.findings is not None:
            run.options = [*given, "--target", step.target]  # of the commands that the findings advise
            print_findings(
                with_options_in(step.findings),
                "text",
                target=step.target,
                command=step.command,
                ok_message=step.ok,
                stream=sys.stdout,
            )

    run_demo(workspace, file, show, watched)


def _page(report: Report, path: Path) -> str:
    """Write the page and return a line about it; where packages are missing, the line names them."""
    from fqtool.commands.report.html import html_of
    from fqtool.errors import UsageError
    from fqtool.warehouse.files import write_text

    try:
        write_text(path, html_of(report))
    except UsageError as error:
        return f"{error} {error.remedy}"
    return f"Wrote {path}. Open it in a browser."
