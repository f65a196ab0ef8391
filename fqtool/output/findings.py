"""Print findings in a format. FORMATS lists all formats."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from fqtool.errors import UsageError
from fqtool.output.characters import visible_lines, write
from fqtool.output.github import print_github
from fqtool.output.json_document import print_json
from fqtool.output.junit import print_junit
from fqtool.output.markdown import print_markdown
from fqtool.output.outcome import Outcome
from fqtool.output.sarif import print_sarif

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TextIO

    from fqtool.findings.finding import Finding, Severity
    from fqtool.findings.remedy import Remedy

Printer: TypeAlias = "Callable[[Outcome, TextIO], None]"

_COLOUR_WANTED = frozenset({"FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})


def _print_text(outcome: Outcome, stream: TextIO) -> None:
    if not outcome.findings and not stream.isatty() and not _COLOUR_WANTED.intersection(os.environ):
        write(f"{visible_lines(outcome.conclusion())}\n", stream)
        return
    # Rich is slower to load than all checks of a registry.
    from fqtool.output.text import print_text

    print_text(outcome, stream)


FORMATS: dict[str, Printer] = {
    "text": _print_text,
    "json": print_json,
    "github": print_github,
    "sarif": print_sarif,
    "junit": print_junit,
    "markdown": print_markdown,
}


def require_format(name: str) -> None:
    """Raise UsageError for a format that is not in FORMATS."""
    if name not in FORMATS:
        raise UsageError(f"Unknown format {name!r}.", remedy=f"Use one of: {', '.join(FORMATS)}.")


def print_findings(
    findings: Sequence[Finding],
    format_name: str,
    *,
    target: str,
    command: str,
    ok_message: str,
    stream: TextIO,
    also: Mapping[str, Any] | None = None,
    classes: Mapping[Severity, str] | None = None,
    shown: Sequence[Finding] | None = None,
    following: Remedy = "",
) -> None:
    """Print findings to a stream.

    Args:
        findings: the findings.
        format_name: a key of FORMATS.
        target: the warehouse or file that was checked.
        command: the command that checked it.
        ok_message: the sentence to print where there are no errors and warnings.
        stream: where to print.
        also: further keys of the JSON document.
        classes: the command's own words for severities.
        shown: the findings that text prints in full; None: all.
        following: what to run next, which text prints after the number of findings.

    Raises:
        UsageError: the format is not in FORMATS.
    """
    require_format(format_name)
    outcome = Outcome(
        tuple(findings), target, command, ok_message, also or {}, classes or {},
        shown=None if shown is None else tuple(shown), following=following,
    )  # fmt: skip
    FORMATS[format_name](outcome, stream)
