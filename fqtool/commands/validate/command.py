"""fqtool validate."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.dates import date_option, day_of
from fqtool.cli.options import REGISTRY, Format, RegistryPath, report_findings
from fqtool.cli.output import say

app = typer.Typer()


@app.command()
def validate(
    registry: RegistryPath = REGISTRY,
    fix: Annotated[
        bool, typer.Option("--fix", help="Fix findings that have one clear fix; keep comments and layout.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix, print the change and write nothing.")] = False,
    today: Annotated[str | None, date_option("The day that dates are compared with, by default today")] = None,
    form: Format = "text",
) -> None:
    """Check the registry; report every problem with its fix."""
    from fqtool.commands.validate.run import validated
    from fqtool.errors import UsageError

    if dry_run and not fix:
        raise UsageError("--dry-run needs --fix.", remedy="Add --fix.")
    day = day_of("today" if today is None else today)
    found = validated(registry, day)
    if fix and any(one.patch for one in found):
        _fix(registry, day, dry_run=dry_run, quiet=form != "text")
        found = found if dry_run else validated(registry, day)
    ok, fix_command = f"No problems found in {registry}.", "" if fix and not dry_run else "validate --fix"
    report_findings(found, form, target=str(registry), command="validate", ok=ok, fix_command=fix_command)


def _fix(path: Path, day: date, *, dry_run: bool, quiet: bool) -> None:
    from fqtool.commands.validate.run import fixed
    from fqtool.warehouse.files import read_text, write_text

    text = read_text(path)
    mark = text[: text.startswith("\ufeff")]
    result = fixed(text.removeprefix(mark), str(path), day)
    count = counted(len(result.fixed), "finding")
    if not result.fixed:
        say("No automatic fix applies.")
    elif dry_run:
        print(result.diff, end="", file=sys.stderr if quiet else sys.stdout)
        say(f"--fix would fix {count}.")
    else:
        write_text(path, mark + result.after)
        say(f"Fixed {count} in {path}: {', '.join(dict.fromkeys(finding.rule for finding in result.fixed))}.")
