"""Laws of hand changes: a legal ALTER TABLE stops no later migration, and what plan writes, migrate applies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.migrate.apply import verify_migrations
from fqtool.errors import Refusal
from fqtool.registry.model import BaseColumn, Registry
from fqtool.schema.build import desired_state, desired_table
from fqtool.table.change_options import SetOption
from fqtool.table.change_views import PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetType,
)
from fqtool.table.column import Kind, Mode, Type
from fqtool.table.model import State, Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed.running import ROOT
from tests.in_process import fqtool
from tests.memory_warehouse import MemoryWarehouse
from tests.migrated_stores import TOOL, by_hand, drift, migrated
from tests.stores import BASE, planned_in, small_registry, with_column, workspace_in

# A required partition filter that was taken off is put back; a computed column of another type is dropped and added.
ALLOWED = frozenset({"FQ233", "FQ230"})
REFUSED = {"managed-recreated-with-another-type"}
LEGAL: dict[str, Callable[[], tuple[Change, ...]]] = {
    "base-relaxed": lambda: (SetMode("item", Mode.NULLABLE),),
    "base-widened": lambda: (SetType("visits", Type(Kind.FLOAT64)),),
    "base-default-set": lambda: (SetDefault("visits", "7"),),
    "base-default-dropped": lambda: (SetDefault("made_at", None),),
    "base-described": lambda: (SetDescription(("vector",), "another text"),),
    "base-dropped": lambda: (DropColumn("visits"),),
    "base-renamed": lambda: (RenameColumn("visits", "calls"),),
    "managed-widened": lambda: (SetType("defaults", Type(Kind.FLOAT64)),),
    "managed-parameters-widened": lambda: (SetType("score", Type(Kind.NUMERIC, 7, 3)),),
    "managed-default-set": lambda: (SetDefault("tier", "'gold'"),),
    "managed-described": lambda: (SetDescription(("tier",), "another text"),),
    "managed-dropped": lambda: (DropColumn("tier"),),
    "managed-renamed": lambda: (RenameColumn("tier", "level"),),
    "managed-recreated-with-another-type": lambda: (DropColumn("tier"), AddColumn(column("tier", "INT64"))),
    "added-foreign": lambda: (AddColumn(column("rogue", "STRING")),),
    "added-before-its-plan": lambda: (AddColumn(column("feature_3_quality", "FLOAT64")),),
    "added-and-described-before-its-plan": lambda: (
        AddColumn(replace(column("feature_3_quality", "FLOAT64"), description="by hand")),
    ),
    "option-expiration": lambda: (SetOption("partition_expiration_days", 30.0),),
    "option-filter": lambda: (SetOption("require_partition_filter", value=False),),
    "option-labels": lambda: (SetOption("labels", (("team", "a"),)),),
    "everything-relaxed": lambda: (SetMode("item", Mode.NULLABLE), SetMode("day", Mode.NULLABLE)),
}


def store(features: int = 3) -> Registry:
    """The small store with a base column whose type can be widened."""
    return small_registry(features, base_columns=(*BASE, BaseColumn("visits", "INT64", description="How many")))


def store_with(name: str) -> Registry:
    """The store with one more base column, an INT64."""
    more = BaseColumn(name, "INT64", description=name.capitalize())
    return replace(store(), base_columns=(*store().base_columns, more))


def has_column(warehouse: Warehouse, name: str) -> bool:
    """Whether the table has a column of that name."""
    table = warehouse.describe("store")
    return isinstance(table, Table) and table.find(name) is not None


def replays(folder: Path, registry: Registry) -> bool:
    """Whether `migrate verify` finds nothing."""
    with open_target("duckdb:///:memory:") as scratch:
        return verify_migrations(workspace_in(folder, registry), scratch, TOOL) == ()


@pytest.mark.parametrize("changes", LEGAL.values(), ids=LEGAL)
def test_a_legal_hand_change_stops_no_later_migration(
    folder: Path, tmp_path: Path, changes: Callable[[], tuple[Change, ...]]
) -> None:
    """After it a plan is written, verify and migrate take the plan, and so they do the plan after it.

    A plan without files has the differences that are left, those of check-drift but for undeclared columns.
    """
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as warehouse:
        planned_in(folder, store(), warehouse)
        migrated(folder, store(), warehouse)
        by_hand(warehouse, *changes())
        planned_in(folder, store(4), warehouse)
        assert replays(folder, store(4))
        migrated(folder, store(4), warehouse, allow=ALLOWED)
        assert has_column(warehouse, "feature_3_quality")
        again = planned_in(folder, store(4), warehouse)
        assert again.new == ()
        found = [(one.rule, one.subject) for one in drift(folder, store(4), warehouse) if one.rule != "FQ302"]
        assert [(one.rule, one.subject) for one in again.left] == found
        planned_in(folder, store(5), warehouse)
        migrated(folder, store(5), warehouse)


def test_a_plan_of_nothing_names_what_is_left(tmp_path: Path) -> None:
    """With the command that lists it; without a difference the target is up to date."""
    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    plan = ("migrate", "plan", "--include-base")
    assert fqtool(tmp_path, "migrate").code == 0
    assert fqtool(tmp_path, *plan).err == "Up to date: no migration needed.\n"
    with DuckDBWarehouse(str(tmp_path / ".fqtool" / "local.duckdb")) as warehouse:
        by_hand(warehouse, SetMode("player_lookup", Mode.NULLABLE), before=State(Table("ml_feature_store_v2", ())))
    done = fqtool(tmp_path, *plan)
    assert (done.code, done.err) == (
        0,
        "Nothing to plan, but 1 difference is left between table and registry that this plan does not change.\n"
        "Next: fqtool check-drift\n",
    )


def test_many_legal_hand_changes_stop_no_later_migration(warehouse: Warehouse, folder: Path) -> None:
    """Changes of base and managed columns in one edit, on every warehouse."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    together = ("base-relaxed", "base-widened", "managed-widened", "managed-default-set", "added-before-its-plan")
    by_hand(warehouse, *(change for name in together for change in LEGAL[name]()), DropColumn("history"))
    planned_in(folder, store(4), warehouse)
    assert replays(folder, store(4))
    migrated(folder, store(4), warehouse)
    assert planned_in(folder, store(4), warehouse).new == ()
    assert {found.rule for found in drift(folder, store(4), warehouse)} == {"FQ301", "FQ303", "FQ304"}


