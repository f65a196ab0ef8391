"""Laws of planning and applying, on every warehouse that holds a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from fqtool.commands.migrate.apply import Applied, verify_migrations
from fqtool.commands.migrate.lease import Lease, prepare_ledger
from fqtool.commands.migrate.status import migration_status
from fqtool.errors import Busy, MigrationError, Refusal, StatementFailed
from fqtool.findings.finding import Location
from fqtool.migrations.checksums import CHECKSUMS, checksums
from fqtool.migrations.files import read_files
from fqtool.migrations.ledger import revisions
from fqtool.schema.build import desired_state
from fqtool.table.change_views import PutView
from fqtool.table.changes import AddColumn
from fqtool.table.ddl import Statement
from fqtool.table.diff import diff
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from fqtool.workspace import ledger_entries, live_state
from tests.migrated_stores import TOOL, base_stands, drift, migrated
from tests.stores import planned_in, small_registry, workspace_in


def test_an_empty_target_gets_the_whole_table(warehouse: Warehouse, folder: Path) -> None:
    """plan, migrate, check-drift on an empty target: the registry's table and views exist, without drift."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    done = migrated(folder, registry, warehouse)
    assert [how for _, how in done.done] == ["applied", "applied"]
    assert drift(folder, registry, warehouse) == ()
    assert diff(live_state(warehouse, desired_state(registry)), desired_state(registry)) == ()


def test_an_existing_base_table_is_a_verified_baseline(warehouse: Warehouse, folder: Path) -> None:
    """Where the base table exists, 0000 is recorded, not run, and only the missing columns are added, by one ALTER."""
    registry = small_registry()
    base_stands(warehouse, registry)
    planned = planned_in(folder, registry, warehouse)
    done = migrated(folder, registry, warehouse)
    assert [(file.version, how) for file, how in done.done] == [("0000", "adopted"), ("0001", "applied")]
    adds = [one for one in planned.new[1][1].statements if isinstance(one.changes[0], AddColumn)]
    assert [len(one.changes) for one in adds] == [7]
    assert drift(folder, registry, warehouse) == ()


def test_applying_twice_is_applying_once(warehouse: Warehouse, folder: Path) -> None:
    """A second migrate does nothing: same table, same ledger."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    before = live_state(warehouse, desired_state(registry)), revisions(ledger_entries(warehouse, registry.table.name))
    assert migrated(folder, registry, warehouse) == Applied(())
    assert (
        live_state(warehouse, desired_state(registry)),
        revisions(ledger_entries(warehouse, registry.table.name)),
    ) == before


def test_a_plan_after_migrating_is_empty(warehouse: Warehouse, folder: Path) -> None:
    """A migrated target leaves nothing to plan."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    migrated(folder, registry, warehouse)
    assert planned_in(folder, registry, warehouse).new == ()


def test_a_column_that_is_there_already_is_not_added(warehouse: Warehouse, folder: Path) -> None:
    """A base table that holds managed columns of the right type: they are adopted, the rest is added."""
    registry = small_registry()
    base_stands(warehouse, registry, AddColumn(column("tier", "STRING")), AddColumn(column("alerts", "ARRAY<STRING>")))
    planned = planned_in(folder, registry, warehouse)
    statements = planned.new[1][1].statements
    assert [change for one in statements if one.adopted for change in one.changes] == [
        AddColumn(column("tier", "STRING")),
        AddColumn(column("alerts", "ARRAY<STRING>")),
    ]
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()
    with open_target("duckdb:///:memory:") as scratch:
        assert verify_migrations(workspace_in(folder, registry), scratch, TOOL) == ()


def test_a_column_of_the_wrong_type_is_refused_with_a_fix(warehouse: Warehouse, folder: Path) -> None:
    """A STRING where FLOAT64 is expected stops the plan: new column, backfill, view; never hidden."""
    registry = small_registry()
    base_stands(warehouse, registry, AddColumn(column("feature_1_quality", "STRING")))
    with pytest.raises(Refusal) as caught:
        planned_in(folder, registry, warehouse)
    (found,) = caught.value.findings
    assert (found.rule, found.subject) == ("FQ201", "feature_1_quality")
    assert "a column with the new type" in str(found.remedy)
    assert "backfill" in str(found.remedy)
    assert "view" in str(found.remedy)
    assert not folder.exists()


