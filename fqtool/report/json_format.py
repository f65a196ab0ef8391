"""Findings as one JSON document, described by `findings.schema.json` beside this file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fqtool.report.outcome import rule_name, tally

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.finding import Finding, Location
    from fqtool.report.outcome import Outcome

FORMAT_VERSION = 1


def print_json(outcome: Outcome, stream: TextIO) -> None:
    """Print the outcome as JSON, in ASCII: it survives any pipe, and lone surrogates too."""
    json.dump(document(outcome), stream, indent=2)
    stream.write("\n")


def document(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as the JSON value that is printed."""
    return {
        "format_version": FORMAT_VERSION,
        "target": outcome.target,
        "command": outcome.command,
        "findings": [_entry(found) for found in outcome.findings],
        "summary": {str(severity): count for severity, count in tally(outcome.findings).items()},
        **outcome.also,
    }


def _entry(found: Finding) -> dict[str, Any]:
    place = found.location
    return {
        "rule": found.rule,
        "name": rule_name(found),
        "severity": str(found.severity),
        "subject": found.subject,
        "message": found.message,
        "cause": found.cause,
        "remedy": found.remedy,
        "location": place and _place(place),
        "patch": [{"start": _place(one.start), "end": _place(one.end), "text": one.text} for one in found.patch],
    }


def _place(place: Location) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
