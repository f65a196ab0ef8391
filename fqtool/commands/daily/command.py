"""fqtool daily."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from fqtool.cli.dates import date_option, day_of, newest_day
from fqtool.cli.options import (
    REGISTRY,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    report_findings,
    warehouse_of,
    with_options_in,
)
from fqtool.cli.output import say

app = typer.Typer()
_WHOLE_IN_DAILY = ("FQ617", "FQ624", "FQ643", "FQ644")
"""The findings of which `diagnose` shows no more: they are about no feature and no gate."""
_MORE = "To show the defaulted features and gates of the date:"


class FailOn(StrEnum):
    """What makes the command exit 1."""

    WARNING = "warning"
    ERROR = "error"


@app.command()
def daily(
    date: Annotated[str | None, date_option("The date, by default the newest one with rows", "--date")] = None,
    registry: RegistryPath = REGISTRY,
    baseline: Annotated[int, typer.Option(help="Days before the date to compare it with.", metavar="DAYS")] = 14,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", metavar="LEVEL", help="The lowest severity that exits 1: warning or error.")
    ] = FailOn.WARNING,
    require_rows: Annotated[bool, typer.Option("--require-rows", help="Exit 1 if the date has no rows.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every figure and every finding.")] = False,
    notify: Annotated[
        str | None,
        typer.Option("--notify", envvar="FQTOOL_NOTIFY", metavar="URL", help="Post problems to this webhook, as JSON."),
    ] = None,
    notify_always: Annotated[
        bool, typer.Option("--notify-always", help="Post the result to --notify even without problems.")
    ] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Check a date against the thresholds, for cron and CI.

    Exit 1 if any problem is found.
    """
    from fqtool.commands.daily.notify import notifying
    from fqtool.commands.daily.run import daily_of, figure_rows, figures_to_act_on, is_of_figure, others
    from fqtool.commands.diagnose.run import heading, healthy
    from fqtool.errors import UsageError
    from fqtool.findings.remedy import commands
    from fqtool.lint.check import open_registry
    from fqtool.output.outcome import Outcome
    from fqtool.output.sentences import fitted
    from fqtool.output.table_text import print_table

    if notify_always and not notify:
        raise UsageError("--notify-always needs --notify.", remedy="Add --notify with the address of a webhook.")
    given, loaded = None if date is None else day_of(date), open_registry(registry)
    with (
        notifying(loaded.table.name, notify, always=notify_always) as notice,
        warehouse_of(loaded, target, timeout) as warehouse,
    ):
        day = given or newest_day(loaded, warehouse)
        result = daily_of(loaded, warehouse, day, baseline, given=given is not None)
        title = heading(result.diagnosis)
        if form == "text" and (result.checks or result.findings):
            print(fitted(title, sys.stdout), end="\n" if result.checks else "\n\n")
        if form == "text" and result.checks:
            listed = result.checks if verbose else figures_to_act_on(result.checks)
            if listed:
                print_table("", *figure_rows(listed), sys.stdout)
            more = "" if verbose else " Add --verbose to list them."
            print(fitted(f"{others(result.checks)}{more}", sys.stdout), end="\n\n")
        ok = "No problems found." if result.checks and form == "text" else healthy(result.diagnosis)
        found = with_options_in(result.findings)
        shows_more = any(finding.rule not in _WHOLE_IN_DAILY for finding in result.findings)
        notice.outcome = Outcome(found, warehouse.url, "daily", "No problems found.", {"date": str(day)})
        report_findings(
            result.findings,
            form,
            target=warehouse.url,
            command="daily",
            ok=ok,
            errors_only=fail_on is FailOn.ERROR,
            shown=None if verbose else [finding for finding in result.findings if not is_of_figure(finding)],
            following=commands(f"diagnose --date {day}", first=_MORE) if shows_more else "",
            also={"date": str(day)},
        )
        if result.diagnosis.today is None and require_rows:
            say(f"{day} has no rows, and --require-rows is set.")
            raise typer.Exit(1)
