"""fqtool diff."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, TargetUrl, Timeout, day_of, told_as_said, warehouse_of

if TYPE_CHECKING:
    from fqtool.finding import Finding, Severity
    from fqtool.quality.rescoring import Preview
    from fqtool.registry.model import Registry

app = typer.Typer()


class FailOn(StrEnum):
    """What makes the command exit 1."""

    BREAKING = "breaking"
    RISKY = "risky"
    SAFE = "safe"
    NEVER = "never"


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="The old registry: a file, git:REV or git:REV:PATH.")] = "git:HEAD",
    new: Annotated[str | None, typer.Argument(help="The new one, likewise; without it the file --registry.")] = None,
    registry: RegistryPath = REGISTRY,
    rows: Annotated[
        Path | None, typer.Option(help="Score these rows by both: .ndjson, .parquet, .csv, or - for NDJSON.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Score the target's rows by both, from this date.", metavar="DATE")
    ] = None,
    end: Annotated[str | None, typer.Option(help="The last date; --start if absent.", metavar="DATE")] = None,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", help="With --start, refuse a scan that would read more.")
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(
            "--level", help="Take a rule for something else: FQ825=breaking; risky, safe, ignore.", metavar="RULE=LEVEL"
        ),
    ] = None,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="What makes it exit 1.")] = FailOn.BREAKING,
    form: Format = "text",
) -> None:
    """Compare two registries: what breaks readers, writers, models or stored rows, what is risky, what is safe."""
    from fqtool.cli.levels import levels_of
    from fqtool.errors import UsageError
    from fqtool.verbs.diff import diff_of
    from fqtool.verbs.revision import registry_at

    if rows is not None and (start or end or target or max_bytes is not None):
        raise UsageError("--rows scores a file, without dates and without a target.", remedy="Leave those out.")
    if not start and (end or max_bytes is not None):
        raise UsageError("--end and --max-bytes speak of stored rows.", remedy="Add --start.")
    levels = levels_of(level or [])
    before, after = registry_at(old, registry), registry_at(new or str(registry), registry)
    preview = _preview(before, after, rows, start, end, target, timeout, max_bytes)
    found = diff_of(before, after, preview, levels)
    findings = told_as_said(found.findings)
    ok = f"{after.path} says what {before.path} says."
    _print(findings, preview, form, after.path, ok)
    if any(one.severity in _failing(fail_on) for one in findings):
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
    from fqtool.verbs.diff import preview_of_file, preview_of_table

    if rows is not None:
        return preview_of_file(old, new, rows)
    if start is None:
        return None
    first = day_of(start)
    last = day_of(end) if end else first
    with warehouse_of(new, target, timeout) as warehouse:
        return preview_of_table(old, new, warehouse, first, last, max_bytes)


def _print(findings: tuple[Finding, ...], preview: Preview | None, form: str, target: str, ok: str) -> None:
    from fqtool.report.diff_text import CLASSES, preview_document, print_diff
    from fqtool.report.findings import print_findings

    if form == "text":
        print_diff(findings, preview, ok, sys.stdout)
        return
    also = {"preview": preview_document(preview)} if preview else {}
    print_findings(
        findings, form, target=target, command="diff", ok_message=ok, stream=sys.stdout, also=also, classes=CLASSES
    )


def _failing(fail_on: FailOn) -> list[Severity]:
    from fqtool.finding import Severity

    return list(Severity)[: [FailOn.NEVER, FailOn.BREAKING, FailOn.RISKY, FailOn.SAFE].index(fail_on)]
