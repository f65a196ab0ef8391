"""Laws of a ledger that records more than the table has: every command follows the table."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fqtool.commands.migrate.status import migration_status
from fqtool.errors import FqtoolError, Refusal
from fqtool.findings.finding import Finding
from fqtool.registry.model import Registry
from fqtool.sql import Query
from fqtool.table.change_views import DropView
from fqtool.table.changes import AddColumn, DropColumn
from fqtool.table.model import Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.migrated_stores import by_hand, drift, migrated
from tests.stores import planned_in, small_registry, workspace_in

RECREATE = frozenset({"FQ408"})
AGAIN = (
    "Restore the table to keep its rows. If they are not needed, create it again, empty: fqtool migrate --allow FQ408"
)


def drop_table(warehouse: Warehouse) -> None:
    """Drop the table behind fqtool's back."""
    if isinstance(warehouse, DuckDBWarehouse):
        warehouse.connection().execute("DROP TABLE store")
    else:
        warehouse.run(Query("DROP TABLE `store`"))


def refused(act: Callable[[], object]) -> set[tuple[str, str]]:
    """The rule and the remedy of each finding of a refusal."""
    with pytest.raises(Refusal) as caught:
        act()
    return rules(caught.value.findings)


def rules(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    """The rule and the remedy of each finding."""
    return {(finding.rule, str(finding.remedy)) for finding in findings}


def status(folder: Path, registry: Registry, warehouse: Warehouse) -> tuple[Finding, ...]:
    """What `migrate status` finds."""
    return migration_status(workspace_in(folder, registry), warehouse).findings


def test_every_command_reports_that_the_table_is_gone(warehouse: Warehouse, folder: Path) -> None:
    """The ledger has applied files and there is no table: all give one finding and one fix, and the fix works."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    for _ in range(2):
        drop_table(warehouse)
        expected = {("FQ408", AGAIN)}
        assert refused(lambda: migrated(folder, registry, warehouse)) == expected
        assert refused(lambda: migrated(folder, registry, warehouse, dry_run=True)) == expected
        assert refused(lambda: planned_in(folder, registry, warehouse)) == expected
        assert refused(lambda: planned_in(folder, small_registry(4), warehouse)) == expected
        assert rules(status(folder, registry, warehouse)) == expected
        assert rules(drift(folder, registry, warehouse)) == expected
        assert warehouse.describe("store") is None
        migrated(folder, registry, warehouse, allow=RECREATE)
        assert drift(folder, registry, warehouse) == ()
        assert status(folder, registry, warehouse) == ()
    migrated(folder, registry, warehouse)


def test_a_recreation_that_is_interrupted_goes_on(warehouse: Warehouse, folder: Path) -> None:
    """The table is there again, its columns are not yet: migrate without options makes what is left."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    drop_table(warehouse)

    def interrupt(step: str) -> None:
        if "0001.1 run" in step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrated(folder, registry, warehouse, allow=RECREATE, on_step=interrupt)
    assert warehouse.describe("store") is not None
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    assert status(folder, registry, warehouse) == ()


def test_an_absent_table_is_created_without_naming_hazards(warehouse: Warehouse, folder: Path) -> None:
    """A history with a dropped column needs no --allow where no table is there to lose values."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(warehouse, DropColumn("feature_0_quality"), AddColumn(column("feature_0_quality", "STRING")))
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse, allow=frozenset({"FQ230"}))
    drop_table(warehouse)
    migrated(folder, registry, warehouse, allow=RECREATE)
    assert drift(folder, registry, warehouse) == ()


def test_a_table_restored_from_an_earlier_time_gets_its_columns_again(warehouse: Warehouse, folder: Path) -> None:
    """The ledger is ahead of the table: migrate and status report it, and plan and migrate update the table."""
    planned_in(folder, small_registry(3), warehouse)
    migrated(folder, small_registry(3), warehouse)
    registry = small_registry(4)
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(warehouse, DropColumn("feature_3_quality"))
    expected = {("FQ408", "fqtool migrate plan && fqtool migrate")}
    assert refused(lambda: migrated(folder, registry, warehouse)) == expected
    assert rules(status(folder, registry, warehouse)) == expected
    assert rules(drift(folder, registry, warehouse)) == {("FQ301", "fqtool migrate plan && fqtool migrate")}
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    assert status(folder, registry, warehouse) == ()


def test_a_dropped_view_is_put_back(warehouse: Warehouse, folder: Path) -> None:
    """The ledger records a view that is gone: migrate, status and check-drift miss it, and one fix ends all three."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(warehouse, DropView("v_quality"))
    way_out = "fqtool migrate plan && fqtool migrate"
    assert refused(lambda: migrated(folder, registry, warehouse)) == {("FQ408", way_out)}
    assert rules(status(folder, registry, warehouse)) == {("FQ408", way_out)}
    assert rules(drift(folder, registry, warehouse)) == {("FQ313", way_out)}
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    assert status(folder, registry, warehouse) == ()


def test_a_dataset_copied_with_its_ledger_goes_on(folder: Path, tmp_path: Path) -> None:
    """A copy has the table and the ledger: nothing is pending there, and the next migration applies to both."""
    with open_target(f"duckdb:///{tmp_path}/original.duckdb") as original:
        planned_in(folder, small_registry(3), original)
        migrated(folder, small_registry(3), original)
    shutil.copy(tmp_path / "original.duckdb", tmp_path / "copy.duckdb")
    with open_target(f"duckdb:///{tmp_path}/copy.duckdb") as copy:
        assert migrated(folder, small_registry(3), copy).done == ()
        assert status(folder, small_registry(3), copy) == ()
        planned_in(folder, small_registry(4), copy)
        migrated(folder, small_registry(4), copy)
        assert drift(folder, small_registry(4), copy) == ()


def test_a_column_added_by_hand_during_the_run_is_taken_as_it_is(warehouse: Warehouse, folder: Path) -> None:
    """The ALTER fails because a column of it appeared; the next run adds the others."""
    planned_in(folder, small_registry(3), warehouse)
    migrated(folder, small_registry(3), warehouse)
    registry = small_registry(5)
    planned_in(folder, registry, warehouse)

    def interfere(step: str) -> None:
        if step == "0002.1 run":
            by_hand(warehouse, AddColumn(column("feature_4_quality", "FLOAT64")))

    with pytest.raises(FqtoolError):
        migrated(folder, registry, warehouse, on_step=interfere)
    migrated(folder, registry, warehouse)
    assert {one.rule for one in drift(folder, registry, warehouse)} == {"FQ306"}
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    assert status(folder, registry, warehouse) == ()


def test_a_change_that_is_not_planned_waits_for_an_absent_table(warehouse: Warehouse, folder: Path) -> None:
    """A plan starts from the table, so it would be refused first."""
    planned_in(folder, small_registry(3), warehouse)
    migrated(folder, small_registry(3), warehouse)
    drop_table(warehouse)
    remedies = {one.rule: str(one.remedy) for one in status(folder, small_registry(4), warehouse)}
    assert remedies["FQ404"] == "First follow the fix of `store`."


def test_a_table_dropped_during_the_run_has_the_fix_of_a_table_that_is_gone(warehouse: Warehouse, folder: Path) -> None:
    """The statement fails; migrate then names --allow FQ408, which creates the table with everything pending."""
    planned_in(folder, small_registry(3), warehouse)
    migrated(folder, small_registry(3), warehouse)
    registry = small_registry(4)
    planned_in(folder, registry, warehouse)

    def interfere(step: str) -> None:
        if step == "0002.1 run":
            drop_table(warehouse)

    with pytest.raises(FqtoolError):
        migrated(folder, registry, warehouse, on_step=interfere)
    assert refused(lambda: migrated(folder, registry, warehouse)) == {("FQ408", AGAIN)}
    migrated(folder, registry, warehouse, allow=RECREATE)
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    assert table.find("feature_3_quality")
    assert drift(folder, registry, warehouse) == ()


def test_allowing_a_recreation_changes_nothing_where_the_table_is_there(warehouse: Warehouse, folder: Path) -> None:
    """--allow FQ408 beside a table is without effect."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    before = warehouse.describe("store")
    assert migrated(folder, registry, warehouse, allow=RECREATE).done == ()
    assert warehouse.describe("store") == before
