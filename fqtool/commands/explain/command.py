"""fqtool explain."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from fqtool.cli.dates import date_option, day_of, newest_day
from fqtool.cli.options import REGISTRY, RegistryPath, TargetUrl, Timeout, warehouse_of

app = typer.Typer()


class Form(StrEnum):
    """The format of an explanation."""

    TEXT = "text"
    JSON = "json"


@app.command()
def explain(
    key: Annotated[
        list[str] | None,
        typer.Option("--key", "-k", help="A key column of the row and its value; repeatable.", metavar="NAME=VALUE"),
    ] = None,
    date: Annotated[str | None, date_option("The row's date, by default the newest one with rows", "--date")] = None,
    registry: RegistryPath = REGISTRY,
    everything: Annotated[bool, typer.Option("--all", help="Show every feature, not only unusual ones.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show labels, conditions, and gates that pass.")] = False,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Annotated[Form, typer.Option("--format", "-f", help="text or json.")] = Form.TEXT,
) -> None:
    """Explain the scores of one row and the gates it fails.

    For each gate that fails, the smallest change that makes it pass is printed.
    """
    from fqtool.commands.explain.run import explain_row, only_the_date_is_missing
    from fqtool.commands.explain.text import document, print_explanation
    from fqtool.lint.check import open_registry
    from fqtool.output.json_document import print_document

    given, day = _given(key or []), None if date is None else day_of(date)
    loaded = open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        if day is None and only_the_date_is_missing(loaded, given):
            day = newest_day(loaded, warehouse)
        found = explain_row(loaded, warehouse, given, day)
    if form is Form.JSON:
        print_document(document(found), sys.stdout)
        return
    print_explanation(found, sys.stdout, everything=everything, verbose=verbose)


def _given(keys: list[str]) -> dict[str, str]:
    from fqtool.errors import UsageError

    found = dict[str, str]()
    for one in keys:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise UsageError(f"{one!r} is not a key and its value.", remedy="Write it like --key NAME=VALUE.")
        if (name := name.strip()).lower() in map(str.lower, found):
            raise UsageError(f"--key {name} is given more than once.", remedy="Give each key one value.")
        found[name] = value
    return found
