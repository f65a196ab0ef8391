"""The commands by group and name; each is loaded when it is called, since loading all is slow."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from fqtool.cli.stores import add_store_options

# Group -> name -> its line in the help, which is the first of its docstring. At 80 columns 59 characters fit on a line.
GROUPS = {
    "Schema and migrations": {
        "generate-schema": "Write the managed columns as BigQuery schema JSON.",
        "migrate": "Apply migrations; plan, import, list or verify them.",
        "check-drift": "Compare the live table with the registry and migrations.",
        "diff": "Compare two registries: breaking, risky and safe changes.",
    },
    "Data quality": {
        "check-record": "Compare records of a writer with registry and live table.",
        "check-code": "Find feature names in code that contradict the registry.",
        "score": "Compute the quality columns of dates or of a file.",
        "backfill": "Score past partitions: planned, resumable, verified.",
        "diagnose": "Diagnose a date: affected features, onset, cause, fix.",
        "daily": "Check a date against the thresholds, for cron and CI.",
        "explain": "Explain the scores of one row and the gates it fails.",
        "models": "Check that models can read the store.",
        "report": "Write one HTML page about a range of dates.",
    },
    "Registry": {
        "init": "Write a first registry from a table, schema or contract.",
        "validate": "Check the registry; report every problem with its fix.",
        "add-feature": "Append a feature without reformatting the file.",
        "learn": "Learn ranges and spreads of features from stored dates.",
        "rules": "List all rules, or print the page of one.",
        "rule": "Print the page of one rule.",
        "docs": "Write the data dictionary of the store.",
    },
    "Integration": {
        "export": "Write the registry in the format of another tool.",
        "generate-sql": "Print the SQL that fqtool generates from the registry.",
        "cost": "Report the size of a row and the cost of a year of rows.",
        "doctor": "Check versions, credentials, target and permissions.",
        "demo": "Run the whole workflow on embedded DuckDB.",
    },
}
COMMANDS = {name: line for commands in GROUPS.values() for name, line in commands.items()}
# The folder of fqtool.commands, where its name is not the command's.
_FOLDERS = {"rule": "rules", "docs": "export"}


def command_named(name: str) -> Any:
    """Load a command, or a group of commands.

    Args:
        name: a key of COMMANDS.
    """
    folder = _FOLDERS.get(name, name.replace("-", "_"))
    app = import_module(f"fqtool.commands.{folder}.command").app
    add_store_options(app)
    group = typer.main.get_group(app)
    return group.commands.get(name, group)


class Commands(TyperGroup):
    """The commands of the app and those in GROUPS. The help has only their lines until one is called."""

    def __init__(self, *, commands: Any = None, **rest: Any) -> None:
        lines = {
            name: TyperCommand(name, help=line, rich_help_panel=group)
            for group, members in GROUPS.items()
            for name, line in members.items()
        }
        super().__init__(commands={**(commands or {}), **lines}, **rest)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Load the command that is called.

        Returns:
            Its name, the command, and the remaining arguments.
        """
        name, command, rest = super().resolve_command(ctx, args)
        return name, command_named(name) if name in COMMANDS else command, rest
