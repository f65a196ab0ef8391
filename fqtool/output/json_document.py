"""JSON documents. `findings.schema.json` in this folder describes the document of findings.

JSON has no NaN and no infinities, so they are written as strings.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from fqtool.findings.remedy import Commands
from fqtool.output.outcome import rule_name, tally

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.findings.finding import Finding, Location
    from fqtool.findings.remedy import Remedy
    from fqtool.output.outcome import Outcome

FORMAT_VERSION = 1


def print_json(outcome: Outcome, stream: TextIO) -> None:
    """Print the outcome as JSON."""
    print_document(document_of(outcome), stream)


def document_of(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as a JSON document."""
    return {
        "format_version": FORMAT_VERSION,
        "target": outcome.target,
        "command": outcome.command,
        "findings": [_entry(finding) for finding in outcome.findings],
        "summary": {str(severity): count for severity, count in tally(outcome.findings).items()},
        **outcome.also,
    }


def _entry(finding: Finding) -> dict[str, Any]:
    place = finding.location
    return {
        "rule": finding.rule,
        "name": rule_name(finding),
        "severity": str(finding.severity),
        "subject": finding.subject,
        "message": finding.message,
        "cause": finding.cause,
        "remedy": str(finding.remedy),
        "commands": _commands(finding.remedy),
        **({"owner": finding.owner} if finding.owner else {}),
        **({"since": str(finding.since)} if finding.since else {}),
        "location": place and _place(place),
        "patch": [{"start": _place(edit.start), "end": _place(edit.end), "text": edit.text} for edit in finding.patch],
    }


def _commands(remedy: Remedy) -> list[list[str]]:
    """The command lines that are the whole remedy; empty where a person has to act or decide first."""
    return [list(line) for line in remedy.lines] if isinstance(remedy, Commands) and not remedy.first else []


def _place(place: Location) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}


def print_document(value: object, stream: TextIO) -> None:
    """Print a JSON value, indented, in ASCII, which is safe in any encoding and for lone surrogates."""
    json.dump(finite(value), stream, indent=2, allow_nan=False)
    stream.write("\n")


def finite(value: Any) -> Any:
    """Return the value with "NaN", "Infinity" and "-Infinity" for the numbers that JSON lacks, as BigQuery does.

    See https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#json_encodings.
    """
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {key: finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [finite(inner) for inner in value]
    return value
