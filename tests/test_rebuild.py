"""migrate plan --rebuild: a new table with all rows, compared and swapped, where BigQuery cannot alter the table."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.migrate.apply import verify_migrations
from fqtool.commands.migrate.rules import judge
from fqtool.commands.migrate.status import migration_status
from fqtool.errors import FqtoolError, InputError, Refusal, StatementFailed
from fqtool.findings.finding import Severity
from fqtool.migrations.plan import make_statement
from fqtool.migrations.rebuild import every_row, plan_rebuild
from fqtool.registry.model import BaseColumn, Deprecation, Registry
from fqtool.sql import Query
from fqtool.table.change_rebuild import CopyRows, RenameTable
from fqtool.table.change_views import PutView
from fqtool.table.changes import AddColumn, CreateTable, DropColumn, SetDefault, SetDescription
from fqtool.table.column import Mode
from fqtool.table.model import Options, Partitioning, State, Table, View
from fqtool.table.parse import parse
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed import zeta
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.commands import run
from tests.machine import patient
from tests.migrated_stores import by_hand, drift, folder, migrated, warehouse  # noqa: F401  fixtures
from tests.rebuilt_stores import BEFORE, BY_MONTH, CODES, filled, insert, items
from tests.stores import TODAY, planned_in, with_column, workspace_in


def with_number(number: BaseColumn) -> Registry:
    """The store with one more base column."""
    return replace(BEFORE, base_columns=(*BEFORE.base_columns, number))


def test_partitions_are_changed_by_a_rebuild(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """Without --rebuild the plan is refused; with it the table has the new partitions and all rows, and no drift."""
    filled(folder, warehouse)
    with pytest.raises(Refusal, match="in place"):
        planned_in(folder, BY_MONTH, warehouse)
    planned = planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    assert planned.allowed == ("FQ243", "FQ244")
    ((file, plan),) = planned.new
    assert file.name == "0002_rebuild_store.sql"
    assert "DROP TABLE `store_old_0002`" in file.text
    assert all(parse(statement.sql) == statement.changes for statement in plan.statements)
    with pytest.raises(Refusal, match="hazards that are not allowed"):
        migrated(folder, BY_MONTH, warehouse)
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    assert table.partitioning == Partitioning("day", "MONTH")
    assert items(warehouse) == ["a", "b"] == items(warehouse, "store_old_0002")
    assert warehouse.describe("store_rebuild_0002") is None
    assert drift(folder, BY_MONTH, warehouse) == ()
    assert planned_in(folder, BY_MONTH, warehouse).new == ()
    assert migrated(folder, BY_MONTH, warehouse).done == ()
    with open_target("duckdb:///:memory:") as scratch:
        assert verify_migrations(workspace_in(folder, BY_MONTH), scratch, "test") == ()


def test_a_rebuild_names_the_settings_that_the_new_table_does_not_have(folder: Path) -> None:  # noqa: F811
    """A default and a description that someone set are named; those of the registry are copied."""
    with open_target("duckdb:///:memory:") as warehouse:  # noqa: F811  not of each kind
        declared = replace(BEFORE, base_columns=(*BEFORE.base_columns, BaseColumn("kept", "INT64", default="1")))
        filled(folder, warehouse, declared)
        by_hand(warehouse, SetDefault("labels", "'x'"), SetDescription(("kept",), "Someone's words"))
        planned = planned_in(folder, replace(declared, table=BY_MONTH.table), warehouse, rebuild=True)
        (copy,) = [hazard for hazard in planned.new[0][1].hazards if hazard.rule == "FQ243"]
        lost = "The new table does not have the default of `labels`, the description of `kept`."
        assert copy.message.endswith(lost)


def test_the_first_plan_of_an_existing_table_may_be_a_rebuild(tmp_path: Path) -> None:
    """Its baseline is the table as it is, so the planned files replay and run."""
    (tmp_path / ".fqtool").mkdir()
    with open_target(f"duckdb:///{tmp_path}/.fqtool/local.duckdb") as store:
        columns = (column("day", "DATE", required=True), column("n", "INT64"))
        by_hand(store, CreateTable(Table("t", columns)), before=State())
    run(tmp_path, "init", "--from-table", "t")
    registry = tmp_path / "feature_registry.yaml"
    registry.write_text(registry.read_text().replace("name: n, type: INT64", "name: n, type: STRING"))
    planned = run(tmp_path, "migrate", "plan", "--rebuild").stdout
    assert "Converts `n` from INT64 to STRING" in planned
    assert "does not exist" not in planned
    run(tmp_path, "migrate", "--allow", "FQ243", "--allow", "FQ244")
    run(tmp_path, "check-drift")


def test_types_modes_and_order_are_changed_by_a_rebuild(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """CAST converts the values; a column that someone added is kept; REQUIRED and the registry's order are reached."""
    made = replace(BEFORE, base_columns=(*BEFORE.base_columns, BaseColumn("number", "INT64")))
    filled(folder, warehouse, made)
    by_hand(warehouse, AddColumn(column("added_by_hand", "STRING")))
    wanted = BaseColumn("number", "STRING")
    other = replace(made, base_columns=(wanted, *BEFORE.base_columns))
    planned = planned_in(folder, other, warehouse, rebuild=True)
    (copy,) = [hazard for hazard in planned.new[0][1].hazards if hazard.rule == "FQ243"]
    assert "Converts `number` from INT64 to STRING" in copy.message
    migrated(folder, other, warehouse, allow=CODES)
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    assert table.columns[0].name == "number"
    assert table.present("number").sql_type == "STRING"
    assert table.find("added_by_hand")
    assert items(warehouse) == ["a", "b"]
    assert [finding.rule for finding in drift(folder, other, warehouse)] == ["FQ302"]


