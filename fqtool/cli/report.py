"""fqtool report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.options import (
    MIGRATIONS,
    REGISTRY,
    Folder,
    RegistryPath,
    TargetUrl,
    Timeout,
    day_of,
    warehouse_of,
    workspace_of,
)
from fqtool.cli.saying import say

app = typer.Typer()


@app.command()
def report(
    start: Annotated[str, typer.Option(help="The first date, e.g. 2026-01-08.", metavar="DATE")],
    end: Annotated[str, typer.Option(help="The last date.", metavar="DATE")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the page.")] = Path("report.html"),
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 60.0,
) -> None:
    """Write one HTML page about a span of dates: causes, features by date, trends, alerts, worst rows, drift."""
    from fqtool.report.html import html_of
    from fqtool.verbs.report import report_of
    from fqtool.warehouse.disk import write_text

    workspace, dates = workspace_of(registry, folder), (day_of(start), day_of(end))
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        made = report_of(workspace, warehouse, *dates, made=datetime.now(UTC))
    write_text(out, html_of(made))
    say(f"Wrote {out}: {len(made.days)} dates, {len(made.episodes)} causes.")
