"""`migrate plan` where the folder is not as it was written: contract, checksums, files of other authors."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from fqtool.commands.migrate.apply import verify_migrations
from fqtool.commands.migrate.plan import plan_migration, write_plan
from fqtool.commands.migrate.redo import begun_files, superseded
from fqtool.errors import MigrationError, WorldError
from fqtool.findings.finding import Location
from fqtool.migrations.checksums import CHECKSUMS, checksums, sha256
from fqtool.migrations.contract import CONTRACT, contract_text
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.table.changes import AddColumn
from fqtool.table.typetext import column
from fqtool.warehouse.migration_folder import read_migrations
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from fqtool.workspace import Workspace
from tests.commands import run
from tests.migrated_stores import by_hand, drift, migrated
from tests.stores import TODAY, planned_in, small_registry, workspace_in

BY_HAND = "ALTER TABLE `store` ADD COLUMN `by_hand` STRING;\n"


def swapped(registry: Registry) -> Registry:
    """The registry with its first two features in each other's place."""
    first, second, *rest = registry.features
    return replace(registry, features=(replace(second, index=0), replace(first, index=1), *rest))


def found(folder: Path, registry: Registry) -> list[tuple[str, str, str]]:
    """What verify finds: rule, subject and remedy."""
    with open_target("duckdb:///:memory:") as scratch:
        findings = verify_migrations(workspace_in(folder, registry), scratch, "test")
    return [(finding.rule, finding.subject, str(finding.remedy)) for finding in findings if finding.rule != "FQ404"]


