"""fqtool score: compute every quality column of stored rows, one partition after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from fqtool.commands.score.staged_scores import StagedScores
from fqtool.errors import InputError, Refusal
from fqtool.findings.remedy import commands
from fqtool.lint.inputs import SCORE_COLUMN
from fqtool.registry.model import Registry
from fqtool.scoring.layout import Layout
from fqtool.scoring.merge import Partition, partitions_between
from fqtool.scoring.scoring import Scoring
from fqtool.warehouse.protocol import Warehouse, limited, within
from fqtool.workspace import require_columns, require_order


@dataclass(frozen=True, slots=True)
class ScoredPartition:
    """A scored partition: its rows, rows without sources, changed rows and processed bytes (None: unknown)."""

    day: date
    rows: int
    without_sources: int
    changed: int | None
    bytes_processed: int | None


def require_scorable(registry: Registry, warehouse: Warehouse, start: date, end: date) -> Scoring:
    """Return the scoring of the rows of a table from `start` to `end`.

    Raises:
        InputError: `end` is earlier than `start`, or the registry computes no column.
        NotThere: The table or a column does not exist.
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
    on_scored: Callable[[ScoredPartition], None] = lambda _: None,
) -> tuple[ScoredPartition, ...]:
    """Score every date from `start` to `end` that has rows, with one atomic MERGE per date.

    One query counts the rows of all dates, and the rows that repeat a key, before the first MERGE.

    Args:
        registry: The registry.
        warehouse: The target.
        start: The first date.
        end: The last date.
        as_of: The value for `quality_computed_at`. The same value over the same rows writes the same bytes.
        max_bytes: Limit of the bytes billed for the statements of a date together, and for the query before.
        dry_run: Whether to estimate only.
        rejoin: Whether to wait for a MERGE of an earlier run instead of sending it again. The rows then have the
            `as_of` of that run.
        on_scored: Called after each date.

    Returns:
        The scored partitions, in order.

    Raises:
        Refusal: Keys repeat, with examples; or a statement would exceed `max_bytes`.
        InputError: See `require_scorable`, which may also raise NotThere.
    """
    scoring = require_scorable(registry, warehouse, start, end)
    without_sources = {"without_sources": f"COUNTIF(NOT ({Layout(registry).known}))"}
    with within(warehouse, limited(max_bytes)):
        partitions = partition_counts(registry, warehouse, start, end, without_sources)
    rows = {day: counts["rows"] for day, counts in partitions.items()}
    scores = StagedScores(scoring, warehouse, as_of, list(rows), rows)
    scored: list[ScoredPartition] = []
    for day, counts in partitions.items():
        partition = Partition(scoring, day)
        with within(warehouse, limited(max_bytes)):
            if counts["repeated"]:
                _require_unique(partition, warehouse)
            outcome = warehouse.run(
                partition.merge(as_of) if dry_run else scores.merge(day), dry_run=dry_run, max_bytes=max_bytes,
                rejoin=registry.table.name if rejoin and not dry_run else "",
            )  # fmt: skip
        changed = None if dry_run else outcome.rows_changed
        scored.append(ScoredPartition(day, counts["rows"], counts["without_sources"], changed, outcome.bytes_processed))
        on_scored(scored[-1])
    return tuple(scored)


def _require_unique(partition: Partition, warehouse: Warehouse) -> None:
    duplicates = warehouse.rows(partition.duplicates())
    if duplicates:
        keys = partition.registry.table.keys
        examples = "; ".join(
            ", ".join(f"{key}={row[key]}" for key in keys) + f" ({row['rows']} rows)" for row in duplicates
        )
        raise Refusal(
            f"{partition.day} has rows with the same key, e.g. {examples}. Scoring cannot distinguish them.",
            remedy="Remove the duplicates, then score the date again.",
        )
