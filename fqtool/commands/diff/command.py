"""fqtool diff."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.dates import date_option, day_of
from fqtool.cli.options import (
    REGISTRY,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    is_typed,
    max_bytes_option,
    print_outcome,
    say_next,
    warehouse_of,
    with_options_in,
)

if TYPE_CHECKING:
    from fqtool.findings.finding import Finding, Severity
    from fqtool.registry.model import Registry
    from fqtool.scoring.rescoring import Preview

app = typer.Typer()


class FailOn(StrEnum):
    """The least severe change that makes the command exit 1."""

    BREAKING = "breaking"
    RISKY = "risky"
    SAFE = "safe"
    NEVER = "never"


@app.command()
def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="The old registry: a file, git:REV or git:REV:PATH.")] = "git:HEAD",
    new: Annotated[str | None, typer.Argument(help="The new registry; without it the file of --registry.")] = None,
    registry: RegistryPath = REGISTRY,
    rows: Annotated[
        Path | None,
        typer.Option(help="Score the rows of this file with both registries: .ndjson, .parquet, .csv, or -."),
    ] = None,
    start: Annotated[str | None, date_option("Score the target's rows with both registries, from this date")] = None,
    end: Annotated[str | None, date_option("The last date, by default that of --start")] = None,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    max_bytes: Annotated[int | None, max_bytes_option("With --start, refuse a scan that would read more.")] = None,
    level: Annotated[
        list[str] | None,
        typer.Option("--level", help="Set the level of a rule: breaking, risky, safe or ignore.", metavar="RULE=LEVEL"),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="The least severe change that exits 1.")
    ] = FailOn.BREAKING,
    form: Format = "text",
) -> None:
    """Compare two registries: breaking, risky and safe changes.

    After a breaking change readers, writers or models fail, or stored rows are wrong.
    """
    from fqtool.commands.diff.run import diff_of, levels_of, registry_at
    from fqtool.errors import UsageError

    if rows is not None and (start or end or max_bytes is not None or is_typed(context, "target")):
        raise UsageError(
            "--rows scores a file, so it excludes --start, --end, --target and --max-bytes.", remedy="Remove them."
        )
    if not start and (end or max_bytes is not None):
        raise UsageError("--end and --max-bytes need --start.", remedy="Add --start.")
    levels = levels_of(level or [])
    before, after = registry_at(old, registry), registry_at(new or str(registry), registry)
    preview = _preview(before, after, rows, start, end, target, timeout, max_bytes)
    found = diff_of(before, after, preview, levels)
    findings = with_options_in(found.findings)
    ok = f"No differences: {after.path} matches {before.path}."
    _print(findings, preview, form, after.path, ok)
    failing = [one.rule for one in findings if one.severity in _failing(fail_on)]
    if form == "text" and findings:
        of_new = f" --registry {quote(new)}" if new else ""
        if failing or not (new or "").startswith("git:"):  # a revision cannot be planned
            say_next(f"rule {failing[0]}" if failing else f"migrate plan{of_new}")
    if failing:
        raise typer.Exit(1)


def _preview(
    old: Registry,
    new: Registry,
    rows: Path | None,
    start: str | None,
    end: str | None,
    target: str | None,
    timeout: float,
    max_bytes: int | None,
) -> Preview | None:
    from fqtool.commands.diff.run import preview_of_file, preview_of_table

    if rows is not None:
        return preview_of_file(old, new, rows)
    if start is None:
        return None
    first = day_of(start)
    last = first if end is None else day_of(end)
    with warehouse_of(new, target, timeout) as warehouse:
        return preview_of_table(old, new, warehouse, first, last, max_bytes)


def _print(findings: tuple[Finding, ...], preview: Preview | None, form: str, target: str, ok: str) -> None:
    from fqtool.commands.diff.run import CLASSES, preview_document, print_diff
    from fqtool.output.outcome import Outcome

    if form == "text":
        print_diff(findings, preview, ok, sys.stdout)
        return
    also = {"preview": preview_document(preview)} if preview else {}
    print_outcome(Outcome(findings, target, "diff", ok, also, CLASSES), form)


def _failing(fail_on: FailOn) -> list[Severity]:
    from fqtool.findings.finding import Severity

    return list(Severity)[: [FailOn.NEVER, FailOn.BREAKING, FailOn.RISKY, FailOn.SAFE].index(fail_on)]
