"""Findings as text for people. Rich is loaded here and not before, so that other formats do without it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fqtool.finding import worst

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from fqtool.finding import Finding
    from fqtool.report.console import Page
    from fqtool.report.outcome import Outcome

_COLOUR_WANTED = frozenset({"FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})


def print_text(outcome: Outcome, stream: TextIO) -> None:
    """Print the findings grouped by file or subject, then the conclusion."""
    from fqtool.report.characters import visible, write

    if not outcome.findings and not stream.isatty() and not _COLOUR_WANTED.intersection(os.environ):
        write(f"{visible(outcome.conclusion(), keep=chr(10))}\n", stream)  # importing rich takes longer than all checks
        return

    from rich.text import Text

    from fqtool.report.console import Page
    from fqtool.report.finding_text import COLOURS

    page = Page(stream)
    write_findings(outcome.findings, page)
    gravest = worst(outcome.findings)
    style = f"bold {COLOURS[gravest]}" if gravest and gravest != "note" else "green"
    page.write(page.wrapped(Text(), Text(visible(outcome.conclusion(), keep="\n"), style), 0))


def write_findings(findings: Sequence[Finding], page: Page) -> None:
    """Write each finding to the page, each followed by an empty line."""
    from fqtool.report.finding_text import finding_lines
    from fqtool.report.source_lines import SourceLines

    sources = SourceLines()
    for found in grouped(findings):
        page.write((*finding_lines(found, page, sources), ""))


def grouped(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings of one file together, by line, and those of one subject; first come, first shown."""
    groups: dict[tuple[bool, str], list[Finding]] = {}
    for found in findings:
        key = (True, found.location.file) if found.location else (False, found.subject)
        groups.setdefault(key, []).append(found)
    return [
        found for (in_file, _), group in groups.items() for found in (sorted(group, key=_line) if in_file else group)
    ]


def _line(found: Finding) -> tuple[int, int]:
    return (found.location.line, found.location.column) if found.location else (0, 0)
