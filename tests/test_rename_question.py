"""A missing column beside an undeclared one of the same type: check-drift asks whether it was renamed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from fqtool.findings.finding import Finding
from fqtool.findings.remedy import Statements
from fqtool.registry.model import Registry
from fqtool.schema.build import base_table
from fqtool.table.changes import AddColumn, Change, CreateTable, DropColumn, RenameColumn
from fqtool.table.model import Table
from fqtool.table.parse import parse
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed.running import ROOT
from tests.in_process import fqtool
from tests.migrated_stores import by_hand, drift, migrated
from tests.stores import planned_in, small_registry, with_column

LINE = "`renamed_from: {}`"


def asked(findings: tuple[Finding, ...]) -> dict[str, str]:
    """The column that each question is about -> its fix."""
    return {one.subject: str(one.remedy) for one in findings if "the same column as" in one.message}


def answered(folder: Path, registry: Registry, warehouse: Warehouse, entry: str, former: str) -> Table:
    """Write the line in the entry, plan and migrate; the table afterwards."""
    renamed = with_column(registry, entry, renamed_from=former)
    planned_in(folder, renamed, warehouse)
    migrated(folder, renamed, warehouse, allow=frozenset({"FQ231"}))
    assert drift(folder, renamed, warehouse) == ()
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    return table


def test_an_entry_that_was_renamed_gets_the_line_that_keeps_its_values(warehouse: Warehouse, folder: Path) -> None:
    """The registry has a new name, the table the old one: the line makes the next migration rename the column."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    registry = with_column(small_registry(), "tier", name="band")
    fixes = asked(drift(folder, registry, warehouse))
    assert list(fixes) == ["band"]
    assert LINE.format("tier") in fixes["band"]
    assert fixes["band"].endswith("fqtool migrate plan && fqtool migrate --allow FQ231")
    table = answered(folder, registry, warehouse, "band", "tier")
    assert table.find("band")
    assert not table.find("tier")


def test_a_column_that_was_renamed_by_hand_gets_its_name_back(warehouse: Warehouse, folder: Path) -> None:
    """The table has another name than the registry: the same line renames the column back."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    by_hand(warehouse, RenameColumn("tier", "level"))
    found = drift(folder, small_registry(), warehouse)
    assert list(asked(found)) == ["tier"]
    (extra,) = (one for one in found if one.rule == "FQ302")
    assert "follow the fix of `tier`" in str(extra.remedy)
    table = answered(folder, small_registry(), warehouse, "tier", "level")
    assert table.find("tier")
    assert not table.find("level")


def test_without_the_line_the_same_commands_add_the_column(warehouse: Warehouse, folder: Path) -> None:
    """A person who answers no follows the same commands, and the undeclared column stays."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    registry = with_column(small_registry(), "tier", name="band")
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse, allow=frozenset({"FQ231"}))
    assert asked(drift(folder, registry, warehouse)) == {}
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    assert table.find("band")
    assert table.find("tier")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((DropColumn("tier"), AddColumn(column("tiers", "INT64"))), {}),
        ((DropColumn("tier"), AddColumn(column("tiers", "ARRAY<STRING>"))), {}),
        ((DropColumn("feature_1_quality"), AddColumn(column("quality_1", "FLOAT64"))), {}),
        (
            (
                DropColumn("tier"), DropColumn("labels"),
                AddColumn(column("labels_old", "STRING")), AddColumn(column("rogue", "STRING")),
            ),
            {"labels": "labels_old", "tier": "rogue"},
        ),
        ((DropColumn("tier"), DropColumn("labels"), AddColumn(column("label", "STRING"))), {"labels": "label"}),
    ],
    ids=["another-type", "another-mode", "one-per-feature", "most-similar", "one-for-two"],
)  # fmt: skip
def test_the_question_is_about_columns_that_can_be_renamed(
    tmp_path: Path, folder: Path, changes: tuple[Change, ...], expected: dict[str, str]
) -> None:
    """Types have to agree, the entry has to take the line, and an undeclared column is asked about once."""
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as warehouse:
        planned_in(folder, small_registry(), warehouse)
        migrated(folder, small_registry(), warehouse)
        by_hand(warehouse, *changes)
        found = asked(drift(folder, small_registry(), warehouse))
    assert found.keys() == expected.keys()
    assert all(LINE.format(former) in found[name] for name, former in expected.items())


