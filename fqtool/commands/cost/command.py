"""fqtool cost."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from fqtool.cli.dates import date_option, days_of
from fqtool.cli.options import (
    REGISTRY,
    RegistryPath,
    TargetUrl,
    Timeout,
    is_typed,
    max_bytes_option,
    print_result,
    warehouse_of,
)
from fqtool.cli.output import say

app = typer.Typer()


class Form(StrEnum):
    """The format of a cost."""

    TEXT = "text"
    JSON = "json"


class By(StrEnum):
    """How the size of a row is listed."""

    SECTION = "section"
    COLUMN = "column"


@app.command()
def cost(
    context: typer.Context,
    registry: RegistryPath = REGISTRY,
    start: Annotated[str | None, date_option("The first date, by default 13 days before the last")] = None,
    end: Annotated[str | None, date_option("The last date, by default today")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Estimate from the registry, without a table.")] = False,
    by: Annotated[By, typer.Option(help="List the size of a row by section or by column.")] = By.SECTION,
    rows_per_year: Annotated[
        float | None,
        typer.Option("--rows-per-year", help="Rows per year. Default: as measured or expected.", metavar="ROWS"),
    ] = None,
    max_bytes: Annotated[int | None, max_bytes_option("Refuse a scan that would read more bytes.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show every price, and the expectation in detail.")
    ] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Annotated[Form, typer.Option("--format", "-f", help="text or json.")] = Form.TEXT,
) -> None:
    """Report the size of a row and the cost of a year of rows.

    Sizes are measured; where there is no table they are estimated.
    """
    from fqtool.commands.cost.run import cost_of
    from fqtool.commands.cost.text import document, print_cost
    from fqtool.errors import UsageError
    from fqtool.lint.check import open_registry

    if offline and (start or end or max_bytes is not None or is_typed(context, "target")):
        raise UsageError(
            "--offline reads no table, so dates, --target and --max-bytes do not apply.", remedy="Leave them out."
        )
    first, last = days_of(start, end)
    loaded = open_registry(registry)

    def announce(count: int) -> None:
        say(f"Reading {count:,} bytes, {first} to {last}.")

    if offline:
        place, found = "", cost_of(loaded, None, first, last, rows_per_year=rows_per_year)
    else:
        with warehouse_of(loaded, target, timeout) as warehouse:
            place = warehouse.url
            found = cost_of(
                loaded, warehouse, first, last, rows_per_year=rows_per_year, max_bytes=max_bytes, on_bytes=announce
            )
    if form is Form.JSON:
        print_result(document(found, place), "cost")
        return
    print_cost(found, place, sys.stdout, by_column=by is By.COLUMN, verbose=verbose)
