"""The commands by name: each is loaded when it is called, since describing all of them takes longer than most run."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

# Name -> its line in the help, which is the first of its docstring.
COMMANDS = {
    "validate": "Check the registry: every problem at once, with its place and what to do.",
    "rules": "List every rule, or print the page of one.",
    "rule": "Print the page of one rule.",
    "migrate": "Apply pending migrations; plan, list or verify them.",
    "add-feature": "Append a feature to the registry, with the next index and every other character as it was.",
    "init": "Write a first registry: of a table, a schema file, a CREATE TABLE or a data contract; else a small "
    "example.",
    "generate-sql": "Print the SQL that fqtool generates from the registry.",
    "score": "Compute all quality columns: of rows that stand in the table, one atomic statement a date, or of a file.",
    "backfill": "Score past partitions: planned, resumable, verified; newest first, one atomic statement a date.",
    "diagnose": "Name what is wrong with a date: features, rows, since when, whose fault, and what to run; exit 1 if "
    "anything.",
    "daily": "Check a date for cron and CI: its figures against the thresholds, and what is wrong; exit 1 if "
    "anything is.",
    "explain": "Explain one row: why each number is what it is, which gate fails, and what would have made it pass.",
    "models": "Tell whether the models can read the store: by the registry, a date's rows, or a model's own list.",
    "cost": "Tell what a row weighs and a year of rows costs: measured, or estimated where there is no table.",
    "diff": "Compare two registries: what breaks readers, writers, models or stored rows, what is risky, what is safe.",
    "export": "Write the registry as another tool reads it. Asks no warehouse.",
    "docs": "Write the data dictionary: table, columns, features, lineage, alerts, gates, models, views. Asks no "
    "warehouse.",
    "report": "Write one HTML page about a span of dates: causes, features by date, trends, alerts, worst rows, drift.",
    "doctor": "Look for what would stop a command: versions, credentials, the target, permissions. Nothing is changed.",
}  # fmt: skip
# The module of fqtool.cli, where it is not called like the command.
_ELSEWHERE = {
    "rules": "validate",
    "rule": "validate",
    "add-feature": "edit",
    "init": "edit",
    "generate-sql": "score",
    "docs": "export",
}


def command_named(name: str) -> Any:
    """Load a command, or a group of them."""
    found = typer.main.get_group(import_module(f"fqtool.cli.{_ELSEWHERE.get(name, name)}").app)
    return found.commands.get(name, found)


class Commands(TyperGroup):
    """The commands of the app and those in COMMANDS, of which the help knows a line until one is called."""

    def __init__(self, *, commands: Any = None, **rest: Any) -> None:
        lines = {name: TyperCommand(name, help=line) for name, line in COMMANDS.items()}
        super().__init__(commands={**(commands or {}), **lines}, **rest)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Name the command that is called, load it, and return what is left of the words."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command_named(name) if name in COMMANDS else command, rest