def test_pending_files_refuse_a_table_they_were_not_made_for(warehouse: Warehouse, folder: Path) -> None:
    """A file planned for the bare base table is refused where a column has another type since; the refusal names it."""
    registry = small_registry()
    planned_in(folder, registry)
    base_stands(warehouse, registry, AddColumn(column("tier", "INT64")))
    with pytest.raises(Refusal, match=r"0001.* does not fit the table.*column tier exists already, as INT64"):
        migrated(folder, registry, warehouse)


def test_a_column_that_a_pending_file_adds_is_taken_as_it_is(warehouse: Warehouse, folder: Path) -> None:
    """A table with a column of the name and type keeps it, and gets the other columns of the statement."""
    registry = small_registry()
    planned_in(folder, registry)
    base_stands(
        warehouse,
        registry,
        AddColumn(column("tier", "STRING", description='Band of the score; it\'s "quoted" and `ticked`')),
    )
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()


def test_two_migrators_do_not_meet(warehouse: Warehouse, folder: Path) -> None:
    """While one holds the lease another is refused with the holder's name; afterwards it may go."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)
    prepare_ledger(warehouse)
    first = Lease(warehouse, registry.table.name, "first@host:1", "migrating", "fqtool migrate")
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
    Lease(warehouse, registry.table.name, "dead@host:1", "migrating", "fqtool migrate")._take()
    with pytest.raises(Busy, match="dead@host:1 is migrating"):
        migrated(folder, registry, warehouse)
    migrated(folder, registry, warehouse, take_lease=True)
    assert drift(folder, registry, warehouse) == ()


def test_a_failed_statement_is_recorded_and_resumed(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed is in the ledger with the warehouse's words; when the cause is gone, the run continues."""
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
    broken = revisions(ledger_entries(warehouse, registry.table.name))[-1]
    assert (broken.applied, broken.total, broken.error) == (1, 2, "no quota for views today")
    (finding,) = migration_status(workspace_in(folder, registry), warehouse).findings
    file = folder / "0001_add_7_columns.sql"
    assert (finding.rule, finding.severity, finding.location) == ("FQ410", "error", Location(str(file)))
    assert finding.message == (
        f"A statement of `{file.name}` failed: no quota for views today. 1 of 2 statements of `{file.name}` is applied."
    )
    migrated(folder, registry, warehouse)
    assert migration_status(workspace_in(folder, registry), warehouse).findings == ()
    assert drift(folder, registry, warehouse) == ()
    assert all(one.complete and not one.error for one in revisions(ledger_entries(warehouse, registry.table.name)))


def test_an_interrupted_run_records_the_statement_before(warehouse: Warehouse, folder: Path) -> None:
    """The end of a statement is written with the start of the next, or where the run ends in between."""
    registry = small_registry()
    planned_in(folder, registry, warehouse)

    def interrupt(step: str) -> None:
        if "0001.2 record start" in step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrated(folder, registry, warehouse, on_step=interrupt)
    broken = revisions(ledger_entries(warehouse, registry.table.name))[-1]
    assert (broken.version, broken.applied, broken.total) == ("0001", 1, 2)
    (finding,) = migration_status(workspace_in(folder, registry), warehouse).findings
    assert (finding.rule, str(finding.remedy)) == ("FQ410", "fqtool migrate")
    migrated(folder, registry, warehouse)
    assert drift(folder, registry, warehouse) == ()


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


def test_a_file_without_statements_is_not_pending(folder: Path) -> None:
    """It has nothing to run, so a dry run and a run agree."""
    registry = small_registry()
    planned_in(folder, registry)
    (folder / "0002_words.sql").write_text("-- fqtool migration 0002: words\n-- Only a note to whoever reads this.\n")
    texts = {one.name: one.read_text() for one in folder.glob("*.sql")}
    (folder / CHECKSUMS).write_text(checksums(read_files(texts)))
    with open_target("duckdb:///:memory:") as warehouse:
        assert [one.version for one, _ in migrated(folder, registry, warehouse).done] == ["0000", "0001"]
        assert migrated(folder, registry, warehouse, dry_run=True).pending == ()
        assert migration_status(workspace_in(folder, registry), warehouse).rows[2].standing == "nothing to run"


def test_a_folder_without_migrations_is_not_a_success(warehouse: Warehouse, folder: Path) -> None:
    """Nothing to apply because nothing is there: that is reported, not passed over."""
    with pytest.raises(MigrationError, match="no migration files"):
        migrated(folder, small_registry(), warehouse)