@pytest.mark.parametrize(("before", "after", "rounds"), [("FLOAT64", "INT64", True), ("INT64", "STRING", False)])
def test_a_plan_names_conversions_that_round(tmp_path: Path, before: str, after: str, rounds: bool) -> None:
    """The old table keeps the values; the comparison of rows has them converted."""
    made, other = (with_number(BaseColumn("number", kind)) for kind in (before, after))
    place = tmp_path / "migrations"
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as target:
        filled(place, target, made)
        ((file, plan),) = planned_in(place, other, target, rebuild=True).new
    (copy,) = [hazard for hazard in plan.hazards if hazard.rule == "FQ243"]
    assert ("can be rounded or shortened; the old table keeps" in copy.message) is rounds
    assert "with the same converted values" in file.text


def test_null_in_a_column_that_becomes_required_stops_the_copy(tmp_path: Path) -> None:
    """The plan names it, and the failed copy names what to change; then it runs."""
    made, other = (with_number(BaseColumn("number", "INT64", required=required)) for required in (False, True))
    place = tmp_path / "migrations"
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as target:
        filled(place, target, made)
        ((_, plan),) = planned_in(place, other, target, rebuild=True).new
        assert "A row with NULL in `number` stops the copy." in str([one.message for one in plan.hazards])
        with pytest.raises(StatementFailed) as failed:
            migrated(place, other, target, allow=CODES)
        assert "change those rows of `store`" in str(failed.value.remedy)
        target.run(Query("UPDATE `store` SET number = 1 WHERE day IS NOT NULL"))
        migrated(place, other, target, allow=CODES)
        assert drift(place, other, target) == ()


