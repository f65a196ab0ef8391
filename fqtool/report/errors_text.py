"""An FqtoolError as text: the sentence, what to do, and every finding it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.errors import FqtoolError


def print_error(error: FqtoolError, stream: TextIO) -> None:
    """Print the error's sentence, its remedy on a line of its own, then its findings and how many they are."""
    from rich.text import Text

    from fqtool.report.characters import visible
    from fqtool.report.console import Page
    from fqtool.report.finding_text import remedy_lines
    from fqtool.report.outcome import in_words, tally
    from fqtool.report.text import write_findings

    page = Page(stream)
    message = visible(error.message.replace("\r\n", "\n"), keep="\n")
    if [one.message for one in error.findings] != [error.message]:  # else its only finding says all of it
        page.write(page.wrapped(Text(), Text.assemble(("error", "bold red"), f": {message}"), 4))
        if error.remedy:
            page.write(remedy_lines(error.remedy, page))
        if error.findings:
            page.write([""])
    if error.findings:
        write_findings(error.findings, page)
        page.write([Text(in_words(tally(error.findings)), "bold red")])
