"""fqtool report: everything that is known about a span of dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from fqtool.commands.check_drift.run import drift_of
from fqtool.commands.daily.rules import check_daily
from fqtool.commands.diagnose.cause import Cause
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.newest_rows import age_findings
from fqtool.commands.diagnose.root_causes import causes_of, date_without_rows
from fqtool.commands.diagnose.rules import findings_of
from fqtool.commands.diagnose.run import BASELINE, baseline_start, days_of, with_queries
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.commands.migrate.status import migration_status
from fqtool.commands.report.alerts import AlertCount, alert_counts, alerts_by_date
from fqtool.commands.report.distributions import Distribution, distributions
from fqtool.errors import Denied, InputError, NotThere, Refusal
from fqtool.findings.finding import Finding
from fqtool.monitoring.categories import CategoryQuery, CategoryStats
from fqtool.monitoring.checks import Check
from fqtool.monitoring.monitoring import checks_by_date, monitoring
from fqtool.monitoring.question import Question
from fqtool.registry.model import Registry
from fqtool.scoring.roles import Roles
from fqtool.sql import Query, Value
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import Workspace, require_columns, require_order

LONGEST = 400
_PERFECT = 100
_MOST_CHARTED = 10  # root causes with charts of their features


@dataclass(frozen=True, slots=True)
class DayReport:
    """One date: its statistics, means by category, rows by alert level, figures, findings about them, root causes."""

    day: Day
    means: Mapping[str, float | None]
    levels: Mapping[str, int]
    checks: tuple[Check, ...]
    of_figures: tuple[Finding, ...]
    causes: tuple[Cause, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings about the date, root causes first."""
        return (*(found for cause in self.causes for found in findings_of(cause)), *self.of_figures)


