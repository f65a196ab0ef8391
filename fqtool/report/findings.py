"""Print findings in the format asked for. The table FORMATS is the one place that knows all formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from fqtool.errors import UsageError
from fqtool.report.github import print_github
from fqtool.report.json_format import print_json
from fqtool.report.junit import print_junit
from fqtool.report.markdown import print_markdown
from fqtool.report.outcome import Outcome
from fqtool.report.sarif import print_sarif
from fqtool.report.text import print_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TextIO

    from fqtool.finding import Finding, Severity

Printer: TypeAlias = "Callable[[Outcome, TextIO], None]"

FORMATS: dict[str, Printer] = {
    "text": print_text,
    "json": print_json,
    "github": print_github,
    "sarif": print_sarif,
    "junit": print_junit,
    "markdown": print_markdown,
}


def require_format(name: str) -> None:
    """Raise UsageError for a format that is not in FORMATS."""
    if name not in FORMATS:
        raise UsageError(f"There is no format {name!r}.", remedy=f"Use one of: {', '.join(FORMATS)}.")


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
) -> None:
    """Print every finding of `command` about `target` to the stream; with none, say `ok_message`.

    `also` are further keys of the JSON document, `classes` the command's own words for severities.

    Raises UsageError for a format that is not in FORMATS.
    """
    require_format(format_name)
    FORMATS[format_name](Outcome(tuple(findings), target, command, ok_message, also or {}, classes or {}), stream)
