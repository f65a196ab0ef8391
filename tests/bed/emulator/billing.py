"""What a statement processes and bills, from stored sizes, and `maximumBytesBilled`.

DML counts as documented:
https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#on-demand_query_size_calculation
"""

from __future__ import annotations

from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from bqemulator.catalog.models import JobMeta, TableMeta
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor

from .catalog import Key, key_of
from .filters import partition_columns
from .plans import Plan, Reading
from .sizes import Partition, partition_of, sizes

LIMIT: ContextVar[int | None] = ContextVar("LIMIT", default=None)
"""`maximumBytesBilled` of the job."""

_MIB = 1 << 20
_LEAST = 10 * _MIB

Parts = dict[tuple[Key, bool], set[Partition]]


class BytesBilledError(InvalidQueryError):
    """The statement would bill more than the request allows."""

    bq_reason = "bytesBilledLimitExceeded"


@dataclass(frozen=True)
class Bill:
    """The bytes of a statement, known before it runs."""

    processed: int = 0
    tables: int = 0

    @property
    def billed(self) -> int:
        """Whole MiB, at least ten for every table; what processes nothing is free."""
        return max(-(-self.processed // _MIB) * _MIB, self.tables * _LEAST) if self.processed else 0

    def __add__(self, other: Bill) -> Bill:
        """The bill of a script is that of its statements."""
        return Bill(self.processed + other.processed, self.tables + other.tables)

    def require_limit(self) -> None:
        """Refuses a statement that costs more than the request allows, before anything runs."""
        limit = LIMIT.get()
        if limit is not None and self.billed > limit:
            raise BytesBilledError(
                f"Query exceeded limit for bytes billed: {limit}. {self.billed} or higher required."
            )

    def record(self, statistics: dict[str, Any], *, dry_run: bool = False) -> None:
        """Writes the bytes where a job's statistics show them; a dry run bills nothing."""
        processed = statistics["totalBytesProcessed"] = str(self.processed)
        query = statistics.setdefault("query", {})
        query["totalBytesProcessed"] = processed
        query["totalBytesBilled"] = "0" if dry_run else str(self.billed)
        query |= {"totalBytesProcessedAccuracy": "PRECISE"} if dry_run else {"estimatedBytesProcessed": processed}


def set_limit(config: dict[str, Any]) -> None:
    """Takes `maximumBytesBilled` from a query's configuration."""
    given = config.get("maximumBytesBilled")
    LIMIT.set(int(given) if given is not None else None)


def processed_of(job: JobMeta) -> str:
    """The bytes that a finished job processed."""
    return str(job.statistics.get("totalBytesProcessed", "0"))


async def measure(plan: Plan, params: Any, project: str, ctx: Any, caller: Any) -> Bill:
    """The bill of one statement."""
    tables = {reading.key: ctx.catalog.get_table(*reading.key) for reading in plan.readings}
    if plan.free:
        return Bill(0, len(tables))
    parts: Parts = defaultdict(set)
    for reading in plan.readings:
        left = await _partitions(reading, tables[reading.key], params, project, ctx, caller)
        parts[reading.key, reading.changed] |= left
    return Bill(sum(_processed(table, plan, parts, ctx) for table in tables.values()), len(tables))


def _processed(table: TableMeta, plan: Plan, parts: Parts, ctx: Any) -> int:
    """The columns read of every partition left, each once, and all of a partition that is written again."""
    key, total = key_of(table), 0
    for part, bytes_of in sizes(table, ctx).items():
        places = [(key, changed) for changed in (False, True) if part in parts.get((key, changed), ())]
        read = {name for place in places for name in plan.columns.get(place, ())}
        total += sum(size for name, size in bytes_of.items() if name in read)
        if plan.rewrites and (key, True) in places:
            total += sum(bytes_of.values())
    return total


async def _partitions(
    reading: Reading, table: TableMeta, params: Any, project: str, ctx: Any, caller: Any
) -> set[Partition]:
    """The partitions that the conditions leave."""
    everything = set(sizes(table, ctx))
    if not reading.conditions or everything <= {None}:
        return everything
    column = partition_columns(table)[0]
    wanted = " AND ".join(f"({condition})" for condition in reading.conditions)
    query = f"SELECT DISTINCT `{column}` FROM `{'`.`'.join(reading.key)}` WHERE {wanted}"
    rows = await executor._run_single_sql(project, query, params, ctx, caller=caller)
    return {partition_of(value, table) for value in rows.column(0).to_pylist()} & everything
