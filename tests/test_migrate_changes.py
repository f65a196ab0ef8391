"""Laws of what a plan may change: drops, renames, defaults, wider types, what belongs to others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fqtool.errors import Refusal
from fqtool.registry.model import Deprecation, Feature
from fqtool.schema.build import desired_table
from fqtool.table.changes import AddColumn, DropColumn, SetDefault, SetDescription
from fqtool.table.model import Table
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.in_process import fqtool
from tests.migrated_stores import base_stands, by_hand, drift, migrated
from tests.stores import planned_in, small_registry, with_column


def test_a_drop_needs_its_name_given(warehouse: Warehouse, folder: Path) -> None:
    """A destructive statement runs only with --allow naming its hazard; until then nothing is done."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    gone = Deprecation(date(2026, 1, 1), date(2026, 2, 1), dropped=True)
    dropping = with_column(registry, "labels", deprecated=gone)
    planned_in(folder, dropping, warehouse)
    with pytest.raises(Refusal) as caught:
        migrated(folder, dropping, warehouse)
    assert {one.rule for one in caught.value.findings} == {"FQ230"}
    assert "--allow FQ230" in str(caught.value.remedy)
    migrated(folder, dropping, warehouse, allow=frozenset({"FQ230"}))
    assert drift(folder, dropping, warehouse) == ()


def test_foreign_columns_are_never_touched(warehouse: Warehouse, folder: Path) -> None:
    """An undeclared column stays through every plan, and is reported as extra."""
    registry = small_registry()
    base_stands(warehouse, registry, AddColumn(column("theirs", "INT64")))
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    (found,) = drift(folder, registry, warehouse)
    assert (found.rule, found.subject) == ("FQ302", "theirs")
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    assert table.find("theirs")


