"""fqtool doctor."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, TargetUrl, Timeout, report_findings, warehouse_of
from fqtool.cli.output import say

app = typer.Typer()


@app.command()
def doctor(
    registry: RegistryPath = REGISTRY,
    commands: Annotated[
        list[str] | None,
        typer.Option(
            "--for", help="Check only what this command needs, e.g. check-drift. Repeatable.", metavar="COMMAND"
        ),
    ] = None,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Check versions, credentials, target and permissions.

    Nothing is changed.
    """
    from fqtool.commands.doctor.run import examine, heading, libraries, print_libraries, print_proofs
    from fqtool.lint.check import open_registry

    if form == "text":
        print_libraries(libraries(), sys.stdout)
    loaded = open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        if (host := os.environ.get("BIGQUERY_EMULATOR_HOST")) and warehouse.url.startswith("bigquery:"):
            say(f"BIGQUERY_EMULATOR_HOST is set: fqtool talks to the emulator {host}, not to BigQuery.")
        checkup = examine(loaded, warehouse, commands or ())
    if form == "text":
        print_proofs(checkup, sys.stdout)
    report_findings(checkup.findings, form, target=checkup.url, command="doctor", ok=heading(checkup))
