"""Laws of drift: changed by hand, unapplied or behind, each is reported as such, and the next plan repairs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.migrate.apply import verify_migrations
from fqtool.commands.migrate.status import migration_status
from fqtool.errors import MigrationError
from fqtool.findings.finding import Severity
from fqtool.schema.build import base_table
from fqtool.table.change_options import SetOption
from fqtool.table.change_views import PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetType,
)
from fqtool.table.column import Kind, Mode, Type
from fqtool.table.model import View
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.migrated_stores import TOOL, base_stands, by_hand, drift, migrated
from tests.stores import planned_in, small_registry, with_column, workspace_in

HANDS: list[tuple[str, Callable[[], Change], str, str]] = [
    ("FQ301", lambda: DropColumn("tier"), "tier", "fqtool migrate plan"),
    ("FQ302", lambda: AddColumn(column("rogue", "STRING")), "rogue", "base_columns"),
    ("FQ303", lambda: SetType("defaults", Type(Kind.FLOAT64)), "defaults", "DROP COLUMN `defaults`"),
    ("FQ304", lambda: SetMode("item", Mode.NULLABLE), "item", "Remove `required: true`"),
    ("FQ305", lambda: SetType("score", Type(Kind.NUMERIC, 7, 3)), "score", "a column with the new type"),
    ("FQ306", lambda: SetDescription(("tier",), "wrong"), "tier", "fqtool migrate plan"),
    ("FQ307", lambda: SetDefault("made_at", None), "made_at", "ALTER TABLE"),
    ("FQ312", lambda: SetOption("require_partition_filter", False), "require_partition_filter", "fqtool migrate plan"),
    ("FQ313", lambda: PutView(View("v_quality", "SELECT 1 AS x", "A row per feature")), "v_quality", "fqtool migrate"),
]


@pytest.mark.parametrize(("code", "change", "subject", "remedy"), HANDS, ids=[f"{h[0]}-{h[2]}" for h in HANDS])
def test_every_change_by_hand_is_found_with_its_class(
    warehouse: Warehouse, folder: Path, code: str, change: Callable[[], Change], subject: str, remedy: str
) -> None:
    """Each thing done behind fqtool's back is one finding: its class, its subject, its cause, its remedy."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(warehouse, change())
    (found,) = drift(folder, registry, warehouse)
    assert (found.rule, found.subject, found.cause) == (code, subject, "changed by hand")
    if code == "FQ307" and warehouse.url.startswith("duckdb:"):  # which has no statement for most properties
        remedy = "fqtool migrate plan --include-base"
    assert remedy in str(found.remedy)


def test_another_column_order_is_found_where_asked_for(warehouse: Warehouse, folder: Path) -> None:
    """Columns that a table was created with in another order: FQ308 if the registry's drift map asks, else nothing."""
    registry = small_registry()
    first, *rest = base_table(registry).columns
    by_hand(warehouse, CreateTable(base_table(registry).with_columns([*rest, first])))
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    asking = replace(registry, drift=(("FQ308", Severity.WARNING),))
    assert [(found.rule, found.severity) for found in drift(folder, asking, warehouse)] == [("FQ308", Severity.WARNING)]