@dataclass(frozen=True, slots=True)
class Episode:
    """A root cause over dates in sequence: the cause on the last of them, and these dates."""

    cause: Cause
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The content of a report.

    Attributes:
        registry: The registry.
        url: The target.
        start: The first date.
        end: The last date.
        made: The time of the report.
        days: The dates that have rows, in order.
        too_old: The finding about newest rows that are too old, () where they are not.
        episodes: The root causes, the latest first.
        alerts: How often each alert fired, the most frequent first.
        worst: Rows of the query `worst_rows` whose score is below 100.
        drift: Differences between table and registry, None where a permission is missing.
        pending: Names of migrations that are not applied.
        distributions: Date of a root cause and feature index -> the values of the feature.
        categories: Categorical and boolean features on the last date with rows, compared with the dates before.
    """

    registry: Registry
    url: str
    start: date
    end: date
    made: datetime
    days: tuple[DayReport, ...]
    too_old: tuple[Finding, ...]
    episodes: tuple[Episode, ...]
    alerts: tuple[AlertCount, ...]
    worst: tuple[Mapping[str, Value], ...]
    drift: tuple[Finding, ...] | None
    pending: tuple[str, ...]
    distributions: Mapping[tuple[date, int], Distribution]
    categories: tuple[CategoryStats, ...]


def report_of(
    workspace: Workspace, warehouse: Warehouse, start: date, end: date, *, made: datetime, given: bool = True
) -> Report:
    """Return the report of the dates from `start` to `end`, at most 400.

    Args:
        workspace: The registry and its migrations.
        warehouse: The target.
        start: The first date.
        end: The last date.
        made: The time of the report.
        given: Whether a user named `end`; else it is the newest date with rows, whose age is judged.

    Raises:
        InputError: `end` is earlier than `start`, or the span is too long.
        NotThere: The table does not exist.
        Refusal: No date of the span has rows.
    """
    registry = workspace.registry
    require_order(start, end)
    if (end - start).days >= LONGEST:
        raise InputError(f"{start} to {end} are more than {LONGEST} dates.", remedy="Change --start or --end.")
    evidence = Evidence(registry)
    require_columns(registry, warehouse, evidence.needs)
    seen = days_of(evidence, warehouse, baseline_start(start, 2 * BASELINE), end, judged=start)
    if not any(one.day >= start for one in seen):
        span = f"from {start} to {end}" if start < end else f"on {end}"
        raise Refusal(
            f"{registry.table.name} in {warehouse.url} has no rows {span}; no page was written.",
            remedy="Change --start and --end. Without them, the report ends on the newest date with rows.",
        )
    asked = {one.name: one for one in monitoring(registry)}

    def ask(question: Question, first: date = start, last: date = end) -> list[dict[str, Value]]:
        return warehouse.rows(Query(question.sql, (("start", first), ("end", last))))

    def answer(name: str) -> tuple[dict[str, Value], ...]:
        return tuple(ask(asked[name])) if name in asked else ()

    means = {row["date"]: row for row in ask(asked["category_means"])}
    figures = {row["date"]: row for row in ask(checks_by_date(registry))} if registry.thresholds else {}
    alerts = alert_counts(registry, ask(alerts_by_date(registry))) if Roles(registry).alert_codes else ()
    levels = registry.alert_levels if Roles(registry).alert_level else ()
    columns = Roles(registry).category_scores
    days = []
    for number, day in enumerate(seen):
        if day.day >= start:
            row, (older, spanned) = means[day.day], _up_to(seen, number)
            checks = [Check(one, _number(figures[day.day][one.name])) for one in registry.thresholds]
            days.append(
                DayReport(
                    day,
                    {name: _number(row[column]) for name, column in columns.items()},
                    {one.name: _count(row[f"{one.name}_rows"]) for one in levels},
                    tuple(checks),
                    tuple(found for one in checks for found in check_daily(one, registry, spanned)),
                    causes_of(registry, spanned, older),
                )
            )
    joined = _with_queries(episodes(days), registry, warehouse, seen)
    found = _latest_first([*joined, *_absent_dates(registry, seen, start, end)])
    days[-1] = replace(days[-1], causes=tuple(one.cause for one in found if one.days[-1] == days[-1].day.day))
    too_old = age_findings(registry, warehouse, end, has_rows=seen[-1].day == end, given=given)
    named = [(one.days[-1], one.cause.features) for one in found[:_MOST_CHARTED]]
    values = distributions(registry, named, seen, ask)
    worst = tuple(row for row in answer("worst_rows") if (_number(row["score"]) or 0) < _PERFECT)
    drift, pending = _standing(workspace, warehouse)
    return Report(
        registry, warehouse.url, start, end, made, tuple(days), too_old, found, alerts, worst, drift,
        pending, values, _categories(registry, warehouse, start, days[-1].day.day),
    )  # fmt: skip


def _categories(registry: Registry, warehouse: Warehouse, start: date, end: date) -> tuple[CategoryStats, ...]:
    asked = CategoryQuery(registry)
    return asked.read(warehouse.rows(asked.query(start, end))) if asked.features else ()


def _up_to(seen: Sequence[Day], number: int) -> tuple[Sequence[Day], Sequence[Day]]:
    """The date with the same baseline as in `fqtool diagnose`, and the dates before them."""
    ages = [(seen[number].day - one.day).days for one in seen[: number + 1]]
    first, start = (next(at for at, age in enumerate(ages) if age <= days) for days in (2 * BASELINE, BASELINE))
    return seen[first:start], seen[start : number + 1]


def episodes(days: Sequence[DayReport]) -> tuple[Episode, ...]:
    """Return the root causes of the dates with rows, joined over dates in sequence, the latest first."""
    found: list[Episode] = []
    open_: dict[object, Episode] = {}
    for one in days:
        now: dict[object, Episode] = {}
        for cause in one.causes:
            before = open_.get(_key(cause))
            now[_key(cause)] = (
                Episode(
                    replace(cause, since=before.cause.since, at_least=before.cause.at_least),
                    (*before.days, one.day.day),
                )
                if before
                else Episode(cause, (one.day.day,))
            )
        found += [episode for key, episode in open_.items() if key not in now]
        open_ = now
    return _latest_first([*found, *open_.values()])


def _with_queries(
    found: Sequence[Episode], registry: Registry, warehouse: Warehouse, seen: Sequence[Day]
) -> Iterator[Episode]:
    """Yield the root causes with what only other queries find; those that have one cause on their last date are one."""
    for last in dict.fromkeys(one.days[-1] for one in found):
        own = [one for one in found if one.days[-1] == last]
        days_of, longest = {_key(one.cause): one.days for one in own}, max((one.days for one in own), key=len)
        number = next(number for number, one in enumerate(seen) if one.day == last)
        dates = [one.day for one in _up_to(seen, number)[1]]
        for cause in with_queries([one.cause for one in own], registry, warehouse, dates):
            yield Episode(cause, days_of.get(_key(cause)) or tuple(day for day in longest if day >= cause.since))


def _key(cause: Cause) -> object:
    """What causes of one episode have in common."""
    who = cause.processor.name if cause.processor else tuple(feature.index for feature in cause.features)
    return cause.kind, who


def _latest_first(found: Sequence[Episode]) -> tuple[Episode, ...]:
    return tuple(sorted(found, key=lambda one: (one.days[-1], one.cause.hit), reverse=True))


def _absent_dates(registry: Registry, seen: Sequence[Day], start: date, end: date) -> tuple[Episode, ...]:
    """The dates of the span without rows on which rows are usual, one episode for dates in sequence."""
    with_rows, found = {one.day for one in seen}, dict[date, Episode]()
    for day in (start + timedelta(days=number) for number in range((end - start).days + 1)):
        first = baseline_start(day)
        before = [one for one in seen if first <= one.day < day]
        cause = None if day in with_rows else date_without_rows(registry, day, first, before)
        if cause:
            earlier = found[cause.since].days if cause.since in found else ()
            found[cause.since] = Episode(cause, (*earlier, day))
    return tuple(found.values())


def _standing(workspace: Workspace, warehouse: Warehouse) -> tuple[tuple[Finding, ...] | None, tuple[str, ...]]:
    """Drift and pending migrations, None and () where the permission for them is missing."""
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
