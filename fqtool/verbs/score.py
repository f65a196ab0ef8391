"""fqtool score: compute every quality column of the rows that stand in the table, partition by partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from fqtool.errors import InputError, Refusal
from fqtool.quality.merge import Partition, partitions_between
from fqtool.quality.scoring import Scoring
from fqtool.registry.model import Registry
from fqtool.verbs.workspace import require_columns
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Scored:
    """One partition scored: its rows, those without sources, rows changed, bytes processed (None: unknown)."""

    day: date
    rows: int
    without_sources: int
    changed: int | None
    bytes_processed: int | None


def score_partitions(
    registry: Registry,
    warehouse: Warehouse,
    start: date,
    end: date,
    *,
    as_of: datetime,
    max_bytes: int | None = None,
    dry_run: bool = False,
    on_scored: Callable[[Scored], None] = lambda _: None,
) -> tuple[Scored, ...]:
    """Score every date from `start` to `end` that holds rows, one atomic MERGE each; with dry_run only estimate.

    The same `as_of` over the same rows writes the same bytes. Raises InputError for dates the wrong way round,
    NotThere for an absent table or missing columns, Refusal where keys are not unique, with examples.
    """
    if end < start:
        raise InputError(f"The end {end} lies before the start {start}.")
    scoring = Scoring(registry)
    if not scoring.columns:
        raise InputError(f"{registry.path} has no column that fqtool computes.", remedy="Declare some under columns.")
    require_columns(registry, warehouse, (one.name for one in scoring.columns))
    done: list[Scored] = []
    for found in warehouse.rows(partitions_between(registry, start, end)):
        day = found["day"]
        if isinstance(day, date):
            done.append(_one(Partition(scoring, day), warehouse, as_of, max_bytes, dry_run=dry_run))
            on_scored(done[-1])
    return tuple(done)


def _one(
    partition: Partition, warehouse: Warehouse, as_of: datetime, max_bytes: int | None, *, dry_run: bool
) -> Scored:
    _require_unique(partition, warehouse)
    (counted,) = warehouse.rows(partition.counts())
    outcome = warehouse.run(partition.merge(as_of), dry_run=dry_run, max_bytes=max_bytes)
    return Scored(
        partition.day,
        _int(counted["rows"]),
        _int(counted["without_sources"]),
        None if dry_run else outcome.rows_changed,
        outcome.bytes_processed,
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _require_unique(partition: Partition, warehouse: Warehouse) -> None:
    twice = warehouse.rows(partition.duplicates())
    if twice:
        keys = partition.registry.table.keys
        examples = "; ".join(", ".join(f"{key}={row[key]}" for key in keys) + f" ({row['rows']} rows)" for row in twice)
        raise Refusal(
            f"{partition.day} holds rows with the same key, e.g. {examples}: which of them is scored would be chance.",
            remedy="Remove the duplicates, then score the date again.",
        )
