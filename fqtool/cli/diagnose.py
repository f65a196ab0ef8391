"""fqtool diagnose."""

from __future__ import annotations

from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, TargetUrl, Timeout, tell, warehouse_of

app = typer.Typer()


@app.command()
def diagnose(
    date: Annotated[str, typer.Option("--date", help="The date, e.g. 2026-02-06.", metavar="DATE")],
    registry: RegistryPath = REGISTRY,
    baseline: Annotated[int, typer.Option(help="Days before it to compare with.", metavar="DAYS")] = 14,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Name what is wrong with a date: features, rows, since when, whose fault, and what to run; exit 1 if anything."""
    from fqtool.cli.options import day_of
    from fqtool.report.diagnosis_text import healthy, surroundings
    from fqtool.verbs.diagnose import diagnosis_of
    from fqtool.verbs.workspace import open_registry

    day, loaded = day_of(date), open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        found = diagnosis_of(loaded, warehouse, day, baseline)
        if form == "text" and found.findings:
            print("\n".join(surroundings(found, loaded)))
        tell(found.findings, form, target=warehouse.url, command="diagnose", ok=healthy(found))
