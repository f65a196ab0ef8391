"""Findings as GitHub Actions workflow commands, which become annotations in a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.findings.finding import Severity
from fqtool.output.characters import visible, visible_block, write
from fqtool.output.outcome import rule_title, shown_prose

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.findings.finding import Finding
    from fqtool.output.outcome import Outcome

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def print_github(outcome: Outcome, stream: TextIO) -> None:
    """Print one workflow command per finding, and the conclusion as a plain line of the log."""
    for finding in outcome.findings:
        write(f"{workflow_command(finding)}\n", stream)
    write(f"fqtool {escape_data(outcome.command)}: {escape_data(outcome.conclusion())}\n", stream)


def workflow_command(finding: Finding) -> str:
    """Return the finding as one workflow command, on one line."""
    properties = {"title": rule_title(finding)}
    if (place := finding.location) is not None:
        numbers = {"line": place.line, "col": place.column}
        known = {key: str(number) for key, number in numbers.items() if number}
        properties = {"file": place.file, **known, **properties}
    listed = ",".join(f"{key}={escape_property(value)}" for key, value in properties.items() if value)
    return f"::{_COMMANDS[finding.severity]} {listed}".rstrip() + f"::{escape_data(shown_prose(finding))}"


def escape_data(text: str) -> str:
    """Escape text for the part after the second `::`."""
    return visible_block(text).replace("%", "%25").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape text for a property, where a comma or a colon would end it."""
    return escape_data(visible(text)).replace(":", "%3A").replace(",", "%2C")
