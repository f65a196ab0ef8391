"""A change by hand on one target, declared in the registry, leads every other target to the same table."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from fqtool.warehouse.target import as_fix
from tests.in_process import Done, fqtool

ALLOWED = ("--allow", "FQ230", "--allow", "FQ231")
DROPPED = 'deprecated: {since: "2026-01-01", remove_after: "2026-02-01", replaced_by: quality_tier, dropped: true}'


def target(name: str) -> tuple[str, str]:
    """The options of a target."""
    return "--target", f"duckdb:///{name}.duckdb"


def by_hand(folder: Path, name: str, *statements: str) -> None:
    """Run statements on a target."""
    with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def edited(folder: Path, change: Callable[[str], str]) -> None:
    """Edit the registry."""
    path = folder / "feature_registry.yaml"
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")


def entry(text: str) -> str:
    """The entry of default_feature_count in a registry."""
    start = text.index("  - name: default_feature_count")
    return text[start : text.index("  - name:", start + 1)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two migrated targets; a row of the second one has a tier."""
    for words in (
        ("init",), ("migrate", "plan", *target("store")), ("migrate", *target("store")), ("migrate", *target("other")),
    ):  # fmt: skip
        done = fqtool(tmp_path, *words)
        assert done.code == 0, done.said
    columns = "(item, day, quality_tier, default_feature_count)"
    by_hand(tmp_path, "other", f"INSERT INTO feature_store {columns} VALUES ('a', '2026-02-06', 'gold', 3)")
    return tmp_path


def applied(folder: Path, *names: str) -> None:
    """Plan on the first target, and migrate these targets; each ends without drift."""
    done = fqtool(folder, "migrate", "plan", *target("store"))
    assert done.code == 0, done.said
    for name in names:
        done = fqtool(folder, "migrate", *ALLOWED, *target(name))
        assert done.code == 0, done.said
        done = fqtool(folder, "check-drift", *target(name))
        assert done.code == 0, done.said
    assert fqtool(folder, "migrate", "verify").code == 0


def tiers(folder: Path, column: str) -> list[tuple[object, ...]]:
    """The values of a column of the second target."""
    with duckdb.connect(str(folder / "other.duckdb")) as connection:
        return connection.execute(f"SELECT {column} FROM feature_store").fetchall()


def test_a_column_that_was_dropped_by_hand_is_not_in_a_new_target(project: Path) -> None:
    """A new target drops it, one with rows keeps it; its finding names the file and how to drop it there too."""
    by_hand(project, "store", "ALTER TABLE feature_store DROP COLUMN default_feature_count")
    kept = entry((project / "feature_registry.yaml").read_text(encoding="utf-8"))
    edited(project, lambda text: text.replace(kept, ""))
    applied(project, "store", "new")
    assert fqtool(project, "migrate", *target("other")).code == 0
    found = fqtool(project, "check-drift", *target("other"), "--format", "json")
    (finding,) = json.loads(found.out)["findings"]
    assert finding["rule"] == "FQ302"
    assert "dropped by hand on another target, as `0002_drop_default_feature_count.sql` records" in finding["cause"]
    assert "declare it again with `deprecated` and `dropped: true`" in finding["remedy"]
    assert tiers(project, "default_feature_count") == [(3,)]
    edited(project, lambda text: text.replace("  - name: quality_tier", f"{kept}    {DROPPED}\n  - name: quality_tier"))
    found = fqtool(project, "check-drift", *target("other"))
    assert "in the registry, but in no migration" in found.said
    assert "fqtool migrate plan" in found.said
    assert fqtool(project, "migrate", "plan", *target("other")).code == 0
    for name in ("other", "store", "new", "newest"):
        assert fqtool(project, "migrate", *ALLOWED, *target(name)).code == 0
        assert fqtool(project, "check-drift", *target(name)).code == 0


def test_a_rename_by_hand_that_the_registry_reverts_is_skipped_elsewhere(project: Path) -> None:
    """The target gets its name back; another one, which never had the other name, runs nothing."""
    by_hand(project, "store", "ALTER TABLE feature_store RENAME quality_tier TO qt")
    new = "  - name: quality_tier\n    renamed_from: qt"
    edited(project, lambda text: text.replace("  - name: quality_tier", new))
    applied(project, "store", "other", "new")
    assert tiers(project, "quality_tier") == [("gold",)]


