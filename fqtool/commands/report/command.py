"""fqtool report."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.dates import date_option, day_of, newest_day
from fqtool.cli.options import (
    MIGRATIONS,
    REGISTRY,
    Folder,
    RegistryPath,
    TargetUrl,
    Timeout,
    warehouse_of,
    workspace_of,
)
from fqtool.cli.output import say

app = typer.Typer()
_DAYS = 30


@app.command()
def report(
    start: Annotated[str | None, date_option("The first date, by default 29 days before the last")] = None,
    end: Annotated[str | None, date_option("The last date, by default the newest one with rows")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; - is stdout.")] = Path("report.html"),
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 60.0,
) -> None:
    """Write one HTML page about a range of dates.

    The page shows causes, features by date, trends, alerts, worst rows and drift.
    """
    from fqtool.commands.report.html import html_of, require_packages
    from fqtool.commands.report.run import report_of
    from fqtool.warehouse.files import require_output, write_text

    require_packages()
    require_output(out)
    first, last = (None if text is None else day_of(text) for text in (start, end))
    workspace = workspace_of(registry, folder)
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        last = last or newest_day(workspace.registry, warehouse, "--end", first=first)
        first = first or date.fromordinal(max(last.toordinal() - _DAYS + 1, 1))
        moment = datetime.now(UTC)
        made = report_of(workspace, warehouse, first, last, made=moment, given=end is not None)
    if str(out) == "-":
        sys.stdout.write(html_of(made))
        return
    write_text(out, html_of(made))
    dates, causes = counted(len(made.days), "date"), counted(len(made.episodes), "root cause")
    say(f"Wrote {out}: {dates}, {causes}. Open it in a browser.")
