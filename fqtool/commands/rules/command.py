"""fqtool rules and fqtool rule."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from fqtool.cli import completion

app = typer.Typer()


@app.command()
def rules(
    code: Annotated[
        str | None, typer.Argument(help="The code or name of a rule, e.g. FQ301.", autocompletion=completion.rule_codes)
    ] = None,
) -> None:
    """List all rules, or print the page of one."""
    _print_rules(code)


@app.command()
def rule(
    code: Annotated[
        str, typer.Argument(help="The code or name of a rule, e.g. FQ301.", autocompletion=completion.rule_codes)
    ],
) -> None:
    """Print the page of one rule."""
    _print_rules(code)


def _print_rules(code: str | None) -> None:
    """Print all rules in a table, or the page of one."""
    from fqtool.errors import UsageError
    from fqtool.findings import former_names
    from fqtool.findings.catalog import every_rule
    from fqtool.output.sentences import fitted
    from fqtool.output.table_text import print_table

    rules = every_rule()
    if code is None:
        rows = [(rule.code, rule.name, rule.severity, rule.page.splitlines()[0]) for _, rule in sorted(rules.items())]
        print_table("", ("rule", "name", "severity", "about"), rows, sys.stdout)
        return
    by_name = {rule.name: rule for rule in rules.values()}
    name = former_names.RULES.get(code.lower(), code.lower())
    rule = rules.get(code.upper()) or by_name.get(name)
    if rule is None:
        from fqtool.findings.remedy import commands

        raise UsageError(f"Unknown rule `{code}`.", remedy=commands("rules", first="List all rules:"))
    level = f"{rule.severity}, cannot be suppressed" if rule.firm else str(rule.severity)
    # The page is broken for the width of source code; the terminal has its own.
    page = re.sub(r"(?<=\S)\n(?=\S)", " ", rule.page)
    print(fitted(f"{rule.code} {rule.name} ({level})\n\n{page}", sys.stdout))
