"""Findings as JUnit XML, so that CI servers show them with the test results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.findings.finding import blocking
from fqtool.output.characters import visible, visible_block, xml_text
from fqtool.output.outcome import in_words, rule_title, shown_prose, tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO
    from xml.etree.ElementTree import Element

    from fqtool.findings.finding import Finding
    from fqtool.output.outcome import Outcome


def print_junit(outcome: Outcome, stream: TextIO) -> None:
    """Print one test case per rule and subject. Errors and warnings fail it; notes do not."""
    from xml.etree import ElementTree as ET

    cases = _cases(outcome)
    failed = sum(any(blocking(finding)) for finding in cases.values())
    counts = {"tests": str(max(len(cases), 1)), "failures": str(failed), "errors": "0", "time": "0"}
    name = _name(f"fqtool {outcome.command}")
    root = ET.Element("testsuites", {"name": name, **counts})
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "target", "value": _name(outcome.target)})
    for (rule, subject), findings in cases.items():
        _add_case(suite, outcome, f".{rule}" if rule else "", subject, findings)
    if not cases:
        _add_case(suite, outcome, "", outcome.command, ())
    ET.indent(root)
    # ASCII with character references, so that the encoding of the pipe cannot contradict the declaration.
    stream.write(ET.tostring(root, encoding="us-ascii", xml_declaration=True).decode("ascii") + "\n")


def _cases(outcome: Outcome) -> dict[tuple[str, str], list[Finding]]:
    cases: dict[tuple[str, str], list[Finding]] = {}
    for finding in outcome.findings:
        cases.setdefault((finding.rule, finding.subject), []).append(finding)
    return cases


def _add_case(suite: Element, outcome: Outcome, suffix: str, name: str, findings: Sequence[Finding]) -> None:
    from xml.etree.ElementTree import SubElement

    attributes = {"classname": _name(f"fqtool.{outcome.command}{suffix}"), "name": _name(name), "time": "0"}
    place = next((finding.location for finding in findings if finding.location), None)
    if place is not None:
        attributes |= {"file": _name(place.file), "line": str(place.line)}
    case = SubElement(suite, "testcase", attributes)
    grave = tuple(blocking(findings))
    if grave:
        # One failure for all: most servers show only the first failure of a case.
        more = f" (and {in_words(tally(grave[1:]))} more)" if grave[1:] else ""
        summary = {"type": str(grave[0].severity), "message": xml_text(visible_block(grave[0].message + more))}
        SubElement(case, "failure", summary).text = xml_text(_details(grave))
    calm = [finding for finding in findings if finding not in grave]
    if calm or not findings:
        SubElement(case, "system-out").text = xml_text(_details(calm) if calm else visible_block(outcome.ok_message))


def _name(text: str) -> str:
    """Return text for an attribute that servers show on one line."""
    return xml_text(visible(text))


def _details(findings: Sequence[Finding]) -> str:
    return "\n\n".join(
        f"{finding.severity} {rule_title(finding)}".rstrip()
        + (f" at {visible(str(finding.location))}" if finding.location else "")
        + f"\n{shown_prose(finding)}"
        for finding in findings
    )
