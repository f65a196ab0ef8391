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
    """Diagnose one date against the `baseline` days before it, by one scan of those partitions.

    Raises InputError for a baseline below 0 or a registry without stored sources, NotThere for an absent table or
    columns.
    """
    if baseline < 0:
        raise InputError(f"A baseline of {baseline} days is none.", remedy="Use 0 or more.")
    evidence = Evidence(registry)
    require_columns(warehouse, registry.table.name, (*evidence.sources.values(), *evidence.gates))
    days = [evidence.read(row) for row in warehouse.rows(evidence.query(day - timedelta(days=baseline), day))]
    if not days or days[-1].day != day:
        return Diagnosis(day, None, tuple(days), ())
    findings = [found for cause in causes_of(registry, days) for found in findings_of(cause)]
    return Diagnosis(day, days[-1], tuple(days[:-1]), tuple(findings))
