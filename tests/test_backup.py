"""A plan that destroys data prints how to keep a copy and how to get the data back; the statements do so."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from fqtool.commands.migrate.plan import Planned, print_plan
from fqtool.registry.model import Deprecation
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests.bed.fixtures import RunSql
from tests.migrated_stores import drift, migrated
from tests.stores import planned_in, small_registry, with_column

GONE = Deprecation(date(2026, 1, 1), date(2026, 2, 1), dropped=True)
INSERT = """
INSERT INTO store (item, day, tier, defaults) VALUES
  ('a', DATE '2026-01-01', 'gold', 1), ('b', DATE '2026-01-01', 'poor', 2), ('a', DATE '2026-01-02', NULL, 3)
"""
SELECT = "SELECT item, day, tier, defaults FROM store WHERE day >= DATE '2000-01-01' ORDER BY item, day"

Sql = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def run(warehouse: Warehouse, tmp_path: Path, request: pytest.FixtureRequest) -> Sql:
    """Run a statement without fqtool, as a person pastes it."""
    if isinstance(warehouse, BigQueryWarehouse):
        run_sql: RunSql = request.getfixturevalue("run_sql")
        # bqemulator takes a snapshot only of a table whose dataset is written, though BigQuery knows the default one.
        qualified = f"`{warehouse.dataset}`.`store"
        return lambda text: run_sql(text.replace("`store", qualified) if "SNAPSHOT" in text else text)

    def run_in_file(text: str) -> list[tuple[object, ...]]:
        warehouse.close()
        with duckdb.connect(str(tmp_path / "store.duckdb")) as connection:
            return connection.execute(text).fetchall()

    return run_in_file


def printed(planned: Planned, warehouse: Warehouse) -> list[str]:
    """The statements that the head of the last file gives for this kind of target, and the terminal alike."""
    file, plan = planned.new[-1]
    head = file.text.partition("\n\n")[0]
    screen = io.StringIO()
    print_plan(file, plan, screen)
    dialect = "BigQuery" if isinstance(warehouse, BigQueryWarehouse) else "DuckDB"
    statements = re.findall(rf"^-- +{dialect}: +(.*)$", head, re.MULTILINE)
    assert statements
    assert all(statement in screen.getvalue() for statement in statements)
    return statements


def test_a_dropped_column_comes_back_with_its_values(warehouse: Warehouse, folder: Path, run: Sql) -> None:
    """Keep, allow, drop; then take the drop out of the registry, migrate and refill."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    run(INSERT)
    rows = run(SELECT)
    dropping = with_column(with_column(registry, "tier", deprecated=GONE), "defaults", deprecated=GONE)
    keep, refill = printed(planned_in(folder, dropping, warehouse), warehouse)
    run(keep)
    migrated(folder, dropping, warehouse, allow=frozenset({"FQ230"}))
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert {row[2:] for row in run(SELECT)} == {(None, None)}
    run(refill)
    assert run(SELECT) == rows
    assert drift(folder, registry, warehouse) == ()


def test_deleted_partitions_come_back(warehouse: Warehouse, folder: Path, run: Sql) -> None:
    """What an expiration deletes is taken from the copy once the expiration is gone; rows that are there are not."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    run(INSERT)
    rows = run(SELECT)
    expiring = replace(registry, table=replace(registry.table, partition_expiration_days=30.0))
    keep, reinsert = printed(planned_in(folder, expiring, warehouse), warehouse)
    run(keep)
    run("DELETE FROM store WHERE day = DATE '2026-01-01'")  # as the expiration does, sooner or later
    run(reinsert)
    assert run(SELECT) == rows
    run(reinsert)
    assert run(SELECT) == rows


def test_a_plan_that_destroys_nothing_prints_no_copy(warehouse: Warehouse, folder: Path) -> None:
    """The head of the file has its four lines."""
    planned = planned_in(folder, small_registry(), warehouse)
    assert all("copy" not in file.text.partition("\n\n")[0] for file, _ in planned.new)
