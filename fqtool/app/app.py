"""The typer app: the options before the command, and the entry point."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fqtool.app.lazy_commands import Commands
from fqtool.cli.endings import run_app
from fqtool.cli.options import version
from fqtool.cli.output import Run, start_run
from fqtool.cli.tracing import listen

app = typer.Typer(
    name="fqtool",
    cls=Commands,
    help="Keep an ML feature store's schema and data quality correct, from one file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _memory(context: typer.Context, size: str | None) -> str | None:
    """Put the size where the warehouse reads it, until the end of the run."""
    if size is not None:
        if not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", size, re.IGNORECASE):
            raise typer.BadParameter(f"{size!r} is not a size such as 500MB or 2GB.")
        context.with_resource(_variable("FQTOOL_MEMORY", size))
    return size


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _version(given: bool) -> None:
    if given:
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
            help="Log each warehouse request to stderr; -vv also logs HTTP calls.",
        ),
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only results, findings and errors.")] = False,
    job_timeout: Annotated[
        float | None,
        typer.Option(
            "--job-timeout",
            envvar="FQTOOL_JOB_TIMEOUT",
            min=1,
            max=86400,
            metavar="SECONDS",
            show_default=False,
            help="Seconds to wait for one BigQuery job, 600 by default; the job is not cancelled.",
        ),
    ] = None,
    memory: Annotated[  # noqa: ARG001  its callback has its value
        str | None,
        typer.Option(
            "--memory",
            envvar="FQTOOL_MEMORY",
            metavar="SIZE",
            show_default=False,
            callback=_memory,
            help="Memory that DuckDB may use, such as 2GB; 80% of the machine's by default.",
        ),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            envvar="FQTOOL_TRACE",
            metavar="FILE",
            help="Append each warehouse request to this file as a JSON line.",
        ),
    ] = None,
) -> None:
    """Keep an ML feature store's schema and data quality correct, from one file."""
    if quiet and verbose:
        from fqtool.errors import UsageError

        raise UsageError("--quiet and --verbose contradict each other.", remedy="Give one of them.")
    start_run(run := Run(quiet, [context.invoked_subcommand or ""], job_timeout=job_timeout))
    listen(context, run, verbose, trace)


def main() -> None:
    """Run fqtool.

    Exit codes: 0 clean, 1 findings, 2 wrong input, 3 an external service failed.
    """
    run_app(app)
