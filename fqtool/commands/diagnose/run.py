"""fqtool diagnose: the problems of a date, with affected features and rows, onset, likely cause and fix."""

from __future__ import annotations

import statistics
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TextIO

from fqtool.cli.counts import counted
from fqtool.commands.diagnose.absent_keys import with_absent_keys
from fqtool.commands.diagnose.cause import Cause
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.history import FEWEST
from fqtool.commands.diagnose.newest_rows import age_findings
from fqtool.commands.diagnose.root_causes import causes_of, date_without_rows
from fqtool.commands.diagnose.rules import findings_of
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.commands.diagnose.undeclared_labels import with_undeclared_labels
from fqtool.commands.diagnose.unscored import with_first_unscored
from fqtool.errors import InputError, Refusal
from fqtool.findings.finding import Finding
from fqtool.output.table_text import index_ranges
from fqtool.registry.model import Registry
from fqtool.scoring.layout import Layout
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import require_columns

BASELINE = 14


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The problems of a date.

    Attributes:
        day: The date.
        today: Its statistics, None where it has no rows.
        before: The dates that it is compared with, in order.
        findings: The problems, errors first, then the most rows.
    """

    day: date
    today: Day | None
    before: tuple[Day, ...]
    findings: tuple[Finding, ...]


def diagnosis_of(
    registry: Registry,
    warehouse: Warehouse,
    day: date,
    baseline: int = BASELINE,
    *,
    measuring: bool = False,
    given: bool = True,
) -> Diagnosis:
    """Diagnose one date against the `baseline` days before it, by one scan of those partitions.

    Where rows of the date are not scored, a second scan reads their labels. Further queries read what a root cause
    needs: the keys where the number of rows is unusual, the first date that is not scored, the newest date with rows.

    Args:
        registry: The registry.
        warehouse: The target.
        day: The date.
        baseline: Number of days before the date to compare it with, 0 or more.
        measuring: Whether to compute the figures of the thresholds too.
        given: Whether a user named the date; else it is the newest one with rows, whose age is judged.

    Raises:
        Refusal: The store has no rows.
        InputError: The baseline is negative or too long.
        NotThere: The table does not exist.
        OtherColumns: The table lacks a column, or the column has another type.
    """
    start = baseline_start(day, baseline)
    evidence = Evidence(registry, measuring)
    require_columns(registry, warehouse, evidence.needs)
    every = days_of(evidence, warehouse, baseline_start(start, baseline), day, judged=day)
    older, days = [one for one in every if one.day < start], [one for one in every if one.day >= start]
    if not days or days[-1].day != day:
        absent = date_without_rows(registry, day, start, days)
        too_old = age_findings(registry, warehouse, day, has_rows=False, given=given)
        return Diagnosis(day, None, tuple(days), too_old or (findings_of(absent) if absent else ()))
    dates = [one.day for one in days]
    causes = with_queries(causes_of(registry, days, older), registry, warehouse, dates)
    findings = sorted((found for cause in causes for found in findings_of(cause)), key=lambda one: one.severity.rank)
    too_old = age_findings(registry, warehouse, day, has_rows=True, given=given)
    return Diagnosis(day, days[-1], tuple(days[:-1]), (*too_old, *findings))


def with_queries(
    causes: Sequence[Cause], registry: Registry, warehouse: Warehouse, dates: Sequence[date]
) -> tuple[Cause, ...]:
    """Return the root causes of a date with what only other queries find.

    Args:
        causes: The root causes.
        registry: The registry.
        warehouse: The target.
        dates: The dates that were read and have rows, in order, the date in question last.
    """
    causes = with_undeclared_labels(causes, registry, warehouse)
    causes = tuple(with_first_unscored(one, registry, warehouse, dates[0]) for one in causes)
    return tuple(with_absent_keys(one, registry, warehouse, dates[:-1]) for one in causes)


def require_any_rows(found: Diagnosis, registry: Registry, warehouse: Warehouse, baseline: int) -> None:
    """Raise Refusal where neither the date nor one of the dates to compare it with has rows, and no finding exists."""
    if found.today is None and not found.before and not found.findings:
        span = f"from {baseline_start(found.day, baseline)} to {found.day}" if baseline else f"on {found.day}"
        raise Refusal(
            f"{registry.table.name} in {warehouse.url} has no rows {span}.",
            remedy="Give another --date, or omit --date to use the newest date with rows.",
        )


def baseline_start(day: date, baseline: int = BASELINE) -> date:
    """Return the first date to compare `day` with. Raises InputError where there is no such date."""
    if baseline < 0:
        raise InputError(f"--baseline must be 0 or more, not {baseline}.", remedy="Use a number of days, such as 14.")
    try:
        return day - timedelta(days=baseline)
    except OverflowError:
        raise InputError(
            f"There is no date {baseline} days before {day}.", remedy="Use fewer days in --baseline."
        ) from None


def days_of(evidence: Evidence, warehouse: Warehouse, start: date, end: date, *, judged: date) -> list[Day]:
    """Return the statistics of the dates that have rows, in order.

    Labels are read too where rows from `judged` on are not scored.
    """
    days = [evidence.read(row) for row in warehouse.rows(evidence.query(start, end))]
    if any(one.scored < one.rows for one in days if one.day >= judged):
        days = [evidence.read(row) for row in warehouse.rows(evidence.query(start, end, by_label=True))]
    return days


_SHADES = ".-:+#"
_LEGEND = "rows by feature: . none, - below 25%, : below 50%, + below 75%, # from 75%"
_FALL = 0.1


def print_surroundings(diagnosis: Diagnosis, registry: Registry, stream: TextIO) -> None:
    """Print the lines above the findings: the date, its defaulted features, the gates that fewer rows pass."""
    from fqtool.output.console import Page
    from fqtool.output.sentences import fitted

    width = Page(stream).width
    lines = [heading(diagnosis), *_strips(diagnosis, registry, width), *_readiness(diagnosis, width), ""]
    stream.write("".join(f"{fitted(line, stream)}\n" for line in lines))


def heading(diagnosis: Diagnosis) -> str:
    """Return the date, its rows, and the number of dates that it is compared with."""
    today = diagnosis.today
    if today is None:
        return f"{diagnosis.day}: no rows. For the newest date with rows, remove --date."
    count = len(diagnosis.before)
    compared = f"compared with {count} earlier date{'s' * (count != 1)}" if count else "no earlier date to compare with"
    unscored = f", {today.rows - today.scored:,} of them not scored" if today.scored < today.rows else ""
    return f"{today.day}: {counted(today.rows, 'row')}{unscored}; {compared}."


def healthy(diagnosis: Diagnosis) -> str:
    """Return the sentence for a date without findings."""
    today = diagnosis.today
    if today is None:
        return heading(diagnosis)
    few = f" Values of fewer than {FEWEST} rows are not judged." if today.rows < FEWEST else ""
    return f"{heading(diagnosis)} No problems found.{few}"


def _readiness(diagnosis: Diagnosis, width: int | None) -> Iterator[str]:
    """Yield a line per gate that fewer rows pass than usual."""
    today = diagnosis.today
    if today is None or not today.scored:
        return
    lines = []
    for name, count in today.gates.items():
        usual = [day.gates[name] / day.rows for day in diagnosis.before if day.scored]
        if usual and statistics.median(usual) - count / today.rows >= _FALL:
            lines.append((name, f"{count:,} of {today.rows:,} rows", f"usually {statistics.median(usual):.0%}"))
    if lines:
        yield "Gates that fewer rows pass than usual"
    yield from _aligned(lines, width, right=(1, 2))


def _strips(diagnosis: Diagnosis, registry: Registry, width: int | None) -> Iterator[str]:
    """Yield a line per category with a feature that is defaulted in 25% of the rows or more, one sign per feature.

    The sign is `?` for a feature whose default rate is unknown.
    """
    if diagnosis.today is None:
        return
    lines = []
    for category in registry.categories:
        features = [feature for feature in registry.active_features if feature.category == category.name]
        shares = [diagnosis.today.features[feature.index].default_share for feature in features]
        signs = "".join("?" if share is None else _SHADES[min(int(share * 4), 3) + (share > 0)] for share in shares)
        if set(signs) - set(_SHADES[:2]):
            lines.append((category.name, signs, index_ranges([feature.index for feature in features])))
    if lines:
        yield f"{'Defaulted' if Layout(registry).has_labels else 'Missing'} {_LEGEND}"
    yield from _aligned(lines, width)


def _aligned(lines: Sequence[Sequence[str]], width: int | None, right: Container[int] = ()) -> Iterator[str]:
    """Yield indented lines of aligned columns; those in `right` are aligned right.

    Where a terminal is narrower, the cells after the first one are in a line of their own.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if width is not None and sum(widths) + 2 * len(widths) > width:
        yield from (text for first, *others in lines for text in (f"  {first}", f"    {'  '.join(others)}"))
        return
    for line in lines:
        cells = [
            text.rjust(width) if at in right else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()
