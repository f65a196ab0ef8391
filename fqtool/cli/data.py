"""What check-drift --data adds: the stored rows."""

from __future__ import annotations

from datetime import date

from fqtool.cli.saying import say
from fqtool.errors import NotThere
from fqtool.finding import Finding, blocking
from fqtool.registry.model import Registry
from fqtool.rules.about_data import check_data
from fqtool.verbs.check_data import audit_of
from fqtool.warehouse.protocol import Warehouse


def data_findings(
    registry: Registry,
    warehouse: Warehouse,
    dates: tuple[date, date],
    max_bytes: int | None,
    drift: tuple[Finding, ...],
) -> tuple[tuple[Finding, ...], int]:
    """Return what is wrong with the rows, and how many were looked at.

    A table that lacks columns is told of, not read, where `drift` says so; else NotThere is raised.
    """

    def told(count: int) -> None:
        say(f"Reading {count:,} bytes, {dates[0]} to {dates[1]}.")

    try:
        audited = audit_of(registry, warehouse, *dates, max_bytes=max_bytes, on_bytes=told)
    except NotThere as error:
        if not any(True for _ in blocking(drift)):
            raise
        say(f"The rows were not read: {error}")
        return (), 0
    if not audited.rows:
        say(f"There are no rows from {dates[0]} to {dates[1]}.")
    return check_data(audited), audited.rows
