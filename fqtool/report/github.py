"""Findings as GitHub Actions workflow commands, which become annotations on the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.finding import Severity
from fqtool.report.characters import write
from fqtool.report.outcome import prose, rule_title

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.finding import Finding
    from fqtool.report.outcome import Outcome

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def print_github(outcome: Outcome, stream: TextIO) -> None:
    """Print one workflow command per finding, and the conclusion as a plain line of the log."""
    for found in outcome.findings:
        write(f"{workflow_command(found)}\n", stream)
    write(f"fqtool {escape_data(outcome.command)}: {escape_data(outcome.conclusion())}\n", stream)


def workflow_command(found: Finding) -> str:
    """Return the finding as one line that the runner understands."""
    properties = {"title": rule_title(found)}
    if (place := found.location) is not None:
        numbers = {"line": place.line, "col": place.column}
        known = {key: str(number) for key, number in numbers.items() if number}
        properties = {"file": place.file, **known, **properties}
    told = ",".join(f"{key}={escape_property(value)}" for key, value in properties.items() if value)
    return f"::{_COMMANDS[found.severity]} {told}".rstrip() + f"::{escape_data(prose(found))}"


def escape_data(text: str) -> str:
    """Escape text for the part after the second `::`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape text for a property, where a comma or a colon would end it."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
