"""What a new registry makes of the rows that are stored: counted by scoring them by both."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.quality.rescoring import Preview

_NAMED = 3


@rule("FQ838", Severity.WARNING)
def stored_rows_change(preview: Preview) -> Iterator[Finding]:
    """Stored rows get another tier, alert level or answer of a gate.

    Problem: scored by both registries, rows come out differently. One finding for each outcome, with the counts.

    Why: readers see it as soon as the rows are scored again: models get other rows, alarms fire or fall silent. Until
    then the table holds both.

    Example: 120 of 3,000 rows go from silver to bronze.

    Fix: be sure that it is meant; raise the schema version, and tell who reads.
    """
    for one in preview.outcomes:
        if one.moves:
            told = [f"{move.old or 'unknown'} to {move.new or 'unknown'} {move.rows:,}" for move in one.moves[:_NAMED]]
            rest = len(one.moves) - _NAMED
            more = f" and {rest} more" if rest > 0 else ""
            yield Finding(
                one.name,
                f"{one.name} changes in {one.rows:,} of {preview.rows:,} rows: {', '.join(told)}{more}.",
                cause="readers and models: they get other rows once these are scored again",
            )
