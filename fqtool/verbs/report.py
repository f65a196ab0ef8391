"""fqtool report: everything that is known of a span of dates, gathered for a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from fqtool.diagnosis.causes import Cause, causes_of
from fqtool.diagnosis.evidence import Day, Evidence
from fqtool.errors import Denied, InputError, NotThere
from fqtool.finding import Finding
from fqtool.quality.checks import Check
from fqtool.quality.monitoring import checks_by_date, monitoring, worst_rows
from fqtool.quality.question import Question
from fqtool.quality.roles import Roles
from fqtool.registry.model import Registry
from fqtool.rules.about_daily import check_daily, date_not_scored
from fqtool.rules.about_diagnosis import findings_of
from fqtool.sql import Query, Value
from fqtool.verbs.check_drift import drift_of
from fqtool.verbs.diagnose import BASELINE, baseline_start, days_of
from fqtool.verbs.migrate_status import migration_status
from fqtool.verbs.workspace import Workspace, require_columns
from fqtool.warehouse.protocol import Warehouse

LONGEST = 400


@dataclass(frozen=True, slots=True)
class DayReport:
    """One date: what one scan saw of it, mean quality by category, rows by alert level, figures, causes."""

    day: Day
    means: Mapping[str, float | None]
    levels: Mapping[str, int]
    checks: tuple[Check, ...]
    causes: tuple[Cause, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the date, causes first."""
        told = [found for cause in self.causes for found in findings_of(cause)]
        if not self.day.scored:
            told += date_not_scored(self.day.day, self.day.rows)
        return (*told, *(found for one in self.checks for found in check_daily(one, self.day.day)))


@dataclass(frozen=True, slots=True)
class Episode:
    """One cause that lasted: its last form, and the dates of the report on which it was there."""

    cause: Cause
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of the dates from `start` to `end`. `alerts` and `worst` are rows as they were answered.

    `drift` is None where nobody could tell; `pending` names migrations that were not applied.
    """

    registry: Registry
    url: str
    start: date
    end: date
    made: datetime
    days: tuple[DayReport, ...]
    episodes: tuple[Episode, ...]
    alerts: tuple[Mapping[str, Value], ...]
    worst: tuple[Mapping[str, Value], ...]
    drift: tuple[Finding, ...] | None
    pending: tuple[str, ...]


def report_of(workspace: Workspace, warehouse: Warehouse, start: date, end: date, *, made: datetime) -> Report:
    """Gather a report. Raises InputError for dates the wrong way round or too many, NotThere for an absent table."""
    registry = workspace.registry
    if end < start or (end - start).days >= LONGEST:
        raise InputError(f"{start} to {end} is no span of 1 to {LONGEST} dates.", remedy="Give --start and --end.")
    evidence = Evidence(registry)
    require_columns(registry, warehouse, evidence.needs)
    seen = days_of(evidence, warehouse, baseline_start(start), end, judged=start)
    asked = {one.name: one for one in monitoring(registry)}

    def ask(question: Question) -> list[dict[str, Value]]:
        return warehouse.rows(Query(question.sql, (("start", start), ("end", end))))

    means = {row["date"]: row for row in ask(asked["category_means"])}
    figures = {row["date"]: row for row in ask(checks_by_date(registry))} if registry.thresholds else {}
    days = tuple(
        DayReport(
            day,
            {name: _number(means[day.day][column]) for name, column in Roles(registry).category_scores.items()},
            {one.name: _count(means[day.day][f"{one.name}_rows"]) for one in registry.alert_levels},
            tuple(Check(one, _number(figures[day.day][one.name])) for one in registry.thresholds),
            causes_of(registry, _up_to(seen, number)),
        )
        for number, day in enumerate(seen)
        if day.day >= start
    )
    drift, pending = _standing(workspace, warehouse)
    return Report(
        registry, warehouse.url, start, end, made, days, episodes(days), tuple(ask(asked["alert_frequency"])),
        tuple(ask(worst_rows(registry))), drift, pending,
    )  # fmt: skip


def _up_to(seen: Sequence[Day], number: int) -> Sequence[Day]:
    """The date with the baseline that diagnose would take."""
    day = seen[number].day
    return [one for one in seen[: number + 1] if (day - one.day).days <= BASELINE]


def episodes(days: Sequence[DayReport]) -> tuple[Episode, ...]:
    """Put together what is one cause on dates that follow each other; the latest first."""
    found: list[Episode] = []
    open_: dict[object, Episode] = {}
    for one in days:
        now: dict[object, Episode] = {}
        for cause in one.causes:
            who = cause.processor.name if cause.processor else tuple(feature.index for feature in cause.features)
            before = open_.get((cause.kind, who))
            now[cause.kind, who] = (
                replace(before, cause=cause, days=(*before.days, one.day.day))
                if before
                else Episode(cause, (one.day.day,))
            )
        found += [episode for key, episode in open_.items() if key not in now]
        open_ = now
    return tuple(sorted((*found, *open_.values()), key=lambda one: (one.days[-1], one.cause.hit), reverse=True))


def _standing(workspace: Workspace, warehouse: Warehouse) -> tuple[tuple[Finding, ...] | None, tuple[str, ...]]:
    """Drift and pending migrations; the right to see them is not needed for the rest of a report."""
    try:
        drift = drift_of(workspace, warehouse)
        rows = migration_status(workspace, warehouse).rows if workspace.files else ()
    except (Denied, NotThere):
        return None, ()
    return drift, tuple(row.name for row in rows if row.standing not in ("applied", "baseline"))


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) else None


def _count(value: Value) -> int:
    return value if isinstance(value, int) else 0
