"""fqtool check-drift --data: what stored rows say against the registry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from fqtool.diagnosis.audit import Audit, Audited
from fqtool.errors import InputError, Refusal
from fqtool.registry.model import Registry
from fqtool.verbs.workspace import require_columns
from fqtool.warehouse.protocol import Warehouse


def audit_of(
    registry: Registry,
    warehouse: Warehouse,
    start: date,
    end: date,
    *,
    max_bytes: int | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Audited:
    """Ask the rows from `start` to `end`, by one scan whose bytes are told before it runs.

    Raises InputError for dates the wrong way round, NotThere for an absent table or columns, Refusal where the scan
    would read more than `max_bytes`.
    """
    if end < start:
        raise InputError(f"The end {end} lies before the start {start}.")
    audit = Audit(registry)
    require_columns(registry, warehouse, (one.name for one in audit.scoring.managed))
    query = audit.query(start, end)
    told = warehouse.run(query, dry_run=True).bytes_processed
    if told is not None:
        on_bytes(told)
        if max_bytes is not None and told > max_bytes:
            raise Refusal(
                f"The data from {start} to {end} takes a scan of {told:,} bytes, more than the {max_bytes:,} allowed.",
                remedy="Ask fewer dates, or allow more with --max-bytes.",
            )
    (row,) = warehouse.rows(query)
    return audit.read(row, start, end)