def test_a_rename_by_hand_that_the_registry_declares_is_made_elsewhere(project: Path) -> None:
    """Another target renames its column, with its values, after the hazard is allowed."""
    by_hand(project, "store", "ALTER TABLE feature_store RENAME quality_tier TO qt")
    new = "  - name: qt\n    renamed_from: quality_tier"
    edited(project, lambda text: text.replace("  - name: quality_tier", new))
    done = fqtool(project, "migrate", "plan", "--dry-run", *target("store"))
    assert "FQ231" in done.said
    applied(project, "store", "other", "new")
    assert tiers(project, "qt") == [("gold",)]


def test_a_table_that_was_dropped_with_its_ledger_is_created_again(project: Path) -> None:
    """Though the target remembers the jobs of the statements."""
    by_hand(project, "store", "DROP TABLE feature_store", "DROP TABLE _fqtool_ledger")
    done = fqtool(project, "migrate", *target("store"))
    assert done.code == 0, done.said
    assert fqtool(project, "check-drift", *target("store")).code == 0


@pytest.mark.parametrize("command", [("status",), ("plan",), ()])
def test_a_fix_has_the_target_also_where_no_target_was_opened(project: Path, command: tuple[str, ...]) -> None:
    """`plan --redo` keeps the files that ran on a target only where it is named."""
    file = next((project / "migrations").glob("0001_*.sql"))
    file.write_text(file.read_text(encoding="utf-8") + "<<<<<<< HEAD\n", encoding="utf-8")
    done = fqtool(project, "migrate", *command, *target("store"))
    assert done.code == 2, done.said
    assert "fqtool migrate plan --redo --target duckdb:///store.duckdb" in done.said
    assert done.err.count("--target") == 1


