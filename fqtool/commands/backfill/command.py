"""fqtool backfill."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.dates import date_option, day_of, moment_of
from fqtool.cli.interrupt import interruptible
from fqtool.cli.options import (
    INTERRUPTED,
    REGISTRY,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    max_bytes_option,
    print_result,
    report_findings,
    say_next,
    version,
    warehouse_of,
)
from fqtool.cli.output import is_quiet, say

if TYPE_CHECKING:
    from fqtool.commands.backfill.partition_runner import Observer, PartitionResult
    from fqtool.commands.backfill.plan import CostEstimate, Plan
    from fqtool.commands.backfill.run import Options, Verification
    from fqtool.registry.model import Registry
    from fqtool.warehouse.protocol import Warehouse

app = typer.Typer()
BATCH_DAYS = 30


@app.command()
def backfill(
    start: Annotated[str, date_option("The first date")],
    end: Annotated[str, date_option("The last date")],
    registry: RegistryPath = REGISTRY,
    phased: Annotated[
        bool, typer.Option("--phased", help="Score the last 7 days, then the last 30, then all.")
    ] = False,
    batch_days: Annotated[
        int, typer.Option(min=1, max=100, metavar="N", help="The number of dates per verified batch.")
    ] = BATCH_DAYS,
    only_stale: Annotated[
        bool, typer.Option("--only-stale", help="Skip dates that were scored with the current schema version.")
    ] = False,
    resume: Annotated[bool, typer.Option(help="Skip dates that an earlier backfill scored.")] = True,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Retry dates that failed three times.")] = False,
    max_bytes: Annotated[int | None, max_bytes_option("Stop before more bytes would be billed.")] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, metavar="PRICE", help="Stop before a higher cost at list prices.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="The time of scoring to store in the rows; now by default.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its cost; change nothing.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Print the plan and the journal; change nothing.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare counts of rows with the journal; change nothing.")
    ] = False,
    take_lease: Annotated[
        bool,
        typer.Option("--take-lease", help="Take over the table's lease (lock) from a process that has crashed."),
    ] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Score past partitions: planned, resumable, verified.

    The newest dates are scored first. One atomic statement scores neighbouring dates of a batch.
    """
    from fqtool.commands.backfill.run import Options
    from fqtool.errors import UsageError
    from fqtool.lint.check import open_registry

    if verify and (dry_run or status):
        raise UsageError("--verify cannot be combined with --dry-run or --status.", remedy="Remove one of them.")
    if (dry_run or status) and form not in ("text", "json"):
        raise UsageError(
            "--dry-run and --status have no findings, so they print text or json.", remedy="Remove --format."
        )
    loaded = open_registry(registry)
    options = Options(
        day_of(start), day_of(end), phased, batch_days, only_stale, resume, retry_failed, max_bytes, max_cost,
        take_lease, moment_of(as_of) if as_of else None,
    )  # fmt: skip
    with warehouse_of(loaded, target, timeout) as warehouse:
        if verify:
            _verify(loaded, warehouse, options, form)
        elif dry_run or status:
            _show_plan(loaded, warehouse, options, form, journal=status)
        else:
            _fill(loaded, warehouse, options, form)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _show_plan(registry: Registry, warehouse: Warehouse, options: Options, form: str, *, journal: bool) -> None:
    from fqtool.commands.backfill.journal import journal_of
    from fqtool.commands.backfill.run import plan_backfill
    from fqtool.commands.backfill.text import document, print_journal, print_plan

    plan, estimate = plan_backfill(registry, warehouse, options, _now())
    entries = journal_of(registry, warehouse).between(plan.start, plan.end).values() if journal else None
    if form == "json":
        print_result(document(plan, estimate, warehouse.url, entries), "backfill")
        return
    print_plan(plan, estimate, warehouse.url, sys.stdout)
    if entries is not None:
        print()
        print_journal(entries, sys.stdout)
    if plan.to_do:
        say_next(shlex.join(["backfill", "--start", str(plan.start), "--end", str(plan.end), *_words(options)]))


