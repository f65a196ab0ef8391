"""fqtool daily: the check of one date for cron and CI: thresholds, and what diagnosis finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fqtool.finding import Finding
from fqtool.quality.checks import Check
from fqtool.quality.monitoring import daily_checks
from fqtool.registry.model import Registry
from fqtool.rules.about_daily import check_daily, date_not_scored
from fqtool.sql import Query
from fqtool.verbs.diagnose import BASELINE, Diagnosis, diagnosis_of
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Daily:
    """One date: its figures, its diagnosis, and the findings of both, causes first."""

    diagnosis: Diagnosis
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]


def daily_of(registry: Registry, warehouse: Warehouse, day: date, baseline: int = BASELINE) -> Daily:
    """Check one date: one scan of it for the thresholds, one with its baseline for the causes.

    A date without rows has neither figures nor findings. Raises what `diagnosis_of` raises.
    """
    diagnosis = diagnosis_of(registry, warehouse, day, baseline)
    if diagnosis.today is None:
        return Daily(diagnosis, (), ())
    checks = measured(registry, warehouse, day)
    told = [found for one in checks for found in check_daily(one, day)]
    if not diagnosis.today.scored:
        told = [*date_not_scored(day, diagnosis.today.rows), *told]
    return Daily(diagnosis, checks, (*diagnosis.findings, *told))


def measured(registry: Registry, warehouse: Warehouse, day: date) -> tuple[Check, ...]:
    """Measure the figures that the registry's thresholds judge, by one scan of the date."""
    if not registry.thresholds:
        return ()
    (row,) = warehouse.rows(Query(daily_checks(registry).sql, (("date", day),)))
    return tuple(Check(one, _number(row[one.name])) for one in registry.thresholds)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) else None