def test_rows_written_before_the_swap_are_copied_by_the_next_run(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """The comparison refuses the swap, and the next run replaces the copy."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)

    def late(step: str) -> None:
        if step.endswith("0002.3 record start"):
            insert(warehouse, "c", "2026-02-03")

    with pytest.raises(Refusal, match="copy differs") as refusal:
        migrated(folder, BY_MONTH, warehouse, allow=CODES, on_step=late)
    assert "fqtool migrate --allow FQ243 --allow FQ244" in str(refusal.value.remedy)
    assert items(warehouse) == ["a", "b", "c"]
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    assert items(warehouse) == ["a", "b", "c"]
    assert drift(folder, BY_MONTH, warehouse) == ()


class Stopped(BaseException):
    """A run that ends between two statements."""


def test_rows_that_are_written_after_a_stopped_run_are_found(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """A comparison that was made earlier is repeated before the swap."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)

    def stop(step: str) -> None:
        if "0002.4" in step:
            raise Stopped

    with pytest.raises(Stopped):
        migrated(folder, BY_MONTH, warehouse, allow=CODES, on_step=stop)
    insert(warehouse, "c", "2026-02-03")
    with pytest.raises(Refusal, match="copy differs"):
        migrated(folder, BY_MONTH, warehouse, allow=CODES)
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    assert items(warehouse) == ["a", "b", "c"]


def test_the_copy_alone_is_allowed_and_the_swap_later(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """--allow FQ243 copies and compares; nothing is swapped, and the next run compares again."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    with pytest.raises(Refusal, match="not allowed"):
        migrated(folder, BY_MONTH, warehouse, allow=frozenset({"FQ244"}))
    ((file, outcome),) = migrated(folder, BY_MONTH, warehouse, allow=frozenset({"FQ243"})).done
    assert (file.name, outcome) == ("0002_rebuild_store.sql", "copied")
    assert items(warehouse, "store_rebuild_0002") == ["a", "b"] == items(warehouse)
    assert planned_in(folder, BY_MONTH, warehouse).new == ()
    steps = list[str]()
    migrated(folder, BY_MONTH, warehouse, allow=CODES, on_step=steps.append)
    assert [step.split(", ")[-1] for step in steps if " run" in step] == ["0002.3 run", "0002.4 run", "0002.5 run"]
    assert drift(folder, BY_MONTH, warehouse) == ()


def test_a_column_that_is_added_after_the_plan_is_not_lost(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """The rebuild is refused, and planned again with the column."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    by_hand(warehouse, AddColumn(column("later", "STRING")))
    with pytest.raises(Refusal, match="does not copy later"):
        migrated(folder, BY_MONTH, warehouse, allow=CODES)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True, redo=True)
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    assert items(warehouse) == ["a", "b"]


COPIED = frozenset({"FQ243"})


def test_a_column_that_is_added_after_the_copy_is_not_lost(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """The swap is refused until the column is dropped, also where it is added while the copies are compared."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    migrated(folder, BY_MONTH, warehouse, allow=COPIED)
    by_hand(warehouse, AddColumn(column("later", "STRING")))
    with pytest.raises(Refusal, match="does not copy later") as refusal:
        migrated(folder, BY_MONTH, warehouse, allow=CODES)
    assert "DROP COLUMN" in str(refusal.value.remedy)
    by_hand(warehouse, DropColumn("later"))

    def late(step: str) -> None:
        if step.endswith("0002.3 read back"):
            by_hand(warehouse, AddColumn(column("later", "STRING")))

    with pytest.raises(Refusal, match="does not copy later"):
        migrated(folder, BY_MONTH, warehouse, allow=CODES, on_step=late)
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    assert table.find("later")
    by_hand(warehouse, DropColumn("later"))
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    assert drift(folder, BY_MONTH, warehouse) == ()


@pytest.mark.parametrize("name", ["store_old_0002", "store_rebuild_0002"])
def test_a_table_with_a_name_of_the_rebuild_is_refused(
    warehouse: Warehouse,  # noqa: F811
    folder: Path,  # noqa: F811
    name: str,
) -> None:
    """A rebuild is not taken as done because of a table with that name; without the table it runs."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    (create,) = CreateTable(replace(table, name=name)).planned()
    by_hand(warehouse, create)
    for allow in (COPIED, CODES):
        with pytest.raises(Refusal, match=f"`{name}` exists already") as refusal:
            migrated(folder, BY_MONTH, warehouse, allow=allow)
        assert f"RENAME TO `{name}_other`" in str(refusal.value.remedy).replace('"', "`")
    by_hand(warehouse, RenameTable(name, f"{name}_other"))
    ((_, outcome),) = migrated(folder, BY_MONTH, warehouse, allow=CODES).done
    assert outcome == "applied"
    assert drift(folder, BY_MONTH, warehouse) == ()


def test_a_rebuilt_table_without_its_ledger_is_accepted_as_it_is(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """Its partitions and the old table beside it show that the rebuild ran."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    warehouse.run(Query("DELETE FROM `_fqtool_ledger` WHERE TRUE"))
    assert [outcome for _, outcome in migrated(folder, BY_MONTH, warehouse, allow=CODES).done] == ["adopted"] * 3


def test_a_copy_that_was_dropped_is_made_again(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """Before the swap the new table may be dropped: plans see no difference, and the next run copies again."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    migrated(folder, BY_MONTH, warehouse, allow=COPIED)
    by_hand(warehouse, RenameTable("store_rebuild_0002", "elsewhere"))  # gone, as by DROP TABLE
    assert planned_in(folder, BY_MONTH, warehouse).new == ()
    assert planned_in(folder, BY_MONTH, warehouse, redo=True).new == ()
    with pytest.raises(Refusal, match="is pending") as refusal:
        planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    assert "fqtool migrate --allow FQ243 --allow FQ244 && fqtool migrate plan --rebuild" in str(refusal.value.remedy)
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    assert items(warehouse) == ["a", "b"] == items(warehouse, "store_old_0002")
    assert drift(folder, BY_MONTH, warehouse) == ()
    assert planned_in(folder, BY_MONTH, warehouse, rebuild=True).new == ()


@pytest.mark.parametrize("place", ["0002.4 read back", "0002.5 run"])
def test_a_swap_that_has_not_ended_is_named_as_such(
    warehouse: Warehouse,  # noqa: F811
    folder: Path,  # noqa: F811
    place: str,
) -> None:
    """Between the two renamings no table was dropped: the fix is to run `migrate`, which needs no --allow."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)

    def stop(step: str) -> None:
        if place in step:
            raise Stopped

    with pytest.raises(Stopped):
        migrated(folder, BY_MONTH, warehouse, allow=CODES, on_step=stop)
    of_status = migration_status(workspace_in(folder, BY_MONTH), warehouse).findings
    with pytest.raises(Refusal) as refusal:
        planned_in(folder, BY_MONTH, warehouse, redo=True)
    more = shutil.copytree(folder, folder.parent / "more")
    gone = Deprecation(date(2026, 1, 1), date(2026, 2, 1), dropped=True)
    dropping = with_column(BY_MONTH, "labels", deprecated=gone)
    planned_in(more, dropping)
    with pytest.raises(Refusal, match="not allowed"):  # the other pending file drops a column
        migrated(more, dropping, warehouse)
    for (finding,) in (drift(folder, BY_MONTH, warehouse), of_status, refusal.value.findings):
        assert finding.rule == "FQ408"
        assert "the swap of `0002_rebuild_store.sql` has not ended" in finding.message
        assert str(finding.remedy) == "fqtool migrate"
    migrated(folder, BY_MONTH, warehouse)
    assert drift(folder, BY_MONTH, warehouse) == ()


def test_a_pending_rebuild_is_the_fix_of_what_it_changes(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """Before and after the copy, check-drift and status print the command that applies it, its hazards allowed."""
    filled(folder, warehouse)
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    for _ in range(2):
        (finding,) = drift(folder, BY_MONTH, warehouse)
        assert (finding.rule, finding.cause) == ("FQ309", "migration not applied")
        assert str(finding.remedy) == "fqtool migrate --allow FQ243 --allow FQ244"
        status = migration_status(workspace_in(folder, BY_MONTH), warehouse)
        assert (status.pending, status.next_command) == (1, "migrate --allow FQ243 --allow FQ244")
        migrated(folder, BY_MONTH, warehouse, allow=COPIED)
    migrated(folder, BY_MONTH, warehouse, allow=CODES)
    status = migration_status(workspace_in(folder, BY_MONTH), warehouse)
    assert (status.pending, status.next_command) == (0, "")


def test_a_rebuild_and_another_branch_are_planned_again_together(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """After a merge both have number 0002: each message names both options, and the plan with both is applied."""
    filled(folder, warehouse)
    other = shutil.copytree(folder, folder.parent / "other")
    planned_in(folder, BY_MONTH, warehouse, rebuild=True)
    more = (*BEFORE.base_columns, BaseColumn("more", "STRING"))
    planned_in(other, replace(BEFORE, base_columns=more), warehouse, include_base=True)
    shutil.copy(folder / "0002_rebuild_store.sql", other)
    both = replace(BY_MONTH, base_columns=more)
    with pytest.raises(FqtoolError, match="both have version") as error:
        workspace_in(other, both)
    assert str(error.value.remedy) == "fqtool migrate plan --redo --rebuild"
    (other / "0002_rebuild_store.sql").unlink()
    with pytest.raises(Refusal) as refusal:
        planned_in(other, both, warehouse, redo=True)
    assert "Or plan a new table with the new layout and all rows: fqtool migrate plan --redo --rebuild" in str(
        refusal.value.findings[0].remedy
    )
    planned_in(other, both, warehouse, redo=True, rebuild=True)
    migrated(other, both, warehouse, allow=CODES)
    assert drift(other, both, warehouse) == ()


OLD = Table("t", (column("d", "DATE"), column("x", "STRING")), Partitioning("d"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (OLD.with_column("x", properties=(("policy_tags", "t"),)), OLD, "policy_tags of `x`"),
        (OLD.with_column("x", properties=(("later", "1"),)), OLD, "later of `x`"),
        (replace(OLD, partitioning=Partitioning("_PARTITIONTIME")), OLD, "ingestion time"),
        (OLD, OLD.with_columns(OLD.columns[:1]), "would not have `x`"),
        (OLD, OLD.longer([column("n", "INT64", required=True)]), "`n` is NOT NULL"),
        (OLD, OLD.with_column("x", type=column("x", "STRUCT<a INT64>").type), "CAST does not convert"),
        (OLD, OLD.with_column("x", mode=Mode.REPEATED), "CAST does not convert"),
        (OLD, OLD.with_column("x", type=column("x", "JSON").type), "CAST does not convert"),
    ],
)
def test_what_a_copy_would_lose_is_refused_by_name(old: Table, new: Table, words: str) -> None:
    """FQ215 names the column and what would be lost."""
    with pytest.raises(Refusal) as refusal:
        planned_rebuild(old, new)
    assert {finding.rule for finding in refusal.value.findings} == {"FQ215"}
    assert words in refusal.value.findings[0].message


def planned_rebuild(old: Table, new: Table) -> Any:
    """Plan a rebuild of one table into another."""
    return plan_rebuild(
        State(old), old, State(new), "0007", TODAY, judge=judge, renames={"y": "x"}, dropped=frozenset()
    )


def test_each_statement_of_a_rebuild_is_googlesql_and_is_read_back() -> None:
    """Google's analyser accepts the statements; a renamed column is copied from its old name."""
    names = {"t": {"d": "DATE", "x": "STRING"}, "t_rebuild_0007": {"d": "DATE", "y": "INT64"}}
    wide = replace(OLD, options=Options(require_partition_filter=True))
    new = wide.with_column("x", name="y", type=column("y", "INT64").type)
    plan = planned_rebuild(wide, replace(new, partitioning=Partitioning("d", "MONTH")))
    for statement in plan.statements:
        assert parse(statement.sql) == statement.changes
        assert zeta.analyze(statement.sql, names) is None
    copy = plan.statements[1].changes[0]
    assert isinstance(copy, CopyRows)
    assert copy.columns == (("d", "`d`"), ("y", "CAST(`x` AS INT64)"))
    assert copy.source_filter == "`d` >= DATE '0001-01-01' OR `d` IS NULL"
    with pytest.raises(InputError, match="as fqtool writes it"):
        parse(plan.statements[1].sql.replace("ON FALSE", "ON TRUE"))
    warnings = [hazard.rule for hazard in plan.hazards if hazard.severity is Severity.WARNING]
    assert warnings == ["FQ243", "FQ244"]


def test_a_rollback_of_a_swap_is_a_rename() -> None:
    """The old table gets its name back by the statement that the file prints."""
    state = State(OLD, beside=(replace(OLD, name="new"),))
    assert RenameTable("t", "old").reverse(state) == RenameTable("old", "t")
    swapped = RenameTable("new", "t").apply(RenameTable("t", "old").apply(state))
    assert (swapped.table, [table.name for table in swapped.beside]) == (OLD, ["old"])


@pytest.mark.parametrize(
    ("by", "condition"),
    [
        (Partitioning("d"), "`d` >= DATE '0001-01-01' OR `d` IS NULL"),
        (Partitioning("n", "RANGE(0, 10, 1)"), "`n` < 0 OR `n` >= 0 OR `n` IS NULL"),
        (None, ""),
    ],
)
def test_a_required_partition_filter_is_met_by_every_row(by: Partitioning | None, condition: str) -> None:
    """A table that does not require one has none."""
    table = Table("t", (column("d", "DATE"), column("n", "INT64")), by)
    assert every_row(table) == ""
    assert every_row(replace(table, options=Options(require_partition_filter=True))) == condition


def killed(places: list[str], folder: Path, part: str = "") -> list[dict[str, Any]]:  # noqa: F811
    """Rebuild places[0]; kill before each boundary with that part at the others and go on: the outcome is the same."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed_rebuild", str(folder), part, *places], cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=patient(300), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for one in told[:-1]:
        assert (one["killed"], one["code"]) == (-signal.SIGKILL, 0), (one["step"], done.stderr)
        with open_target(one["url"]) as opened:
            assert items(opened) == ["a", "b"] == items(opened, "store_old_0002"), one["step"]
            assert opened.describe("store_rebuild_0002") is None
            assert drift(folder, BY_MONTH, opened) == (), one["step"]
    return told


def test_kill_9_at_every_boundary_of_a_rebuild_on_duckdb(tmp_path: Path) -> None:
    """Killed before any boundary and run again, the table is rebuilt once, with all rows."""
    migrations, first = tmp_path / "migrations", tmp_path / "0.duckdb"
    with open_target(f"duckdb:///{first}") as opened:
        filled(migrations, opened)
        planned_in(migrations, BY_MONTH, opened, rebuild=True)
    copies = [shutil.copy(first, tmp_path / f"{number}.duckdb") for number in range(1, 40)]
    told = killed([f"duckdb:///{path}" for path in (first, *copies)], migrations)
    assert told[-1]["boundaries"] == len(told) - 1 > 15
    steps = {step for one in told[:-1] for step in one["step"].split(", ")}
    assert steps >= {f"0002.{number} {what}" for number in range(1, 6) for what in ("record start", "run", "read back")}


def test_kill_9_after_each_statement_of_a_rebuild_on_bigquery(
    tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same through BigQuery's API, where the statement ran and the ledger does not have it."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    migrations = tmp_path / "migrations"
    places = [f"bigquery://{PROJECT}/{emulator.fresh_dataset()}" for _ in range(6)]
    for number, url in enumerate(places):
        with open_target(url, timeout=patient(20.0)) as opened:
            if number == 0:
                filled(migrations, opened)
                base = shutil.copytree(migrations, tmp_path / "base")
                planned_in(migrations, BY_MONTH, opened, rebuild=True)
            else:
                filled(base, opened)
    told = killed(places, migrations, "read back")
    assert told[-1]["boundaries"] == len(told) - 1 == 5


def test_a_view_that_needs_the_new_type_is_put_after_the_swap(tmp_path: Path) -> None:
    """The commands as typed: the rebuilt folder is that of the registry's table, and the view fits the new column."""
    (tmp_path / "t.sql").write_text("CREATE TABLE d.store (item STRING NOT NULL, day DATE NOT NULL, amount NUMERIC)")
    run(tmp_path, "init", "--from-ddl", "t.sql")
    file = tmp_path / "feature_registry.yaml"
    view = "views:\n  - {name: v_double, include: [item], columns: [{name: double, expr: EXPR}]}\n"
    file.write_text(file.read_text() + view.replace("EXPR", "amount * 2"))
    run(tmp_path, "migrate", "plan")
    run(tmp_path, "migrate")
    text = file.read_text().replace("name: amount, type: NUMERIC", "name: amount, type: STRING")
    file.write_text(text.replace("amount * 2", "LENGTH(amount)"))
    run(tmp_path, "migrate", "plan", "--rebuild")
    assert [one.name for one in (tmp_path / "migrations").glob("*rebuild*")] == ["0002_rebuild_store.sql"]
    run(tmp_path, "migrate", "--allow", "FQ243", "--allow", "FQ244")
    assert "No drift" in run(tmp_path, "check-drift").stdout
    run(tmp_path, "migrate", "verify")


def test_a_view_that_the_new_table_does_not_fit_is_left_as_it_is(tmp_path: Path) -> None:
    """As on BigQuery, the swap does not depend on other views: such a view fails until it is replaced."""
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as target:
        for name, kind in (("old", "INT64"), ("new", "STRING")):
            target.run(make_statement(State(), (CreateTable(Table(name, (column("a", kind),))),)))
        target.run(make_statement(State(), (PutView(View("v", "SELECT a * 2 AS b FROM `${dataset}`.`old`")),)))
        for change in (RenameTable("old", "before"), RenameTable("new", "old")):
            target.run(make_statement(State(), (change,)))
        view = target.describe("v")
        assert isinstance(view, View)
        assert "a * 2" in view.query
        with pytest.raises(FqtoolError):
            target.rows(Query("SELECT b FROM `v`"))
