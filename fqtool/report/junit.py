"""Findings as JUnit XML, so that any CI server shows them beside the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.finding import blocking
from fqtool.report.characters import xml_text
from fqtool.report.outcome import in_words, prose, rule_title, tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO
    from xml.etree.ElementTree import Element

    from fqtool.finding import Finding
    from fqtool.report.outcome import Outcome


def print_junit(outcome: Outcome, stream: TextIO) -> None:
    """Print one test case per rule and subject: failed by errors and warnings, passed with notes or nothing."""
    from xml.etree import ElementTree as ET

    cases = _cases(outcome)
    failed = sum(any(blocking(found)) for found in cases.values())
    counts = {"tests": str(max(len(cases), 1)), "failures": str(failed), "errors": "0", "time": "0"}
    name = xml_text(f"fqtool {outcome.command}")
    root = ET.Element("testsuites", {"name": name, **counts})
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "target", "value": xml_text(outcome.target)})
    for (rule, subject), findings in cases.items():
        _add_case(suite, outcome, f".{rule}" if rule else "", subject, findings)
    if not cases:
        _add_case(suite, outcome, "", outcome.command, ())
    ET.indent(root)
    # ASCII with character references, so that the encoding of the pipe cannot contradict the declaration.
    stream.write(ET.tostring(root, encoding="us-ascii", xml_declaration=True).decode("ascii") + "\n")


def _cases(outcome: Outcome) -> dict[tuple[str, str], list[Finding]]:
    cases: dict[tuple[str, str], list[Finding]] = {}
    for found in outcome.findings:
        cases.setdefault((found.rule, found.subject), []).append(found)
    return cases


def _add_case(suite: Element, outcome: Outcome, suffix: str, name: str, findings: Sequence[Finding]) -> None:
    from xml.etree.ElementTree import SubElement

    attributes = {"classname": xml_text(f"fqtool.{outcome.command}{suffix}"), "name": xml_text(name), "time": "0"}
    place = next((found.location for found in findings if found.location), None)
    if place is not None:
        attributes |= {"file": xml_text(place.file), "line": str(place.line)}
    case = SubElement(suite, "testcase", attributes)
    grave = tuple(blocking(findings))
    if grave:
        # One failure for all: most servers show only the first failure of a case.
        more = f" (and {in_words(tally(grave[1:]))} more)" if grave[1:] else ""
        summary = {"type": str(grave[0].severity), "message": xml_text(grave[0].message + more)}
        SubElement(case, "failure", summary).text = xml_text(_told(grave))
    calm = [found for found in findings if found not in grave]
    if calm or not findings:
        SubElement(case, "system-out").text = xml_text(_told(calm) if calm else outcome.ok_message)


def _told(findings: Sequence[Finding]) -> str:
    return "\n\n".join(
        f"{found.severity} {rule_title(found)}".rstrip()
        + (f" at {found.location}" if found.location else "")
        + f"\n{prose(found)}"
        for found in findings
    )
