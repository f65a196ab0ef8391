"""A comparison of registries as text, by what it means for those who live by the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.finding import Severity
from fqtool.report.outcome import Outcome
from fqtool.report.table_text import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TextIO

    from fqtool.finding import Finding
    from fqtool.quality.rescoring import Preview

CLASSES = {Severity.ERROR: "breaking", Severity.WARNING: "risky", Severity.NOTE: "safe"}
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}


def print_diff(findings: Sequence[Finding], preview: Preview | None, ok: str, stream: TextIO) -> None:
    """Print breaking, risky and safe changes under headings, what becomes of the rows, and how many there are."""
    from rich.text import Text

    from fqtool.report.console import Page
    from fqtool.report.text import write_findings

    page = Page(stream)
    for severity, word in CLASSES.items():
        group = [one for one in findings if one.severity is severity]
        if group:
            page.write([Text(f"{word.capitalize()}", _STYLES[severity]), ""])
            write_findings(group, page)
    if preview is not None:
        _print_preview(preview, stream)
    page.write([Text(summary(findings) if findings else ok, "" if findings else "green")])


def _print_preview(preview: Preview, stream: TextIO) -> None:
    rows = [
        (one.name, move.old or "unknown", move.new or "unknown", move.rows)
        for one in preview.outcomes
        for move in one.moves
    ]
    many = f"{preview.rows:,} row{'s' * (preview.rows != 1)} scored by both"
    if rows:
        print_table(f"{many}:", ("outcome", "from", "to", "rows"), rows, stream)
    else:
        stream.write(f"{many}{': none gets another tier, alert level or answer of a gate' * bool(preview.rows)}.\n")
    stream.write("\n")


def summary(findings: Sequence[Finding]) -> str:
    """Say how many changes there are of each class."""
    return Outcome(tuple(findings), "", "diff", "", classes=CLASSES).conclusion()


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return the preview as the JSON value that is printed."""
    return {
        "rows": preview.rows,
        "outcomes": [
            {
                "name": one.name,
                "rows": one.rows,
                "moves": [{"from": move.old, "to": move.new, "rows": move.rows} for move in one.moves],
            }
            for one in preview.outcomes
        ],
    }
