"""Findings as SARIF 2.1.0, which code scanning services store, compare between runs and show in the source."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from fqtool.findings.finding import RULES, Location, Rule
from fqtool.output.json_document import print_document
from fqtool.output.outcome import prose

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from fqtool.findings.finding import Edit, Finding
    from fqtool.output.outcome import Outcome

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_UNRULED = "fqtool"  # a result without a rule id is legal SARIF, but GitHub refuses it


def print_sarif(outcome: Outcome, stream: TextIO) -> None:
    """Print the outcome as a SARIF log with one run."""
    print_document({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(outcome)]}, stream)


def _run(outcome: Outcome) -> dict[str, Any]:
    codes = sorted({finding.rule or _UNRULED for finding in outcome.findings})
    identities = _identities(outcome.findings)
    return {
        "tool": {"driver": {"name": "fqtool", **_version(), "rules": [_descriptor(code) for code in codes]}},
        # Code scanning replaces the results of a category; validate must not replace those of check-drift.
        "automationDetails": {"id": f"fqtool/{outcome.command}/"},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, codes.index(finding.rule or _UNRULED), identity) | _state(outcome.is_new(finding))
            for finding, identity in zip(outcome.findings, identities, strict=True)
        ],
        "properties": {"target": outcome.target, "conclusion": outcome.conclusion()},
    }


def _version() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return {"version": version("fqtool")}
    except PackageNotFoundError:
        return {}


def _descriptor(code: str) -> dict[str, Any]:
    known: Rule | None = RULES.get(code)
    if known is None:
        return {"id": code}
    summary = " ".join(known.page.partition("\n\n")[0].split())
    return {
        "id": code,
        "name": known.name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": known.page, "markdown": known.page},
        "defaultConfiguration": {"level": str(known.severity)},
    }


def _result(finding: Finding, rule_index: int, identity: str) -> dict[str, Any]:
    return {
        "ruleId": finding.rule or _UNRULED,
        "ruleIndex": rule_index,
        "level": str(finding.severity),
        "message": {"text": prose(finding)},
        "locations": [_place(finding)],
        **_fixes(finding),
        # GitHub compares runs by primaryLocationLineHash only. Its default is a hash of the source line, and drift has
        # no source line.
        "partialFingerprints": {"fqtoolFinding/v1": identity, "primaryLocationLineHash": identity},
        "properties": {
            "subject": finding.subject,
            "cause": finding.cause,
            "remedy": str(finding.remedy),
            **({"owner": finding.owner} if finding.owner else {}),
        },
    }


def _state(is_new: bool | None) -> dict[str, str]:
    """What is new compared with the date before; {} for a finding that is not about a date."""
    return {} if is_new is None else {"baselineState": "new" if is_new else "unchanged"}


def _fixes(finding: Finding) -> dict[str, Any]:
    """The patch, one change per file; {} without a patch."""
    if not finding.patch:
        return {}
    changes = [
        {
            "artifactLocation": _physical(Location(file))["artifactLocation"],
            "replacements": [_replacement(one) for one in finding.patch if one.start.file == file],
        }
        for file in dict.fromkeys(one.start.file for one in finding.patch)
    ]
    return {"fixes": [{"description": {"text": str(finding.remedy) or finding.message}, "artifactChanges": changes}]}


def _replacement(edit: Edit) -> dict[str, Any]:
    start, end = edit.start, edit.end
    region = {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def _place(finding: Finding) -> dict[str, Any]:
    physical = {"physicalLocation": _physical(finding.location)} if finding.location else {}
    return {**physical, "logicalLocations": [{"fullyQualifiedName": finding.subject}]}


def _physical(place: Location) -> dict[str, Any]:
    from urllib.parse import quote

    path = quote(place.file, errors="backslashreplace")
    artifact = {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": "%SRCROOT%"}
    if not place.line:
        return {"artifactLocation": artifact}
    column = {"startColumn": place.column} if place.column else {}
    return {"artifactLocation": artifact, "region": {"startLine": place.line, **column}}


def _identities(findings: Iterable[Finding]) -> list[str]:
    """Identify each finding by rule, subject and file, which stay when lines move, then by its order."""
    from hashlib import sha256

    seen: Counter[str] = Counter()
    names = []
    for finding in findings:
        lasting = [finding.rule, finding.subject, finding.location.file if finding.location else ""]
        digest = sha256(json.dumps(lasting).encode()).hexdigest()[:32]
        seen[digest] += 1
        names.append(f"{digest}:{seen[digest]}")
    return names
