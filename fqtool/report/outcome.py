"""Outcome: everything a command has to say, before any format has had its say about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fqtool.finding import RULES, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fqtool.finding import Finding


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `command` found in `target`; `ok_message` is the sentence for when nothing is wrong.

    `also` are further keys of its JSON document; `classes` are words for the severities where the command has its own,
    and then a note is news as well.
    """

    findings: tuple[Finding, ...]
    target: str
    command: str
    ok_message: str
    also: Mapping[str, Any] = field(default_factory=dict)
    classes: Mapping[Severity, str] = field(default_factory=dict)

    def conclusion(self) -> str:
        """Return the sentence that ends the report: what was found, or that all is well."""
        total = tally(self.findings)
        if self.classes and self.findings:
            return ", ".join(f"{many} {self.classes[one]}" for one, many in total.items() if many)
        if total[Severity.ERROR] or total[Severity.WARNING]:
            return in_words(total)
        return f"{self.ok_message} ({in_words(total)})" if self.findings else self.ok_message


def tally(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Count the findings per severity; every severity is a key."""
    seen = Counter(found.severity for found in findings)
    return {severity: seen[severity] for severity in Severity}


def in_words(total: dict[Severity, int]) -> str:
    """Say a tally as people do: `3 errors, 1 warning`."""
    return ", ".join(f"{n} {severity}{'s' if n > 1 else ''}" for severity, n in total.items() if n)


def rule_name(found: Finding) -> str:
    """Return the name of the finding's rule (unknown-key), or nothing for a rule nobody registered."""
    known = RULES.get(found.rule)
    return known.name if known else ""


def rule_title(found: Finding) -> str:
    """Return the rule's code and name: `FQ101 unknown-key`."""
    return f"{found.rule} {rule_name(found)}".strip()


def prose(found: Finding) -> str:
    """Return the whole finding as lines of plain text, for formats with one field for all of it."""
    lines = [f"{found.subject}: {found.message}" if found.subject else found.message]
    if found.cause:
        lines.append(f"cause: {found.cause}")
    if found.remedy:
        lines.append(f"fix: {found.remedy}")
    return "\n".join(lines)
