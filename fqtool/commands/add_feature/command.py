"""fqtool add-feature."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli import completion
from fqtool.cli.options import REGISTRY, RegistryPath, registry_option
from fqtool.cli.output import say

if TYPE_CHECKING:
    from fqtool.commands.add_feature.run import Addition


app = typer.Typer()


@app.command("add-feature")
def add_feature(
    name: Annotated[str, typer.Argument(help="The name of the feature.", show_default=False)],
    category: Annotated[
        str,
        typer.Option(help="A category of the registry.", metavar="NAME", autocompletion=completion.categories),
    ],
    processor: Annotated[
        str,
        typer.Option(help="A processor of the registry.", metavar="NAME", autocompletion=completion.processors),
    ] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A source label that its extractor writes, best first; repeatable.", autocompletion=completion.labels
        ),
    ] = None,
    expected: Annotated[
        float | None, typer.Option(help="The default value that is written when the input is absent.")
    ] = None,
    limits: Annotated[
        str | None, typer.Option("--range", help="The lowest and highest real value.", metavar="LO,HI")
    ] = None,
    critical: Annotated[bool, typer.Option("--critical", help="Mark the feature as critical.")] = False,
    optional: Annotated[bool, typer.Option("--optional", help="Mark its absence as normal.")] = False,
    description: Annotated[str, typer.Option(help="The meaning of the value.", metavar="TEXT")] = "",
    column_type: Annotated[
        str,
        typer.Option(
            "--type", help="In a store with a column for each feature: its type, FLOAT64 by default.", metavar="TYPE"
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the change as a diff; write nothing.")] = False,
    registry: RegistryPath = REGISTRY,
) -> None:
    """Append a feature without reformatting the file.

    The feature gets the next index.
    """
    from fqtool.commands.add_feature.run import plan_addition

    addition = plan_addition(
        registry,
        name,
        column_type=column_type,
        category=category,
        processor=processor,
        labels=tuple(label or ()),
        expected=_finite("--expected", expected),
        range=_range(limits),
        critical=critical,
        optional=optional,
        description=description,
    )
    if dry_run:
        sys.stdout.write(addition.diff)
        say("Nothing was written.")
        _print_mentions(addition)
        return
    addition.write()
    feature = addition.feature
    say(f"Added {feature.name} to {registry}, line {addition.at.line}: index {feature.index}, {feature.category}.")
    for column in addition.columns:
        say(f"Added the base column {column.name}, {column.type}: the job that writes the rows fills it.")
    _print_mentions(addition)
    option = registry_option(registry)
    say("Next:")
    plan = "migrate plan --include-base" if addition.columns else "migrate plan"
    for command in ("validate", "generate-schema --out schema.json", plan):
        say(f"  fqtool {command}{option}")


def _print_mentions(addition: Addition) -> None:
    from fqtool.output.characters import visible

    reasons = dict.fromkeys(one.why for one in addition.look_at)
    for why in reasons:
        say(f"Check this: {why}.")
        for one in addition.look_at:
            if one.why == why:
                say(f"  {one.at}: {visible(one.line)}")


def _finite(option: str, value: float | None) -> float | None:
    from math import isfinite

    from fqtool.errors import UsageError

    if value is not None and not isfinite(value):
        raise UsageError(f"{option} must be a finite number, not {value}.", remedy="Write it like 0.5.")
    return value


def _range(text: str | None) -> tuple[float, float] | None:
    from fqtool.errors import UsageError

    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--range must be two numbers, not {text!r}.", remedy="Write it like --range 0,100.") from None
    _finite("--range", low)
    _finite("--range", high)
    return low, high
