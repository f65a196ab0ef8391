"""Outcome: the findings of a command and what every format needs to print them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fqtool.findings.finding import RULES, Severity
from fqtool.output.characters import visible, visible_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fqtool.findings.finding import Finding
    from fqtool.findings.remedy import Remedy


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command.

    Attributes:
        findings: the findings.
        target: the warehouse or file that was checked.
        command: the command that checked it.
        ok_message: the sentence to print where there are no errors and warnings.
        also: further keys of the JSON document.
        classes: the command's own words for severities; with them, notes are counted too.
    """

    findings: tuple[Finding, ...]
    target: str
    command: str
    ok_message: str
    also: Mapping[str, Any] = field(default_factory=dict)
    classes: Mapping[Severity, str] = field(default_factory=dict)
    shown: tuple[Finding, ...] | None = None
    """The findings that text prints in full, where other lines of the command already have the rest; None: all."""
    following: Remedy = ""
    """What to run next, which text prints after the counts."""

    def conclusion(self) -> str:
        """Return the sentence that ends the report: the number of findings, or that there are no problems."""
        total = tally(self.findings)
        if self.classes and self.findings:
            return ", ".join(f"{many} {self.classes[one]}" for one, many in total.items() if many)
        if total[Severity.ERROR] or total[Severity.WARNING]:
            lasting = sum(self.is_new(finding) is False for finding in self.findings)
            of_earlier = (
                f"; {lasting} of {len(self.findings)} findings began before {self.also['date']}" if lasting else ""
            )
            return f"{in_words(total)}{of_earlier}"
        return f"{self.ok_message} ({in_words(total)})" if self.findings else self.ok_message

    def is_new(self, finding: Finding) -> bool | None:
        """Return whether the date before did not have a finding; None where it is not about a date."""
        day = self.also.get("date")
        return None if finding.since is None or day is None else str(finding.since) >= day


def tally(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Count the findings per severity; every severity is a key."""
    seen = Counter(finding.severity for finding in findings)
    return {severity: seen[severity] for severity in Severity}


def in_words(total: dict[Severity, int]) -> str:
    """Return a tally as text: `3 errors, 1 warning`."""
    return ", ".join(f"{n} {severity}{'s' if n > 1 else ''}" for severity, n in total.items() if n)


def rule_name(finding: Finding) -> str:
    """Return the name of the finding's rule (unknown-key), or "" for a rule that is not registered."""
    known = RULES.get(finding.rule)
    return known.name if known else ""


def rule_title(finding: Finding) -> str:
    """Return the rule's code and name: `FQ101 unknown-key`."""
    return f"{finding.rule} {rule_name(finding)}".strip()


def place_of_subject(subject: str, message: str) -> int | None:
    """Return where a whole sentence names its subject: at its beginning, or anywhere in backticks; else None."""
    if message.startswith((f"{subject} ", f"{subject}, ")):
        return 0
    quoted = f"`{subject}`"
    return None if message[:1].islower() or quoted not in message else message.index(quoted) + 1


def headline(finding: Finding) -> str:
    """Return the message, behind the subject unless the message names it."""
    subject, message = finding.subject, finding.message
    return f"{subject}: {message}" if subject and place_of_subject(subject, message) is None else message


def prose(finding: Finding) -> str:
    """Return the whole finding as lines of plain text, for formats with one field for all of it."""
    lines = [headline(finding)]
    if finding.cause:
        lines.append(f"cause: {finding.cause}")
    if finding.owner:
        lines.append(f"owner: {finding.owner}")
    if finding.remedy:
        lines.append(f"fix: {finding.remedy}")
    return "\n".join(lines)


def shown_prose(finding: Finding) -> str:
    """Return the prose with control and invisible characters written as escapes, also line breaks in the subject."""
    return visible_block(prose(replace(finding, subject=visible(finding.subject))))