def _words(options: Options) -> list[str]:
    """Return the options that change a backfill as words, without the dates and without those at their default."""
    words = ["--phased"] * options.phased + ["--only-stale"] * options.only_stale
    words += ["--no-resume"] * (not options.resume) + ["--retry-failed"] * options.retry_failed
    words += ["--take-lease"] * options.take_lease
    values = {
        "--batch-days": options.batch_days if options.batch_days != BATCH_DAYS else None,
        "--max-bytes": options.max_bytes,
        "--max-cost": options.max_cost,
        "--as-of": options.as_of and options.as_of.isoformat(),
    }
    return words + [word for name, value in values.items() if value is not None for word in (name, str(value))]


def _verify(registry: Registry, warehouse: Warehouse, options: Options, form: str) -> None:
    from fqtool.commands.backfill.run import verify
    from fqtool.warehouse.protocol import limited, within

    with within(warehouse, limited(options.max_bytes)):
        verification = verify(registry, warehouse, options.start, options.end)
    dates = counted(len(verification.states), "date")
    ok = f"No problems found in {dates} with rows: every row with sources has a score."
    _print(verification, ok, warehouse, form, (options.start, options.end))


def _print(
    verification: Verification, ok: str, warehouse: Warehouse, form: str, span: tuple[date, date] | None = None
) -> None:
    """Print the months and findings; with `span` also the command that compares the values, which are not read here."""
    from fqtool.commands.backfill.run import months_of
    from fqtool.commands.backfill.text import print_months

    if form == "text":
        print_months(months_of(verification.states), sys.stdout)
        print()
    following = f"check-drift --data --start {span[0]} --end {span[1]}" if span else ""
    if span:
        ok += " The values were not compared."
    report_findings(
        verification.findings, form, target=warehouse.url, command="backfill", ok=ok, next_command=following
    )


def _fill(registry: Registry, warehouse: Warehouse, options: Options, form: str) -> None:
    from fqtool.commands.backfill.run import fill

    with watched(warehouse) as observer:
        result = fill(registry, warehouse, options, tool=version(), now=_now(), observer=observer)
    done = [partition.entry.rows for partition in result.partitions if not partition.failed]
    if result.stopped:
        say(f"Stopped after {counted(len(done), 'partition')}.")
        raise typer.Exit(INTERRUPTED)
    outcome = f"Scored {counted(len(done), 'partition')}, {counted(sum(done), 'row')}" if done else "Nothing to score"
    ok = f"{outcome}: every row with sources has a score."
    _print(result.verification, ok, warehouse, form, None if done else (options.start, options.end))


@contextmanager
def watched(warehouse: Warehouse) -> Iterator[Observer]:
    """A progress bar on a terminal, otherwise a line per partition; both on stderr.

    Args:
        warehouse: the target, whose URL is printed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from fqtool.commands.backfill.partition_runner import Observer
    from fqtool.commands.backfill.text import line, print_plan

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )  # fmt: skip
    bar = Progress(*columns, console=console, disable=is_quiet() or not console.is_terminal)
    task = bar.add_task("backfill", total=None, rate="")
    rows = 0

    def begin(plan: Plan, estimate: CostEstimate) -> None:
        if console.is_terminal:
            bar.stop()
        if not is_quiet():
            print_plan(plan, estimate, warehouse.url, sys.stderr)
        bar.reset(task, total=len(plan.to_do), description=f"from {plan.start}", rate="")
        if plan.to_do and not bar.disable:
            bar.start()

    def advance(result: PartitionResult) -> None:
        nonlocal rows
        if result.failed or not (console.is_terminal or is_quiet()):
            bar.console.print(line(result), markup=False, highlight=False, soft_wrap=True)
        rows += max(result.entry.rows, 0)
        elapsed = bar.tasks[task].elapsed or 0
        bar.update(task, advance=result.final, rate=f"{rows / elapsed:,.0f} rows/s" if elapsed else "")

    first = "Stopping after the current statements; press Ctrl-C again to stop immediately."
    with interruptible("" if is_quiet() else first) as stopping:
        try:
            yield Observer(on_phase=begin, on_partition=advance, stopping=stopping)
        finally:
            # A disabled bar prints an empty line in some versions of rich.
            if not bar.disable:
                bar.stop()
