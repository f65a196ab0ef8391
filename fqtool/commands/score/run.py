"""fqtool score: compute every quality column of stored rows, by one statement for neighbouring dates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from fqtool.cli.counts import counted
from fqtool.errors import InputError, NoTable, Refusal, StatementFailed
from fqtool.findings.remedy import commands
from fqtool.lint.inputs import SCORE_COLUMN
from fqtool.registry.model import Registry
from fqtool.scoring.inputs import ROWS, TABLE, InputChanges
from fqtool.scoring.layout import Layout
from fqtool.scoring.merge import Span, neighbours, partitions_between
from fqtool.scoring.scoring import Scoring
from fqtool.warehouse.protocol import Outcome, Warehouse, limited, within
from fqtool.workspace import require_columns, require_order


@dataclass(frozen=True, slots=True)
class ScoredPartition:
    """A scored partition: its rows, rows without sources, changed rows and processed bytes (None: unknown).

    Of a statement over several dates, each has a share of changed rows and bytes by its number of rows.
    """

    day: date
    rows: int
    without_sources: int
    changed: int | None
    bytes_processed: int | None


def require_scorable(registry: Registry, warehouse: Warehouse, start: date, end: date) -> Scoring:
    """Return the scoring of the rows of a table from `start` to `end`.

    Raises:
        InputError: `end` is earlier than `start`, or the registry computes no column.
        NotThere: The table does not exist.
        OtherColumns: The table lacks a column, or the column has another type.
        Refusal: BigQuery does not change rows of this kind of table.
    """
    require_order(start, end)
    scoring = Scoring(registry)
    if not scoring.columns:
        features = "" if registry.features else "Declare the features. "
        first = f"{features}Add to `columns`: {SCORE_COLUMN}. Then run:"
        raise InputError(
            f"{registry.path} has no column that fqtool computes.",
            remedy=commands("migrate plan", "migrate", first=first),
        )
    require_columns(registry, warehouse, (column.name for column in scoring.columns), written=True)
    return scoring


def partition_counts(
    registry: Registry, warehouse: Warehouse, start: date, end: date, counts: dict[str, str]
) -> dict[date, dict[str, int]]:
    """Return the counts of each date that has rows: `rows`, `repeated`, and further counts.

    Args:
        registry: The registry.
        warehouse: The target.
        start: The first date.
        end: The last date.
        counts: The name of each further count -> its aggregate, as SQL.

    Raises:
        InputError: The rows of the table have no date.
    """
    partitions = {}
    for row in warehouse.rows(partitions_between(registry, start, end, counts)):
        day = row.pop("day")
        if not isinstance(day, date):
            raise InputError(
                f"The column that dates the rows of {registry.table.name} does not hold dates.",
                remedy=commands("check-drift", first="Compare the column's type with the registry:"),
            )
        partitions[day] = {
            name: int(count) if isinstance(count, int | float | Decimal) else 0 for name, count in row.items()
        }
    return partitions


def score_partitions(
    registry: Registry,
    warehouse: Warehouse,
    start: date,
    end: date,
    *,
    as_of: datetime,
    max_bytes: int | None = None,
    dry_run: bool = False,
    rejoin: bool = False,
    only_changed: bool = False,
    tool: str = "",
    on_scored: Callable[[ScoredPartition], None] = lambda _: None,
    on_unchanged: Callable[[date], None] = lambda _: None,
) -> tuple[ScoredPartition, ...]:
    """Score every date from `start` to `end` that has rows, with one atomic MERGE for neighbouring dates.

    One query counts the rows of all dates, and the rows that repeat a key, before the first MERGE. If a MERGE over
    several dates fails, each of these dates gets its own.

    Args:
        registry: The registry.
        warehouse: The target.
        start: The first date.
        end: The last date.
        as_of: The value for `quality_computed_at`. The same value over the same rows writes the same bytes.
        max_bytes: Limit of the bytes billed for each date, which then has a MERGE of its own, and for the queries
            before. Default: no limit.
        dry_run: Whether to estimate only.
        rejoin: Whether to wait for a MERGE of an earlier run instead of sending it again. The rows then have the
            `as_of` of that run.
        only_changed: Whether to skip dates whose inputs did not change since a run with `only_changed` scored them.
        tool: The version of fqtool. With `only_changed`, another version scores all dates again.
        on_scored: Called with each date after the MERGE that scored it.
        on_unchanged: Called with each date that is skipped.

    Returns:
        The scored partitions, in order.

    Raises:
        Refusal: Keys repeat, with examples; or a statement would exceed `max_bytes`.
        InputError: See `require_scorable`, which may also raise NotThere. Or `only_changed` is set, and the registry
            has no column with the time of scoring.
    """
    scoring = require_scorable(registry, warehouse, start, end)
    without_sources = {"without_sources": f"COUNTIF(NOT ({Layout(registry).known}))"}
    with within(warehouse, limited(max_bytes)):
        partitions = partition_counts(registry, warehouse, start, end, without_sources)
    if repeated := [day for day, counts in partitions.items() if counts["repeated"]]:
        with within(warehouse, limited(max_bytes)):
            raise _repeated(scoring, warehouse, repeated, start, end)

    changes, states = InputChanges(scoring, tool), dict[date, dict[str, object]]()
    unchanged = frozenset[date]()
    if only_changed:
        with within(warehouse, limited(max_bytes)):
            states, unchanged = _unchanged(changes, warehouse, start, end, create=not dry_run)
        for day in sorted(unchanged):
            on_unchanged(day)

    def statement(days: tuple[date, ...]) -> Outcome:
        with within(warehouse, limited(max_bytes)):
            span = Span(scoring, days[0], days[-1])
            try:
                return warehouse.run(
                    span.merge(as_of), dry_run=dry_run, max_bytes=max_bytes,
                    rejoin=registry.table.name if rejoin and not dry_run else "",
                )  # fmt: skip
            except StatementFailed as error:
                raise span.with_place(error, as_of, warehouse.rows) from None

    rows = {day: counts["rows"] for day, counts in partitions.items()}
    to_score = [day for day in rows if day not in unchanged]
    groups = neighbours(to_score, rows) if max_bytes is None else ((day,) for day in to_score)
    scored: list[ScoredPartition] = []
    for days, outcome in (done for group in groups for done in _together_or_alone(group, statement)):
        total = sum(rows[day] for day in days)
        for day in days:
            of_date = outcome.share(rows[day], total)
            changed = None if dry_run else of_date.rows_changed
            without = partitions[day]["without_sources"]
            scored.append(ScoredPartition(day, rows[day], without, changed, of_date.bytes_processed))
            on_scored(scored[-1])
        known = [day for day in days if day in states]  # the rows of a date may be gone since they were counted
        if known and not dry_run:
            with within(warehouse, limited(max_bytes)):
                warehouse.run(changes.append(known, states, as_of))
    return tuple(scored)


def _unchanged(
    changes: InputChanges, warehouse: Warehouse, start: date, end: date, *, create: bool
) -> tuple[dict[date, dict[str, object]], frozenset[date]]:
    """Return the fingerprint of each date with rows, and the dates that did not change since they were scored."""
    query = changes.query(start, end)
    try:
        stored = warehouse.rows(ROWS)
    except NoTable:
        stored = []
        if create:
            from fqtool.warehouse.bookkeeping import create_once

            create_once(warehouse, TABLE)
    states: dict[date, dict[str, object]] = {}
    for row in warehouse.rows(query):
        day = row.pop("fqtool_date")
        if isinstance(day, date):
            states[day] = dict(row)
    return states, changes.unchanged(states, stored)


def _together_or_alone(
    days: tuple[date, ...], statement: Callable[[tuple[date, ...]], Outcome]
) -> Iterator[tuple[tuple[date, ...], Outcome]]:
    """Yield the outcome of one statement over the dates. If it fails, yield the outcome of a statement of each date."""
    try:
        outcome = statement(days)
    except StatementFailed:
        if len(days) == 1:
            raise
        for day in days:
            yield (day,), statement((day,))
    else:
        yield days, outcome


def _repeated(scoring: Scoring, warehouse: Warehouse, days: list[date], start: date, end: date) -> Refusal:
    """Return the error about dates whose rows repeat a key, with examples of the first date."""
    keys = scoring.registry.table.keys
    examples = "; ".join(
        ", ".join(f"{key}={row[key]}" for key in keys) + f" ({row['rows']} rows)"
        for row in warehouse.rows(Span(scoring, days[0], days[0]).duplicates())
    )
    more = f", and {counted(len(days) - 1, 'more date')}" if len(days) > 1 else ""
    span = f"--start {start}" + (f" --end {end}" if start < end else "")
    return Refusal(
        f"Nothing was scored: {days[0]} has rows with the same key, e.g. {examples}{more}. "
        "Scoring cannot distinguish them.",
        remedy=commands(f"score {span}", first="Remove the duplicates, then run:"),
    )
