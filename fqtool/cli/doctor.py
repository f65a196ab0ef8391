"""fqtool doctor."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, TargetUrl, Timeout, tell, warehouse_of
from fqtool.cli.saying import say

app = typer.Typer()


@app.command()
def doctor(
    registry: RegistryPath = REGISTRY,
    commands: Annotated[
        list[str] | None,
        typer.Option("--for", help="What this command needs alone, e.g. check-drift; repeatable.", metavar="COMMAND"),
    ] = None,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Look for what would stop a command: versions, credentials, the target, permissions. Nothing is changed."""
    from fqtool.report.doctor_text import heading, print_libraries, print_proofs
    from fqtool.verbs.doctor import examine, libraries
    from fqtool.verbs.workspace import open_registry

    if form == "text":
        print_libraries(libraries(), sys.stdout)
    loaded = open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        if (host := os.environ.get("BIGQUERY_EMULATOR_HOST")) and warehouse.url.startswith("bigquery:"):
            say(f"BIGQUERY_EMULATOR_HOST is set: {host} answers in BigQuery's place.")
        found = examine(loaded, warehouse, commands or ())
    if form == "text":
        print_proofs(found, sys.stdout)
    tell(found.findings, form, target=found.url, command="doctor", ok=heading(found))
