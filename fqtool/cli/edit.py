"""fqtool add-feature and fqtool init: what writes registries."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.options import REGISTRY, RegistryPath, say

if TYPE_CHECKING:
    from fqtool.verbs.add_feature import Addition

app = typer.Typer()


@app.command("add-feature")
def add_feature(
    name: Annotated[str, typer.Argument(help="The feature's name.", show_default=False)],
    category: Annotated[str, typer.Option(help="One of the registry's categories.", metavar="NAME")],
    processor: Annotated[str, typer.Option(help="One of the registry's processors.", metavar="NAME")] = "",
    label: Annotated[
        list[str] | None, typer.Option(help="A source label its extractor can write, best first; repeat it.")
    ] = None,
    expected: Annotated[
        float | None, typer.Option(help="The stand-in value that is written when the input is absent.")
    ] = None,
    limits: Annotated[
        str | None, typer.Option("--range", help="Lowest and highest real value.", metavar="LO,HI")
    ] = None,
    critical: Annotated[bool, typer.Option("--critical", help="A row without it is of little use.")] = False,
    optional: Annotated[bool, typer.Option("--optional", help="Its absence is normal.")] = False,
    description: Annotated[str, typer.Option(help="What the value means.", metavar="TEXT")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the change as a diff; write nothing.")] = False,
    registry: RegistryPath = REGISTRY,
) -> None:
    """Append a feature to the registry, with the next index and every other character as it was."""
    from fqtool.verbs.add_feature import plan_addition, write_addition

    addition = plan_addition(
        registry,
        name,
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
        _tell_mentions(addition)
        return
    write_addition(addition)
    feature = addition.feature
    say(f"Added {feature.name} to {registry}, line {addition.at.line}: index {feature.index}, {feature.category}.")
    _tell_mentions(addition)
    option = "" if registry == REGISTRY else f" --registry {quote(str(registry))}"
    say("Next:")
    for command in ("validate", "generate-schema --out schema.json", "migrate plan"):
        say(f"  fqtool {command}{option}")


def _tell_mentions(addition: Addition) -> None:
    from fqtool.report.characters import visible

    reasons = dict.fromkeys(one.why for one in addition.look_at)
    for why in reasons:
        say(f"Look at this: {why}.")
        for one in addition.look_at:
            if one.why == why:
                say(f"  {one.at}: {visible(one.line)}")


def _finite(option: str, value: float | None) -> float | None:
    from math import isfinite

    from fqtool.errors import UsageError

    if value is not None and not isfinite(value):
        raise UsageError(f"{option} takes a number, not {value}.")
    return value


def _range(text: str | None) -> tuple[float, float] | None:
    from fqtool.errors import UsageError

    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--range takes two numbers, not {text!r}.", remedy="Write it like --range 0,100.") from None
    _finite("--range", low)
    _finite("--range", high)
    return low, high