@pytest.mark.parametrize("changes", LEGAL.values(), ids=LEGAL)
def test_a_plan_beside_a_hand_change_fits_targets_without_it(
    folder: Path, tmp_path: Path, changes: Callable[[], tuple[Change, ...]]
) -> None:
    """One target was altered by hand; the file planned there applies to an unaltered and to an empty target."""
    targets = {name: f"duckdb:///{tmp_path}/{name}.duckdb" for name in ("altered", "unaltered", "empty")}
    with open_target(targets["altered"]) as altered, open_target(targets["unaltered"]) as unaltered:
        planned_in(folder, store(), altered)
        migrated(folder, store(), altered)
        migrated(folder, store(), unaltered)
        by_hand(altered, *changes())
        planned_in(folder, store(4), altered)
        migrated(folder, store(4), altered, allow=ALLOWED)
        with open_target(targets["empty"]) as empty:
            for target in (unaltered, empty):
                migrated(folder, store(4), target, allow=ALLOWED)
                assert drift(folder, store(4), target) == ()


@pytest.mark.parametrize("changes", LEGAL.values(), ids=LEGAL)
def test_a_hand_change_on_one_target_does_not_stop_a_file_planned_on_another(
    folder: Path, tmp_path: Path, changes: Callable[[], tuple[Change, ...]], request: pytest.FixtureRequest
) -> None:
    """A file that names none of the altered columns applies; one that does is refused before anything changes."""
    with (
        open_target(f"duckdb:///{tmp_path}/a.duckdb") as planned,
        open_target(f"duckdb:///{tmp_path}/b.duckdb") as other,
    ):
        planned_in(folder, store(), planned)
        for target in (planned, other):
            migrated(folder, store(), target)
        by_hand(other, *changes())
        planned_in(folder, store(4), planned)
        if request.node.callspec.id in REFUSED:
            before = other.describe("store")
            with pytest.raises(Refusal, match="does not fit the table"):
                migrated(folder, store(4), other)
            assert other.describe("store") == before
            return
        if request.node.callspec.id in {"managed-dropped", "managed-renamed"}:
            with pytest.raises(Refusal, match="differs from its ledger") as caught:
                migrated(folder, store(4), other)
            assert [finding.rule for finding in caught.value.findings] == ["FQ408"]
        else:
            migrated(folder, store(4), other)
        assert has_column(other, "feature_3_quality")


