"""Rules on what a team silences: comments such as `# fqtool: ignore FQ131 reason`, and `validate:` in the registry."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import RULES, Edit, Finding, Location, Severity, rule
from fqtool.registry.comments import Comment
from fqtool.rules.silences import Silences

_FORM = "# fqtool: ignore FQ131 the reason"


@rule("FQ180", Severity.WARNING)
def unclear_ignore(silences: Silences) -> Iterator[Finding]:
    """A comment that silences a finding does not say which, or why.

    Problem: after `# fqtool:` stands another word than `ignore`, no code, or no reason.

    Why: whoever reads the file a year later must know whether the reason still holds.

    Example: # fqtool: ignore FQ131

    Fix: write the codes, then the reason: `# fqtool: ignore FQ131 features come in March`.
    """
    for one in silences.comments:
        if one.verb != "ignore":
            message = f"After # fqtool: stands {one.verb or 'nothing'}; it can only be ignore."
        elif not one.codes:
            message = "The comment does not say which rule it silences."
        elif not one.reason:
            message = f"The comment silences {', '.join(one.codes)} without a reason."
        else:
            continue
        yield Finding("comment", message, remedy=f"Write {_FORM}", location=one.at)


@rule("FQ181", Severity.WARNING)
def unused_ignore(silences: Silences) -> Iterator[Finding]:
    """Something is silenced that nothing says.

    Problem: no finding of the rule stands on the comment's line, or on the line after a comment that stands alone.

    Why: the mistake was mended or has moved; the comment would hide the next one.

    Example: # fqtool: ignore FQ131 features come in March, above a category that has features

    Fix: remove the comment, or put it at the line of the finding; `fqtool validate --fix` removes it.
    """
    for one, codes in silences.unused:
        message = f"The comment silences {', '.join(codes)}, which nothing on line {one.about} breaks."
        kept = [code for code in one.codes if code not in codes]
        yield Finding("comment", message, remedy="Remove it.", location=one.at, patch=_without(silences, one, kept))


def _without(silences: Silences, one: Comment, kept: list[str]) -> tuple[Edit, ...]:
    """The comment with the codes that are kept, or none: then its whole line goes, or the blanks before it."""
    line = silences.lines[one.at.line - 1]
    end = Location(one.at.file, one.at.line, one.at.column + len(one.text))
    if kept:
        return (Edit(one.at, end, f"# fqtool: ignore {', '.join(kept)} {one.reason}".rstrip()),)
    before = line[: one.at.column - 1]
    if before.strip():
        return (Edit(Location(one.at.file, one.at.line, len(before.rstrip()) + 1), end, ""),)
    if one.at.line == len(silences.lines):
        return (Edit(one.at, end, ""),)
    return (Edit(Location(one.at.file, one.at.line, 1), Location(one.at.file, one.at.line + 1, 1), ""),)


@rule("FQ182", Severity.WARNING)
def ignore_refused(silences: Silences) -> Iterator[Finding]:
    """A rule is to be silenced that cannot be.

    Problem: a comment, or `ignore` under validate, names a rule whose findings make the file unreadable, a table or a
    statement refused, or a row wrong.

    Why: every other command refuses such a registry, whatever it says of itself.

    Example: # fqtool: ignore FQ101 BigQuery will take it

    Fix: mend what the rule found.
    """
    for one in silences.comments:
        for code in one.codes:
            if code in RULES and RULES[code].firm:
                message = f"{code} cannot be silenced."
                yield Finding("comment", message, remedy=f"fqtool rule {code}", location=one.at)
    for code, at in silences.refused:
        yield Finding("validate ignore", f"{code} cannot be silenced.", remedy=f"fqtool rule {code}", location=at)