def _delete(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    path.write_text(path.read_text()[:40])


def _swap_names(path: Path) -> None:
    text = path.read_text()
    path.write_text(text.replace('"f0"', '"x"').replace('"f1"', '"f0"').replace('"x"', '"f1"'))


def _leave_a_conflict(path: Path) -> None:
    path.write_text("<<<<<<< HEAD\n" + path.read_text() + "=======\n>>>>>>> other\n")


DAMAGES = {"deleted": _delete, "truncated": _truncate, "edited": _swap_names, "conflict": _leave_a_conflict}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("redo", [False, True])
def test_a_damaged_contract_does_not_hide_swapped_features(tmp_path: Path, damage: object, redo: bool) -> None:
    """Plan refuses, verify reports it with how to restore the file, and nothing is written."""
    planned_in(tmp_path, small_registry())
    damage(tmp_path / CONTRACT)  # type: ignore[operator]
    before, registry = read_migrations(tmp_path), swapped(small_registry(4))
    with pytest.raises(MigrationError, match=r"feature_contract\.json") as caught:
        planned_in(tmp_path, registry, redo=redo)
    assert f"git checkout -- {tmp_path}/{CONTRACT}" in str(caught.value.remedy) or "--ours" in str(caught.value.remedy)
    assert found(tmp_path, registry) == [("FQ401", CONTRACT, str(caught.value.remedy))]
    assert read_migrations(tmp_path) == before


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_contract_that_the_checksums_prove_is_written_again(tmp_path: Path, damage: object) -> None:
    """The registry has the recorded features and more, so the printed command restores what was there."""
    planned_in(tmp_path, small_registry())
    damage(tmp_path / CONTRACT)  # type: ignore[operator]
    assert found(tmp_path, small_registry(4)) == [("FQ401", CONTRACT, "fqtool migrate plan")]
    planned_in(tmp_path, small_registry(4))
    assert found(tmp_path, small_registry(4)) == []
    assert (tmp_path / CONTRACT).read_text() == contract_text(small_registry(4).features)


def test_checksums_of_0_1_do_not_cover_the_contract_and_are_read(tmp_path: Path) -> None:
    """They are as they were written; the next plan covers the contract. A contract that is missing is an error."""
    planned_in(tmp_path, small_registry())
    files = workspace_in(tmp_path, small_registry()).files
    (tmp_path / CHECKSUMS).write_text(checksums(files))
    assert found(tmp_path, small_registry()) == []
    contract = (tmp_path / CONTRACT).read_text()
    (tmp_path / CONTRACT).unlink()
    assert [code for code, *_ in found(tmp_path, small_registry())] == ["FQ401"]
    (tmp_path / CONTRACT).write_text(contract)
    planned_in(tmp_path, small_registry())
    assert CONTRACT in (tmp_path / CHECKSUMS).read_text()


def test_the_line_of_the_contract_cannot_be_deleted(tmp_path: Path) -> None:
    """Checksums without the contract's line are those of 0.1 only where their total is."""
    planned_in(tmp_path, small_registry())
    lines = (tmp_path / CHECKSUMS).read_text().splitlines(keepends=True)
    (tmp_path / CHECKSUMS).write_text("".join(line for line in lines if CONTRACT not in line))
    _swap_names(tmp_path / CONTRACT)
    for redo in (False, True):
        with pytest.raises(MigrationError):
            planned_in(tmp_path, swapped(small_registry()), redo=redo)


def test_missing_checksums_are_written_by_the_next_plan(tmp_path: Path) -> None:
    """A first plan of 0.1 that was interrupted before its last file is completed; a file by hand is not taken in."""
    planned_in(tmp_path, small_registry())
    (tmp_path / CHECKSUMS).unlink()
    assert [subject for _, subject, _ in found(tmp_path, small_registry())] == [CHECKSUMS]
    (tmp_path / "0002_by_hand.sql").write_text(BY_HAND)
    with pytest.raises(MigrationError, match=r"0002_by_hand\.sql was not written by fqtool"):
        planned_in(tmp_path, small_registry())
    (tmp_path / "0002_by_hand.sql").unlink()
    planned_in(tmp_path, small_registry())
    assert found(tmp_path, small_registry()) == []


def test_without_checksums_and_contract_all_is_planned_again_where_nothing_ran(tmp_path: Path) -> None:
    """A first plan of 0.1 that was killed has neither; swapped features of a migrated table are still refused."""
    planned_in(tmp_path, small_registry())
    whole = read_migrations(tmp_path)
    for name in (CHECKSUMS, CONTRACT):
        (tmp_path / name).unlink()
    with pytest.raises(MigrationError, match="are missing") as caught:
        planned_in(tmp_path, small_registry())
    assert str(caught.value.remedy).endswith("if it was never committed: fqtool migrate plan --redo")
    planned_in(tmp_path, small_registry(), redo=True)
    assert read_migrations(tmp_path) == whole
    with open_target("duckdb:///:memory:") as warehouse:
        migrated(tmp_path, small_registry(), warehouse)
        for name in (CHECKSUMS, CONTRACT):
            (tmp_path / name).unlink()
        with pytest.raises(MigrationError, match="are missing"):
            planned_in(tmp_path, swapped(small_registry()), warehouse, redo=True)


@pytest.mark.parametrize("redo", [False, True])
def test_a_file_that_fqtool_did_not_write_is_never_removed(tmp_path: Path, redo: bool) -> None:
    """Plan names it and how to continue; once it is moved as the remedy asks, the plan is made."""
    folder = tmp_path / "migrations"
    planned_in(folder, small_registry())
    written_by_hand = folder / "0002_by_hand.sql"
    written_by_hand.write_text(BY_HAND)
    with pytest.raises(MigrationError, match=r"0002_by_hand\.sql was not written by fqtool") as caught:
        planned_in(folder, small_registry(4), redo=redo)
    assert f"mv {written_by_hand} . && fqtool migrate plan" in str(caught.value.remedy)
    assert written_by_hand.read_text() == BY_HAND
    written_by_hand.rename(tmp_path / written_by_hand.name)
    planned_in(folder, small_registry(4))
    assert found(folder, small_registry(4)) == []


def test_a_copy_of_a_migration_is_not_taken_for_one_of_fqtools(tmp_path: Path) -> None:
    """A file by hand whose header was copied from another migration is kept too."""
    planned_in(tmp_path, small_registry())
    header = next(path for path in tmp_path.glob("0001*")).read_text().splitlines()[0]
    (tmp_path / "0002_by_hand.sql").write_text(f"{header}\n{BY_HAND}")
    with pytest.raises(MigrationError, match="was not written by fqtool"):
        planned_in(tmp_path, small_registry(4), redo=True)


def redone(folder: Path, registry: Registry, warehouse: Warehouse, *others: Warehouse) -> tuple[str, ...]:
    """Plan again, as `fqtool migrate plan --redo` does with these known targets; return what was replaced."""
    texts, begun = read_migrations(folder), begun_files([warehouse, *others], registry.table.name)
    without = superseded(texts, begun)
    files = workspace_in(folder, registry, without).files
    workspace = Workspace(registry, folder, files, texts)
    planned = plan_migration(workspace, warehouse, today=TODAY, redo=True, begun_elsewhere=begun)
    write_plan(workspace, planned)
    return planned.replaced(workspace)


def names(folder: Path) -> list[str]:
    """The migrations in the folder."""
    return sorted(path.name for path in folder.glob("*.sql"))


@pytest.mark.parametrize("redo", [False, True])
def test_plan_refuses_a_number_that_a_lost_migration_had(tmp_path: Path, redo: bool) -> None:
    """In a checkout from before a migration that ran, no other file can take its number: it could not be applied."""
    folder, older = tmp_path / "migrations", tmp_path / "older"
    with open_target("duckdb:///:memory:") as warehouse:
        planned_in(folder, small_registry(), warehouse)
        migrated(folder, small_registry(), warehouse)
        shutil.copytree(folder, older)
        planned_in(folder, small_registry(4), warehouse)
        migrated(folder, small_registry(4), warehouse)
        before = names(older)
        with pytest.raises(MigrationError) as refused:
            plan_migration(workspace_in(older, small_registry(5)), warehouse, today=TODAY, redo=redo)
        assert [(finding.rule, finding.subject) for finding in refused.value.findings] == [("FQ403", "0002")]
        assert not refused.value.remedy
        assert names(older) == before


def test_a_lost_folder_is_reported_before_the_differences(tmp_path: Path) -> None:
    """check-drift lists the missing files first, as the cause, and no changes that they would have."""
    folder = tmp_path / "migrations"
    with open_target("duckdb:///:memory:") as warehouse:
        planned_in(folder, small_registry(), warehouse)
        migrated(folder, small_registry(), warehouse)
        shutil.rmtree(folder)
        assert {finding.rule for finding in drift(folder, small_registry(), warehouse)} == {"FQ403"}
        rules = [finding.rule for finding in drift(folder, small_registry(5), warehouse)]
        assert (rules[0], "FQ301" in rules, "FQ404" in rules) == ("FQ403", True, False)


def test_a_folder_that_is_lost_for_good_is_planned_again_without_the_ledger(tmp_path: Path) -> None:
    """The refusal of the plan has the remedy, and after it the table is adopted as it is."""
    folder, file = tmp_path / "migrations", tmp_path / "store.duckdb"
    with open_target(f"duckdb:///{file}") as warehouse:
        planned_in(folder, small_registry(), warehouse)
        migrated(folder, small_registry(), warehouse)
        shutil.rmtree(folder)
        with pytest.raises(MigrationError) as refused:
            planned_in(folder, small_registry(), warehouse)
        assert {finding.rule for finding in refused.value.findings} == {"FQ403"}
        assert "delete the rows of `store` from `_fqtool_ledger`, then: fqtool migrate plan" in str(
            refused.value.remedy
        )
        assert not folder.exists()
        warehouse.close()
        with duckdb.connect(str(file)) as connection:
            connection.execute("DELETE FROM _fqtool_ledger WHERE table_name = 'store'")
        planned_in(folder, small_registry(), warehouse)
        migrated(folder, small_registry(), warehouse)
        assert drift(folder, small_registry(), warehouse) == ()
        assert planned_in(folder, small_registry(), warehouse).new == ()


def test_redo_keeps_what_another_known_target_ran(tmp_path: Path) -> None:
    """A file that ran in production stays when a developer plans again on a target where it did not run."""
    folder, last = tmp_path / "migrations", small_registry(5)
    with open_target("duckdb:///:memory:") as production, open_target("duckdb:///:memory:") as development:
        planned_in(folder, small_registry(), production)
        planned_in(folder, small_registry(4), production)
        migrated(folder, small_registry(4), production)
        ran = names(folder)
        planned_in(folder, last, development)
        pending = names(folder)[-1]
        assert redone(folder, last, development, production) == (pending,)
        assert names(folder)[:-1] == ran
        for target in (production, development):
            migrated(folder, last, target)


def test_redo_plans_again_a_file_whose_first_statement_failed(tmp_path: Path) -> None:
    """A race during migrate leaves a failed attempt and no statement done: the file is planned again and applied."""
    folder, registry = tmp_path / "migrations", small_registry(4)
    with open_target("duckdb:///:memory:") as warehouse:
        planned_in(folder, small_registry(), warehouse)
        migrated(folder, small_registry(), warehouse)
        planned_in(folder, registry, warehouse)
        pending = names(folder)[-1]

        def interfere(step: str) -> None:
            if step == "0002.1 run":
                by_hand(warehouse, AddColumn(column("feature_3_quality", "FLOAT64")))

        with pytest.raises(WorldError):
            migrated(folder, registry, warehouse, on_step=interfere)
        assert pending in redone(folder, registry, warehouse)
        migrated(folder, registry, warehouse)
        assert drift(folder, registry, warehouse) == ()


def two_branches(tmp_path: Path, conflict: bool) -> tuple[Path, list[str], Registry]:
    """A folder after a merge: two files 0002, and the checksums of one branch, or of both with markers."""
    main, branch = tmp_path / "migrations", tmp_path / "branch"
    registries = [replace(small_registry(), columns=tuple(columns)) for columns in _columns()]
    for folder, registry in ((main, registries[0]), (branch, registries[1])):
        planned_in(folder, small_registry())
        planned_in(folder, registry)
    theirs, ours = names(main)[-1], names(branch)[-1]
    (main / ours).write_text((branch / ours).read_text())
    if conflict:
        sides = [(folder / CHECKSUMS).read_text() for folder in (main, branch)]
        (main / CHECKSUMS).write_text(f"<<<<<<< HEAD\n{sides[0]}=======\n{sides[1]}>>>>>>> branch\n")
    return main, [theirs, ours], registries[2]


def _columns() -> list[list[object]]:
    """The columns of two branches, and of both."""
    columns = list(small_registry().columns)
    added = [replace(columns[3], name=name) for name in ("by_main", "by_branch")]
    return [[*columns, added[0]], [*columns, added[1]], [*columns, *added]]


@pytest.mark.parametrize("conflict", [False, True])
@pytest.mark.parametrize("ran", [0, 1, None])
def test_redo_resolves_two_branches_of_one_version(tmp_path: Path, conflict: bool, ran: int | None) -> None:
    """The file that ran on a known target stays, the other one is planned on top; where none ran, one file has both."""
    folder, twins, registry = two_branches(tmp_path, conflict)
    assert twins[0] != twins[1]
    with pytest.raises(MigrationError, match="both have version 0002; two branches planned it") as caught:
        workspace_in(folder, registry)
    assert str(caught.value.remedy) == "fqtool migrate plan --redo"
    with open_target("duckdb:///:memory:") as production, open_target("duckdb:///:memory:") as development:
        if ran is not None:
            own = tmp_path / "own"
            planned_in(own, small_registry())
            planned_in(own, replace(small_registry(), columns=tuple(_columns()[ran])))  # type: ignore[arg-type]
            migrated(own, replace(small_registry(), columns=tuple(_columns()[ran])), production)  # type: ignore[arg-type]
        replaced = redone(folder, registry, development, production)
        # Where nothing ran, 0001 is pending as well.
        expected = twins[1 - ran : 2 - ran] if ran is not None else ["0001_add_7_columns.sql", *twins]
        assert sorted(replaced) == sorted(expected)
        assert found(folder, registry) == []
        for target in (production, development):
            migrated(folder, registry, target)


def test_two_files_of_one_version_that_both_ran_are_left_to_people() -> None:
    """Two known targets with different histories: nothing is replaced."""
    texts = {"0002_a.sql": "-- fqtool migration 0002: a\n", "0002_b.sql": "-- fqtool migration 0002: b\n"}
    with pytest.raises(MigrationError, match=r"0002_a.sql and 0002_b.sql .* both ran"):
        superseded(texts, dict.fromkeys(texts, "hash"))
    assert superseded(texts, {}) == set(texts)
    assert superseded(texts | {"0002_a.sql": BY_HAND}, {}) == frozenset()


@pytest.mark.parametrize("style", ["merge", "diff3"])
@pytest.mark.parametrize(("ran", "option"), [("x INT64;\n", "--ours"), ("y INT64;\n", "--theirs"), ("z", "")])
def test_a_merge_conflict_in_a_migration_that_ran_names_the_side(style: str, ran: str, option: str) -> None:
    """The ledger's hash shows which side ran; --redo names it with the command that restores file and contract."""
    head, tail, base = "-- fqtool migration 0002: a\n", "-- end\n", "||||||| base\nold\n" if style == "diff3" else ""
    text = f"{head}<<<<<<< HEAD\nx INT64;\n{base}=======\ny INT64;\n>>>>>>> other\n{tail}"
    texts = {"0002_a.sql": text, CONTRACT: "<<<<<<< HEAD\n=======\n>>>>>>> other\n"}
    with pytest.raises(MigrationError, match="begun to apply") as caught:
        superseded(texts, {"0002_a.sql": sha256(f"{head}{ran}{tail}")}, "m")
    expected = f"git checkout {option} -- m/0002_a.sql m/{CONTRACT} && fqtool migrate plan --redo"
    assert str(caught.value.remedy) == (expected if option else "Restore the file that ran from version control.")
    assert superseded(texts, {}) == {"0002_a.sql"}


def test_a_merge_conflict_in_the_registry_is_named_with_its_line() -> None:
    """YAML's own message would name a line further down and a cause that misleads."""
    text = "version: 1\n<<<<<<< HEAD\ntable: {name: a}\n=======\ntable: {name: b}\n>>>>>>> other\n"
    registry, findings = load_registry(text, "r.yaml")
    assert registry is None
    assert [(finding.rule, finding.location) for finding in findings] == [("FQ005", Location("r.yaml", 2, 1))]
    assert "merge conflict" in findings[0].message


def test_merge_conflicts_and_editor_files_at_the_command_line(tmp_path: Path) -> None:
    """A conflict is named with file and line, an editor's files are left out, and --redo lists what it replaces."""
    run(tmp_path, "init")
    run(tmp_path, "migrate", "plan")
    migrations = tmp_path / "migrations"
    (migrations / ".#0001_add_8_columns.sql").symlink_to("editor@host.1234")
    for name in ("0001_add_8_columns.sql~", ".0001_add_8_columns.sql.swp", "#0001_add_8_columns.sql#", "notes.md"):
        (migrations / name).write_text("not a migration")
    run(tmp_path, "migrate", "verify")
    planned = migrations / "0001_add_8_columns.sql"
    lines = planned.read_text().splitlines(keepends=True)
    planned.write_text(
        "".join([*lines[:7], "<<<<<<< HEAD\n", *lines[7:9], "=======\n", *lines[7:9], ">>>>>>> other\n"])
    )
    refused = run(tmp_path, "migrate", code=2)
    assert "0001_add_8_columns.sql, line 8: the file has a merge conflict" in refused.stderr
    done = run(tmp_path, "migrate", "plan", "--redo")
    assert "Replaces migrations/0001_add_8_columns.sql, which no known target has begun to apply." in done.stderr
    run(tmp_path, "migrate")
    assert "which --offline forbids" in run(tmp_path, "migrate", "plan", "--redo", "--offline", code=2).stderr


def test_redo_asks_every_target_of_the_registry(tmp_path: Path) -> None:
    """A target that cannot be asked stops --redo, for what it ran is unknown."""
    run(tmp_path, "init")
    registry = tmp_path / "feature_registry.yaml"
    text = (
        registry.read_text()
        .replace("#targets:", "targets:")
        .replace('#  production: "bigquery://my-project/my_dataset"', "  production: duckdb:///production.duckdb")
    )
    registry.write_text(text)
    run(tmp_path, "migrate", "plan")
    run(tmp_path, "migrate", "--target", "production")
    done = run(tmp_path, "migrate", "plan", "--redo")
    assert "Replaces" not in done.stderr
    (tmp_path / "production.duckdb").write_text("damaged" * 9000)
    refused = run(tmp_path, "migrate", "plan", "--redo", code=3)
    assert "duckdb:///production.duckdb failed" in refused.stderr
