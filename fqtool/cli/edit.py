"""fqtool add-feature and fqtool init: what writes registries."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli import completion
from fqtool.cli.listening import heard
from fqtool.cli.options import DEFAULT_TARGET, REGISTRY, RegistryPath, Timeout
from fqtool.cli.saying import say

if TYPE_CHECKING:
    from fqtool.verbs.add_feature import Addition
    from fqtool.verbs.init import Scaffolded

app = typer.Typer()


@app.command("add-feature")
def add_feature(
    name: Annotated[str, typer.Argument(help="The feature's name.", show_default=False)],
    category: Annotated[
        str,
        typer.Option(help="One of the registry's categories.", metavar="NAME", autocompletion=completion.categories),
    ],
    processor: Annotated[
        str,
        typer.Option(help="One of the registry's processors.", metavar="NAME", autocompletion=completion.processors),
    ] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A source label its extractor can write, best first; repeat it.", autocompletion=completion.labels
        ),
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


@app.command()
def init(
    from_table: Annotated[
        str | None, typer.Option("--from-table", help="Read a table of the target.", metavar="TABLE")
    ] = None,
    from_schema: Annotated[
        Path | None, typer.Option("--from-schema", help="Read BigQuery schema JSON.", metavar="FILE")
    ] = None,
    from_ddl: Annotated[Path | None, typer.Option("--from-ddl", help="Read CREATE TABLE.", metavar="FILE")] = None,
    from_odcs: Annotated[
        Path | None, typer.Option("--from-odcs", help="Read a data contract, ODCS v3.", metavar="FILE")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write; - is stdout.")] = REGISTRY,
    name: Annotated[
        str,
        typer.Option(help="The table's name in the registry; of several in a file, which.", metavar="TABLE"),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", envvar="FQTOOL_TARGET", help=f"Where TABLE is, a URL; else {DEFAULT_TARGET}."),
    ] = None,
    timeout: Timeout = 30.0,
) -> None:
    """Write a first registry: of a table, a schema file, a CREATE TABLE or a data contract; else a small example."""
    from fqtool.errors import UsageError
    from fqtool.verbs import init as verb

    given = [one for one in (from_table, from_schema, from_ddl, from_odcs) if one is not None]
    if len(given) > 1:
        raise UsageError("A registry is made from one thing.", remedy="Give one --from option.")
    if str(out) != "-":
        verb.require_free(out, force=force)
    if from_table is not None:
        from fqtool.warehouse.target import open_target

        with heard(open_target(target or DEFAULT_TARGET, timeout=timeout)) as warehouse:
            made = verb.scaffold_live(warehouse, from_table, name)
    elif from_schema is not None:
        made = verb.scaffold_schema(from_schema, name)
    elif from_ddl is not None:
        made = verb.scaffold_ddl(from_ddl, name)
    elif from_odcs is not None:
        made = verb.scaffold_contract(from_odcs, name)
    else:
        made = verb.scaffold_example(name)
    if str(out) == "-":
        sys.stdout.write(made.text)
        return
    verb.write_scaffold(out, made.text, force=force)
    _tell_scaffold(made, out, target)


def _tell_scaffold(made: Scaffolded, out: Path, target: str | None) -> None:
    from fqtool.report.characters import visible

    scaffold = made.made
    columns = f"{len(scaffold.columns)} base column{'s' if len(scaffold.columns) > 1 else ''}"
    origin = f", read from {scaffold.origin}" if scaffold.origin else ": a small example store to change"
    say(visible(f"Wrote {out}: {scaffold.table.name} with {columns}{origin}."))
    for one in scaffold.unsaid:
        say(visible(f"Look at this: {one}"))
    if not scaffold.keys_stated:
        say(visible(f"Look at this: no primary key was stated, so keys holds {', '.join(scaffold.table.keys)}."))
    option = "" if out == REGISTRY else f" --registry {quote(str(out))}"
    say("Next:")
    say(f"  fqtool validate{option}")
    if scaffold.target:
        option += f" --target {quote(target)}" if target else ""
        say(f"  fqtool check-drift{option}")
    else:
        say(f"  fqtool migrate plan{option}")


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
