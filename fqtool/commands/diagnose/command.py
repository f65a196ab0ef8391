"""fqtool diagnose."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from fqtool.cli.dates import date_option, day_of, newest_day
from fqtool.cli.options import (
    REGISTRY,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    open_warehouse,
    report_findings,
    warehouse_of,
)
from fqtool.cli.stores import other_stores

app = typer.Typer()


@app.command()
def diagnose(
    date: Annotated[str | None, date_option("The date, by default the newest one with rows", "--date")] = None,
    registry: RegistryPath = REGISTRY,
    baseline: Annotated[int, typer.Option(help="Days before the date to compare it with.", metavar="DAYS")] = 14,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Diagnose a date: affected features, onset, cause, fix.

    Exit 1 if any problem is found.
    """
    from fqtool.commands.diagnose.run import diagnosis_of, healthy, print_surroundings, require_any_rows
    from fqtool.findings.remedy import commands
    from fqtool.lint.check import open_registry

    given, loaded = None if date is None else day_of(date), open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        found = diagnosis_of(loaded, warehouse, given or newest_day(loaded, warehouse), baseline)
        require_any_rows(found, loaded, warehouse, baseline)
    stores = other_stores(target) if found.findings and any(one.table for one in loaded.processors) else []
    if stores:
        from fqtool.commands.diagnose.upstream import Upstream, followed

        upstream = [Upstream(*one, partial(open_warehouse, one[2], timeout)) for one in stores]
        found = replace(found, findings=followed(found.findings, loaded, found.day, upstream))
    if form == "text" and found.findings:
        print_surroundings(found, loaded, sys.stdout)
    report_findings(
        found.findings, form, target=warehouse.url, command="diagnose", ok=healthy(found),
        following=commands(f"daily --date {found.day}", first="After the fix:"),
        also={"date": str(found.day)},
    )  # fmt: skip
