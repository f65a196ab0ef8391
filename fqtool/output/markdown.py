"""Findings as a Markdown table, for a job summary or a pull request comment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fqtool.output.characters import visible_block, write
from fqtool.output.outcome import rule_title

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from fqtool.findings.finding import Finding
    from fqtool.output.outcome import Outcome

# Written as character references, because not every renderer accepts a backslash before a pipe in a table. An
# underscore within a word, and a colon outside of an address or emoji, have no meaning in Markdown; both stay.
_MEANINGFUL = re.compile(r"[&<|*`\[\\~$@#]|:(?=//|[\w+-]+:)|(?<![^\W_])_|_(?![^\W_])")
_QUOTED = re.compile("&#96;(.+?)&#96;")


def print_markdown(outcome: Outcome, stream: TextIO) -> None:
    """Print a heading with the conclusion, the target, one row per finding, and the preview of stored rows."""
    write(f"### fqtool {escape(outcome.command)}: {escape(outcome.conclusion())}\n", stream)
    if outcome.target:
        write(f"\nTarget: {code(outcome.target)}\n", stream)
    if outcome.findings:
        kind = "Change" if outcome.classes else "Severity"
        write(f"\n| {kind} | Rule | Where | What | Fix |\n| --- | --- | --- | --- | --- |\n", stream)
    for finding in _ordered(outcome):
        write(
            f"| {outcome.classes.get(finding.severity, finding.severity)} | {' | '.join(_cells(finding))} |\n", stream
        )
    preview = outcome.also.get("preview", {})
    if preview:
        write(f"\nRows scored by both: {preview['rows']:,}\n", stream)
    moves = [(one["name"], move) for one in preview.get("outcomes", ()) for move in one["moves"]]
    if moves:
        write("\n| Outcome | From | To | Rows |\n| --- | --- | --- | --- |\n", stream)
    for name, move in moves:
        words = (code(name), escape(move["from"] or "unknown"), escape(move["to"] or "unknown"), f"{move['rows']:,}")
        write(f"| {' | '.join(words)} |\n", stream)


def _ordered(outcome: Outcome) -> Iterable[Finding]:
    """The most severe first, where the command has its own words for severities."""
    return sorted(outcome.findings, key=lambda one: one.severity.rank if outcome.classes else 0)


def escape(text: str) -> str:
    """Return text for a Markdown table cell, with markup and control characters escaped."""
    plain = visible_block(text)
    return _MEANINGFUL.sub(lambda match: f"&#{ord(match[0])};", plain).replace("\n", "<br>")


def _cells(finding: Finding) -> tuple[str, ...]:
    where = code(finding.subject) + (f"<br>{escape(str(finding.location))}" if finding.location else "")
    what = _sentence(finding.message) + (f"<br>cause: {_sentence(finding.cause)}" if finding.cause else "")
    what += f"<br>owner: {escape(finding.owner)}" if finding.owner else ""
    return escape(rule_title(finding)), where, what, code(str(finding.remedy))


def _sentence(text: str) -> str:
    return _QUOTED.sub(r"<code>\1</code>", escape(text))


def code(text: str) -> str:
    """Return text as code in a Markdown table cell; "" stays ""."""
    return f"<code>{escape(text)}</code>" if text else ""
