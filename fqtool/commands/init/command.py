"""fqtool init."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.options import DEFAULT_TARGET, REGISTRY, Timeout, registry_option
from fqtool.cli.output import current_run, say
from fqtool.cli.tracing import traced

if TYPE_CHECKING:
    from fqtool.commands.init.run import Scaffolded

app = typer.Typer()
_DAYS = 28


@app.command()
def init(
    from_table: Annotated[
        str | None, typer.Option("--from-table", help="Read a table of the target.", metavar="TABLE")
    ] = None,
    from_schema: Annotated[
        Path | None,
        typer.Option("--from-schema", help="Read BigQuery schema JSON or the output of bq show.", metavar="FILE"),
    ] = None,
    from_ddl: Annotated[
        Path | None,
        typer.Option("--from-ddl", help="Read CREATE TABLE and ALTER TABLE of a SQL file or folder.", metavar="PATH"),
    ] = None,
    from_odcs: Annotated[
        Path | None, typer.Option("--from-odcs", help="Read an ODCS v3 data contract.", metavar="FILE")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; - is stdout.")] = REGISTRY,
    name: Annotated[
        str,
        typer.Option(help="The table's name in the registry, or which table of a file.", metavar="TABLE"),
    ] = "",
    comments: Annotated[
        bool,
        typer.Option("--comments", help="With --from-ddl, read comments of columns as descriptions."),
    ] = False,
    learn: Annotated[
        int | None,
        typer.Option(
            "--learn",
            min=1,
            max=3660,
            metavar="DAYS",
            help="With --from-table, propose keys, features and ranges from the rows of the last days.",
        ),
    ] = None,
    all_properties: Annotated[
        bool,
        typer.Option(
            "--all-properties", help="Declare every property, also those that fqtool never writes (policy tags)."
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            envvar="FQTOOL_TARGET",
            help="The URL of the table's target; by default a local DuckDB file.",
        ),
    ] = None,
    timeout: Timeout = 30.0,
) -> None:
    """Write a first registry from a table, schema or contract.

    Without a --from option, the registry is a small example.
    """
    from fqtool.commands.init import run as verb
    from fqtool.errors import UsageError

    given = [one for one in (from_table, from_schema, from_ddl, from_odcs) if one is not None]
    if len(given) > 1:
        raise UsageError("Only one --from option is allowed.", remedy="Remove the others.")
    if comments and from_ddl is None:
        raise UsageError("--comments needs --from-ddl.", remedy="Add --from-ddl, or remove --comments.")
    if learn and from_table is None:
        raise UsageError("--learn needs --from-table.", remedy="Add --from-table, or remove --learn.")
    if str(out) != "-":
        verb.require_free(out, force=force)
    if from_table is not None:
        from fqtool.warehouse.target import open_target

        with traced(open_target(target or DEFAULT_TARGET, timeout=timeout)) as warehouse:
            today = current_run().today if learn else None
            made = verb.scaffold_live(
                warehouse, from_table, name, learn=learn or 0, today=today, every_property=all_properties
            )
    elif from_schema is not None:
        made = verb.scaffold_schema(from_schema, name, every_property=all_properties)
    elif from_ddl is not None:
        made = verb.scaffold_ddl(from_ddl, name, comments=comments, every_property=all_properties)
    elif from_odcs is not None:
        made = verb.scaffold_contract(from_odcs, name)
    else:
        made = verb.scaffold_example(name)
    if str(out) == "-":
        sys.stdout.write(made.text)
        _print_notes(made)
        return
    verb.write_scaffold(out, made.text, force=force)
    of_table = ["--from-table", from_table, *(["--name", name] if name else [])] if from_table else []
    _print_outcome(made, out, target, [] if learn else of_table)


def _print_notes(made: Scaffolded) -> None:
    from fqtool.output.characters import visible

    for one in (*made.notes, *made.made.unsaid):
        say(visible(f"Check this: {one}"))
    if not made.made.keys_stated:
        keys = ", ".join(made.made.table.keys)
        say(visible(f"Check this: no primary key is declared, so `keys` is a guess: {keys}."))


def _print_outcome(made: Scaffolded, out: Path, target: str | None, of_table: list[str]) -> None:
    """Print what was written and what is next; `of_table` has the options of a table whose rows were not read."""
    from fqtool.output.characters import visible

    scaffold = made.made
    columns = counted(len(scaffold.columns), "base column")
    example = ". It is a small example: replace its columns and features by yours"
    origin = f", read from {scaffold.origin}" if scaffold.origin else example
    say(visible(f"Wrote {out}: {scaffold.table.name} with {columns}{origin}."))
    _print_notes(made)
    option = registry_option(out)
    if of_table and not scaffold.features:
        words = [*of_table, *(["--target", target] if target else []), *(["--out", str(out)] if option else [])]
        command = shlex.join(["fqtool", "init", *words, "--learn", str(_DAYS), "--force"])
        say(f"The registry has no features. To propose keys, features and ranges from the rows: {command}")
    say("Next:")
    say(f"  fqtool validate{option}")
    if scaffold.target:
        option += f" --target {shlex.quote(target)}" if target else ""
        say(f"  fqtool {'migrate plan' if scaffold.features else 'check-drift'}{option}")
    else:
        say(f"  fqtool migrate plan{option}")
