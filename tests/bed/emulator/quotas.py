"""Rates that BigQuery allows: changes of a table's metadata and DML statements, in ten seconds.

Source: "Quotas and limits", sections "Standard tables", "Partitioned tables" and "Data manipulation language".
"""

from __future__ import annotations

import threading
import time
from collections import deque

from bqemulator.catalog.models import TableMeta
from bqemulator.domain.errors import DomainError

from .catalog import Key, key_of

SECONDS = 10.0
UPDATES, PARTITIONED_UPDATES, DML = 5, 50, 25
"""Operations on one table within that time."""


class RateLimitError(DomainError):
    """Too many operations on a table."""

    http_status, bq_reason, grpc_status_name = 403, "rateLimitExceeded", "RESOURCE_EXHAUSTED"


class Quotas:
    """What was spent. A test may stop the clock, so that no slow machine gives back what it spends, and move it on."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._stopped: float | None = None
        self._spent: dict[tuple[str, Key], deque[float]] = {}
        self._lock = threading.Lock()

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        self._ahead += seconds

    def stop_clock(self, *, stopped: bool) -> None:
        """Stops the clock, or lets it go on."""
        self._stopped = time.monotonic() if stopped else None

    def update(self, table: TableMeta) -> None:
        """Counts a change of a table's metadata."""
        partitioned = table.time_partitioning is not None or table.range_partitioning is not None
        self._spend("update operations", key_of(table), PARTITIONED_UPDATES if partitioned else UPDATES)

    def statement(self, key: Key) -> None:
        """Counts a DML statement of a table."""
        self._spend("dml operations", key, DML)

    def _spend(self, what: str, key: Key, limit: int) -> None:
        with self._lock:
            clock = time.monotonic() if self._stopped is None else self._stopped
            now, times = clock + self._ahead, self._spent.setdefault((what, key), deque())
            while times and now - times[0] >= SECONDS:
                times.popleft()
            if len(times) >= limit:
                raise RateLimitError(
                    f"Exceeded rate limits: too many table {what} for this table. For more information, see "
                    "https://cloud.google.com/bigquery/docs/troubleshoot-quotas"
                )
            times.append(now)


QUOTAS = Quotas()
"""The one count of the server."""
