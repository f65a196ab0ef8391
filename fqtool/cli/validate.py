"""fqtool validate, fqtool rules and fqtool rule."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli import completion
from fqtool.cli.options import REGISTRY, Format, RegistryPath, day_of, tell
from fqtool.cli.saying import say

app = typer.Typer()


@app.command()
def validate(
    registry: RegistryPath = REGISTRY,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what needs no judgement; comments and layout stay.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix, show the change and write nothing.")] = False,
    today: Annotated[
        str | None, typer.Option(help="The day that dates are compared with; today's in UTC.", metavar="DATE")
    ] = None,
    form: Format = "text",
) -> None:
    """Check the registry: every problem at once, with its place and what to do."""
    from fqtool.errors import UsageError
    from fqtool.verbs.validate import validated

    if dry_run and not fix:
        raise UsageError("--dry-run shows what --fix would write.", remedy="Add --fix.")
    day = day_of(today) if today else datetime.now(UTC).date()
    found = validated(registry, day)
    if fix and any(one.patch for one in found):
        _mend(registry, day, dry_run=dry_run, quiet=form != "text")
        found = found if dry_run else validated(registry, day)
    tell(found, form, target=str(registry), command="validate", ok=f"{registry} is in order.")


def _mend(path: Path, day: date, *, dry_run: bool, quiet: bool) -> None:
    from fqtool.verbs.validate import mended
    from fqtool.warehouse.disk import read_text, write_text

    text = read_text(path)
    mark = text[: text.startswith("\ufeff")]
    made = mended(text.removeprefix(mark), str(path), day)
    count = f"{len(made.mended)} finding{'s' if len(made.mended) > 1 else ''}"
    if not made.mended:
        say("Nothing is mended: no patch leaves fewer findings.")
    elif dry_run:
        print(made.diff, end="", file=sys.stderr if quiet else sys.stdout)
        say(f"--fix would mend {count}.")
    else:
        write_text(path, mark + made.after)
        say(f"Mended {count} in {path}: {', '.join(dict.fromkeys(one.rule for one in made.mended))}.")


@app.command()
def rules(
    code: Annotated[
        str | None, typer.Argument(help="One rule, e.g. FQ301.", autocompletion=completion.rule_codes)
    ] = None,
) -> None:
    """List every rule, or print the page of one."""
    from fqtool.cli.show import show_rules

    show_rules(code)


@app.command()
def rule(
    code: Annotated[str, typer.Argument(help="Its code or name, e.g. FQ301.", autocompletion=completion.rule_codes)],
) -> None:
    """Print the page of one rule."""
    from fqtool.cli.show import show_rules

    show_rules(code)
