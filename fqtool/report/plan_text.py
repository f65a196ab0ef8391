"""A plan as text: per statement its SQL, why, hazards, what it costs of the metadata budget, and the way back."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from fqtool.finding import Severity
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.plan import Plan, is_operation
from fqtool.report.console import Page
from fqtool.table.statement import Statement

_LONG = 14
_BUDGET = "BigQuery takes 5 in 10 s, 50 if it is partitioned"  # BIGQUERY 38
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "cyan"}


def print_plan(file: MigrationFile, plan: Plan, stream: TextIO) -> None:
    """Print what a migration file will do. Long statements are shown by their first and last lines."""
    page = Page(stream)
    page.write([Text(file.name, "bold"), f"  made for {plan.made_for}, makes {plan.makes}"])
    spent = 0
    for number, statement in enumerate(plan.statements, 1):
        spent += is_operation(statement)
        budget = (
            f"{spent} of the plan's {plan.operations} on the table; {_BUDGET}" if is_operation(statement) else "none"
        )
        _statement(page, number, statement, budget)
    codes = sorted({found.rule for found in plan.hazards})
    if codes:
        page.write([Text(f"Apply with: fqtool migrate {' '.join(f'--allow {code}' for code in codes)}", "bold yellow")])
    page.write([""])


def _statement(page: Page, number: int, statement: Statement, budget: str) -> None:
    page.write(["", Text(f"{number}. {statement.why}", "bold")])
    page.write(_indented(_middle_out(statement.sql.splitlines()), "    "))
    if statement.adopted:
        page.write([Text("    not run: it was found in the table and is checked there", "dim")])
    for found in statement.hazards:
        head = Text.assemble(("  hazard: ", ""), (f"{found.severity} {found.rule} ", _COLOURS[found.severity]))
        page.write(page.wrapped(head, Text(found.message), 10))
    back = _middle_out(statement.way_back.splitlines())
    page.write(page.wrapped(Text("  way back: "), Text(back[0]), 12))
    page.write(_indented(back[1:], "            "))
    page.write(page.wrapped(Text("  metadata operations: "), Text(budget), 4))


def _indented(lines: list[str], by: str) -> list[str]:
    return [f"{by}{line}" for line in lines]


def _middle_out(lines: list[str]) -> list[str]:
    """The file holds every line; on screen the middle of 120 alike says nothing new."""
    if len(lines) <= _LONG:
        return lines
    half = _LONG // 2
    return [*lines[:half], f"  ... {len(lines) - 2 * half} lines more ...", *lines[-half:]]
