"""Remedies of one run that fit each other.

`migrate plan` plans every difference, whichever finding a person follows, and `migrate` applies all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from fqtool.findings.finding import Finding
from fqtool.findings.listing import listed
from fqtool.findings.remedy import Commands

_ALLOW = "--allow"
_BASE = "--include-base"
_NAMED = 3


def allowed(findings: Iterable[Finding]) -> frozenset[str]:
    """Return the hazards that commands which need no decision allow."""
    lines = (line for finding in findings for line in _commands(finding))
    return frozenset(code for line in lines for option, code in pairwise(line) if option == _ALLOW)


def together(findings: Sequence[Finding], undecided: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Return findings with remedies that can be followed in any order.

    Where a person has to decide about one finding before a plan, the others name it before their plan. `migrate` in
    each remedy allows the hazards of all, and each plan changes base columns where one of them does.

    Args:
        findings: the findings of one run.
        undecided: more subjects to decide about before a plan.
    """
    asked = (f.subject for f in findings if isinstance(f.remedy, Commands) and f.remedy.first and _plans(f.remedy))
    subjects = tuple(dict.fromkeys((*asked, *undecided)))
    codes = sorted(allowed(findings))
    with_base = any(_BASE in line for finding in findings for line in _commands(finding))
    return tuple(_fitted(finding, subjects, codes, with_base=with_base) for finding in findings)


def _commands(finding: Finding) -> tuple[tuple[str, ...], ...]:
    """The commands of a finding that need no decision."""
    return finding.remedy.lines if isinstance(finding.remedy, Commands) and not finding.remedy.first else ()


def _plans(remedy: Commands) -> bool:
    """Whether a remedy plans new changes; `--redo` repeats planned ones."""
    return any(map(_is_plan, remedy.lines))


def _is_plan(line: tuple[str, ...]) -> bool:
    return line[:3] == ("fqtool", "migrate", "plan") and "--redo" not in line


def _fitted(finding: Finding, subjects: tuple[str, ...], codes: list[str], *, with_base: bool) -> Finding:
    remedy = finding.remedy
    if not isinstance(remedy, Commands) or remedy.first:
        return finding
    lines = ((*line, _BASE) if with_base and _is_plan(line) and _BASE not in line else line for line in remedy.lines)
    remedy = replace(remedy, lines=tuple(_allowing(line, codes) for line in lines))
    if subjects and _plans(remedy):
        named = listed([f"`{subject}`" for subject in subjects], _NAMED)
        remedy = replace(remedy, first=f"First decide what the fix of {named} asks. One plan then makes all changes:")
    return replace(finding, remedy=remedy)


def _allowing(line: tuple[str, ...], codes: list[str]) -> tuple[str, ...]:
    if line[:2] != ("fqtool", "migrate") or line[2:3] not in ((), (_ALLOW,)):
        return line
    return (*line, *(word for code in codes if code not in line for word in (_ALLOW, code)))