def test_a_pending_file_that_adds_the_column_answers_the_question(warehouse: Warehouse, folder: Path) -> None:
    """Where a file adds the column, it was planned as a new one."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    by_hand(warehouse, AddColumn(column("rogue", "STRING")))
    registry = small_registry()
    extra = replace(next(one for one in registry.columns if one.name == "tier"), name="more")
    registry = replace(registry, columns=(*registry.columns, extra))
    planned_in(folder, registry, warehouse)
    found = drift(folder, registry, warehouse)
    assert {one.cause for one in found if one.subject == "more"} == {"migration not applied"}
    assert asked(found) == {}


def test_a_feature_keeps_its_name_where_its_column_was_renamed(tmp_path: Path) -> None:
    """Where `inputs` reads the column of the feature's name, the feature gets a `value`; then nothing is left."""
    folder = Path(shutil.copytree(ROOT / "examples" / "energy", tmp_path / "energy"))
    assert fqtool(folder, "migrate").code == 0
    with duckdb.connect(str(folder / ".fqtool/local.duckdb")) as connection:
        connection.execute("ALTER TABLE meter_features RENAME peak_kw TO highest_kw")
    said = fqtool(folder, "check-drift").out
    assert "write `name: highest_kw` in its entry, and `value: highest_kw` in the feature `peak_kw`, which" in said
    registry = folder / "feature_registry.yaml"
    text = registry.read_text().replace("{name: peak_kw, type", "{name: highest_kw, type")
    registry.write_text(text)
    said = fqtool(folder, "validate").out
    assert "Write `value: highest_kw` in the feature peak_kw" in said
    registry.write_text(text.replace("name: peak_kw,", "name: peak_kw, value: highest_kw,"))
    assert fqtool(folder, "check-drift").code == 0


def test_a_base_column_that_was_renamed_gets_its_live_name(warehouse: Warehouse, folder: Path) -> None:
    """A base column has no `renamed_from`: its entry takes the name of the table, and nothing is left to report."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    by_hand(warehouse, RenameColumn("history", "past"))
    fixes = asked(drift(folder, small_registry(), warehouse))
    assert fixes == {
        "history": "If so, write `name: past` in its entry, and wherever the registry reads `history`. If not: "
        "fqtool migrate plan --include-base && fqtool migrate"
    }
    base = tuple(replace(one, name="past") if one.name == "history" else one for one in small_registry().base_columns)
    found = drift(folder, small_registry(base_columns=base), warehouse)
    assert [one for one in found if one.subject in ("past", "history") and one.rule != "FQ404"] == []


def test_both_names_in_the_table_have_a_fix_that_works(warehouse: Warehouse, folder: Path) -> None:
    """The old column beside the new one cannot be declared: `renamed_from` is removed, or the old column dropped."""
    registry = with_column(small_registry(), "tier", renamed_from="band")
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(warehouse, AddColumn(column("band", "STRING")))
    (finding,) = drift(folder, registry, warehouse)
    assert (finding.rule, finding.subject) == ("FQ302", "band")
    assert isinstance(finding.remedy, Statements)
    assert finding.remedy.first.startswith("The table has `band` and `tier`. Remove `renamed_from` from the entry")
    (undeclared,) = drift(folder, small_registry(), warehouse)
    assert str(undeclared.remedy) == "Add it to base_columns: - {name: band, type: STRING}"
    by_hand(warehouse, parse(finding.remedy.sql.removesuffix(";"))[0])
    assert drift(folder, registry, warehouse) == ()


@pytest.mark.parametrize(
    ("others", "sentence"), [((), "does not have the old"), (("band", "tier"), "has the old and the new")]
)
def test_a_plan_names_a_rename_without_effect(
    warehouse: Warehouse, folder: Path, others: tuple[str, ...], sentence: str
) -> None:
    """Where the table has neither column, or both, no column is renamed; after a rename the key may stay."""
    by_hand(warehouse, CreateTable(base_table(small_registry())), *(AddColumn(column(one, "STRING")) for one in others))
    (unused,) = planned_in(folder, with_column(small_registry(), "tier", renamed_from="band"), warehouse).unused
    assert unused.startswith("`renamed_from` of `tier` has no effect: ")
    assert sentence in unused
