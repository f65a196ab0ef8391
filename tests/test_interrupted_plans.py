"""A plan is written as one commit: stopped at any file operation, the folder holds all of it or nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fqtool.commands.migrate.plan import plan_migration, write_plan
from fqtool.errors import Busy, FqtoolError
from fqtool.warehouse.migration_folder import RECORD, STAGING, commit, read_migrations
from tests.bed.running import ROOT
from tests.interrupted_plans import CASES, FULL
from tests.machine import patient
from tests.stores import TODAY, planned_in, small_registry, workspace_in


def test_a_plan_stopped_at_any_file_operation_is_repeated_or_completed(tmp_path: Path) -> None:
    """After SIGKILL or a full disk: migrate and verify work, a repeated plan gives the whole plan, nothing is left."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.interrupted_plans", str(tmp_path)], cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=patient(240), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wholes: dict[str, dict[str, dict[str, str]]] = {}
    stops: dict[str, int] = dict.fromkeys(CASES, 0)
    for line in map(json.loads, done.stdout.splitlines()):
        if "whole" in line:
            wholes[line["case"]] = line
            continue
        before, whole = wholes[line["case"]]["before"], wholes[line["case"]]["whole"]
        stopped, *following = line["codes"]
        assert stopped == (-signal.SIGKILL if line["fault"] == "kill" else FULL), line["step"]
        assert following == [0, 0], (line["step"], done.stderr)
        assert line["read"] in (before, whole), line["step"]
        assert line["again"] == whole, line["step"]
        stops[line["case"]] += 1
    assert all(count > 15 for count in stops.values()), stops


def test_two_concurrent_plans_write_one_migration(tmp_path: Path) -> None:
    """The second of two plans made from the same folder is refused and writes nothing."""
    folder, registry = tmp_path / "migrations", small_registry()
    planned_in(folder, registry)
    first, second = workspace_in(folder, small_registry(4)), workspace_in(folder, small_registry(5))
    plans = [plan_migration(workspace, None, today=TODAY) for workspace in (first, second)]
    write_plan(first, plans[0])
    written = read_migrations(folder)
    with pytest.raises(Busy, match=r"migrations changed while the migration was planned \(0002_"):
        write_plan(second, plans[1])
    assert read_migrations(folder) == written


def test_concurrent_commits_and_reads_see_whole_sets(tmp_path: Path) -> None:
    """Readers beside writers see the files of one commit, never of two; one writer of each round wins."""
    names = [f"{number:04d}_x.sql" for number in range(6)]
    commit(tmp_path, {}, dict.fromkeys(names, "0"))
    seen: list[set[str]] = []
    won: list[int] = []

    def write(number: int) -> None:
        before = read_migrations(tmp_path)
        try:
            commit(tmp_path, before, dict.fromkeys(names, str(number)))
        except Busy:
            return
        won.append(number)

    def read() -> None:
        seen.append(set(read_migrations(tmp_path).values()))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(1, 9)]
    threads += [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won
    assert len(seen) == 16
    assert all(len(texts) == 1 for texts in seen)


def test_a_commit_left_over_does_not_revert_what_came_after(tmp_path: Path) -> None:
    """Where a file was changed since the interruption, the rest of the commit is dropped."""
    (tmp_path / "0000_a.sql").write_text("old")
    staging = tmp_path / STAGING
    staging.mkdir()
    (staging / "0000_a.sql").write_text("new")
    (staging / RECORD).write_text(
        json.dumps({"format_version": 1, "files": {"0000_a.sql": ["another hash", "a hash"]}})
    )
    assert read_migrations(tmp_path) == {"0000_a.sql": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["0000_a.sql"]


def test_leftovers_of_version_0_1_are_removed(tmp_path: Path) -> None:
    """A temporary file that a killed plan of 0.1 left is removed; other hidden files stay and are not read."""
    for name in (".0002_add_x.sql.0a1b2c3d", ".checksums.txt.00000000", ".#0001_x.sql", ".hidden.sql"):
        (tmp_path / name).touch()
    assert read_migrations(tmp_path) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".#0001_x.sql", ".hidden.sql"]


def test_a_folder_that_cannot_be_created_is_an_error_with_its_path(tmp_path: Path) -> None:
    """A file where the folder should be ends the plan in a sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(FqtoolError, match="file/migrations"):
        commit(tmp_path / "file" / "migrations", {}, {"0000_a.sql": "x"})


def test_a_link_and_its_mode_stay(tmp_path: Path) -> None:
    """A commit replaces the file behind a link and keeps the mode of a file that was there."""
    folder, behind = tmp_path / "migrations", tmp_path / "behind.txt"
    folder.mkdir()
    behind.write_text("old")
    behind.chmod(0o640)
    (folder / "checksums.txt").symlink_to(behind)
    commit(folder, {"checksums.txt": "old"}, {"checksums.txt": "new"})
    assert (folder / "checksums.txt").is_symlink()
    assert (behind.read_text(), behind.stat().st_mode & 0o777) == ("new", 0o640)