def test_base_columns_are_altered_only_when_asked(warehouse: Warehouse, folder: Path) -> None:
    """Another description of a base column is drift, not a plan; with include_base it is one."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(warehouse, SetDescription(("item",), "other"))
    assert planned_in(folder, registry, warehouse).new == ()
    planned_in(folder, registry, warehouse, include_base=True)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()


def test_the_feature_contract_is_kept(warehouse: Warehouse, folder: Path) -> None:
    """A reused index, a moved feature and a lost one are refused at planning; an appended and a retired one are not."""
    registry = small_registry(3)
    planned_in(folder, registry, warehouse)
    a, b, c = registry.features
    broken: list[tuple[Feature, ...]] = [
        (a, replace(b, name="other"), c),
        (replace(b, index=0), replace(a, index=1), c),
        (a, b),
    ]
    for features in broken:
        with pytest.raises(Refusal) as caught:
            planned_in(folder, replace(registry, features=features), warehouse)
        assert {one.rule for one in caught.value.findings} == {"FQ406"}
    planned_in(folder, replace(registry, features=(a, replace(b, retired=True), c)), warehouse)
    planned_in(folder, replace(registry, features=(a, replace(b, name="new", renamed_from="f1"), c)), warehouse)


def test_a_default_on_a_new_column_takes_two_statements(warehouse: Warehouse, folder: Path) -> None:
    """ADD COLUMN takes no DEFAULT, so the plan adds first and sets the default after (bigquery.md#adding)."""
    registry = with_column(small_registry(), "defaults", default="0")
    base_stands(warehouse, registry)
    planned = planned_in(folder, registry, warehouse)
    kinds = [type(one.changes[0]) for one in planned.new[1][1].statements]
    assert kinds.index(AddColumn) < kinds.index(SetDefault)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()


def test_widening_is_planned_and_applied(warehouse: Warehouse, folder: Path) -> None:
    """INT64 to FLOAT64 is documented as legal, so it is planned, applied and leaves no drift."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    wider = with_column(registry, "defaults", type="FLOAT64")
    planned_in(folder, wider, warehouse)
    migrated(folder, wider, warehouse)
    assert drift(folder, wider, warehouse) == ()
    assert desired_table(wider).find("defaults") is not None


def test_a_rename_keeps_the_column_and_needs_its_name_given(warehouse: Warehouse, folder: Path) -> None:
    """renamed_from plans RENAME COLUMN, never drop and add; readers break, so it must be allowed."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    renamed = with_column(registry, "defaults", name="default_count", renamed_from="defaults")
    planned = planned_in(folder, renamed, warehouse)
    assert "RENAME COLUMN `defaults` TO `default_count`" in planned.new[0][0].text
    with pytest.raises(Refusal, match="hazards that are not allowed"):
        migrated(folder, renamed, warehouse)
    migrated(folder, renamed, warehouse, allow=frozenset({"FQ231"}))
    assert drift(folder, renamed, warehouse) == ()


def test_a_file_that_repairs_one_target_fits_the_others(warehouse: Warehouse, folder: Path) -> None:
    """What was dropped by hand on one target is put back there; a healthy and an empty target take the same file."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    with open_target("duckdb:///:memory:") as healthy, open_target("duckdb:///:memory:") as empty:
        migrated(folder, registry, healthy)
        by_hand(warehouse, DropColumn("tier"))
        wider = small_registry(4)
        planned_in(folder, wider, warehouse)
        for target in (warehouse, healthy, empty):
            migrated(folder, wider, target)
            assert drift(folder, wider, target) == ()


def test_a_file_that_adopts_a_column_makes_it_elsewhere(warehouse: Warehouse, folder: Path) -> None:
    """A column that existed in one target already is added where it does not exist."""
    registry = small_registry()
    base_stands(warehouse, registry, AddColumn(column("tier", "STRING")))
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    with open_target("duckdb:///:memory:") as empty:
        migrated(folder, registry, empty)
        assert drift(folder, registry, empty) == ()


def test_a_column_is_not_dropped_before_its_date(warehouse: Warehouse, folder: Path) -> None:
    """dropped: true before remove_after is refused with the date; from that day on it is planned."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    later = with_column(registry, "labels", deprecated=Deprecation(date(2026, 1, 1), date(2026, 9, 1), dropped=True))
    with pytest.raises(Refusal) as caught:
        planned_in(folder, later, warehouse)
    assert {one.rule for one in caught.value.findings} == {"FQ212"}
    assert planned_in(folder, later, warehouse, today=date(2026, 9, 1)).new


@pytest.mark.parametrize(
    ("type_", "default"),
    [
        ("DATETIME", "CURRENT_DATETIME('Europe/Berlin')"),
        ("JSON", "JSON '{}'"),
        ("TIME", "TIME '10:00:00'"),
        ("GEOGRAPHY", "ST_GEOGPOINT(1, 2)"),
    ],
)
def test_a_default_that_only_bigquery_computes_stops_no_plan_for_bigquery(
    folder: Path, type_: str, default: str
) -> None:
    """Created or added, the default is replayed as text; a plan for DuckDB is refused with the column's name."""
    project = folder.parent
    (project / "store.sql").write_text(
        f"CREATE TABLE store (item STRING NOT NULL, day DATE NOT NULL, made {type_} DEFAULT {default});"
    )
    assert fqtool(project, "init", "--from-ddl", "store.sql").code == 0
    refused = fqtool(project, "migrate", "plan", "--target", "duckdb:///store.duckdb")
    assert refused.code == 1, refused.said
    assert "The default of the column made cannot be used on DuckDB" in refused.err
    assert fqtool(project, "migrate", "plan", "--offline").code == 0
    more = f'  - {{name: more, type: {type_}, default: "{default}"}}\n'
    registry = project / "feature_registry.yaml"
    registry.write_text(registry.read_text().replace("base_columns:\n", f"base_columns:\n{more}"))
    later = fqtool(project, "migrate", "plan", "--offline", "--include-base")
    assert later.code == 0, later.said
    verified = fqtool(project, "migrate", "verify")
    assert (verified.code, "2 migrations replay" in verified.out) == (0, True), verified.said
