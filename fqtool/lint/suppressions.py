"""Suppress findings by comments in the registry, and the rules about these comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fqtool.findings.finding import RULES, Edit, Finding, Group, Location, Severity, rule
from fqtool.findings.remedy import Commands, commands
from fqtool.registry.model import Registry
from fqtool.registry.yaml.comments import Comment, comments


@dataclass(frozen=True, slots=True)
class Suppressions:
    """The comments for fqtool in a registry, and which of them have no effect.

    `unused` has the codes that suppress no finding. `refused` has the codes under `validate: ignore` that cannot be
    suppressed. `lines` is the text, for edits.
    """

    comments: tuple[Comment, ...] = ()
    unused: tuple[tuple[Comment, tuple[str, ...]], ...] = ()
    refused: tuple[tuple[str, Location], ...] = ()
    lines: tuple[str, ...] = ()


def suppressed(registry: Registry, findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], Suppressions]:
    """Apply the suppressions of a registry.

    Args:
        registry: The registry with the comments.
        findings: All findings about the registry.

    Returns:
        The findings to report, and the suppressions.
    """
    kept = [one for one in findings if chosen(registry, one.rule)]
    document = registry.document
    if document is None:
        return tuple(kept), Suppressions()
    marked = comments(document)
    # Comments of a shared file count too. Whether one is used depends on every registry that extends the file.
    everywhere = (*marked, *(comments(document.shared) if document.shared else ()))
    ignored = {(one.at.file, one.about, code) for one in everywhere if one.verb == "ignore" for code in one.codes}
    reported, used = [], set[tuple[int, str]]()
    for found in kept:
        file, line = (found.location.file, found.location.line) if found.location else ("", 0)
        if (file, line, found.rule) in ignored and not _firm(found.rule):
            used.update([(line, found.rule)] if file == document.file else [])
        else:
            reported.append(found)
    unused = [(one, tuple(code for code in one.codes if _idle(registry, one, code, used))) for one in marked]
    refused = tuple(
        (code, document.at(("validate", "ignore", number)))
        for number, code in enumerate(registry.validate.ignore)
        if _firm(code)
    )
    listed = tuple((one, codes) for one, codes in unused if codes)
    return tuple(reported), Suppressions(marked, listed, refused, tuple(document.lines) if marked else ())


def chosen(registry: Registry, code: str) -> bool:
    """Whether findings of a rule are reported.

    Firm rules are always reported. For other rules, the longest code prefix under `select` or `ignore` decides.
    """
    if _firm(code):
        return True
    select, ignore = (
        max((len(one) for one in listed if code.startswith(one)), default=-1)
        for listed in (registry.validate.select, registry.validate.ignore)
    )
    return select > ignore


def _firm(code: str) -> bool:
    return code in RULES and RULES[code].firm


def _idle(registry: Registry, one: Comment, code: str, used: set[tuple[int, str]]) -> bool:
    """Whether a code suppresses no finding. False for rules that are unknown, firm, not selected or dated."""
    known = RULES.get(code)
    if one.verb != "ignore" or known is None or known.firm or known.dated:
        return False
    return (one.about, code) not in used and chosen(registry, code)


_FORM = "# fqtool: ignore FQ131 the reason"


@rule("FQ180", Severity.WARNING, group=Group.SUPPRESSIONS)
def unclear_ignore(suppressions: Suppressions) -> Iterator[Finding]:
    """A suppression comment has no rule code or no reason.

    Problem: A comment `# fqtool:` has a word other than `ignore`, no rule code, or no reason.

    Why: Later readers of the file must know whether the reason still applies.

    Example: # fqtool: ignore FQ131

    Fix: Write the rule codes, then the reason: `# fqtool: ignore FQ131 features come in March`.
    """
    for one in suppressions.comments:
        if one.verb != "ignore":
            found = f"The word {one.verb}" if one.verb else "No word"
            message = f"{found} comes after `# fqtool:`; the word must be `ignore`."
        elif not one.codes:
            message = "The comment does not name the rule that it suppresses."
        elif not one.reason:
            message = f"The comment suppresses {', '.join(one.codes)} without a reason."
        else:
            continue
        yield Finding("comment", message, remedy=f"Write {_FORM}", location=one.at)


@rule("FQ181", Severity.WARNING, group=Group.SUPPRESSIONS)
def unused_ignore(suppressions: Suppressions) -> Iterator[Finding]:
    """A suppression comment has no effect.

    Problem: The rule has no finding on the line of the comment, or on the next line if the comment has its own line.

    Why: The mistake was fixed or has moved. The comment would hide the next finding.

    Example: # fqtool: ignore FQ131 features come in March, above a category that has features

    Fix: Remove the comment, for example with `fqtool validate --fix`, or move it to the line of the finding.
    """
    for one, codes in suppressions.unused:
        message = f"The comment suppresses {', '.join(codes)}, which has no finding on line {one.about}."
        kept = [code for code in one.codes if code not in codes]
        yield Finding("comment", message, remedy="Remove it.", location=one.at, patch=_without(suppressions, one, kept))


def _without(suppressions: Suppressions, one: Comment, kept: list[str]) -> tuple[Edit, ...]:
    """Reduce the comment to the codes to keep. Without codes, remove its line, or the comment and blanks before it."""
    line = suppressions.lines[one.at.line - 1]
    end = Location(one.at.file, one.at.line, one.at.column + len(one.text))
    if kept:
        return (Edit(one.at, end, f"# fqtool: ignore {', '.join(kept)} {one.reason}".rstrip()),)
    before = line[: one.at.column - 1]
    if before.strip():
        return (Edit(Location(one.at.file, one.at.line, len(before.rstrip()) + 1), end, ""),)
    if one.at.line == len(suppressions.lines):
        return (Edit(one.at, end, ""),)
    return (Edit(Location(one.at.file, one.at.line, 1), Location(one.at.file, one.at.line + 1, 1), ""),)


@rule("FQ182", Severity.WARNING, group=Group.SUPPRESSIONS)
def ignore_refused(suppressions: Suppressions) -> Iterator[Finding]:
    """A rule is suppressed that cannot be suppressed.

    Problem: A comment, or `ignore` under `validate`, names a rule that cannot be suppressed: its findings mean that the
    file is not readable, that the warehouse rejects a table or a statement, or that a row is wrong.

    Why: Every other command refuses such a registry, with or without the comment.

    Example: # fqtool: ignore FQ101 BigQuery accepts it

    Fix: Correct what the rule reports.
    """
    for one in suppressions.comments:
        for code in one.codes:
            if code in RULES and RULES[code].firm:
                message = f"{code} cannot be suppressed."
                yield Finding("comment", message, remedy=_what_it_finds(code), location=one.at)
    for code, at in suppressions.refused:
        yield Finding("validate ignore", f"{code} cannot be suppressed.", remedy=_what_it_finds(code), location=at)


def _what_it_finds(code: str) -> Commands:
    return commands(f"rule {code}", first="Correct what it reports:")
