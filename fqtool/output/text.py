"""Findings and errors as text for people, with the source line and a caret under the place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from fqtool.findings.finding import RULES, Group, Location, Severity, worst
from fqtool.findings.remedy import Commands
from fqtool.output.characters import visible, visible_block, visible_lines
from fqtool.output.outcome import in_words, place_of_subject, tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from fqtool.errors import FqtoolError
    from fqtool.findings.finding import Edit, Finding
    from fqtool.findings.remedy import Remedy
    from fqtool.output.console import Page
    from fqtool.output.outcome import Outcome

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_HANG = 4
_LABEL = 9
_TOKEN = re.compile(r"\w[\w.-]*")
_LARGEST = 8 * 1024 * 1024
_WIDEST = 120
_CUT = "..."
_GUTTER = 9
_FEWEST_ALIKE = 3
_NAMED = re.compile(r"`([^`]+)`( \(.+\)(?= is ))?")
"""The subject at the start of a message, with its type."""
_BEFORE_CARET = 0.6  # share of a cropped line that stays left of the caret


def finding_lines(
    finding: Finding, page: Page, sources: SourceLines, others: Sequence[str] = ()
) -> Iterator[Text | str]:
    """Yield the lines of one finding. The remedy is plain strings, which are printed unchanged.

    Args:
        finding: the finding.
        page: where it is printed.
        sources: the files of excerpts.
        others: the subjects of findings that differ from it in nothing else.
    """
    yield from page.wrapped(Text(), _headline(finding), _HANG)
    if others:
        more = f"The same for {len(others)} more: {', '.join(map(visible, others))}."
        yield from page.wrapped(Text(" " * _HANG), Text(more), _HANG)
    if finding.location is not None:
        yield Text.assemble(("    --> ", "dim"), visible(str(finding.location)))
        if not _is_about_a_record(finding):
            yield from _excerpt(finding.location, COLOURS[finding.severity], page, sources)
    if finding.cause:
        yield from page.wrapped(_label("cause", "dim") + " ", Text(visible_lines(finding.cause)), _LABEL)
    if finding.owner:
        yield from page.wrapped(_label("owner", "dim") + " ", Text(visible_lines(finding.owner)), _LABEL)
    if finding.remedy:
        yield from remedy_lines(finding.remedy, page)
    if finding.patch:
        yield from _patch_lines(finding.patch, page, sources)


def _patch_lines(patch: Sequence[Edit], page: Page, sources: SourceLines) -> Iterator[Text | str]:
    """The edits of --fix, as a diff of the lines."""
    label = f"{'--fix:':>{_LABEL - 1}}"
    for edit in patch:
        old = sources.between(edit.start, edit.end)
        if not old:
            continue
        after = old[-1][edit.end.column - 1 :] if edit.end.column > 1 or edit.start.line == edit.end.line else ""
        whole = f"{old[0][: edit.start.column - 1]}{edit.text}{after}"
        new = whole.split("\n") if whole else []
        for sign, colour, lines in (("-", "red", old), ("+", "green", new)):
            for line in lines:
                yield page.rendered(Text(f"{label} {sign} {visible(line)}", colour))
                label = " " * (_LABEL - 1)


def remedy_lines(remedy: Remedy, page: Page) -> Iterator[Text | str]:
    """Yield the remedy under its label; its commands have no wrapping and colour, so that they can be pasted."""
    if isinstance(remedy, Commands) and remedy.first and page.width and cell_len(str(remedy)) > page.width - _LABEL:
        # On a narrow terminal the command gets a line of its own, so that it can be pasted.
        yield from page.wrapped(_label("fix", "green") + " ", Text(visible_lines(remedy.first)), _LABEL)
        yield f"{'':{_LABEL}}{visible_block(str(replace(remedy, first='')))}"
        return
    first, *others = visible_block(str(remedy)).split("\n")
    # A remedy of several lines starts on a line of its own, so that its lines are aligned with each other.
    label = page.rendered(_label("fix", "green"))
    yield label if others else f"{label} {first}"
    if others:
        yield from (f"{'':{_LABEL}}{line}".rstrip() for line in (first, *others))


def _headline(finding: Finding) -> Text:
    colour = COLOURS[finding.severity]
    line = Text()
    line.append(str(finding.severity), f"bold {colour}")
    if finding.rule:
        line.append(f" {visible(finding.rule)}", colour)
    subject, message = visible(finding.subject), visible_lines(finding.message)
    place = place_of_subject(subject, message)
    if not subject:
        return line.append(f" {message}")
    if place is None:
        return line.append(" ").append(subject, "bold").append(f": {message}")
    line.append(f" {message[:place]}").append(subject, "bold")
    return line.append(message[place + len(subject) :])


def _is_about_a_record(finding: Finding) -> bool:
    """Return whether the line of the finding is a record, whose values may be private."""
    rule = RULES.get(finding.rule)
    return rule is not None and rule.group is Group.RECORDS


def _excerpt(place: Location, colour: str, page: Page, sources: SourceLines) -> Iterator[Text | str]:
    excerpt = sources.excerpt(place, page.width)
    if excerpt is None:
        return
    source, carets = excerpt
    yield Text.assemble((source[:_LABEL], "dim"), source[_LABEL:])
    if carets:
        yield Text.assemble((carets[:_LABEL], "dim"), (carets[_LABEL:], f"bold {colour}"))


def _label(word: str, style: str) -> Text:
    return Text.assemble((f"{word:>{_LABEL - 2}}:", style))


def print_text(outcome: Outcome, stream: TextIO) -> None:
    """Print the findings grouped by file or subject, then the conclusion."""
    from fqtool.output.console import Page

    page = Page(stream)
    write_findings(outcome.findings if outcome.shown is None else outcome.shown, page)
    gravest = worst(outcome.findings)
    style = f"bold {COLOURS[gravest]}" if gravest and gravest != "note" else "green"
    conclusion = Text(visible_lines(outcome.conclusion() + _in_the_table(outcome)), style)
    if outcome.following and outcome.findings:
        page.write([f"{page.rendered(conclusion)}. {visible_block(str(outcome.following))}"])
    else:
        page.write(page.wrapped(Text(), conclusion, 0))


def _in_the_table(outcome: Outcome) -> str:
    """How many of the counted findings a table of the command has instead of a paragraph of their own."""
    total = len(outcome.findings)
    in_table = 0 if outcome.shown is None else total - len(outcome.shown)
    if not in_table:
        return ""
    if in_table == total:
        return f"{';' if total > 1 else ','} {'all are ' if total > 1 else ''}in the table above"
    return f"; {in_table} of {total} findings {'is' if in_table == 1 else 'are'} in the table above"


def write_findings(findings: Sequence[Finding], page: Page) -> None:
    """Write each finding to the page, each followed by an empty line."""
    sources = SourceLines()
    for finding, others in _without_repeats(grouped(findings)):
        page.write((*finding_lines(finding, page, sources, others), ""))


def _without_repeats(findings: Sequence[Finding]) -> list[tuple[Finding, tuple[str, ...]]]:
    """Return the findings, each with the subjects of others that differ from it in nothing else but a type.

    Findings about a place in a file have an excerpt each, and two alike are printed in full.
    """
    alike: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        named = _NAMED.match(finding.message)
        same = (finding.rule, finding.severity, finding.cause, str(finding.remedy), finding.owner)
        if named and named[1] == finding.subject and not (finding.location or finding.patch):
            alike.setdefault((*same, finding.message[named.end() :]), []).append(finding)
        else:
            alike[number] = [finding]
    printed: list[tuple[Finding, tuple[str, ...]]] = []
    for group in alike.values():
        first, *others = group
        if len(group) < _FEWEST_ALIKE:
            printed += [(one, ()) for one in group]
        else:
            printed.append((first, tuple(_named(one) for one in others)))
    return printed


def _named(finding: Finding) -> str:
    """The subject with its type, such as `price (FLOAT64)`."""
    found = _NAMED.match(finding.message)
    return finding.subject + (found[2] or "" if found else "")


def grouped(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings grouped by file, sorted by line, or by subject; groups keep their order."""
    groups: dict[tuple[bool, str], list[Finding]] = {}
    for finding in findings:
        key = (True, finding.location.file) if finding.location else (False, finding.subject)
        groups.setdefault(key, []).append(finding)
    return [
        finding
        for (in_file, _), group in groups.items()
        for finding in (sorted(group, key=_line) if in_file else group)
    ]


