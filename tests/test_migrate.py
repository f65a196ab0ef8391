"""Laws of planning, applying and drift, on every warehouse that holds a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fqtool.errors import Busy, MigrationError, Refusal, StatementFailed
from fqtool.finding import Finding
from fqtool.migrations.ledger import revisions
from fqtool.migrations.plan import make_statement
from fqtool.quality.build import base_table, desired_state, desired_table
from fqtool.registry.model import Deprecation, Feature, Registry
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    PutView,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetType,
)
from fqtool.table.column import Kind, Mode, Type
from fqtool.table.diff import diff
from fqtool.table.model import State, Table, View
from fqtool.table.statement import Statement
from fqtool.table.typetext import column
from fqtool.verbs.check_drift import drift_of
from fqtool.verbs.executor import Executor
from fqtool.verbs.lease import Lease, prepare_ledger
from fqtool.verbs.migrate_apply import Applied, apply_migrations
from fqtool.verbs.migrate_status import migration_status
from fqtool.verbs.migrate_verify import verify_migrations
from fqtool.verbs.workspace import ledger_entries, live_state
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT
from tests.stores import planned_in, small_registry, with_column, workspace_in

TOOL = "fqtool test"


@pytest.fixture(params=["duckdb", "bigquery"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """An empty dataset: a DuckDB file, or BigQuery's API over HTTP."""
    if request.param == "duckdb":
        url = f"duckdb:///{tmp_path}/store.duckdb"
    else:
        emulator = request.getfixturevalue("emulator")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        url = f"bigquery://{PROJECT}/{request.getfixturevalue('dataset')}"
    with open_target(url, timeout=20.0) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where migrations go."""
    return tmp_path / "migrations"


def unhurried(executor: Executor) -> None:
    """Tests do not wait for a metadata budget that no emulator has."""
    executor.sleep = lambda _: None


def migrated(folder: Path, registry: Registry, warehouse: Warehouse, **options: object) -> Applied:
    """Apply what is pending."""
    workspace = workspace_in(folder, registry)
    return apply_migrations(workspace, warehouse, tool=TOOL, configure=unhurried, **options)  # type: ignore[arg-type]


def drift(folder: Path, registry: Registry, warehouse: Warehouse) -> tuple[Finding, ...]:
    """What check-drift finds."""
    return drift_of(workspace_in(folder, registry), warehouse)


def by_hand(warehouse: Warehouse, *changes: Change, before: State | None = None) -> None:
    """Alter the table behind fqtool's back."""
    for change in changes:
        warehouse.run(make_statement(before or State(Table("store", (column("x", "INT64"),))), (change,)))


def base_stands(warehouse: Warehouse, registry: Registry, *more: Change) -> None:
    """The base table as another tool made it, with more columns in it."""
    by_hand(warehouse, CreateTable(base_table(registry)), *more)


def test_an_empty_target_gets_the_whole_table(warehouse: Warehouse, folder: Path) -> None:
    """plan, migrate, check-drift on an empty target: the registry's table and views stand, without drift."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    done = migrated(folder, registry, warehouse)
    assert [how for _, how in done.done] == ["applied", "applied"]
    assert drift(folder, registry, warehouse) == ()
    assert diff(live_state(warehouse, desired_state(registry)), desired_state(registry)) == ()


def test_an_existing_base_table_is_a_verified_baseline(warehouse: Warehouse, folder: Path) -> None:
    """Where the base table stands, 0000 is recorded, not run, and only the missing columns are added, by one ALTER."""
    registry = small_registry()
    base_stands(warehouse, registry)
    planned = planned_in(folder, registry, warehouse)
    done = migrated(folder, registry, warehouse)
    assert [(file.version, how) for file, how in done.done] == [("0000", "adopted"), ("0001", "applied")]
    adds = [one for one in planned.made[1][1].statements if isinstance(one.changes[0], AddColumn)]
    assert [len(one.changes) for one in adds] == [7]
    assert drift(folder, registry, warehouse) == ()


def test_applying_twice_is_applying_once(warehouse: Warehouse, folder: Path) -> None:
    """A second migrate does nothing: same table, same ledger."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    before = live_state(warehouse, desired_state(registry)), revisions(ledger_entries(warehouse))
    assert migrated(folder, registry, warehouse) == Applied(())
    assert (live_state(warehouse, desired_state(registry)), revisions(ledger_entries(warehouse))) == before


