"""fqtool models."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.dates import date_option, day_of
from fqtool.cli.options import REGISTRY, Format, RegistryPath, TargetUrl, Timeout, report_findings, warehouse_of
from fqtool.cli.output import complain, say

if TYPE_CHECKING:
    from fqtool.commands.models.feature_list import FeatureList
    from fqtool.registry.model import Registry

app = typer.Typer()


@app.command()
def models(
    registry: RegistryPath = REGISTRY,
    date: Annotated[str | None, date_option("Read the rows of this date too", "--date")] = None,
    features: Annotated[
        Path | None, typer.Option(help="Check the feature names in this model file or list instead; - is stdin.")
    ] = None,
    register: Annotated[
        Path | None, typer.Option("--register", help="Add the model in this file to the registry.")
    ] = None,
    model: Annotated[str, typer.Option(help="Check only this model.", metavar="NAME")] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every finding in full.")] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Check that models can read the store.

    Checks the registry; with --date the rows of a date, with --features a model's own list.
    """
    from fqtool.errors import UsageError
    from fqtool.findings.remedy import commands
    from fqtool.lint.check import open_registry

    if features is not None and date is not None:
        raise UsageError("--features and --date exclude each other.", remedy="Run the command once with each.")
    day = None if date is None else day_of(date)
    if register is not None and (features is not None or date is not None):
        raise UsageError("--register writes an entry, without --features and --date.", remedy="Leave those out.")
    loaded = open_registry(registry)
    if register is not None:
        _register(loaded, register, model)
        return
    if features is not None:
        _check_list(loaded, features, model, form)
        return

    from fqtool.commands.models.run import heading, is_of_rows, judge_models, judge_rows, models_of, print_models

    chosen = models_of(loaded, model)
    if day is None:
        judged, place = judge_models(chosen), str(registry)
    else:
        with warehouse_of(loaded, target, timeout) as warehouse:
            judged, place = judge_rows(loaded, warehouse, chosen, day), warehouse.url
    if form == "text":
        print_models(judged, loaded, sys.stdout)
    shown = None if verbose else [finding for finding in judged.findings if not is_of_rows(finding)]
    step = "diagnose --date" if judged.day and judged.day.scored else "score --start"
    first = "Next:" if shown is None else "Add --verbose to print each in full. Next:"
    following = commands(f"{step} {day}", first=first) if judged.day else ""
    # In text, the table has the heading of the date already.
    ok = heading(replace(judged, day=None) if form == "text" and judged.day and judged.day.rows else judged)
    report_findings(
        judged.findings, form, target=place, command="models", ok=ok, shown=shown, following=following,
        also={"date": str(day)} if day else None,
    )  # fmt: skip


def _check_list(registry: Registry, features: Path, model: str, form: str) -> None:
    from fqtool.commands.models.rules import VECTOR
    from fqtool.commands.models.run import judge_list

    given = _list_of(features)
    place = given.place
    judged = judge_list(registry, given, model)
    ok = f"No problems found in {place}: it has the {judged.expected} inputs of {judged.reader}, in order."
    if judged.reader == VECTOR:
        ok = f"No problems found in {place}: it has the {judged.expected} features of the vector, in order."
    report_findings(judged.findings, form, target=place, command="models", ok=ok)


def _register(registry: Registry, file: Path, model: str) -> None:
    from fqtool.commands.models.register import register
    from fqtool.registry.checks.explain_schema import nearest

    registered = register(registry, _list_of(file), model)
    others = len(registered.model.external)
    external = f" and {others} external input{'s' * (others != 1)}" if others else ""
    features = f"{registered.features} feature{'s' * (registered.features != 1)}"
    say(f"Wrote {registered.model.name} into {registry.path}: {features}{external}.")
    unread = [one.name for one in registry.features if one.name not in registered.model.needs]
    for name in registered.model.external:
        near = nearest(name, unread)
        if near:
            complain(f"warning: {name} is not a feature, so it is an external input. Did you mean {near}?")
        else:
            say(f"External input: {name}.")


def _list_of(file: Path) -> FeatureList:
    """Read the inputs of a model's file, or of stdin."""
    from fqtool.commands.models.model_files import read_model_file
    from fqtool.commands.models.rules import STDIN
    from fqtool.errors import InputError

    if str(file) == "-":
        return read_model_file(sys.stdin.buffer.read(), STDIN)
    try:
        return read_model_file(file.read_bytes(), str(file))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.", remedy="Check the path.") from None