def test_plan_refuses_a_base_column_of_another_type_in_the_words_of_check_drift(
    warehouse: Warehouse, folder: Path
) -> None:
    """BigQuery cannot make INT64 of STRING: plan reports what check-drift reports, and writes nothing."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    by_hand(warehouse, DropColumn("visits"), AddColumn(column("visits", "STRING", description="How many")))
    with pytest.raises(Refusal) as caught:
        planned_in(folder, store(4), warehouse)
    (found,) = [finding for finding in drift(folder, store(), warehouse) if finding.subject == "visits"]
    assert [(f.rule, f.message, str(f.remedy)) for f in caught.value.findings] == [
        (found.rule, found.message, str(found.remedy))
    ]
    assert len(list(folder.glob("*.sql"))) == 2


def test_declaring_a_base_column_as_it_is_lets_the_next_plan_through(warehouse: Warehouse, folder: Path) -> None:
    """The fix of the refusal: the registry takes the type that the table has, and files and table agree again."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    by_hand(warehouse, DropColumn("visits"), AddColumn(column("visits", "STRING", description="How many")))
    declared = replace(store(4), base_columns=(*BASE, BaseColumn("visits", "STRING", description="How many")))
    planned_in(folder, declared, warehouse)
    assert replays(folder, declared)
    migrated(folder, declared, warehouse)
    assert drift(folder, declared, warehouse) == ()


def test_a_base_column_in_no_file_is_found_and_planned(folder: Path, tmp_path: Path) -> None:
    """A new target would lack it. A plan leaves it to its owner; with --include-base, every target has it."""
    later = store_with("calls")
    with open_target(f"duckdb:///{tmp_path}/old.duckdb") as old, open_target(f"duckdb:///{tmp_path}/new.duckdb") as new:
        planned_in(folder, store(), old)
        migrated(folder, store(), old)
        with open_target("duckdb:///:memory:") as scratch:
            (found,) = verify_migrations(workspace_in(folder, later), scratch, TOOL)
        assert (found.rule, found.subject) == ("FQ404", "calls")
        assert str(found.remedy) == "fqtool migrate plan --include-base"
        assert planned_in(folder, later, old).new == ()
        by_hand(old, AddColumn(column("calls", "INT64", description="Calls")))
        planned_in(folder, later, old, include_base=True)
        assert replays(folder, later)
        for warehouse in (old, new):
            migrated(folder, later, warehouse)
            assert drift(folder, later, warehouse) == ()


def test_an_adopted_drop_deletes_nothing(folder: Path, tmp_path: Path) -> None:
    """It is only recorded, so its rollback does not name deleted values."""
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as warehouse:
        planned_in(folder, store(), warehouse)
        migrated(folder, store(), warehouse)
        by_hand(warehouse, DropColumn("tier"))
        ((_, plan),) = planned_in(folder, store(), warehouse).new
    drop = plan.statements[0]
    assert drop.adopted
    assert drop.way_back == "irreversible, and not needed: the statement is not run and deletes nothing"


def test_statements_that_ran_are_counted_as_such(folder: Path, tmp_path: Path) -> None:
    """What one target had already, another gets by its statement."""
    with open_target(f"duckdb:///{tmp_path}/old.duckdb") as old, open_target(f"duckdb:///{tmp_path}/new.duckdb") as new:
        planned_in(folder, store(), old)
        migrated(folder, store(), old)
        by_hand(old, AddColumn(column("calls", "INT64", description="Calls")))
        planned_in(folder, store_with("calls"), old, include_base=True)
        assert list(migrated(folder, store_with("calls"), old).found.values()) == [1]
        assert set(migrated(folder, store_with("calls"), new).found.values()) == {0}


