"""fqtool check-code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.options import REGISTRY, Format, RegistryPath, report_findings

app = typer.Typer()


@app.command("check-code")
def check_code(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of .py, .sql, .yaml and .yml files.")],
    registry: RegistryPath = REGISTRY,
    form: Format = "text",
) -> None:
    """Find feature names in code that contradict the registry."""
    from fqtool.commands.check_code.run import check_code as check
    from fqtool.lint.check import open_registry

    checked = check(open_registry(registry), paths)
    also = f", {checked.not_read} not read" if checked.not_read else ""
    ok = f"{counted(checked.files, 'file')} checked{also}: no list of names disagrees with the registry."
    report_findings(checked.findings, form, target=" ".join(map(str, paths)), command="check-code", ok=ok)
