"""What the demo and the rules pages print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fqtool.errors import UsageError

if TYPE_CHECKING:
    from fqtool.verbs.report import Report
    from fqtool.verbs.workspace import Workspace


def show_rules(code: str | None) -> None:
    """Print all rules in a table, or the page of one."""
    from fqtool.report.table_text import print_table
    from fqtool.rules.every import every_rule

    rules = every_rule()
    if code is None:
        rows = [(one.code, one.name, one.severity, one.page.splitlines()[0]) for _, one in sorted(rules.items())]
        print_table("", ("rule", "name", "severity", "about"), rows, sys.stdout)
        return
    found = rules.get(code.upper()) or next((one for one in rules.values() if one.name == code.lower()), None)
    if found is None:
        raise UsageError(f"There is no rule {code}.", remedy="fqtool rules lists them.")
    held = " It cannot be silenced." if found.firm else ""
    print(f"{found.code} {found.name} ({found.severity}){held}\n\n{found.page}")


def show_demo(workspace: Workspace, file: Path) -> None:
    """Run the demo and print it as it goes; its report goes beside the file."""
    from fqtool.cli.backfill import watched
    from fqtool.report.diagnosis_text import surroundings
    from fqtool.report.findings import print_findings
    from fqtool.report.table_text import print_table
    from fqtool.verbs.demo import Step, run_demo

    def tell(step: Step) -> None:
        if step.command:
            print(f"\n$ {step.command}", flush=True)
        for line in step.lines:
            print(line)
        for sheet in step.sheets:
            print()
            print_table(sheet.title, sheet.headers, sheet.rows, sys.stdout)
        if step.diagnosis is not None:
            print("\n".join(surroundings(step.diagnosis, workspace.registry)))
        if step.report is not None:
            print(_page(step.report, file.with_suffix(".html")))
        if step.findings is not None:
            print_findings(
                step.findings, "text", target=step.target, command=step.command, ok_message=step.ok, stream=sys.stdout
            )

    run_demo(workspace, file, tell, watched)


def _page(report: Report, path: Path) -> str:
    """Write the page where its packages are installed, and say what became of it."""
    from fqtool.report.html import html_of
    from fqtool.warehouse.disk import write_text

    try:
        write_text(path, html_of(report))
    except UsageError as error:
        return f"{error} {error.remedy}"
    return f"Wrote {path}: open it in a browser."
