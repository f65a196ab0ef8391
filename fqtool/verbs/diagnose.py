"""fqtool diagnose: which features are wrong on a date, in how many rows, since when, by whose fault, what to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from fqtool.diagnosis.causes import causes_of
from fqtool.diagnosis.evidence import Day, Evidence
from fqtool.errors import InputError
from fqtool.finding import Finding
from fqtool.registry.model import Registry
from fqtool.rules.about_diagnosis import findings_of
from fqtool.verbs.workspace import require_columns
from fqtool.warehouse.protocol import Warehouse

BASELINE = 14


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found on a date; `before` are the dates it was compared with, `today` None where it has no rows."""

    day: date
    today: Day | None
    before: tuple[Day, ...]
    findings: tuple[Finding, ...]


def diagnosis_of(registry: Registry, warehouse: Warehouse, day: date, baseline: int = BASELINE) -> Diagnosis:
    """Diagnose one date against the `baseline` days before it, by one scan of those partitions, or two.

    Raises InputError for a baseline that is none or a registry without stored sources, NotThere for an absent table or
    columns.
    """
    start = baseline_start(day, baseline)
    evidence = Evidence(registry)
    require_columns(registry, warehouse, evidence.needs)
    days = days_of(evidence, warehouse, start, day, judged=day)
    if not days or days[-1].day != day:
        return Diagnosis(day, None, tuple(days), ())
    findings = [found for cause in causes_of(registry, days) for found in findings_of(cause)]
    return Diagnosis(day, days[-1], tuple(days[:-1]), tuple(findings))


def baseline_start(day: date, baseline: int = BASELINE) -> date:
    """Return the first date that a date is compared with. Raises InputError where there is no such date."""
    if baseline < 0:
        raise InputError(f"A baseline of {baseline} days is none.", remedy="Use 0 or more.")
    try:
        return day - timedelta(days=baseline)
    except OverflowError:
        raise InputError(
            f"There is no date {baseline} days before {day}.", remedy="Use a later date or fewer."
        ) from None


def days_of(evidence: Evidence, warehouse: Warehouse, start: date, end: date, *, judged: date) -> list[Day]:
    """Return what the dates with rows say, in order; labels are read too if rows from `judged` on are not scored."""
    days = [evidence.read(row) for row in warehouse.rows(evidence.query(start, end))]
    if any(one.scored < one.rows for one in days if one.day >= judged):
        days = [evidence.read(row) for row in warehouse.rows(evidence.query(start, end, by_label=True))]
    return days
