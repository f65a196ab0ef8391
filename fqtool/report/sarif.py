"""Findings as SARIF 2.1.0, which code scanning services keep, compare between runs and show on the source."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from fqtool.finding import RULES, Location, Rule
from fqtool.report.outcome import prose

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from fqtool.finding import Edit, Finding
    from fqtool.report.outcome import Outcome

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_UNRULED = "fqtool"  # a result without a rule id is legal SARIF, and refused by GitHub


def print_sarif(outcome: Outcome, stream: TextIO) -> None:
    """Print the outcome as a SARIF log with one run."""
    json.dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(outcome)]}, stream, indent=2)
    stream.write("\n")


def _run(outcome: Outcome) -> dict[str, Any]:
    codes = sorted({found.rule or _UNRULED for found in outcome.findings})
    identities = _identities(outcome.findings)
    return {
        "tool": {"driver": {"name": "fqtool", **_version(), "rules": [_descriptor(code) for code in codes]}},
        # Code scanning replaces the results of one category; validate must not wipe out check-drift.
        "automationDetails": {"id": f"fqtool/{outcome.command}/"},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(found, codes.index(found.rule or _UNRULED), identity)
            for found, identity in zip(outcome.findings, identities, strict=True)
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


def _result(found: Finding, rule_index: int, identity: str) -> dict[str, Any]:
    return {
        "ruleId": found.rule or _UNRULED,
        "ruleIndex": rule_index,
        "level": str(found.severity),
        "message": {"text": prose(found)},
        "locations": [_place(found)],
        **_fixes(found),
        # GitHub compares runs by primaryLocationLineHash alone and would hash a source line, which drift has not.
        "partialFingerprints": {"fqtoolFinding/v1": identity, "primaryLocationLineHash": identity},
        "properties": {"subject": found.subject, "cause": found.cause, "remedy": found.remedy},
    }


def _fixes(found: Finding) -> dict[str, Any]:
    """The patch, one change for each file; nothing where there is none."""
    if not found.patch:
        return {}
    changes = [
        {
            "artifactLocation": _physical(Location(file))["artifactLocation"],
            "replacements": [_replacement(one) for one in found.patch if one.start.file == file],
        }
        for file in dict.fromkeys(one.start.file for one in found.patch)
    ]
    return {"fixes": [{"description": {"text": found.remedy or found.message}, "artifactChanges": changes}]}


def _replacement(edit: Edit) -> dict[str, Any]:
    start, end = edit.start, edit.end
    region = {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def _place(found: Finding) -> dict[str, Any]:
    physical = {"physicalLocation": _physical(found.location)} if found.location else {}
    return {**physical, "logicalLocations": [{"fullyQualifiedName": found.subject}]}


def _physical(place: Location) -> dict[str, Any]:
    from urllib.parse import quote

    path = quote(place.file, errors="backslashreplace")
    artifact = {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": "%SRCROOT%"}
    if not place.line:
        return {"artifactLocation": artifact}
    column = {"startColumn": place.column} if place.column else {}
    return {"artifactLocation": artifact, "region": {"startLine": place.line, **column}}


def _identities(findings: Iterable[Finding]) -> list[str]:
    """Name each finding by what stays when lines move and counts in messages change, then by its turn."""
    from hashlib import sha256

    seen: Counter[str] = Counter()
    names = []
    for found in findings:
        lasting = [found.rule, found.subject, found.location.file if found.location else ""]
        digest = sha256(json.dumps(lasting).encode()).hexdigest()[:32]
        seen[digest] += 1
        names.append(f"{digest}:{seen[digest]}")
    return names
