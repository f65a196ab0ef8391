"""The small store before and after a rebuild, and its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fqtool.registry.model import Registry
from fqtool.sql import Query
from fqtool.warehouse.protocol import Warehouse
from tests.migrated_stores import migrated
from tests.stores import planned_in, small_registry

BEFORE = small_registry()
BY_MONTH = replace(BEFORE, table=replace(BEFORE.table, partition_granularity="MONTH"))
CODES = frozenset({"FQ243", "FQ244"})
ROWS = "WHERE `day` >= DATE '0001-01-01' OR `day` IS NULL"


def filled(folder: Path, warehouse: Warehouse, registry: Registry = BEFORE) -> None:
    """Create the store, with two rows."""
    if not folder.exists():
        planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    insert(warehouse, "a", "2026-01-01")
    insert(warehouse, "b", "2026-02-02")


def insert(warehouse: Warehouse, item: str, day: str) -> None:
    """Add a row."""
    warehouse.run(Query(f"INSERT INTO `store` (`item`, `day`) VALUES ('{item}', DATE '{day}')"))


def items(warehouse: Warehouse, table: str = "store") -> list[object]:
    """The items of a table in order."""
    return [row["item"] for row in warehouse.rows(Query(f"SELECT `item` FROM `{table}` {ROWS} ORDER BY `item`"))]
