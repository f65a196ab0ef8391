"""The words of findings: names and rows of a root cause, its dates, and what to do."""

from __future__ import annotations

from fqtool.commands.diagnose.cause import Cause
from fqtool.findings.finding import Finding
from fqtool.findings.listing import listed
from fqtool.findings.remedy import Remedy, commands
from fqtool.output.table_text import index_ranges

REBUILD = "Rebuild the rows of the store."
_SHOWN = 3


def finding_of(cause: Cause, message: str, *, first: str = "") -> Finding:
    """Return a finding with the evidence as its cause, and what to do, in order, as its remedy.

    Args:
        cause: The root cause.
        message: The message.
        first: What a person does before the rows are scored. "": run the processor again, which only a missing or old
            output needs.
    """
    processor = cause.processor
    subject = processor.name if processor else names(cause) or "feature vector"
    if not first:
        first = REBUILD
        if processor:
            table = f" ({processor.table})" if processor.table else ""
            first = f"Run {processor.name}{table} for {dates(cause)} and rebuild the rows of the store."
    return Finding(subject, message, cause.reason, scored_after(cause, first))


def look_at(cause: Cause, what: str) -> str:
    """Return where to look for an error in code or input, which running the processor again does not repair."""
    places = dict.fromkeys(
        f"{one.upstream_table}.{one.upstream_column}" for one in cause.features if one.upstream_column
    )
    where = ", ".join(list(places)[:_SHOWN]) or (cause.processor.table if cause.processor else "") or _input(cause)
    return f"{what} in {where}, repair it, and rebuild the rows of the store."


def _input(cause: Cause) -> str:
    return f"the input of {listed([one.name for one in cause.features], _SHOWN)}"


def names(cause: Cause) -> str:
    """Return the names of the features."""
    return ", ".join(one.name for one in cause.features)


def numbered(cause: Cause) -> str:
    """Return `feature 5` or `features 5-8`."""
    word = "feature" if len(cause.features) == 1 else "features"
    return f"{word} {index_ranges(one.index for one in cause.features)}"


def are(cause: Cause) -> str:
    """Return `is` or `are`."""
    return "is" if len(cause.features) == 1 else "are"


def have(cause: Cause) -> str:
    """Return `has` or `have`."""
    return "has" if len(cause.features) == 1 else "have"


def rows_of(cause: Cause) -> str:
    """Return `all 201 rows` or `40 of 201 rows`."""
    return f"all {cause.rows:,} rows" if cause.hit == cause.rows else f"{cause.hit:,} of {cause.rows:,} rows"


def since(cause: Cause) -> str:
    """Return `, since DATE`; nothing for a problem of one date."""
    if cause.since == cause.day:
        return ""
    return f", {'at least ' * cause.at_least}since {cause.since}"


def until(cause: Cause) -> str:
    """Return the option --end of a command for more than one date."""
    return f" --end {cause.day}" if cause.since != cause.day else ""


def dates(cause: Cause) -> str:
    """Return the date, or `DATE to DATE`."""
    return str(cause.day) if cause.since == cause.day else f"{cause.since} to {cause.day}"


def did_not_run(cause: Cause) -> str:
    """Return that the processor did not run, or may not have run where the rows record no runs."""
    return f"{'did not run' if cause.recorded else 'may not have run'} for {cause.day}"


def of_features(cause: Cause, what: str, look_for: str, otherwise: str = "") -> Finding:
    """Return the finding of a cause whose message begins with the names of its features."""
    detail = f": {cause.detail}" if cause.detail else ""
    message = f"{names(cause)} {what} in {rows_of(cause)} on {cause.day}{since(cause)}{detail}."
    return finding_of(cause, message, first=f"{look_at(cause, look_for)} {otherwise}".rstrip())


def of_processor(cause: Cause, did: str, what: str, *, first: str = "") -> Finding:
    """Return the finding of a cause whose message begins with its processor, as far as one is known."""
    rows = f"{numbered(cause)} {what} in {rows_of(cause)}"
    alone = f"{names(cause)} {what} in {rows_of(cause)} on {cause.day}"
    who = f"{cause.processor.name} {did}: {rows}" if cause.processor else alone
    return finding_of(cause, f"{who}{since(cause)}.", first=first)


def of_rows(message: str, cause: Cause, first: str = REBUILD) -> Finding:
    """Return a finding about whole rows."""
    return Finding("rows", message, remedy=scored_after(cause, first))


def scored_after(cause: Cause, first: str) -> Remedy:
    """Return what a person does, and the scoring after it if the registry has columns to compute."""
    if not cause.scorable:
        return first
    return commands(f"score --start {cause.since}{until(cause)}", first=f"{first} Then run:")
