"""One finding as lines of text: headline, place, source, cause and fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fqtool.finding import Severity
from fqtool.report.characters import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fqtool.finding import Edit, Finding, Location
    from fqtool.report.console import Page
    from fqtool.report.source_lines import SourceLines

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_HANG = 4
_LABEL = 9


def finding_lines(found: Finding, page: Page, sources: SourceLines) -> Iterator[Text | str]:
    """Yield the lines of one finding; only its remedy comes as plain strings, to be pasted as it is."""
    yield from page.wrapped(Text(), _headline(found), _HANG)
    if found.location is not None:
        yield from _place(found.location, COLOURS[found.severity], page, sources)
    if found.cause:
        yield from page.wrapped(_label("cause", "dim") + " ", Text(_told(found.cause)), _LABEL)
    if found.remedy:
        yield from remedy_lines(found.remedy, page)
    if found.patch:
        yield from _patch_lines(found.patch, page, sources)


def _patch_lines(patch: Sequence[Edit], page: Page, sources: SourceLines) -> Iterator[Text | str]:
    """What --fix would do, as a diff of the lines."""
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


def remedy_lines(remedy: str, page: Page) -> Iterator[Text | str]:
    """Yield the remedy under its label; never wrapped, coloured or reworded."""
    first, *others = visible(remedy.replace("\r\n", "\n"), keep="\n\t").split("\n")
    # A command of several lines starts on a line of its own, so that its lines stay aligned with each other.
    label = page.rendered(_label("fix", "green"))
    yield label if others else f"{label} {first}"
    if others:
        yield from (f"{'':{_LABEL}}{line}".rstrip() for line in (first, *others))


def _headline(found: Finding) -> Text:
    colour = COLOURS[found.severity]
    line = Text()
    line.append(str(found.severity), f"bold {colour}")
    if found.rule:
        line.append(f" {visible(found.rule)}", colour)
    if found.subject:
        line.append(" ").append(visible(found.subject), "bold").append(":")
    return line.append(f" {_told(found.message)}")


def _place(place: Location, colour: str, page: Page, sources: SourceLines) -> Iterator[Text | str]:
    yield Text.assemble(("    --> ", "dim"), visible(str(place)))
    excerpt = sources.excerpt(place, page.width)
    if excerpt is None:
        return
    source, carets = excerpt
    yield Text.assemble((source[:_LABEL], "dim"), source[_LABEL:])
    if carets:
        yield Text.assemble((carets[:_LABEL], "dim"), (carets[_LABEL:], f"bold {colour}"))


def _label(word: str, style: str) -> Text:
    return Text.assemble((f"{word:>{_LABEL - 2}}:", style))


def _told(text: str) -> str:
    return visible(text.replace("\r\n", "\n"), keep="\n")
