"""fqtool models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.options import REGISTRY, Format, RegistryPath, TargetUrl, Timeout, day_of, tell, warehouse_of

if TYPE_CHECKING:
    from fqtool.registry.model import Registry

app = typer.Typer()


@app.command()
def models(
    registry: RegistryPath = REGISTRY,
    date: Annotated[
        str | None, typer.Option("--date", help="Ask the rows of this date too, e.g. 2026-02-06.", metavar="DATE")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Compare this list instead: JSON of a model's feature names; - is stdin.")
    ] = None,
    model: Annotated[str, typer.Option(help="This model alone.", metavar="NAME")] = "",
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """Tell whether the models can read the store: by the registry, a date's rows, or a model's own list."""
    from fqtool.errors import UsageError
    from fqtool.verbs.workspace import open_registry

    if features is not None and date is not None:
        raise UsageError("--features compares a list, without a date.", remedy="Ask one after the other.")
    day = day_of(date) if date else None
    loaded = open_registry(registry)
    if features is not None:
        _tell_list(loaded, features, model, form)
        return

    from fqtool.report.models_text import heading, print_models
    from fqtool.verbs.models import judge_models, judge_rows, models_of

    chosen = models_of(loaded, model)
    if day is None:
        judged, place = judge_models(chosen), str(registry)
    else:
        with warehouse_of(loaded, target, timeout) as warehouse:
            judged, place = judge_rows(loaded, warehouse, chosen, day), warehouse.url
    if form == "text":
        print_models(judged, loaded, sys.stdout)
    tell(judged.findings, form, target=place, command="models", ok=heading(judged))


def _tell_list(registry: Registry, features: Path, model: str, form: str) -> None:
    from fqtool.quality.feature_list import read_feature_list
    from fqtool.rules.about_models import STDIN, VECTOR
    from fqtool.verbs.models import judge_list

    text, place = (_stdin(), STDIN) if str(features) == "-" else (_read(features), str(features))
    judged = judge_list(registry, read_feature_list(text, place), model)
    ok = f"{place} is what {judged.reader} reads: {judged.expected} inputs, in order."
    if judged.reader == VECTOR:
        ok = f"{place} is the whole vector: {judged.expected} features, in order."
    tell(judged.findings, form, target=place, command="models", ok=ok)


def _read(path: Path) -> str:
    from fqtool.warehouse.disk import read_text

    return read_text(path)


def _stdin() -> str:
    from fqtool.errors import InputError

    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InputError("stdin is not UTF-8 text.") from None