def _line(finding: Finding) -> tuple[int, int]:
    return (finding.location.line, finding.location.column) if finding.location else (0, 0)


def print_error(error: FqtoolError, stream: TextIO) -> None:
    """Print the error's sentence, its remedy on a line of its own, its findings, and their number."""
    from fqtool.output.console import Page

    page = Page(stream)
    message = visible_lines(error.message)
    if [finding.message for finding in error.findings] != [error.message]:  # else its only finding has the same text
        page.write(page.wrapped(Text(), Text.assemble(("error", "bold red"), f": {message}"), 4))
        if error.remedy:
            page.write(remedy_lines(error.remedy, page))
        if error.findings:
            page.write([""])
    if error.findings:
        write_findings(error.findings, page)
        page.write([Text(in_words(tally(error.findings)), "bold red")])


class SourceLines:
    """Reads each file once, and only regular files of up to 8 MiB: reading a FIFO would block."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def excerpt(self, place: Location, width: int | None) -> tuple[str, str] | None:
        """Return the numbered source line and the caret line below it, or None where the line is empty or absent."""
        line = self._line(place)
        if line is None or not line.strip():
            return None
        start = min(max(place.column - 1, 0), len(line))
        token = _TOKEN.match(line, start)
        end = token.end() if token else min(start + 1, len(line))
        before, under, after = (
            visible(part.replace("\t", "    ")) for part in (line[:start], line[start:end], line[end:])
        )
        before, after = _crop(before, under, after, min(width or _WIDEST, _WIDEST) - _GUTTER)
        carets = "^" * max(cell_len(under), 1) if place.column else ""
        blank = " " * cell_len(before)
        return f"{place.line:>6} | {before}{under}{after}", f"{'':>6} | {blank}{carets}" if carets else ""

    def between(self, start: Location, end: Location) -> list[str]:
        """Return the lines from one place to another, without the last line where the range ends at its start."""
        last = end.line - (end.column == 1 and end.line > start.line)
        lines = (self._line(Location(start.file, number)) for number in range(start.line, last + 1))
        return [line for line in lines if line is not None]

    def _line(self, place: Location) -> str | None:
        if place.file not in self._files:
            self._files[place.file] = _read(place.file)
        lines = self._files[place.file]
        return lines[place.line - 1] if 0 < place.line <= len(lines) else None


def _read(file: str) -> list[str]:
    try:
        path = Path(file)
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return []
        return path.read_text(encoding="utf-8", errors="replace").split("\n")
    except (OSError, ValueError):
        return []


def _crop(before: str, under: str, after: str, width: int) -> tuple[str, str]:
    """Shorten the text left and right of the place, so that the place itself is visible."""
    if cell_len(before + under + after) <= width:
        return before, after
    left = max(int(width * _BEFORE_CARET), width - cell_len(under + after))
    if cell_len(before) > left:
        before = before[-left:]
        while cell_len(before) > left - len(_CUT):
            before = before[1:]
        before = _CUT + before
    right = max(width - cell_len(before + under), len(_CUT))
    if cell_len(after) > right:
        after = set_cell_size(after, right - len(_CUT)).rstrip() + _CUT
    return before, after
