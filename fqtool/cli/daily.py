"""fqtool daily."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, TargetUrl, Timeout, day_of, tell, warehouse_of
from fqtool.cli.saying import say

app = typer.Typer()


class FailOn(StrEnum):
    """What makes the command exit 1."""

    WARNING = "warning"
    ERROR = "error"


@app.command()
def daily(
    date: Annotated[str, typer.Option("--date", help="The date, e.g. 2026-02-06.", metavar="DATE")],
    registry: RegistryPath = REGISTRY,
    baseline: Annotated[int, typer.Option(help="Days before it to compare with.", metavar="DAYS")] = 14,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="What makes it exit 1.")] = FailOn.WARNING,
    require_rows: Annotated[bool, typer.Option("--require-rows", help="Exit 1 if the date has no rows.")] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Check a date for cron and CI: its figures against the thresholds, and what is wrong; exit 1 if anything is."""
    from fqtool.report.daily_text import figures
    from fqtool.report.diagnosis_text import heading
    from fqtool.report.table_text import print_table
    from fqtool.verbs.daily import daily_of
    from fqtool.verbs.workspace import open_registry

    day, loaded = day_of(date), open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        found = daily_of(loaded, warehouse, day, baseline)
        told = heading(found.diagnosis)
        if form == "text" and found.checks:
            print_table(told, *figures(found.checks), sys.stdout)
            print()
        ok = "All is well." if found.checks and form == "text" else told
        tell(
            found.findings,
            form,
            target=warehouse.url,
            command="daily",
            ok=ok,
            errors_only=fail_on is FailOn.ERROR,
        )
    if found.diagnosis.today is None and require_rows:
        say("Rows are required.")
        raise typer.Exit(1)
