"""The commands that look at one thing: registry, schema, drift; and the app itself."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.commands import Commands
from fqtool.cli.listening import listen
from fqtool.cli.options import (
    MIGRATIONS,
    REGISTRY,
    Folder,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    day_of,
    guarded,
    tell,
    version,
    warehouse_of,
    workspace_of,
)
from fqtool.cli.saying import hush, say

app = typer.Typer(
    name="fqtool",
    cls=Commands,
    help="Keep an ML feature store's schema and data quality true, from one file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(version())
        raise typer.Exit


@app.callback()
def fqtool(
    context: typer.Context,
    show_version: Annotated[  # noqa: ARG001  its callback ends the run
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Log each request to the warehouse on stderr; -vv its HTTP calls too.",
        ),
    ] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print what was asked for, findings and errors, and nothing else.")
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            envvar="FQTOOL_TRACE",
            metavar="FILE",
            help="Append each request to the warehouse to this file, one JSON line each.",
        ),
    ] = None,
) -> None:
    """Keep an ML feature store's schema and data quality true, from one file."""
    if quiet and verbose:
        from fqtool.errors import UsageError

        raise UsageError("--quiet and --verbose contradict each other.", remedy="Give one of them.")
    hush(quiet)
    listen(context, verbose, trace)


@app.command("generate-schema")
def generate_schema(
    registry: RegistryPath = REGISTRY,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write; - is stdout.")] = Path("-"),
    check: Annotated[
        Path | None, typer.Option("--check", help="Compare with this file and exit 1 if it is stale.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="The whole table: base columns first.")] = False,
    form: Format = "text",
) -> None:
    """Write the managed columns as BigQuery schema JSON, as bq and Terraform take it."""
    from fqtool.verbs.generate_schema import generated_schema, stale_schema
    from fqtool.verbs.workspace import open_registry

    loaded = open_registry(registry)
    if check is not None:
        found = stale_schema(loaded, check, full=full)
        tell(found, form, target=str(check), command="generate-schema", ok=f"{check} is what the registry generates.")
        return
    text = generated_schema(loaded, full=full)
    if str(out) == "-":
        sys.stdout.write(text)
        return
    from fqtool.warehouse.disk import write_text

    write_text(out, text)
    say(f"Wrote {out}.")


@app.command("check-drift")
def check_drift(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    ledger: Annotated[
        bool, typer.Option("--ledger/--no-ledger", help="Read the ledger to tell what was changed by hand.")
    ] = True,
    views: Annotated[bool, typer.Option("--views/--no-views", help="Compare views too.")] = True,
    data: Annotated[bool, typer.Option("--data", help="Compare the stored rows too, by one scan.")] = False,
    start: Annotated[
        str | None, typer.Option(help="With --data, the first date; 13 days before the last.", metavar="DATE")
    ] = None,
    end: Annotated[str | None, typer.Option(help="With --data, the last date; today.", metavar="DATE")] = None,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", help="With --data, refuse a scan that would read more.")
    ] = None,
    form: Format = "text",
) -> None:
    """Compare the live table with registry, ledger and files; exit 1 on any difference that matters."""
    from fqtool.errors import UsageError
    from fqtool.verbs.check_drift import drift_of

    if not data and (start or end or max_bytes is not None):
        raise UsageError("--start, --end and --max-bytes speak of stored rows.", remedy="Add --data.")
    dates = _dates(start, end) if data else None
    workspace = workspace_of(registry, folder)
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        found = drift_of(workspace, warehouse, ledger=ledger, views=views)
        ok = f"{workspace.table} in {warehouse.url} is what the registry says."
        if dates:
            from fqtool.cli.data import data_findings

            more, rows = data_findings(workspace.registry, warehouse, dates, max_bytes, found)
            found, ok = (*found, *more), f"{ok} So are {rows:,} rows from {dates[0]} to {dates[1]}." if rows else ok
        tell(found, form, target=warehouse.url, command="check-drift", ok=ok)


def _dates(start: str | None, end: str | None) -> tuple[date, date]:
    """The dates of --data: to the last one named, else to today; from the first one named, else two weeks of them."""
    last = day_of(end) if end else datetime.now(UTC).date()
    return (day_of(start) if start else last - timedelta(days=13)), last


@app.command()
def demo(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    file: Annotated[Path, typer.Option(help="The DuckDB file to make.")] = Path(".fqtool/demo.duckdb"),
) -> None:
    """Show the whole story on embedded DuckDB, in a file of its own."""
    from fqtool.cli.show import show_demo
    from fqtool.verbs.demo import shipped

    if (registry, folder) == (REGISTRY, MIGRATIONS) and not (registry.exists() or folder.exists()):
        registry, folder = shipped()
        say("There is no registry here, so this is the feature store that comes with fqtool.")
    show_demo(workspace_of(registry, folder), file)


def main() -> None:
    """Run fqtool. Exit codes: 0 clean, 1 findings, 2 wrong input, 3 the world failed."""
    guarded(app)
