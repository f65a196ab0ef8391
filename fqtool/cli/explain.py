"""fqtool explain."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from fqtool.cli.options import REGISTRY, RegistryPath, TargetUrl, Timeout, day_of, warehouse_of

app = typer.Typer()


class Form(StrEnum):
    """How an explanation is written."""

    TEXT = "text"
    JSON = "json"


@app.command()
def explain(
    key: Annotated[
        list[str] | None, typer.Option("--key", "-k", help="A key and its value; again for each.", metavar="NAME=VALUE")
    ] = None,
    date: Annotated[str | None, typer.Option("--date", help="The row's date, e.g. 2026-02-06.", metavar="DATE")] = None,
    registry: RegistryPath = REGISTRY,
    everything: Annotated[bool, typer.Option("--all", help="Show every feature, not the odd ones alone.")] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Annotated[Form, typer.Option("--format", "-f", help="text or json.")] = Form.TEXT,
) -> None:
    """Explain one row: why each number is what it is, which gate fails, and what would have made it pass."""
    import json

    from fqtool.report.explanation_text import document, print_explanation
    from fqtool.verbs.explain import explain_row
    from fqtool.verbs.workspace import open_registry

    given, day = _given(key or []), day_of(date) if date else None
    loaded = open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        found = explain_row(loaded, warehouse, given, day)
    if form is Form.JSON:
        json.dump(document(found), sys.stdout, indent=2)
        print()
        return
    print_explanation(found, sys.stdout, everything=everything)


def _given(keys: list[str]) -> dict[str, str]:
    from fqtool.errors import UsageError

    found = {}
    for one in keys:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise UsageError(f"{one!r} is no key with its value.", remedy="Write --key NAME=VALUE.")
        found[name.strip()] = value
    return found
