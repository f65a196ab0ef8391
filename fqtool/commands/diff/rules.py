"""Rules about the differences of two registries: breaking, risky, safe."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fqtool.commands.diff.compare import Comparison, Difference
from fqtool.findings.finding import RULES, Finding, Group, Severity, rule
from fqtool.scoring.rescoring import Preview

PREVIEW = "Count the rows it changes with --rows FILE, or with --start, --end and --target."
"""The remedy where rows were not scored by both registries."""
_SEVERITIES = {"0": Severity.ERROR, "1": Severity.ERROR, "2": Severity.WARNING, "3": Severity.WARNING}
"""The severity of a rule by the third digit of its code; for other digits it is NOTE."""


@dataclass(frozen=True, slots=True)
class Break:
    """The rule about a kind of difference, and the templates of its finding.

    Attributes:
        code: the code of the rule.
        message: the template of the message.
        cause: the template of the cause.
        remedy: the template of the remedy.
    """

    code: str
    message: str
    cause: str
    remedy: str


def check_breaks(comparison: Comparison, levels: Mapping[str, Severity | None] | None = None) -> tuple[Finding, ...]:
    """Return one finding per difference, breaking ones first.

    Args:
        comparison: the two registries.
        levels: the code of a rule -> another severity, or None to leave the rule out.

    Raises:
        InputError: a column type is invalid.
    """
    return levelled(map(_finding, comparison.differences), levels or {})


def levelled(findings: Iterable[Finding], levels: Mapping[str, Severity | None]) -> tuple[Finding, ...]:
    """Return the findings with other severities, errors first, then by code.

    Args:
        findings: the findings.
        levels: the code of a rule -> another severity, or None to leave the rule out.
    """
    graded = [(finding, levels.get(finding.rule, finding.severity)) for finding in findings]
    kept = [replace(finding, severity=level) for finding, level in graded if level is not None]
    return tuple(sorted(kept, key=lambda finding: (finding.severity.rank, finding.rule)))


def _finding(difference: Difference) -> Finding:
    part, _, field = difference.kind.rpartition(".")
    kinds = (difference.kind, f"*.{field}", f"{part}.*", "*")
    row = next(BREAKS[kind] for kind in kinds if kind in BREAKS)
    words = {"subject": difference.subject, "preview": PREVIEW, **difference.words}
    message, cause, remedy = (text.format_map(words) for text in (row.message, row.cause, row.remedy))
    severity = RULES[row.code].severity
    return Finding(difference.subject, message, cause, remedy, difference.at, row.code, severity)


def _register(code: str, name: str, page: str) -> None:
    def check(difference: Difference) -> Iterator[Finding]:
        yield from (finding for finding in (_finding(difference),) if finding.rule == code)

    check.__name__, check.__doc__ = name, page
    rule(code, _SEVERITIES.get(code[3], Severity.NOTE), group=Group.DIFFERENCES)(check)


def _breaks() -> Iterator[tuple[str, Break]]:
    """Register every rule of the table; yield its kinds of difference."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    for code, entry in table.items():
        _register(code, entry["name"], entry["page"])
        for kinds, message in entry["message"].items():
            for kind in kinds.split():
                yield kind, Break(code, message, _text(entry, "cause", kind), _text(entry, "remedy", kind))


def _text(entry: dict[str, Any], field: str, kind: str) -> str:
    text = entry.get(field, "")
    return str(text[kind] if isinstance(text, dict) else text)


BREAKS = dict(_breaks())
"""Kind of difference -> its break. `part.*` is every field of a part, `*.field` a field of every part."""


_NAMED = 3


@rule("FQ838", Severity.WARNING, group=Group.DIFF)
def stored_rows_change(preview: Preview) -> Iterator[Finding]:
    """Stored rows get another tier, alert level or result of a gate.

    Problem: Both registries scored the rows, with different results. There is one finding per outcome, with the counts.

    Why: Readers see the change after the rows are scored again: models get other rows, and alerts start or stop. Until
    then the table has both.

    Example: 120 of 3,000 rows change from silver to bronze.

    Fix: Check that the change is intended; raise the schema version, and inform the readers.
    """
    for one in preview.outcomes:
        if one.moves:
            moves = [f"{move.old or 'unknown'} to {move.new or 'unknown'} {move.rows:,}" for move in one.moves[:_NAMED]]
            rest = len(one.moves) - _NAMED
            more = f" and {rest} more" if rest > 0 else ""
            yield Finding(
                one.name,
                f"`{one.name}` changes in {one.rows:,} of {preview.rows:,} rows: {', '.join(moves)}{more}.",
                cause="readers and models: they get other rows once these are scored again",
            )