def test_a_plan_after_migrating_is_empty(warehouse: Warehouse, folder: Path) -> None:
    """A migrated target leaves nothing to plan."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert planned_in(folder, registry, warehouse).made == ()


def test_a_column_that_is_there_already_is_not_added(warehouse: Warehouse, folder: Path) -> None:
    """A base table that holds managed columns of the right type: they are adopted, the rest is added."""
    registry = small_registry()
    base_stands(warehouse, registry, AddColumn(column("tier", "STRING")), AddColumn(column("alerts", "ARRAY<STRING>")))
    planned = planned_in(folder, registry, warehouse)
    statements = planned.made[1][1].statements
    assert [change for one in statements if one.adopted for change in one.changes] == [
        AddColumn(column("tier", "STRING")),
        AddColumn(column("alerts", "ARRAY<STRING>")),
    ]
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    with open_target("duckdb:///:memory:") as scratch:
        assert verify_migrations(workspace_in(folder, registry), scratch, TOOL) == ()


def test_a_column_of_the_wrong_type_is_refused_with_the_way_out(warehouse: Warehouse, folder: Path) -> None:
    """A STRING where FLOAT64 is wanted stops the plan: new column, backfill, view; never hidden."""
    registry = small_registry()
    base_stands(warehouse, registry, AddColumn(column("feature_1_quality", "STRING")))
    with pytest.raises(Refusal) as caught:
        planned_in(folder, registry, warehouse)
    (found,) = caught.value.findings
    assert (found.rule, found.subject) == ("FQ201", "feature_1_quality")
    assert "another column name" in found.remedy
    assert "backfill" in found.remedy
    assert "view" in found.remedy
    assert not folder.exists()


def test_pending_files_refuse_a_table_they_were_not_made_for(warehouse: Warehouse, folder: Path) -> None:
    """A file planned for the bare base table is refused where a column stands since, and the refusal names it."""
    registry = small_registry()
    planned_in(folder, registry)
    base_stands(warehouse, registry, AddColumn(column("tier", "STRING")))
    with pytest.raises(Refusal, match=r"0001.* made for another table.*column tier was added as STRING"):
        migrated(folder, registry, warehouse)
    planned_in(folder, registry, warehouse, redo=True)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()


HANDS: list[tuple[str, Callable[[], Change], str, str]] = [
    ("FQ301", lambda: DropColumn("tier"), "tier", "fqtool migrate plan"),
    ("FQ302", lambda: AddColumn(column("rogue", "STRING")), "rogue", "base_columns"),
    ("FQ303", lambda: SetType("defaults", Type(Kind.FLOAT64)), "defaults", "another column name"),
    ("FQ304", lambda: SetMode("item", Mode.NULLABLE), "item", "Declare in the registry what stands"),
    ("FQ305", lambda: SetType("score", Type(Kind.NUMERIC, 7, 3)), "score", "another column name"),
    ("FQ306", lambda: SetDescription(("tier",), "wrong"), "tier", "fqtool migrate plan"),
    ("FQ307", lambda: SetDefault("made_at", None), "made_at", "ALTER TABLE"),
    ("FQ312", lambda: SetOption("require_partition_filter", False), "require_partition_filter", "fqtool migrate plan"),
    ("FQ312", lambda: SetOption("partition_expiration_days", 30.0), "partition_expiration_days", "fqtool migrate plan"),
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
    assert remedy in found.remedy


def test_what_can_be_mended_is_mended_by_the_next_plan(warehouse: Warehouse, folder: Path) -> None:
    """Dropped column, description, option, view: plan and migrate put them back, and verify still holds."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    by_hand(
        warehouse,
        DropColumn("tier"),
        SetDescription(("alerts",), "wrong"),
        SetOption("partition_expiration_days", 30.0),
        PutView(View("v_quality", "SELECT 1 AS x")),
    )
    assert len(drift(folder, registry, warehouse)) == 4
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    with open_target("duckdb:///:memory:") as scratch:
        assert verify_migrations(workspace_in(folder, registry), scratch, TOOL) == ()


def test_an_unapplied_migration_is_told_as_such(warehouse: Warehouse, folder: Path) -> None:
    """Columns that a pending file makes are missing because it is unapplied; the remedy is to migrate."""
    registry = small_registry()
    base_stands(warehouse, registry)
    planned_in(folder, registry, warehouse)
    found = [one for one in drift(folder, registry, warehouse) if one.rule == "FQ301"]
    assert {one.cause for one in found} == {"unapplied, or changed by hand"}
    assert {one.remedy for one in found} == {"fqtool migrate"}


def test_a_registry_ahead_of_its_files_is_told(warehouse: Warehouse, folder: Path) -> None:
    """A new feature without a migration: its column is missing, and one finding says that no file makes it."""
    planned_in(folder, small_registry(3), warehouse)
    migrated(folder, small_registry(3), warehouse)
    found = drift(folder, small_registry(4), warehouse)
    assert {(one.rule, one.cause) for one in found} == {
        ("FQ301", "registry ahead of files"),
        ("FQ313", "registry ahead of files"),
        ("FQ404", "registry ahead of files"),
    }
    planned_in(folder, small_registry(4), warehouse)
    migrated(folder, small_registry(4), warehouse)
    assert drift(folder, small_registry(4), warehouse) == ()


