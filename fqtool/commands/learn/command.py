"""fqtool learn."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.dates import date_option, day_of, newest_day
from fqtool.cli.options import REGISTRY, RegistryPath, TargetUrl, Timeout, say_next, warehouse_of
from fqtool.cli.output import say

app = typer.Typer()
_DAYS = 28


@app.command()
def learn(
    start: Annotated[
        str | None, date_option("The first date, by default 27 days before the last one", "--start")
    ] = None,
    end: Annotated[str | None, date_option("The last date, by default the newest one with rows", "--end")] = None,
    registry: RegistryPath = REGISTRY,
    replace: Annotated[bool, typer.Option("--replace", help="Replace declared ranges and spreads too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the change as a diff; write nothing.")] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """Learn ranges and spreads of features from stored dates.

    Use dates without problems: values like theirs count as usual afterwards. A feature with a range or spread of its
    own keeps it.
    """
    from datetime import timedelta

    from fqtool.commands.learn.run import plan_learning
    from fqtool.lint.check import open_registry

    given, until = (None if text is None else day_of(text) for text in (start, end))
    loaded = open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        last = until or newest_day(loaded, warehouse, "--end", first=given)
        first = given or last - timedelta(days=_DAYS - 1)
        found = plan_learning(loaded, warehouse, first, last, replace=replace)
    sys.stdout.write(found.diff)
    span = f"{counted(len(found.dates), 'date')} with rows, {found.dates[0]} to {found.dates[-1]}"
    kept = (
        f" {counted(len(found.kept), 'feature')} with limits kept them; --replace changes them." if found.kept else ""
    )
    if not found.diff:
        say(f"No new limits from {span}.{kept}")
        return
    if not dry_run:
        found.write()
    outcome = "Nothing was written." if dry_run else f"Wrote {registry}."
    say(f"Learned the limits of {counted(len(found.features), 'feature')} from {span}.{kept} {outcome}")
    if not dry_run:
        say_next("validate")