def test_a_table_without_a_base_column_is_not_a_baseline(warehouse: Warehouse, folder: Path) -> None:
    """A table that lacks a declared column is refused before a file is written, and the refusal names the column."""
    table = Table("store", tuple(column(spec.name, spec.type) for spec in BASE if spec.name != "history"))
    by_hand(warehouse, CreateTable(table))
    with pytest.raises(Refusal, match="history"):
        planned_in(folder, replace(store(), table=replace(store().table, partition_by=None, cluster_by=())), warehouse)
    assert not folder.exists()


def test_a_table_restored_by_select_takes_later_migrations(warehouse: Warehouse, folder: Path) -> None:
    """CREATE TABLE AS SELECT keeps no NOT NULL, default or description; plan and migrate put back what is managed."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    bare = (
        replace(c, mode=Mode.NULLABLE if c.mode is Mode.REQUIRED else c.mode, description="", default=None)
        for c in table.columns
    )
    for change in [SetMode(c.name, Mode.NULLABLE) for c in table.columns if c.mode is Mode.REQUIRED]:
        by_hand(warehouse, change)
    for change in [SetDescription((c.name,), "") for c in table.columns if c.description]:
        by_hand(warehouse, change)
    by_hand(warehouse, SetDefault("made_at", None))
    restored = warehouse.describe("store")
    assert isinstance(restored, Table)
    assert [(c.name, c.mode, c.default) for c in restored.columns] == [(c.name, c.mode, c.default) for c in bare]
    planned_in(folder, store(4), warehouse)
    assert replays(folder, store(4))
    migrated(folder, store(4), warehouse)
    base = {spec.name for spec in BASE} | {"visits", "history.seen"}
    assert {found.subject for found in drift(folder, store(4), warehouse)} <= base - {"score"}


def test_a_text_set_by_hand_that_the_registry_has_too_is_planned(folder: Path, tmp_path: Path) -> None:
    """The change was correct and the registry was edited: the next plan repeats it, for targets without it."""
    described = with_column(store(), "tier", description="another text")
    with open_target(f"duckdb:///{tmp_path}/altered.duckdb") as altered:
        planned_in(folder, store(), altered)
        migrated(folder, store(), altered)
        by_hand(altered, *LEGAL["managed-described"]())
        planned_in(folder, described, altered)
        migrated(folder, described, altered)
        assert drift(folder, described, altered) == ()
        assert planned_in(folder, described, altered).new == ()
    assert replays(folder, described)
    with open_target(f"duckdb:///{tmp_path}/empty.duckdb") as empty:
        migrated(folder, described, empty)
        assert drift(folder, described, empty) == ()


def test_a_computed_column_of_another_type_is_dropped_and_added(warehouse: Warehouse, folder: Path) -> None:
    """BigQuery cannot make it in place, and score computes the values again: DROP, ADD, allowed by name."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    text = with_column(store(), "feature_{index}_quality", type="STRING", expr="CAST(quality AS STRING)")
    planned = planned_in(folder, text, warehouse)
    drop, add, *_ = planned.new[0][1].statements
    assert drop.changes == tuple(DropColumn(f"feature_{index}_quality") for index in range(3))
    assert all(isinstance(change, AddColumn) for change in add.changes)
    with pytest.raises(Refusal, match="hazards that are not allowed"):
        migrated(folder, text, warehouse)
    migrated(folder, text, warehouse, allow=frozenset({"FQ230"}))
    assert drift(folder, text, warehouse) == ()
    assert replays(folder, text)


