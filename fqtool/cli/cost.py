"""fqtool cost."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, RegistryPath, TargetUrl, Timeout, day_of, warehouse_of
from fqtool.cli.saying import say

app = typer.Typer()


class Form(StrEnum):
    """How a cost is written."""

    TEXT = "text"
    JSON = "json"


class By(StrEnum):
    """What the bytes of a row are listed by."""

    SECTION = "section"
    COLUMN = "column"


@app.command()
def cost(
    registry: RegistryPath = REGISTRY,
    start: Annotated[str | None, typer.Option(help="The first date; 13 days before the last.", metavar="DATE")] = None,
    end: Annotated[str | None, typer.Option(help="The last date; today.", metavar="DATE")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no table: estimate from the registry.")] = False,
    by: Annotated[By, typer.Option(help="List the bytes of a row by section or column.")] = By.SECTION,
    rows_per_year: Annotated[
        float | None, typer.Option("--rows-per-year", help="Rows of a year, where you know better.", metavar="ROWS")
    ] = None,
    max_bytes: Annotated[int | None, typer.Option("--max-bytes", help="Refuse a scan that would read more.")] = None,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Annotated[Form, typer.Option("--format", "-f", help="text or json.")] = Form.TEXT,
) -> None:
    """Tell what a row weighs and a year of rows costs: measured, or estimated where there is no table."""
    import json

    from fqtool.errors import UsageError
    from fqtool.report.cost_text import document, print_cost
    from fqtool.verbs.cost import cost_of
    from fqtool.verbs.workspace import open_registry

    if offline and (start or end or target or max_bytes is not None):
        raise UsageError("--offline asks no table, so dates, target and --max-bytes mean nothing.", remedy="Drop them.")
    first, last = _dates(start, end)
    loaded = open_registry(registry)

    def told(count: int) -> None:
        say(f"Reading {count:,} bytes, {first} to {last}.")

    if offline:
        place, found = "", cost_of(loaded, None, first, last, rows_per_year=rows_per_year)
    else:
        with warehouse_of(loaded, target, timeout) as warehouse:
            place = warehouse.url
            found = cost_of(
                loaded, warehouse, first, last, rows_per_year=rows_per_year, max_bytes=max_bytes, on_bytes=told
            )
    if form is Form.JSON:
        json.dump(document(found, place), sys.stdout, indent=2)
        print()
        return
    print_cost(found, place, sys.stdout, by_column=by is By.COLUMN)


def _dates(start: str | None, end: str | None) -> tuple[date, date]:
    last = day_of(end) if end else datetime.now(UTC).date()
    return (day_of(start) if start else last - timedelta(days=13)), last
