"""fqtool backfill: score past partitions; planned, resumable, verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime

from fqtool.backfill.journal import ANEW, JOURNAL, REST, ROWS, Entry, Event, Journal, entries_of, run_of, scoring_of
from fqtool.backfill.partitions import Partitions, Standing, read
from fqtool.backfill.plan import Allowed, Bill, Plan, Task, batches, phases, plan_of
from fqtool.errors import InputError, Refusal
from fqtool.finding import Finding, blocking
from fqtool.quality.merge import Partition
from fqtool.quality.scoring import Scoring
from fqtool.quality.sizes import SizeQuery
from fqtool.registry.model import Registry
from fqtool.rules.about_backfill import check_backfill, filled
from fqtool.sql import Query, ident, literal
from fqtool.table.model import Table
from fqtool.verbs.filling import Done, Filler, prepare_journal
from fqtool.verbs.lease import Lease, prepare_ledger, runner_name
from fqtool.verbs.workspace import require_columns
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Options:
    """How to fill. `resume` leaves alone what was done; `phased` goes 7 days, 30 days, all; see `fqtool backfill`."""

    start: date
    end: date
    phased: bool = False
    batch_days: int = 5
    only_stale: bool = False
    resume: bool = True
    retry_failed: bool = False
    max_bytes: int | None = None
    max_cost: float | None = None
    take_lease: bool = False
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A span of partitions as it stands, and what is wrong with it."""

    standings: tuple[Standing, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """What a run did, in order; `stopped` if it was asked to stop before its end."""

    done: tuple[Done, ...]
    verified: Verified
    stopped: bool = False


@dataclass
class Watch:
    """Who is told what while a backfill runs, and who may stop it."""

    on_phase: Callable[[Plan, Bill], None] = lambda _plan, _bill: None
    on_done: Callable[[Done], None] = lambda _: None
    on_step: Callable[[str], None] = lambda _: None
    stopping: Callable[[], bool] = lambda: False
    configure: Callable[[Filler], None] = field(default=lambda _: None)


def plan_backfill(registry: Registry, warehouse: Warehouse, options: Options, now: datetime) -> tuple[Plan, Bill]:
    """Look at every partition from start to end, and at the journal; return what is to do and what it costs.

    Raises InputError for dates the wrong way round or a store without partitions, NotThere for an absent table.
    """
    _require(registry, warehouse, options)
    journal = journal_of(registry, warehouse)
    run = None
    if not options.resume:
        opened = journal.open_run(now, anew=True)
        run = opened.run if opened else ""
    return _planned(registry, warehouse, options, journal, (options.start, options.end), run)


def _require(registry: Registry, warehouse: Warehouse, options: Options) -> None:
    if options.end < options.start:
        raise InputError(f"The end {options.end} lies before the start {options.start}.")
    if options.max_cost is not None and registry.pricing is None:
        raise InputError(
            f"{registry.path} has no prices, so no cost can be bounded.",
            remedy="Declare pricing:, or bound the bytes with --max-bytes.",
        )
    require_columns(registry, warehouse, (one.name for one in Scoring(registry).columns))


def journal_of(registry: Registry, warehouse: Warehouse) -> Journal:
    """Read the journal, as far as it is about what the registry computes today."""
    known = warehouse.describe(JOURNAL) is not None
    entries = entries_of(warehouse.rows(ROWS)) if known else ()
    day, moment = date(2000, 1, 1), datetime(2000, 1, 1)  # noqa: DTZ001  the text alone counts
    return Journal(entries, scoring_of(Partition(Scoring(registry), day), moment))


def _planned(
    registry: Registry,
    warehouse: Warehouse,
    options: Options,
    journal: Journal,
    span: tuple[date, date],
    run: str | None,
) -> tuple[Plan, Bill]:
    standings = standings_of(registry, warehouse, *span)
    plan = plan_of(*span, standings, journal, run=run, only_stale=options.only_stale, retry_failed=options.retry_failed)
    return plan, bill_of(registry, warehouse, plan)


def standings_of(registry: Registry, warehouse: Warehouse, start: date, end: date) -> tuple[Standing, ...]:
    """Return what stands in the partitions that hold rows: one scan of a few columns."""
    return tuple(map(read, warehouse.rows(Partitions(registry).between(start, end))))


def bill_of(registry: Registry, warehouse: Warehouse, plan: Plan) -> Bill:
    """Estimate what the statements will process: the columns read, and the whole partitions written (BIGQUERY 86).

    From two dry runs over the span, as a share of its rows; where reading costs nothing, from the rows themselves.
    """
    days = plan.to_do
    if not days:
        return Bill((), registry.pricing)
    whole = _dry(registry, warehouse, min(days), max(days))
    if whole is None:
        whole = _weighed(registry, warehouse, min(days), max(days))
    rows = sum(one.rows for one in plan.standings.values() if min(days) <= one.day <= max(days))
    return Bill(tuple(round(whole * plan.standings[day].rows / max(rows, 1)) for day in days), registry.pricing)


def _dry(registry: Registry, warehouse: Warehouse, start: date, end: date) -> int | None:
    table, day = ident(registry.table.name), Partitions(registry).day
    reads = ", ".join(ident(one.name) for one in Scoring(registry).reads)
    whole = 0
    for columns in (reads, "*"):
        query = Query(f"SELECT {columns} FROM {table} WHERE {day} BETWEEN {literal(start)} AND {literal(end)}")
        size = warehouse.run(query, dry_run=True).bytes_processed
        if size is None:
            return None
        whole += size
    return whole


def _weighed(registry: Registry, warehouse: Warehouse, start: date, end: date) -> int:
    live = warehouse.describe(registry.table.name)
    question = SizeQuery(registry, live if isinstance(live, Table) else None)
    (row,) = warehouse.rows(question.query(start, end))
    sizes, reads = question.read(row), {one.key for one in Scoring(registry).reads}
    return sizes.bytes + sum(one.bytes for one in sizes.columns if one.column.key in reads)


def verify(registry: Registry, warehouse: Warehouse, start: date, end: date) -> Verified:
    """Compare what stands with what the journal says: one scan, nothing is written."""
    journal = journal_of(registry, warehouse)
    standings = standings_of(registry, warehouse, start, end)
    last = {day: one for day, one in journal.last().items() if start <= day <= end}
    return Verified(standings, check_backfill(filled(standings, last, journal.failures())))


def fill(
    registry: Registry,
    warehouse: Warehouse,
    options: Options,
    *,
    another: Callable[[], Warehouse],
    tool: str,
    now: datetime,
    watch: Watch | None = None,
) -> Filled:
    """Score what is to do, phase by phase, and verify each phase. Holds the lease of the dataset meanwhile.

    Raises Refusal where the bill is larger than allowed, Busy where a migrator or another backfill is at work,
    WorldError when the world fails: then run it again to go on.
    """
    watch = watch or Watch()
    _require(registry, warehouse, options)
    prepare_ledger(warehouse, watch.on_step)
    prepare_journal(warehouse, watch.on_step)
    lease = Lease(warehouse, runner_name(), "backfilling", "fqtool backfill", on_step=watch.on_step)
    with lease.held(take_over=options.take_lease):
        filler = _opened(registry, warehouse, options, another, tool, now, watch)
        filler.renew = lease.renew
        with closing(filler):
            return _phases(filler, options, watch)


def _phases(filler: Filler, options: Options, watch: Watch) -> Filled:
    spans = list(phases(options.start, options.end)) if options.phased else [(options.start, options.end)]
    done: list[Done] = []
    if len(spans) > 1 and (options.max_bytes is not None or options.max_cost is not None):
        # All phases together are what may be spent, and that is to be known before the first.
        journal, _, bill = _looked(filler, options, spans[-1])
        _require_affordable(filler, journal, bill)
    for span in spans:
        done += _phase(filler, options, span, watch)
        verified = verify(filler.registry, filler.warehouse, *span)
        wrong = any(True for _ in blocking(verified.findings))
        if watch.stopping() or (wrong and span != spans[-1]):
            return Filled(tuple(done), verified, watch.stopping())
    filler.note([filler.event(Event.CLOSED)], "close run")
    return Filled(tuple(done), verified)


def _opened(
    registry: Registry,
    warehouse: Warehouse,
    options: Options,
    another: Callable[[], Warehouse],
    tool: str,
    now: datetime,
    watch: Watch,
) -> Filler:
    """Go on with the run that was begun and not ended, so that all of it has one time of scoring, or begin one."""
    journal = journal_of(registry, warehouse)
    last = journal.open_run(now, anew=not options.resume)
    same = last is not None and (options.as_of is None or options.as_of.isoformat() == last.as_of)
    as_of = datetime.fromisoformat(last.as_of) if last is not None and same else options.as_of or now
    mode = REST if options.resume else ANEW
    run = last.run if last is not None and same else run_of(warehouse.url, journal.scoring, as_of, now)
    filler = Filler(
        registry, warehouse, another, run, journal.scoring, mode, as_of, runner_name(), tool,
        allowed=Allowed(options.max_bytes, options.max_cost, registry.pricing), stopping=watch.stopping,
        on_step=watch.on_step, on_done=watch.on_done, last=journal.newest,
    )  # fmt: skip
    watch.configure(filler)
    if not same:
        filler.note([filler.event(Event.OPENED)], "open run")
    return filler


def _looked(filler: Filler, options: Options, span: tuple[date, date]) -> tuple[Journal, Plan, Bill]:
    run = None if options.resume else filler.run
    journal = journal_of(filler.registry, filler.warehouse)
    return journal, *_planned(filler.registry, filler.warehouse, options, journal, span, run)


def _phase(filler: Filler, options: Options, span: tuple[date, date], watch: Watch) -> list[Done]:
    journal, plan, bill = _looked(filler, options, span)
    watch.on_phase(plan, bill)
    _require_affordable(filler, journal, bill)
    if options.retry_failed:
        journal = _forgiven(filler, journal, plan)
    done: list[Done] = []
    for days in batches(plan.to_do, options.batch_days):
        if watch.stopping():
            break
        done += filler.batch(days, journal, {day: plan.standings[day].rows for day in days})
    return done


def _require_affordable(filler: Filler, journal: Journal, bill: Bill) -> None:
    try:
        filler.allowed.require(bill, filler.spent)
    except Refusal:
        # A run in which nothing was begun would give its time of scoring to a later one.
        if not journal.last(filler.run):
            filler.note([filler.event(Event.CLOSED)], "close run")
        raise


def _forgiven(filler: Filler, journal: Journal, plan: Plan) -> Journal:
    """Forget the failures of what is tried again, and what the journal has of dates that hold no rows any more."""
    failures, last = journal.failures(), journal.last()
    known = [day for day in (*plan.to_do, *plan.dates(Task.EMPTY)) if day in last]
    entries = [
        filler.event(Event.FORGIVEN, day, last[day].attempt if last[day].run == filler.run else 0)
        for day in known
        if failures.get(day) or plan.tasks[day] is Task.EMPTY
    ]
    if entries:
        filler.note(entries, "forgive failures")
    return Journal((*journal.entries, *entries), journal.scoring)


def months_of(standings: tuple[Standing, ...]) -> Mapping[str, tuple[int, int, int, int]]:
    """Month -> its dates with rows, rows, rows with sources that are scored, rows without sources."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for one in standings:
        dates, rows, scored, without = found.get(f"{one.day:%Y-%m}", (0, 0, 0, 0))
        found[f"{one.day:%Y-%m}"] = (
            dates + 1, rows + one.rows, scored + one.sourced - one.unscored, without + one.rows - one.sourced,
        )  # fmt: skip
    return found


def entries_for(journal: Journal, start: date, end: date) -> tuple[Entry, ...]:
    """Return the last event of each partition of a span, in order of dates."""
    return tuple(one for day, one in sorted(journal.last().items()) if start <= day <= end)