def test_redo_asks_the_target_of_the_environment_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ran there is kept, though --target names another one."""
    monkeypatch.setenv("FQTOOL_TARGET", "duckdb:///store.duckdb")
    before = sorted(path.name for path in (project / "migrations").iterdir())
    done = fqtool(project, "migrate", "plan", "--redo", *target("empty"))
    assert done.code == 0, done.said
    assert sorted(path.name for path in (project / "migrations").iterdir()) == before


SIZE = "  - name: size\n    section: aggregate\n    type: STRING\n    expr: TIER(100)\n    description: Size\n"
VIEW = "\nviews:\n  - {name: v_days, description: Days, columns: [{name: day, expr: day}, {name: made, expr: MADE}]}\n"


def ran_on_the_first(project: Path, change: Callable[[str], str], *plan: str, allow: tuple[str, ...] = ()) -> None:
    """Both targets are known; a change of the registry is planned and applied on the first one only."""
    known = "\ntargets:\n  store: duckdb:///store.duckdb\n  other: duckdb:///other.duckdb\n"
    edited(project, lambda text: change(text) + known)
    for words in (("plan", *plan), REBUILD if "--rebuild" in plan else allow):
        done = fqtool(project, "migrate", *words, "--target", "store")
        assert done.code == 0, done.said


REBUILD = ("--allow", "FQ243", "--allow", "FQ244")


def followed(project: Path, done: Done) -> Done:
    """Run what the fix of a failed command has: the statements on the second target, then the command."""
    assert done.code in (1, 2), done.said
    by_hand(project, "other", *re.findall(r'(ALTER TABLE "[^;]+);', done.said))
    return fqtool(project, *shlex.split(done.err.rpartition("fqtool ")[2]))


def test_a_file_that_stays_names_the_column_that_it_needs(project: Path) -> None:
    """A pending migration changes a column that the other target lost: `plan --redo` prints the statement for it."""
    ran_on_the_first(project, lambda text: text.replace("description: Band of", "description: The band of"))
    by_hand(project, "other", "ALTER TABLE feature_store DROP COLUMN quality_tier")
    redo = followed(project, fqtool(project, "migrate", "--target", "other"))
    assert "A known target has begun to apply `0002_" in redo.said
    done = followed(project, redo)
    assert done.code == 0, done.said
    assert fqtool(project, "check-drift", "--target", "other").code == 0


def test_a_column_in_the_place_of_a_new_one_is_renamed(project: Path) -> None:
    """With another type; its values stay in the table, under the other name. Check-drift has the same fix."""
    ran_on_the_first(project, lambda text: text.replace("  - name: quality_tier", f"{SIZE}  - name: quality_tier"))
    by_hand(project, "other", "ALTER TABLE feature_store ADD COLUMN size BIGINT", "UPDATE feature_store SET size = 7")
    drift = fqtool(project, "check-drift", "--target", "other")
    assert "RENAME COLUMN `size` TO `size_other`" in drift.said
    redo = followed(project, fqtool(project, "migrate", "--target", "other"))
    done = followed(project, redo)
    assert done.code == 0, done.said
    assert tiers(project, "size_other") == [(7,)]


@pytest.mark.parametrize("forgotten", [True, False], ids=["without its ledger", "with its ledger"])
def test_a_column_that_a_pending_migration_adds_may_be_there(project: Path, forgotten: bool) -> None:
    """It keeps its values, and the rest of the statement runs; also where a lost ledger records nothing."""
    more = f"{SIZE}{SIZE.replace('size', 'width')}"
    ran_on_the_first(project, lambda text: text.replace("  - name: quality_tier", f"{more}  - name: quality_tier"))
    by_hand(project, "other", "ALTER TABLE feature_store ADD COLUMN size TEXT", "UPDATE feature_store SET size = 'a'")
    if forgotten:
        by_hand(project, "other", "ALTER TABLE feature_store DROP COLUMN quality_tier", "DROP TABLE _fqtool_ledger")
    done = fqtool(project, "migrate", "--target", "other")
    assert done.code == 0, done.said
    assert tiers(project, "size, width") == [("a", None)]
    found = json.loads(fqtool(project, "check-drift", "--target", "other", "--format", "json").out)["findings"]
    assert {one["rule"] for one in found} <= {"FQ306"}


def test_a_rebuild_that_stays_names_the_column_that_it_does_not_copy(project: Path) -> None:
    """The column was added by hand on a target where the rebuild is pending."""
    by_day, by_month = "  partition_by: day", "  partition_by: day\n  partition_granularity: MONTH"
    ran_on_the_first(project, lambda text: text.replace(by_day, by_month), "--rebuild")
    by_hand(project, "other", "ALTER TABLE feature_store ADD COLUMN rogue TEXT")
    redo = followed(project, fqtool(project, "migrate", *REBUILD, "--target", "other"))
    assert "The rebuild has begun on another target. Save the values of rogue" in redo.said
    assert followed(project, redo).code == 0


def test_a_view_is_refused_where_its_base_column_is_absent(project: Path) -> None:
    """A plan offers to add the column; a file that ran elsewhere has the statement that adds it here."""
    view = VIEW.replace("MADE", "prices_updated_at")
    by_hand(project, "other", "ALTER TABLE feature_store DROP COLUMN prices_updated_at")
    edited(project, lambda text: text + view)
    refused = fqtool(project, "migrate", "plan", *target("other"))
    assert (
        "reads the base column `prices_updated_at`, which the table does not have; nothing was changed." in refused.said
    )
    assert "fqtool migrate plan --include-base" in refused.said
    ran_on_the_first(project, lambda text: text)
    done = followed(project, fqtool(project, "migrate", "--target", "other"))
    assert done.code == 0, done.said


@pytest.mark.parametrize("edit", ["deleted", "edited"])
def test_a_file_that_ran_and_has_no_copy_is_planned_again(project: Path, edit: str) -> None:
    """`plan --redo` names the rows of the ledger to delete, and plans then; the target of that ledger takes it."""
    ran_on_the_first(project, lambda text: text.replace("description: Band of", "description: The band of"))
    (file,) = (project / "migrations").glob("0002_*.sql")
    if edit == "deleted":
        file.unlink()
    else:
        file.write_text(file.read_text(encoding="utf-8").replace("The band", "A band"), encoding="utf-8")
    redo = fqtool(project, "migrate", "plan", "--redo", "--target", "other")
    assert redo.code == 2
    (delete,) = re.findall(r"(DELETE FROM [^;]+);", redo.said)
    by_hand(project, "store", delete)
    for words in (("plan", "--redo", "--target", "other"), ("--target", "other"), ("--target", "store")):
        done = fqtool(project, "migrate", *words)
        assert done.code == 0, done.said
    for name in ("store", "other"):
        assert fqtool(project, "check-drift", "--target", name).code == 0


def test_rows_of_the_ledger_that_were_deleted_are_named(project: Path) -> None:
    """The fix deletes the other rows of the migration, so that migrate looks in the table."""
    ran_on_the_first(
        project,
        lambda text: text.replace("description: Band of", "description: The band of").replace(
            "  - name: quality_tier", f"{SIZE}  - name: quality_tier"
        ),
    )
    by_hand(project, "store", "DELETE FROM _fqtool_ledger WHERE version = '0002' AND statement = 1")
    done = fqtool(project, "migrate", "--target", "store")
    assert "`_fqtool_ledger` lacks rows of `0002_" in done.said
    (delete,) = re.findall(r"(DELETE FROM [^;]+);", done.said)
    by_hand(project, "store", delete)
    assert fqtool(project, "migrate", "--target", "store").code == 0


def test_a_column_that_is_repaired_on_one_target_keeps_its_values_on_another(project: Path) -> None:
    """It was created again with another type by hand; the file drops and adds it there, and nowhere else."""
    text = "ALTER TABLE feature_store DROP COLUMN quality_tier", "ALTER TABLE feature_store ADD COLUMN quality_tier INT"
    by_hand(project, "store", *text)
    edited(project, lambda text: text.replace("  - name: quality_tier", f"{SIZE}  - name: quality_tier"))
    applied(project, "store")
    done = fqtool(project, "migrate", *target("other"))  # nothing is dropped there, so no hazard is allowed
    assert done.code == 0, done.said
    applied(project, "other", "new")
    assert tiers(project, "quality_tier, size") == [("gold", None)]


def test_a_rename_that_is_reverted_needs_nothing_elsewhere(project: Path) -> None:
    """A target that never had the other name is up to date for plan and migrate, without an allowed hazard."""
    by_hand(project, "store", "ALTER TABLE feature_store RENAME quality_tier TO qt")
    new = "  - name: quality_tier\n    renamed_from: qt"
    ran_on_the_first(project, lambda text: text.replace("  - name: quality_tier", new), allow=ALLOWED)
    for words in (("plan",), ("plan", "--redo"), ()):
        done = fqtool(project, "migrate", *words, "--target", "other")
        assert done.code == 0, done.said
    assert fqtool(project, "check-drift", "--target", "other").code == 0


def test_a_column_that_the_registry_knows_by_another_name_gets_its_name_back(project: Path) -> None:
    """A pending migration renames it from the name that it had; its values stay in it."""
    by_hand(project, "store", "ALTER TABLE feature_store RENAME quality_tier TO qt")
    by_hand(project, "other", "ALTER TABLE feature_store RENAME quality_tier TO q2")
    new = "  - name: qt\n    renamed_from: quality_tier"
    ran_on_the_first(project, lambda text: text.replace("  - name: quality_tier", new), allow=ALLOWED)
    edited(project, lambda text: text.replace("renamed_from: quality_tier", "renamed_from: q2"))
    redo = fqtool(project, "migrate", "plan", "--redo", "--target", "other")
    assert 'RENAME COLUMN "q2" TO "quality_tier"' in redo.said
    followed(project, redo)
    assert fqtool(project, "migrate", *ALLOWED, "--target", "other").code == 0
    assert tiers(project, "qt") == [("gold",)]


def test_two_files_of_one_name_that_both_ran_are_named(project: Path) -> None:
    """Two branches planned another 0002 with the same name, and each ran on a target of its own."""
    ran_on_the_first(project, lambda text: text.replace("description: Band of", "description: The band of"))
    assert fqtool(project, "migrate", "--target", "other").code == 0
    by_hand(project, "other", "UPDATE _fqtool_ledger SET file_hash = 'another' WHERE version = '0002'")
    redo = fqtool(project, "migrate", "plan", "--redo", "--target", "other")
    assert redo.code == 2
    assert "Two known targets ran different files with the name 0002_" in redo.said


def test_a_repaired_column_with_another_description_is_replayed(project: Path) -> None:
    """`plan` replays the files as `verify` does, and a target that needed no repair gets the description by a plan."""
    by_hand(
        project, "store",
        "ALTER TABLE feature_store DROP COLUMN quality_tier", "ALTER TABLE feature_store ADD COLUMN quality_tier INT",
    )  # fmt: skip
    edited(project, lambda text: text.replace("description: Band of", "description: The band of"))
    for words in (("plan", *target("store")), (*ALLOWED, *target("store")), ("verify",), (*ALLOWED, *target("other"))):
        done = fqtool(project, "migrate", *words)
        assert done.code == 0, done.said
    assert tiers(project, "quality_tier") == [("gold",)]
    for words in (("plan", *target("other")), target("other")):
        assert fqtool(project, "migrate", *words).code == 0
    assert fqtool(project, "check-drift", *target("other")).code == 0


def test_a_column_that_is_renamed_twice_is_found_between(project: Path) -> None:
    """The second plan is made where the first rename is pending; check-drift names what is pending."""
    first = "  - name: qt\n    renamed_from: quality_tier"
    ran_on_the_first(project, lambda text: text.replace("  - name: quality_tier", first), allow=ALLOWED)
    edited(project, lambda text: text.replace(first, "  - name: qt3\n    renamed_from: qt"))
    found = json.loads(fqtool(project, "check-drift", "--target", "other", "--format", "json").out)["findings"]
    assert "migration not applied" in {one["cause"] for one in found if one["subject"] == "quality_tier"}
    done = fqtool(project, "migrate", "plan", "--target", "other")
    assert done.code == 0, done.said
    for name in ("other", "store"):
        assert fqtool(project, "migrate", *ALLOWED, "--target", name).code == 0
        assert fqtool(project, "check-drift", "--target", name).code == 0
    assert tiers(project, "qt3") == [("gold",)]


def test_a_column_to_drop_is_named_as_such(project: Path) -> None:
    """It is in a migration and in the registry with `dropped: true`: the fix is a plan, not another entry."""
    kept = entry((project / "feature_registry.yaml").read_text(encoding="utf-8"))
    edited(project, lambda text: text.replace(kept, f"{kept}    {DROPPED}\n"))
    found = json.loads(fqtool(project, "check-drift", *target("other"), "--format", "json").out)["findings"]
    (finding,) = [one for one in found if one["subject"] == "default_feature_count"]
    assert "fqtool migrate plan" in finding["remedy"]
    assert "base_columns" not in finding["remedy"]


def test_base_columns_without_migrations_are_added_by_statements_of_the_target(project: Path) -> None:
    """Also a column that may have another name: without migration files no plan adds it."""
    shutil.rmtree(project / "migrations")
    drops = (f"ALTER TABLE feature_store {change}" for change in ("DROP prices_updated_at", "DROP features"))
    by_hand(project, "other", "DROP TABLE _fqtool_ledger", *drops)
    by_hand(project, "other", "ALTER TABLE feature_store ADD COLUMN updated TIMESTAMPTZ")
    said = fqtool(project, "check-drift", *target("other")).said
    statements = re.findall(r'ALTER TABLE "[^;]+;', said)
    assert len(statements) == 2
    by_hand(project, "other", *statements)
    assert "FQ301" not in fqtool(project, "check-drift", *target("other")).said


def test_a_fix_of_several_statements_keeps_the_words_of_bigquery_where_duckdb_loses_something() -> None:
    """A query and columns to add are the same in every dialect; a target on BigQuery gets the SQL as it is."""
    add = "ALTER TABLE `t` ADD COLUMN `a` FLOAT64;"
    options = "ALTER TABLE `t` SET OPTIONS (friendly_name = 'x');"
    assert as_fix(f"{add}\n{add}", "duckdb:///s.duckdb").count("DOUBLE") == 2
    assert as_fix(f"{add}\n{options}", "duckdb:///s.duckdb") == f"{add}\n{options}"
    assert as_fix(add, "bigquery://p/d") == add
    assert as_fix("SELECT `a` FROM `t`", "duckdb:///s.duckdb") == 'SELECT "a" FROM "t";'


def test_a_dropped_column_of_a_migrated_table_is_left_to_check_drift(project: Path) -> None:
    """`fqtool migrate` has nothing to apply there."""
    by_hand(project, "store", "ALTER TABLE feature_store DROP COLUMN quality_tier")
    done = fqtool(project, "score", "--start", "2026-02-06", *target("store"))
    assert (done.code, "fix: fqtool check-drift --target" in done.said) == (1, True)
