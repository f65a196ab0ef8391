"""fqtool validate: every problem of the registry at once, and with --fix those mended that need no judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import unified_diff
from pathlib import Path

from fqtool.errors import RegistryError
from fqtool.finding import Finding
from fqtool.registry.load import load_registry, read_registry
from fqtool.registry.patches import edited
from fqtool.rules.about_registry import check_registry

_ROUNDS = 10  # what is mended can bring to light what can be mended


def validated(path: Path, today: date) -> tuple[Finding, ...]:
    """Return every finding about the registry at `path`. Raises RegistryError where it cannot be read at all."""
    try:
        return check_registry(read_registry(path), today)
    except RegistryError as error:
        if not error.findings or not path.is_file():
            raise
        return error.findings


@dataclass(frozen=True, slots=True)
class Mended:
    """A registry's text before and after, the findings that were mended, and those that remain."""

    path: str
    before: str
    after: str
    mended: tuple[Finding, ...]
    remaining: tuple[Finding, ...]

    @property
    def diff(self) -> str:
        """The change as a unified diff; "" where there is none."""
        before, after = (text.splitlines(keepends=True) for text in (self.before, self.after))
        told = unified_diff(before, after, f"a/{self.path}", f"b/{self.path}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in told)


def mended(text: str, path: str, today: date) -> Mended:
    """Put in the patches of all findings, as often as new ones come to light; nothing is written.

    A patch stays in only where the text with it has fewer findings, or can be read further than before.
    """
    now, done = _checked(text, path, today), list[Finding]()
    after = text
    for _ in range(_ROUNDS):
        patched = [one for one in now.findings if one.patch]
        made, kept = _put_in(after, path, today, now, patched)
        if not kept:
            break
        after, now = made, _checked(made, path, today)
        done += kept
    return Mended(path, text, after, tuple(done), now.findings)


@dataclass(frozen=True, slots=True)
class _Checked:
    """How far a text can be read, and what is found in it."""

    reads: bool
    findings: tuple[Finding, ...]

    def better_than(self, other: _Checked) -> bool:
        """What can be read only now may show what was hidden before."""
        return self.reads > other.reads or (self.reads == other.reads and len(self.findings) < len(other.findings))


def _checked(text: str, path: str, today: date) -> _Checked:
    registry, findings = load_registry(text, path)
    if registry is None:
        return _Checked(reads=False, findings=findings)
    return _Checked(reads=True, findings=check_registry(registry, today))


def _put_in(text: str, path: str, today: date, now: _Checked, patched: Sequence[Finding]) -> tuple[str, list[Finding]]:
    """All at once, or where that does not help one after the other."""
    if not patched:
        return text, []
    made = edited(text, {edit for one in patched for edit in one.patch})
    if _checked(made, path, today).better_than(now):
        return made, list(patched)
    for one in patched if len(patched) > 1 else ():
        made = edited(text, one.patch)
        if _checked(made, path, today).better_than(now):
            return made, [one]
    return text, []