def test_what_can_be_repaired_is_repaired_by_the_next_plan(warehouse: Warehouse, folder: Path) -> None:
    """Dropped column, description, view: plan and migrate put them back, and verify still holds."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(
        warehouse,
        DropColumn("tier"),
        SetDescription(("alerts",), "wrong"),
        PutView(View("v_quality", "SELECT 1 AS x")),
    )
    assert len(drift(folder, registry, warehouse)) == 3
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    with open_target("duckdb:///:memory:") as scratch:
        assert verify_migrations(workspace_in(folder, registry), scratch, TOOL) == ()


def test_an_unapplied_migration_is_reported_as_such(warehouse: Warehouse, folder: Path) -> None:
    """Columns that a pending file makes are missing because it is unapplied; the remedy is to migrate."""
    registry = small_registry()
    base_stands(warehouse, registry)
    planned_in(folder, registry, warehouse)
    found = [one for one in drift(folder, registry, warehouse) if one.rule == "FQ301"]
    assert {one.cause for one in found} == {"migration not applied, or changed by hand"}
    assert {str(one.remedy) for one in found} == {"fqtool migrate"}


def test_a_registry_ahead_of_its_files_is_reported(warehouse: Warehouse, folder: Path) -> None:
    """A new feature without a migration: its column is missing, and one finding reports that no file makes it."""
    planned_in(folder, small_registry(3), warehouse)
    migrated(folder, small_registry(3), warehouse)
    found = drift(folder, small_registry(4), warehouse)
    assert {(one.rule, one.cause) for one in found} == {
        ("FQ301", "in the registry, but in no migration"),
        ("FQ313", "in the registry, but in no migration"),
        ("FQ404", "in the registry, but in no migration"),
    }
    planned_in(folder, small_registry(4), warehouse)
    migrated(folder, small_registry(4), warehouse)
    assert drift(folder, small_registry(4), warehouse) == ()


def test_a_registry_behind_its_files_is_reported(warehouse: Warehouse, folder: Path) -> None:
    """A column that a file made and the registry lost is extra because the registry is behind."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    behind = small_registry()
    behind = replace(behind, columns=tuple(spec for spec in behind.columns if spec.name != "defaults"))
    (found,) = drift(folder, behind, warehouse)
    assert (found.rule, found.subject) == ("FQ302", "defaults")
    assert found.cause == "in a migration, but no longer in the registry"


def test_edited_history_is_refused(warehouse: Warehouse, folder: Path) -> None:
    """A file edited after it was written stops plan and migrate; nothing is done."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    file = min(folder.glob("0001*.sql"))
    file.write_text(file.read_text().replace("`tier` STRING", "`tier` BYTES"))
    with pytest.raises(MigrationError) as caught:
        migrated(folder, registry, warehouse)
    assert {one.rule for one in caught.value.findings} == {"FQ401"}
    with pytest.raises(MigrationError, match="edited"):
        planned_in(folder, registry, warehouse)
    assert warehouse.describe("store") is None


def test_an_applied_file_that_was_rewritten_is_refused(warehouse: Warehouse, folder: Path) -> None:
    """With checksums renewed too, the ledger still knows what ran."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    for file in folder.iterdir():
        file.unlink()
    planned_in(folder, with_column(registry, "tier", type="BYTES"))
    with pytest.raises(MigrationError) as caught:
        migrated(folder, with_column(registry, "tier", type="BYTES"), warehouse)
    assert {one.rule for one in caught.value.findings} == {"FQ402"}


def test_what_another_branch_applied_under_this_number_is_named(
    warehouse: Warehouse, folder: Path, tmp_path: Path
) -> None:
    """Status lists the file that ran. Every other remedy waits: nothing can be planned or applied before the merge."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    shutil.copytree(folder, tmp_path / "theirs")
    tier = next(spec for spec in registry.columns if spec.name == "tier")
    ours, theirs = (
        replace(registry, columns=(*registry.columns, replace(tier, name=name))) for name in ("ours", "theirs")
    )
    planned_in(tmp_path / "theirs", theirs, warehouse)
    migrated(tmp_path / "theirs", theirs, warehouse)
    planned_in(folder, ours)
    status = migration_status(workspace_in(folder, ours), warehouse)
    assert [row.name for row in status.rows][-1] == "0002_add_theirs.sql"
    assert [one.rule for one in status.findings] == ["FQ402"]
    found = drift(folder, ours, warehouse)
    assert [(one.rule, one.subject) for one in found] == [
        ("FQ402", "0002_add_ours.sql"), ("FQ301", "ours"), ("FQ302", "theirs"),
    ]  # fmt: skip
    assert "`0002_add_theirs.sql` ran here as migration 0002" in found[0].message
    assert {str(one.remedy) for one in found[1:]} == {"First follow the fix of `0002_add_ours.sql`."}
