"""Findings as a Markdown table, for a job summary or a comment on a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fqtool.finding import Severity
from fqtool.report.characters import visible, write
from fqtool.report.outcome import rule_title

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from fqtool.finding import Finding
    from fqtool.report.outcome import Outcome

# As character references, because inside a table no backslash protects a pipe in every renderer. An underscore
# within a word means nothing to Markdown, nor does a colon that starts no address and no emoji; both stay.
_MEANINGFUL = re.compile(r"[&<|*`\[\\~$@#]|:(?=//|[\w+-]+:)|(?<![^\W_])_|_(?![^\W_])")
_QUOTED = re.compile("&#96;(.+?)&#96;")


def print_markdown(outcome: Outcome, stream: TextIO) -> None:
    """Print a heading with the conclusion, the target, one table row per finding, and what becomes of stored rows."""
    write(f"### fqtool {escape(outcome.command)}: {escape(outcome.conclusion())}\n", stream)
    if outcome.target:
        write(f"\nTarget: {code(outcome.target)}\n", stream)
    if outcome.findings:
        kind = "Change" if outcome.classes else "Severity"
        write(f"\n| {kind} | Rule | Where | What | Fix |\n| --- | --- | --- | --- | --- |\n", stream)
    for found in _ordered(outcome):
        write(f"| {outcome.classes.get(found.severity, found.severity)} | {' | '.join(_cells(found))} |\n", stream)
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
    """The gravest first where the command speaks of kinds of change."""
    return sorted(outcome.findings, key=lambda one: [*Severity].index(one.severity) if outcome.classes else 0)


def escape(text: str) -> str:
    """Return text that shows as itself in a Markdown table cell, whatever it contains."""
    plain = visible(text.replace("\r\n", "\n"), keep="\n\t")
    return _MEANINGFUL.sub(lambda found: f"&#{ord(found[0])};", plain).replace("\n", "<br>")


def _cells(found: Finding) -> tuple[str, ...]:
    where = code(found.subject) + (f"<br>{escape(str(found.location))}" if found.location else "")
    what = _sentence(found.message) + (f"<br>cause: {_sentence(found.cause)}" if found.cause else "")
    return escape(rule_title(found)), where, what, code(found.remedy)


def _sentence(text: str) -> str:
    return _QUOTED.sub(r"<code>\1</code>", escape(text))


def code(text: str) -> str:
    """Return text as code in a Markdown table cell; "" for none."""
    return f"<code>{escape(text)}</code>" if text else ""