def test_a_hand_made_type_of_a_computed_column_has_a_fix_that_works(warehouse: Warehouse, folder: Path) -> None:
    """check-drift prints plan and migrate with --allow; performed literally they end the finding."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    by_hand(warehouse, DropColumn("feature_0_quality"), AddColumn(column("feature_0_quality", "STRING")))
    (found,) = [finding for finding in drift(folder, store(), warehouse) if finding.rule == "FQ303"]
    assert "fqtool migrate plan && fqtool migrate --allow FQ230" in str(found.remedy)
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse, allow=frozenset({"FQ230"}))
    assert drift(folder, store(), warehouse) == ()


def test_a_widened_computed_column_is_left_until_it_is_dropped_by_hand(warehouse: Warehouse, folder: Path) -> None:
    """A plan never drops what only was widened; the printed DROP COLUMN, plan and migrate end the finding."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    by_hand(warehouse, SetType("defaults", Type(Kind.FLOAT64)))
    assert planned_in(folder, store(), warehouse).new == ()
    (found,) = drift(folder, store(), warehouse)
    assert "ALTER TABLE `store` DROP COLUMN `defaults`; then fqtool migrate plan && fqtool migrate" in str(found.remedy)
    by_hand(warehouse, DropColumn("defaults"))
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    assert drift(folder, store(), warehouse) == ()


def test_values_that_fqtool_did_not_write_are_never_dropped_for_a_type(warehouse: Warehouse, folder: Path) -> None:
    """A column of upstream that cannot get its type in place is refused, not replaced."""
    planned_in(folder, store(), warehouse)
    migrated(folder, store(), warehouse)
    other = with_column(store(), "labels", type="INT64")
    with pytest.raises(Refusal) as caught:
        planned_in(folder, other, warehouse)
    assert [(f.rule, f.subject) for f in caught.value.findings] == [("FQ201", "labels")]


def test_a_layout_that_the_registry_takes_over_stops_no_plan(folder: Path) -> None:
    """Clustering changes by `bq update` alone; once the registry declares it, plan, verify and migrate agree."""
    planned_in(folder, store())
    clustered = replace(store(3), table=replace(store().table, cluster_by=("day",)))
    warehouse = MemoryWarehouse()
    by_hand(warehouse, CreateTable(desired_table(clustered)), *map(PutView, desired_state(clustered).views))
    later = replace(store(4), table=clustered.table)
    assert [file.name for file, _ in planned_in(folder, later, warehouse).new] == ["0002_add_feature_3_quality.sql"]
    assert replays(folder, later)


def test_policy_tags_set_by_hand_stop_no_plan(folder: Path) -> None:
    """A data owner may tag a column that fqtool manages; a plan neither removes the tags nor is refused."""
    planned_in(folder, store())
    table = desired_table(store())
    tagged = (replace(c, properties=(("policy_tags", "a/tag"),)) if c.name == "tier" else c for c in table.columns)
    warehouse = MemoryWarehouse()
    by_hand(warehouse, CreateTable(table.with_columns(tagged)), *map(PutView, desired_state(store()).views))
    assert [file.name for file, _ in planned_in(folder, store(4), warehouse).new] == ["0002_add_feature_3_quality.sql"]


def test_a_target_with_a_wider_type_than_a_pending_file_expects_is_refused(folder: Path, tmp_path: Path) -> None:
    """What BigQuery would refuse of a pending statement is refused before the first one runs."""
    with (
        open_target(f"duckdb:///{tmp_path}/a.duckdb") as planned,
        open_target(f"duckdb:///{tmp_path}/b.duckdb") as other,
    ):
        planned_in(folder, store(), planned)
        for target in (planned, other):
            migrated(folder, store(), target)
        wider = with_column(store(4), "score", type="NUMERIC(7,3)")
        wider = replace(wider, base_columns=tuple(spec for spec in wider.base_columns if spec.name != "score"))
        planned_in(folder, wider, planned)
        by_hand(other, SetType("score", Type(Kind.NUMERIC, 9, 4)))
        before = other.describe("store")
        with pytest.raises(Refusal, match="score"):
            migrated(folder, wider, other)
        assert other.describe("store") == before


def test_a_relaxed_table_whose_ledger_is_lost_is_a_baseline(warehouse: Warehouse, folder: Path) -> None:
    """Files from another target and a table that was relaxed by hand: plan takes it, and migrate adopts it."""
    planned_in(folder, store())
    by_hand(warehouse, CreateTable(desired_table(store())), SetMode("item", Mode.NULLABLE))
    by_hand(warehouse, *map(PutView, desired_state(store()).views))
    planned_in(folder, store(4), warehouse)
    migrated(folder, store(4), warehouse)
    assert has_column(warehouse, "feature_3_quality")
