"""Absent keys: which keys explain that a date has fewer rows than usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.sql import Query, ident, literal
from fqtool.warehouse.protocol import Warehouse

_SHOWN = 3


def with_absent_keys(cause: Cause, registry: Registry, warehouse: Warehouse, before: Sequence[date]) -> Cause:
    """Return the root cause with the keys that have no rows on its date, and rows on each date before it.

    Only an unusual number of rows is about keys. One query reads the keys of these dates.

    Args:
        cause: A root cause.
        registry: The registry.
        warehouse: The target.
        before: The dates with rows before the date of the cause, in order.
    """
    dates = row_dates(registry)
    keys = [one for one in registry.table.keys if not dates.names(one)]
    earlier = [one for one in before if one < cause.since]
    if cause.kind is not Kind.ROW_COUNT or not keys or not earlier:
        return cause
    key = ", ' ', ".join(f"CAST({ident(one)} AS STRING)" for one in keys)
    day = dates.of_row()
    found = warehouse.rows(
        Query(
            f"SELECT k, COUNT(*) OVER () AS n\nFROM (\n  SELECT CONCAT({key}) AS k\n"
            f"  FROM {ident(registry.table.name)}\n  WHERE {dates.between(earlier[0], cause.day)}\n  GROUP BY 1\n"
            f"  HAVING COUNTIF({day} = {literal(cause.day)}) = 0\n"
            f"    AND COUNT(DISTINCT IF({day} < {literal(cause.since)}, {day}, NULL)) = {len(earlier)}\n)\n"
            f"ORDER BY k\nLIMIT {_SHOWN}"
        )
    )
    if not found:
        return cause
    more = int(found[0]["n"]) - len(found)  # type: ignore[arg-type]
    named = ", ".join(str(row["k"]) for row in found) + (f" and {more:,} more" if more else "")
    count = f"each of {len(earlier)} earlier dates" if len(earlier) > 1 else "the earlier date"
    return replace(cause, detail=f"No rows for {' '.join(keys)} {named}, with rows on {count}")
