"""A change by hand on one target, declared in the registry, leads every other target to the same table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.in_process import fqtool

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
