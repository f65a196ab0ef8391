"""fqtool backfill: score past partitions; planned, resumable, verified."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from fqtool.commands.backfill.journal import FROM_SCRATCH, REMAINING, Entry, Event, Journal, journal_of
from fqtool.commands.backfill.partition_runner import Observer, PartitionResult, PartitionRunner, prepare_journal
from fqtool.commands.backfill.plan import (
    CostEstimate,
    PartitionState,
    Plan,
    SpendingLimit,
    Task,
    batches,
    partition_states,
    phases,
    plan_of,
)
from fqtool.commands.backfill.rules import check_partitions
from fqtool.commands.migrate.lease import Lease, prepare_ledger, runner_name
from fqtool.commands.score.run import require_scorable
from fqtool.errors import BytesLimitExceeded, InputError, Refusal
from fqtool.findings.finding import Finding, blocking
from fqtool.monitoring.sizes import SizeQuery
from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.merge import neighbours
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, ident
from fqtool.table.model import Table
from fqtool.warehouse.protocol import MINIMUM, MINIMUM_BILLED, Budget, Warehouse, limited, within

# The statement that frees the lease names the ledger, which may be billed twice.
_FREEING = 2 * MINIMUM


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `fqtool backfill`.

    Attributes:
        start: the first date.
        end: the last date.
        phased: score the last 7 days, then the last 30, then all.
        batch_days: the number of dates per verified batch, whose neighbours one statement scores.
        only_stale: skip dates of the current schema version.
        resume: skip dates that an earlier backfill scored.
        retry_failed: retry dates that failed three times.
        max_bytes: the most bytes that may be billed.
        max_cost: the highest cost at the list prices.
        take_lease: take the lease from another process.
        as_of: the time of scoring to store; None is now.
    """

    start: date
    end: date
    phased: bool = False
    batch_days: int = 30
    only_stale: bool = False
    resume: bool = True
    retry_failed: bool = False
    max_bytes: int | None = None
    max_cost: float | None = None
    take_lease: bool = False
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """The partitions of a span, and the findings about them."""

    states: tuple[PartitionState, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """The result of a run: its partitions in order, its verification, and whether it was stopped before the end."""

    partitions: tuple[PartitionResult, ...]
    verification: Verification
    stopped: bool = False


def plan_backfill(
    registry: Registry, warehouse: Warehouse, options: Options, now: datetime
) -> tuple[Plan, CostEstimate]:
    """Return the plan of a backfill and its cost. Nothing is changed.

    Args:
        registry: the registry.
        warehouse: the target.
        options: the options of the command.
        now: the current time.

    Raises:
        InputError: `end` is earlier than `start`, or the rows have no dates.
        NotThere: the table does not exist.
    """
    limit = _limit_of(registry, warehouse, options)
    with within(warehouse, limited(limit.most_bytes)):
        journal, run = journal_of(registry, warehouse), None
        if not options.resume:
            opened = journal.open_run(now, from_scratch=True)
            run = opened.run if opened else ""
        return _planned(registry, warehouse, options, journal, (options.start, options.end), run)


def _limit_of(registry: Registry, warehouse: Warehouse, options: Options) -> SpendingLimit:
    """Return how much may be spent. Checks that the options fit the registry and the table."""
    require_scorable(registry, warehouse, options.start, options.end)
    if options.max_cost is not None and registry.pricing is None:
        raise InputError(
            f"--max-cost needs prices, and {registry.path} has none.",
            remedy="Declare `pricing`, or limit the bytes with --max-bytes.",
        )
    return SpendingLimit(options.max_bytes, options.max_cost, registry.pricing)


def _planned(
    registry: Registry,
    warehouse: Warehouse,
    options: Options,
    journal: Journal,
    span: tuple[date, date],
    run: str | None,
) -> tuple[Plan, CostEstimate]:
    states = partition_states(registry, warehouse, *span)
    plan = plan_of(*span, states, journal, run=run, only_stale=options.only_stale, retry_failed=options.retry_failed)
    return plan, _estimate(registry, warehouse, plan, options.batch_days)


def _estimate(registry: Registry, warehouse: Warehouse, plan: Plan, batch_days: int) -> CostEstimate:
    """Estimate the bytes processed: the columns read, and the whole partitions written (bigquery.md#bytes).

    Two dry runs over the span give its bytes, which are divided by rows. Where reading is free, sizes are measured.
    A statement is billed for the whole of each partition of its dates.
    """
    if not plan.to_do:
        return CostEstimate((), registry.pricing)
    start, end = plan.to_do[-1], plan.to_do[0]
    total, pricing, dates = _dry_run_bytes(registry, warehouse, start, end), registry.pricing, row_dates(registry)
    groups = [group for days in batches(plan.to_do, batch_days) for group in neighbours(days, plan.rows_of)]
    # Without a price list, the minimum is BigQuery's own, where statements are billed.
    least = pricing.minimum_bytes_per_query if pricing else MINIMUM if total is not None else 0
    if total is None:
        total = _measured_bytes(registry, warehouse, start, end)
    elif not dates.separate:
        one_of = {dates.partition_of(day): day for day in plan.to_do}
        bytes_of = {part: _dry_run_bytes(registry, warehouse, day, day) or 0 for part, day in one_of.items()}
        parts = ({dates.partition_of(day) for day in group} for group in groups)
        return CostEstimate(tuple(sum(bytes_of[part] for part in of_group) for of_group in parts), pricing, least)
    count = max(sum(rows for day, rows in plan.rows_of.items() if start <= day <= end), 1)
    shares = tuple(round(total * sum(plan.rows_of[day] for day in group) / count) for group in groups)
    return CostEstimate(shares, pricing, least)


def _dry_run_bytes(registry: Registry, warehouse: Warehouse, start: date, end: date) -> int | None:
    table, where = ident(registry.table.name), row_dates(registry).between(start, end)
    reads = ", ".join(ident(column.name) for column in Scoring(registry).reads)
    total = 0
    for columns in (reads, "*"):
        query = Query(f"SELECT {columns} FROM {table} WHERE {where}")
        processed = warehouse.run(query, dry_run=True).bytes_processed
        if processed is None:
            return None
        total += processed
    return total


def _measured_bytes(registry: Registry, warehouse: Warehouse, start: date, end: date) -> int:
    live = warehouse.describe(registry.table.name)
    question = SizeQuery(registry, live if isinstance(live, Table) else None)
    (row,) = warehouse.rows(question.query(start, end))
    sizes, reads = question.read(row), {column.key for column in Scoring(registry).reads}
    return sizes.bytes + sum(size.bytes for size in sizes.columns if size.column.key in reads)


def verify(registry: Registry, warehouse: Warehouse, start: date, end: date) -> Verification:
    """Compare the rows with the journal, by one scan. Nothing is written.

    Args:
        registry: the registry.
        warehouse: the target.
        start: the first date.
        end: the last date.
    """
    journal = journal_of(registry, warehouse)
    states = partition_states(registry, warehouse, start, end)
    return Verification(states, check_partitions(states, journal.between(start, end), journal.failures()))


def fill(
    registry: Registry,
    warehouse: Warehouse,
    options: Options,
    *,
    tool: str,
    now: datetime,
    observer: Observer | None = None,
) -> BackfillResult:
    """Score the dates of the plan, phase by phase, and verify each phase. Holds the lease of the table.

    Args:
        registry: the registry.
        warehouse: the target.
        options: the options of the command.
        tool: the version of fqtool, for the journal.
        now: the current time.
        observer: called with progress.

    Raises:
        Refusal: the cost is higher than allowed.
        Busy: a migration or another backfill holds the lease.
        WorldError: the warehouse failed; run again to continue.
    """
    observer = observer or Observer()
    limit = _limit_of(registry, warehouse, options)
    budget = limited(limit.most_bytes)
    with within(warehouse, budget), _refusing(budget):
        prepare_ledger(warehouse, observer.on_step)
        prepare_journal(warehouse, observer.on_step)
        lease = Lease(
            warehouse, registry.table.name, runner_name(), "backfilling", "fqtool backfill", on_step=observer.on_step
        )
        with lease.held(take_over=options.take_lease), _keeping(budget):
            journal = journal_of(registry, warehouse)
            # An open run is continued, so that all its rows have one time of scoring.
            opened = journal.open_run(now, from_scratch=not options.resume)
            if opened and options.as_of is not None and options.as_of.isoformat() != opened.as_of:
                opened = None
            as_of = datetime.fromisoformat(opened.as_of) if opened else options.as_of or now
            run = opened.run if opened else _run_name(warehouse.url, journal.scoring, as_of, now)
            runner = PartitionRunner(
                registry, warehouse, run, journal.scoring, REMAINING if options.resume else FROM_SCRATCH,
                as_of, runner_name(), tool, limit, observer, journal.newest, budget, lease.renew,
            )  # fmt: skip
            observer.configure(runner)
            if not opened:
                runner.write_later([runner.event(Event.OPENED)])
            return _phases(runner, options)


def _run_name(target: str, scoring: str, as_of: datetime, opened: datetime) -> str:
    """Return the id of a run: the same scoring of the same target that began at the same time is the same run."""
    text = f"{target}\n{scoring}\n{as_of.isoformat()}\n{opened.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextmanager
def _keeping(budget: Budget | None) -> Iterator[None]:
    """Reserve the bytes that freeing the lease needs; otherwise the next run would have to wait."""
    if budget is not None:
        budget.keep = _FREEING
    try:
        yield
    finally:
        if budget is not None:
            budget.keep = 0


@contextmanager
def _refusing(budget: Budget | None) -> Iterator[None]:
    """Turn BigQuery's refusal of a statement for its bytes into a Refusal with the bytes that are left."""
    try:
        yield
    except BytesLimitExceeded as error:
        if budget is None:
            raise
        raise Refusal(
            f"The backfill stopped: the next statement may bill more bytes than are left. {budget.spent:,} of "
            f"{budget.limit:,} bytes are spent, {_FREEING:,} bytes are reserved to release the lease.",
            remedy=f"Raise --max-bytes or --max-cost: allow 100 MiB more than the dates cost. {MINIMUM_BILLED} "
            "Dates that are done are not scored again.",
        ) from error


def _phases(runner: PartitionRunner, options: Options) -> BackfillResult:
    spans = list(phases(options.start, options.end)) if options.phased else [(options.start, options.end)]
    results: list[PartitionResult] = []
    if len(spans) > 1 and (options.max_bytes is not None or options.max_cost is not None):
        # The limit is for all phases together, so it is checked before the first.
        _affordable_plan(runner, options, spans[-1])
    for span in spans:
        results += _phase(runner, options, span)
        verification = verify(runner.registry, runner.warehouse, *span)
        wrong = any(True for _ in blocking(verification.findings))
        if runner.observer.stopping() or (wrong and span != spans[-1]):
            return BackfillResult(tuple(results), verification, runner.observer.stopping())
    runner.write([runner.event(Event.CLOSED)], "close run")
    return BackfillResult(tuple(results), verification)


def _affordable_plan(
    runner: PartitionRunner,
    options: Options,
    span: tuple[date, date],
    on_phase: Callable[[Plan, CostEstimate], None] = lambda _plan, _estimate: None,
) -> tuple[Journal, Plan]:
    """Plan a span, and report it by `on_phase`. Raises Refusal where it costs more than allowed."""
    journal = journal_of(runner.registry, runner.warehouse)
    run = None if options.resume else runner.run
    plan, estimate = _planned(runner.registry, runner.warehouse, options, journal, span, run)
    on_phase(plan, estimate)
    try:
        runner.limit.require(estimate, runner.spent)
    except Refusal:
        # A run without started partitions would pass its time of scoring to a later one.
        if not journal.last(runner.run):
            runner.write([runner.event(Event.CLOSED)], "close run")
        raise
    return journal, plan


def _phase(runner: PartitionRunner, options: Options, span: tuple[date, date]) -> list[PartitionResult]:
    journal, plan = _affordable_plan(runner, options, span, runner.observer.on_phase)
    if options.retry_failed:
        journal = _retried(runner, journal, plan)
    runner.write_later([_nothing_to_score(runner, plan.states[day]) for day in plan.dates(Task.WITHOUT_SOURCES)])
    results = list[PartitionResult]()
    for days in batches(plan.to_do, options.batch_days):
        if runner.observer.stopping():
            break
        results += runner.score(days, journal, plan.rows_of)
    runner.write_rest()
    return results


def _nothing_to_score(runner: PartitionRunner, state: PartitionState) -> Entry:
    """Return the event of a date that is done without a statement. It is scored once a row has sources."""
    rows = {"rows": state.rows, "without_sources": state.rows, "changed": 0, "bytes": 0}
    return runner.event(Event.DONE, state.day, **rows)


def _retried(runner: PartitionRunner, journal: Journal, plan: Plan) -> Journal:
    """Reset the failures of dates that are retried, and the counts of dates that have no rows any more."""
    failures, last = journal.failures(), journal.last()
    entries = [
        runner.event(Event.RETRIED, day, last[day].attempt if last[day].run == runner.run else 0)
        for day in (*plan.to_do, *plan.dates(Task.EMPTY))
        if day in last and (failures.get(day) or plan.tasks[day] is Task.EMPTY)
    ]
    if entries:
        runner.write(entries, "reset failures")
    return Journal((*journal.entries, *entries), journal.scoring)


def months_of(states: tuple[PartitionState, ...]) -> Mapping[str, tuple[int, ...]]:
    """Return month -> its dates with rows, rows, scored rows with sources, rows without sources."""
    months: dict[str, tuple[int, ...]] = {}
    for state in states:
        counts = (1, state.rows, state.sourced - state.unscored, state.rows - state.sourced)
        month = f"{state.day:%Y-%m}"
        months[month] = tuple(map(sum, zip(months.get(month, (0, 0, 0, 0)), counts, strict=True)))
    return months
