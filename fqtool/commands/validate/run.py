"""fqtool validate: every problem of the registry in one run, and with --fix the automatic fixes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fqtool.errors import RegistryError
from fqtool.findings.finding import Finding
from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry, read_registry
from fqtool.registry.patches import edited, text_diff

_ROUNDS = 10  # a fix may reveal further findings that have a fix


def validated(path: Path, today: date) -> tuple[Finding, ...]:
    """Return every finding about a registry.

    Args:
        path: the registry file.
        today: the date that dates in the registry are compared with.

    Raises:
        RegistryError: the file cannot be read.
    """
    try:
        return check_registry(read_registry(path), today)
    except RegistryError as error:
        if not error.findings or not path.is_file():
            raise
        return error.findings


@dataclass(frozen=True, slots=True)
class Fixed:
    """The result of --fix.

    Attributes:
        path: the registry file.
        before: the text before.
        after: the text after.
        fixed: the findings that were fixed.
        remaining: the findings that remain.
    """

    path: str
    before: str
    after: str
    fixed: tuple[Finding, ...]
    remaining: tuple[Finding, ...]

    @property
    def diff(self) -> str:
        """The change as a unified diff; "" without a change."""
        return text_diff(self.before, self.after, f"a/{self.path}", f"b/{self.path}")


def fixed(text: str, path: str, today: date) -> Fixed:
    """Apply the patches of all findings, repeatedly, because a fix may reveal further findings. Nothing is written.

    A patch is kept only if it leaves fewer findings, or if the text becomes readable.

    Args:
        text: the text of the registry.
        path: its file, for messages.
        today: the date that dates in the registry are compared with.
    """
    current, done = _checked(text, path, today), list[Finding]()
    after = text
    for _ in range(_ROUNDS):
        patched = [finding for finding in current.findings if finding.patch]
        # All together, or where that does not help one after the other.
        for findings in (patched, *([finding] for finding in patched if len(patched) > 1)):
            candidate = edited(after, {edit for finding in findings for edit in finding.patch})
            checked = _checked(candidate, path, today)
            if checked.better_than(current):
                after, current = candidate, checked
                done += findings
                break
        else:
            break
    return Fixed(path, text, after, tuple(done), current.findings)


@dataclass(frozen=True, slots=True)
class _Checked:
    """Whether a text is readable, and the findings about it."""

    readable: bool
    findings: tuple[Finding, ...]

    def better_than(self, other: _Checked) -> bool:
        """Return whether this text is better: a text that became readable may have more findings."""
        return (self.readable, -len(self.findings)) > (other.readable, -len(other.findings))


def _checked(text: str, path: str, today: date) -> _Checked:
    registry, findings = load_registry(text, path)
    return _Checked(registry is not None, findings if registry is None else check_registry(registry, today))
