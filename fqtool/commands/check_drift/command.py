"""fqtool check-drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.dates import date_option, days_of
from fqtool.cli.options import (
    MIGRATIONS,
    REGISTRY,
    Folder,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    max_bytes_option,
    report_findings,
    warehouse_of,
    workspace_of,
)
from fqtool.cli.output import say

if TYPE_CHECKING:
    from datetime import date

    from fqtool.findings.finding import Finding
    from fqtool.registry.model import Registry
    from fqtool.warehouse.protocol import Warehouse


app = typer.Typer()


@app.command("check-drift")
def check_drift(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    ledger: Annotated[
        bool, typer.Option("--ledger/--no-ledger", help="Read the ledger to find the cause of each difference.")
    ] = True,
    views: Annotated[bool, typer.Option("--views/--no-views", help="Compare views too.")] = True,
    data: Annotated[bool, typer.Option("--data", help="Compare the stored rows too, with one scan.")] = False,
    start: Annotated[str | None, date_option("With --data, the first date, by default 13 days before the last")] = None,
    end: Annotated[str | None, date_option("With --data, the last date, by default today")] = None,
    max_bytes: Annotated[int | None, max_bytes_option("With --data, refuse a scan that would read more.")] = None,
    form: Format = "text",
) -> None:
    """Compare the live table with the registry and migrations.

    Exit 1 if any error or warning is found.
    """
    from fqtool.commands.check_drift.run import drift_of
    from fqtool.errors import UsageError

    if not data and (start or end or max_bytes is not None):
        raise UsageError("--start, --end and --max-bytes need --data.", remedy="Add --data.")
    dates = days_of(start, end) if data else None
    workspace = workspace_of(registry, folder)
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        found = drift_of(workspace, warehouse, ledger=ledger, views=views)
        ok = f"No drift: {workspace.table} in {warehouse.url} matches the registry."
        if dates:
            more, rows = _data_findings(workspace.registry, warehouse, dates, max_bytes, found)
            found = (*found, *more)
            ok += f" {rows}" if rows else ""
        report_findings(found, form, target=warehouse.url, command="check-drift", ok=ok)


def _data_findings(
    registry: Registry,
    warehouse: Warehouse,
    dates: tuple[date, date],
    max_bytes: int | None,
    drift: tuple[Finding, ...],
) -> tuple[tuple[Finding, ...], str]:
    """Return the findings about the rows, and a sentence about rows without findings; "" where none were read.

    Where `drift` has a blocking finding, a table with other columns is reported and not read. Otherwise OtherColumns
    is raised.
    """
    from fqtool.commands.check_drift.rules_data import check_data
    from fqtool.commands.check_drift.run import audit_of
    from fqtool.errors import OtherColumns
    from fqtool.findings.finding import blocking

    def report_bytes(count: int) -> None:
        say(f"Reading {count:,} bytes, {dates[0]} to {dates[1]}.")

    try:
        audited = audit_of(registry, warehouse, *dates, max_bytes=max_bytes, on_bytes=report_bytes)
    except OtherColumns as error:
        if not any(True for _ in blocking(drift)):
            raise
        say(f"The rows were not read: {error.message} Fix the findings first.")
        return (), ""
    span, days = f"from {dates[0]} to {dates[1]}", (dates[1] - dates[0]).days + 1
    if not audited.rows:
        say(f"There are no rows {span}.")
        return (), ""
    with_rows = f" on {audited.days} of the {days} dates" if audited.days < days else ""
    return check_data(audited), f"The {counted(audited.rows, 'row')}{with_rows} {span} match too."