def test_a_registry_behind_its_files_is_told(warehouse: Warehouse, folder: Path) -> None:
    """A column that a file made and the registry lost is extra because the registry is behind."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    behind = small_registry()
    behind = replace(behind, columns=tuple(spec for spec in behind.columns if spec.name != "defaults"))
    (found,) = drift(folder, behind, warehouse)
    assert (found.rule, found.subject, found.cause) == ("FQ302", "defaults", "registry behind")


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


def test_a_drop_needs_its_name_said(warehouse: Warehouse, folder: Path) -> None:
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
    assert "--allow FQ230" in caught.value.remedy
    migrated(folder, dropping, warehouse, allow=frozenset({"FQ230"}))
    assert drift(folder, dropping, warehouse) == ()


def test_foreign_columns_are_never_touched(warehouse: Warehouse, folder: Path) -> None:
    """A column that nobody declared stays through every plan, and is told as extra."""
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
    assert planned_in(folder, registry, warehouse).made == ()
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


def test_two_migrators_do_not_meet(warehouse: Warehouse, folder: Path) -> None:
    """While one holds the lease another is refused with the holder's name; afterwards it may go."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    prepare_ledger(warehouse)
    first = Lease(warehouse, "first@host:1", "migrating", "fqtool migrate")
    with first.held(), pytest.raises(Busy, match="first@host:1 is migrating"):
        migrated(folder, registry, warehouse)
    assert warehouse.describe("store") is None
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()


def test_a_dead_migrators_lease_can_be_taken(warehouse: Warehouse, folder: Path) -> None:
    """--take-lease ends the lease of a migrator that died with it."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    prepare_ledger(warehouse)
    Lease(warehouse, "dead@host:1", "migrating", "fqtool migrate")._take()
    with pytest.raises(Busy, match="dead@host:1 is migrating"):
        migrated(folder, registry, warehouse)
    migrated(folder, registry, warehouse, take_lease=True)
    assert drift(folder, registry, warehouse) == ()


def test_a_failed_statement_is_recorded_and_resumed(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed stands in the ledger with the warehouse's words; when the cause is gone, the run goes on."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    run = type(warehouse).run

    def out_of_quota(self: Warehouse, work: object, **options: object) -> object:
        if isinstance(work, Statement) and isinstance(work.changes[0], PutView):
            raise StatementFailed("no quota for views today")
        return run(self, work, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(type(warehouse), "run", out_of_quota)
        with pytest.raises(StatementFailed):
            migrated(folder, registry, warehouse)
    broken = revisions(ledger_entries(warehouse))[-1]
    assert (broken.applied, broken.total, broken.error) == (1, 2, "no quota for views today")
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    assert all(one.complete and not one.error for one in revisions(ledger_entries(warehouse)))


def test_status_lists_what_ran_and_what_is_pending(warehouse: Warehouse, folder: Path) -> None:
    """Before: pending; after: applied, with statements counted and nothing wrong."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    before = migration_status(workspace_in(folder, registry), warehouse)
    assert [row.standing for row in before.rows] == ["pending", "pending"]
    migrated(folder, registry, warehouse)
    after = migration_status(workspace_in(folder, registry), warehouse)
    assert [row.standing for row in after.rows] == ["applied", "applied"]
    assert after.findings == ()


def test_a_dry_run_changes_nothing(warehouse: Warehouse, folder: Path) -> None:
    """With dry_run the pending files are returned and the dataset stays as it was, ledger included."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    result = migrated(folder, registry, warehouse, dry_run=True)
    assert [file.version for file in result.pending] == ["0000", "0001"]
    assert warehouse.describe("store") is None
    assert warehouse.describe("_fqtool_ledger") is None


def test_a_default_on_a_new_column_takes_two_statements(warehouse: Warehouse, folder: Path) -> None:
    """ADD COLUMN takes no DEFAULT, so the plan adds first and sets the default after (BIGQUERY 5)."""
    registry = with_column(small_registry(), "defaults", default="0")
    base_stands(warehouse, registry)
    planned = planned_in(folder, registry, warehouse)
    kinds = [type(one.changes[0]) for one in planned.made[1][1].statements]
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


def test_a_rename_keeps_the_column_and_needs_its_name_said(warehouse: Warehouse, folder: Path) -> None:
    """renamed_from plans RENAME COLUMN, never drop and add; readers break, so it must be allowed."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    renamed = with_column(registry, "defaults", name="default_count", renamed_from="defaults")
    planned = planned_in(folder, renamed, warehouse)
    assert "RENAME COLUMN `defaults` TO `default_count`" in planned.made[0][0].text
    with pytest.raises(Refusal, match=r"allowed by name"):
        migrated(folder, renamed, warehouse)
    migrated(folder, renamed, warehouse, allow=frozenset({"FQ231"}))
    assert drift(folder, renamed, warehouse) == ()


def test_a_file_that_mends_one_target_fits_the_others(warehouse: Warehouse, folder: Path) -> None:
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
    """A column that stood in one target already is added where it does not stand."""
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
    assert planned_in(folder, later, warehouse, today=date(2026, 9, 1)).made


def test_a_folder_without_migrations_is_no_success(warehouse: Warehouse, folder: Path) -> None:
    """Nothing to apply because nothing is there: that is told, not passed over."""
    with pytest.raises(MigrationError, match="no migration files"):
        migrated(folder, small_registry(), warehouse)
