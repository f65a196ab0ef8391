"""fqtool backfill."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.interrupt import interruptible
from fqtool.cli.options import (
    INTERRUPTED,
    REGISTRY,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    day_of,
    moment_of,
    tell,
    version,
    warehouse_of,
)
from fqtool.cli.saying import is_quiet, say

if TYPE_CHECKING:
    from fqtool.backfill.plan import Bill, Plan
    from fqtool.registry.model import Registry
    from fqtool.verbs.backfill import Options, Watch
    from fqtool.verbs.filling import Done
    from fqtool.warehouse.protocol import Warehouse

app = typer.Typer()


@app.command()
def backfill(
    start: Annotated[str, typer.Option(help="The first date, e.g. 2025-11-01.", metavar="DATE")],
    end: Annotated[str, typer.Option(help="The last date.", metavar="DATE")],
    registry: RegistryPath = REGISTRY,
    phased: Annotated[bool, typer.Option("--phased", help="The last 7 days, the last 30, then all.")] = False,
    batch_days: Annotated[int, typer.Option(min=1, max=100, help="Dates between two looks at the rows.")] = 5,
    only_stale: Annotated[bool, typer.Option("--only-stale", help="Leave dates of this schema version alone.")] = False,
    resume: Annotated[bool, typer.Option(help="Leave alone what an earlier backfill did.")] = True,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what was set aside.")] = False,
    max_bytes: Annotated[int | None, typer.Option(min=1, help="Refuse to process more than so many bytes.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Refuse to cost more, by the list prices.")] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="The time of scoring that rows will hold; now, unless given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and the bill; change nothing.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Print the plan and the journal; change nothing.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Compare rows with the journal; change nothing.")] = False,
    take_lease: Annotated[bool, typer.Option("--take-lease", help="Take the lease from a dead process.")] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Score past partitions: planned, resumable, verified; newest first, one atomic statement a date."""
    from fqtool.errors import UsageError
    from fqtool.verbs.backfill import Options, plan_backfill
    from fqtool.verbs.workspace import open_registry

    if verify and (dry_run or status):
        raise UsageError("--verify looks at the rows, --dry-run and --status at the plan.", remedy="Ask one of them.")
    if (dry_run or status) and form not in ("text", "json"):
        raise UsageError(
            "--dry-run and --status have no findings, so they print text or json.", remedy="Drop --format."
        )
    loaded, now = open_registry(registry), datetime.now(UTC).replace(microsecond=0)
    options = Options(
        day_of(start), day_of(end), phased, batch_days, only_stale, resume, retry_failed, max_bytes, max_cost,
        take_lease, moment_of(as_of) if as_of else None,
    )  # fmt: skip
    with warehouse_of(loaded, target, timeout) as warehouse:
        if verify:
            _verify(loaded, warehouse, options, form)
        elif dry_run or status:
            plan, bill = plan_backfill(loaded, warehouse, options, now)
            _show_plan(loaded, warehouse, plan, bill, form, journal=status)
        else:
            _fill(loaded, warehouse, options, timeout, now, form)


def _show_plan(registry: Registry, warehouse: Warehouse, plan: Plan, bill: Bill, form: str, *, journal: bool) -> None:
    from fqtool.report.backfill_text import document, print_journal, print_plan
    from fqtool.verbs.backfill import entries_for, journal_of

    entries = entries_for(journal_of(registry, warehouse), plan.start, plan.end) if journal else None
    if form == "json":
        json.dump(document(plan, bill, warehouse.url, entries), sys.stdout, indent=2)
        print()
        return
    print_plan(plan, bill, warehouse.url, sys.stdout)
    if entries is not None:
        print()
        print_journal(entries, sys.stdout)


def _verify(registry: Registry, warehouse: Warehouse, options: Options, form: str) -> None:
    from fqtool.report.backfill_text import print_months
    from fqtool.verbs.backfill import months_of
    from fqtool.verbs.backfill import verify as verified

    found = verified(registry, warehouse, options.start, options.end)
    if form == "text":
        print_months(months_of(found.standings), sys.stdout)
        print()
    ok = f"{len(found.standings)} dates hold rows; every row with sources is scored."
    tell(found.findings, form, target=warehouse.url, command="backfill", ok=ok)


def _fill(
    registry: Registry,
    warehouse: Warehouse,
    options: Options,
    timeout: float,
    now: datetime,
    form: str,
) -> None:
    from fqtool.report.backfill_text import print_months
    from fqtool.verbs.backfill import fill, months_of
    from fqtool.warehouse.target import open_target

    with watched(warehouse) as watch:
        found = fill(
            registry, warehouse, options,
            another=lambda: open_target(warehouse.url, timeout=timeout), tool=version(), now=now, watch=watch,
        )  # fmt: skip
    done = [one for one in found.done if not one.failed]
    if found.stopped:
        say(f"{len(done)} partitions were scored.")
        raise typer.Exit(INTERRUPTED)
    if form == "text":
        print_months(months_of(found.verified.standings), sys.stdout)
        print()
    rows = sum(one.entry.rows for one in done)
    ok = f"{len(done)} partitions with {rows:,} rows scored; every row with sources has a score."
    tell(found.verified.findings, form, target=warehouse.url, command="backfill", ok=ok)


@contextmanager
def watched(warehouse: Warehouse) -> Iterator[Watch]:
    """A progress bar on a terminal, a line a partition elsewhere; both on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from fqtool.report.backfill_text import line, print_plan
    from fqtool.verbs.backfill import Watch

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )  # fmt: skip
    bar = Progress(*columns, console=console, disable=is_quiet() or not console.is_terminal)
    task = bar.add_task("backfill", total=None, rate="")
    rows = 0

    def begin(plan: Plan, bill: Bill) -> None:
        if console.is_terminal:
            bar.stop()
        if not is_quiet():
            print_plan(plan, bill, warehouse.url, sys.stderr)
        bar.reset(task, total=len(plan.to_do), description=f"from {plan.start}", rate="")
        if not bar.disable:
            bar.start()

    def advance(one: Done) -> None:
        nonlocal rows
        if one.failed or not (console.is_terminal or is_quiet()):
            bar.console.print(line(one), markup=False, highlight=False, soft_wrap=True)
        rows += max(one.entry.rows, 0)
        taken = bar.tasks[task].elapsed or 0
        bar.update(task, advance=one.final, rate=f"{rows / taken:,.0f} rows/s" if taken else "")

    first = "Ending what is under way; Ctrl-C again stops at once."
    with interruptible("" if is_quiet() else first) as stopping:
        try:
            yield Watch(on_phase=begin, on_done=advance, stopping=stopping)
        finally:
            # Where it shows nothing, some versions of rich print an empty line.
            if not bar.disable:
                bar.stop()
