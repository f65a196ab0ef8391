"""Half a swap of a rebuild: no rows are lost, whatever happened to the tables and the ledger since."""

from __future__ import annotations

from pathlib import Path

import pytest

from fqtool.commands.migrate.status import migration_status
from fqtool.errors import Refusal
from fqtool.migrations.plan import make_statement
from fqtool.schema.build import desired_table
from fqtool.sql import Query
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.migrated_stores import by_hand, drift, migrated
from tests.rebuilt_stores import BEFORE, BY_MONTH, CODES, filled, items
from tests.stores import planned_in, workspace_in


def half_swapped(folder: Path, target: Warehouse) -> None:
    """The copy is made, and a person or a killed run has renamed the old table."""
    filled(folder, target)
    planned_in(folder, BY_MONTH, target, rebuild=True)
    migrated(folder, BY_MONTH, target, allow=frozenset({"FQ243"}))
    renamed(target, "store", "store_old_0002")


def renamed(target: Warehouse, old: str, new: str) -> None:
    """Rename a table by hand."""
    target.run(make_statement(State(Table(old, (column("x", "INT64"),))), (RenameTable(old, new),)))


def test_a_table_created_again_after_half_a_swap_loses_no_rows(tmp_path: Path) -> None:
    """The refusal names where the rows are, and what to rename; then the swap ends."""
    folder = tmp_path / "migrations"
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as target:
        half_swapped(folder, target)
        by_hand(target, CreateTable(desired_table(BEFORE)))
        for found in (
            drift(folder, BY_MONTH, target),
            migration_status(workspace_in(folder, BY_MONTH), target).findings,
        ):
            assert ("FQ410", "store_old_0002") in {(one.rule, one.subject) for one in found}
        with pytest.raises(Refusal, match="store_old_0002` exists already") as refused:
            migrated(folder, BY_MONTH, target, allow=CODES)
        assert "all rows are in `store_old_0002`: rename `store`" in str(refused.value.remedy)
        assert "drop" not in str(refused.value.remedy)
        renamed(target, "store", "store_other")
        migrated(folder, BY_MONTH, target)
        assert items(target) == ["a", "b"]


def test_the_copy_of_a_dropped_table_is_not_refolderd(tmp_path: Path) -> None:
    """Not even where an empty table is allowed: the finding names the copy, which becomes the table."""
    folder = tmp_path / "migrations"
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as target:
        half_swapped(folder, target)
        renamed(target, "store_old_0002", "elsewhere")
        with pytest.raises(Refusal) as refused:
            migrated(folder, BY_MONTH, target, allow=frozenset({*CODES, "FQ408"}))
        (finding,) = refused.value.findings
        assert "ALTER TABLE store_rebuild_0002 RENAME TO store;" in str(finding.remedy)
        renamed(target, "store_rebuild_0002", "store")
        migrated(folder, BY_MONTH, target, allow=CODES)
        assert items(target) == ["a", "b"]


def test_half_a_swap_that_no_ledger_records_has_a_fix(tmp_path: Path) -> None:
    """The fix ends the swap by hand."""
    folder = tmp_path / "migrations"
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as target:
        half_swapped(folder, target)
        target.run(Query("DELETE FROM _fqtool_ledger WHERE version = '0002'"))
        with pytest.raises(Refusal, match="has not ended, and the ledger does not record it") as refused:
            migrated(folder, BY_MONTH, target, allow=CODES)
        assert 'ALTER TABLE "store_rebuild_0002" RENAME TO "store";' in str(refused.value.remedy)
        renamed(target, "store_rebuild_0002", "store")
        assert items(target) == ["a", "b"]
