"""Laws of written files: whole or not at all; on full disks, in unusual places, through links, by two processes."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import duckdb
import pytest

from fqtool.errors import InputError, UsageError, WorldError
from fqtool.warehouse.files import put_in_place, read_folder, read_text, write_text
from tests.bed.running import ROOT
from tests.in_process import fqtool as in_process
from tests.machine import patient

# What writes a file without a table; {out} is where it goes.
WRITERS: dict[str, tuple[str, ...]] = {
    "schema": ("generate-schema", "--out", "{out}"),
    "sql": ("generate-sql", "scoring", "--out", "{out}"),
    "export": ("export", "odcs", "--out", "{out}"),
    "dictionary": ("docs", "--out", "{out}"),
    "rows": ("score", "--input", "rows.ndjson", "--output", "{out}"),
}
ADDED = (
    "add-feature", "late_load", "--category", "player_history", "--processor", "PlayerDailyCacheProcessor",
    "--label", "phase4", "--label", "default", "--expected", "10", "--range", "0,70", "--description", "Load of late.",
)  # fmt: skip
_TIMES = 150


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the registry of this repository, its migrations and two records."""
    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    row = '{"player_lookup": "a", "game_date": "2026-02-06", "features": [1.0]}\n'
    (tmp_path / "rows.ndjson").write_text(row * 2)
    return tmp_path


def fqtool(folder: Path, *words: str, largest: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run fqtool; where `largest` is given, no file grows beyond so many bytes, as on a disk that fills up."""
    return subprocess.run(
        [sys.executable, "-m", "fqtool", *words],
        cwd=folder,
        # Else a limited process leaves half a .pyc, which every later one trips over.
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "500", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=None if largest is None else partial(resource.setrlimit, resource.RLIMIT_FSIZE, (largest, largest)),
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )


def one_sentence(done: subprocess.CompletedProcess[str]) -> None:
    """The exit code is 3, and a sentence names the cause."""
    assert done.returncode == 3, done
    assert "error:" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)
def test_a_full_disk_leaves_what_was_there(project: Path, words: tuple[str, ...]) -> None:
    """Law: a file that cannot be written whole is unchanged; nothing is left beside it; a sentence names the cause."""
    out = written = project / "out.ndjson"
    if words[0] == "docs":  # writes a file of its own name into a folder
        out.mkdir()
        written = out / "data-dictionary.md"
    written.write_text("as it was")
    before = sorted(project.rglob("*"))
    one_sentence(fqtool(project, *(word.format(out=out) for word in words), largest=100))
    assert (written.read_text(), sorted(project.rglob("*"))) == ("as it was", before)


@pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)
def test_a_place_that_takes_no_file(project: Path, words: tuple[str, ...]) -> None:
    """Law: a folder, and a folder that is a file, are wrong input: one sentence with the path, and a fix."""
    (project / "there.ndjson" / "data-dictionary.md").mkdir(parents=True)
    for out in ("rows.ndjson/deeper/out.ndjson", "there.ndjson"):
        done = in_process(project, *(word.format(out=out) for word in words))
        assert done.code == 2, done.said
        assert "rows.ndjson is not a folder" in done.err if "deeper" in out else "it is a folder" in done.err, done.said
        assert "fix: Name a" in done.err


@pytest.mark.parametrize("words", [("generate-schema", "--check"), ("export", "dbt", "--check", "--out")], ids=" ".join)
@pytest.mark.parametrize("place", ["rows.ndjson", "store.duckdb", "migrations", "feature_registry.yaml"])
def test_a_check_of_another_file_proposes_no_command_that_replaces_it(
    project: Path, words: tuple[str, ...], place: str
) -> None:
    """It is wrong input, with the cause; only an absent and an empty file are to be written."""
    with closing(duckdb.connect(str(project / "store.duckdb"))):
        pass
    done = in_process(project, *words, place)
    assert done.code == 2, done.said
    assert place in done.err
    assert "fix: Name" in done.err
    assert "fqtool generate-schema --out" not in done.said
    assert "fqtool export dbt --out" not in done.said
    (project / "empty").touch()
    for name in ("absent", "empty"):
        done = in_process(project, *words, name)
        assert (done.code, f"--out {name}" in done.out) == (1, True), done.said


@pytest.mark.parametrize("place", ["feature_registry.yaml", "migrations/0000_base.sql", "store.duckdb"])
@pytest.mark.parametrize(
    "words",
    [
        *(WRITERS[name] for name in ("schema", "sql", "export")),
        ("report", "--target", "duckdb:///store.duckdb", "--out", "{out}"),
        ("--trace", "{out}", "check-drift"),
        ("score", "--input", "rows.ndjson", "--rejects", "{out}"),
    ],
    ids=" ".join,
)
def test_an_output_never_replaces_what_fqtool_reads(project: Path, words: tuple[str, ...], place: str) -> None:
    """A registry, a migration or a database is refused by what it is, and stays as it was."""
    with closing(duckdb.connect(str(project / "store.duckdb"))):
        pass
    before = (project / place).read_bytes()
    done = in_process(project, *(word.format(out=place) for word in words))
    assert done.code == 2, done.said
    assert f"{place} is a" in done.said
    assert (project / place).read_bytes() == before


def test_the_demo_replaces_only_what_a_demo_made(project: Path) -> None:
    """A database of another kind is refused before anything is deleted."""
    with closing(duckdb.connect(str(project / "mine.duckdb"))) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
    before = (project / "mine.duckdb").read_bytes()
    done = in_process(project, "demo", "--file", "mine.duckdb")
    assert (done.code, "mine.duckdb exists already" in done.said) == (2, True)
    assert (project / "mine.duckdb").read_bytes() == before


def test_a_pipe_is_written_to(project: Path) -> None:
    """It is not opened to look what it holds, which would wait for a writer."""
    os.mkfifo(project / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=project, stdout=subprocess.PIPE) as reader:
        done = fqtool(project, "generate-schema", "--out", "pipe")
        assert done.returncode == 0, done
        assert reader.communicate()[0].startswith(b"[")


def test_a_plan_that_met_a_full_disk_is_made_again(project: Path) -> None:
    """Law: when the disk has room again the same command completes, and gives what an unbroken one gives."""
    whole = project.with_name("whole")
    for one in (project, whole):
        shutil.copytree(ROOT / "migrations", one / "migrations", dirs_exist_ok=True)
        shutil.copy(ROOT / "feature_registry.yaml", one)
        added = fqtool(one, *ADDED)
        assert added.returncode == 0, added
    plan = ("migrate", "plan", "--offline", "--name", "late_load")
    one_sentence(fqtool(project, *plan, largest=10))
    assert (project / "migrations" / "checksums.txt").read_text() == (ROOT / "migrations" / "checksums.txt").read_text()
    for one in (project, whole):
        done = fqtool(one, *plan)
        assert done.returncode == 0, done
    made = [{entry.name: entry.read_text() for entry in (one / "migrations").iterdir()} for one in (project, whole)]
    assert made[0] == made[1]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """A process killed while it writes leaves a hidden file, which the next writer removes; a live one's stays."""
    path = tmp_path / "out.txt"
    child = os.fork()
    if child == 0:
        with put_in_place(path, ".csv"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (tmp_path / ".out.txt.deadbeef").touch()
    assert len(list(tmp_path.iterdir())) == 2
    with put_in_place(path) as temporary:
        temporary.write_text("slow")
        assert list(tmp_path.iterdir()) == [temporary]
        write_text(path, "quick")
        assert path.read_text() == "quick"
    assert (list(tmp_path.iterdir()), path.read_text()) == ([path], "slow")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Law: what is written through a link reaches the file behind it, also one that is not there yet."""
    behind, link = tmp_path / "behind.txt", tmp_path / "link.txt"
    link.symlink_to(behind)
    for text in ("one", "two"):
        write_text(link, text)
        assert (link.is_symlink(), behind.read_text()) == (True, text)


def test_a_path_other_than_a_file_stays_as_it_is(tmp_path: Path) -> None:
    """Law: a pipe or a device, also behind a link, is written to and not replaced; a folder is refused."""
    pipe, link, folder = tmp_path / "pipe", tmp_path / "link", tmp_path / "folder"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    folder.mkdir()
    for path in (pipe, link):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        write_text(path, "text")
        assert (os.read(reader, 9), pipe.is_fifo(), link.is_symlink()) == (b"text", True, True)
        os.close(reader)
    with pytest.raises(WorldError, match="No space left on device"):
        write_text(Path("/dev/full"), "text")
    with pytest.raises(UsageError, match="it is a folder"):
        write_text(folder, "text")
    assert sorted(tmp_path.iterdir()) == [folder, link, pipe]


def test_the_permissions_of_a_file_are_kept(tmp_path: Path) -> None:
    """Law: a new file has the rights that the umask leaves, an old one keeps its own."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()
    old.chmod(0o664)
    before = os.umask(0o077)
    try:
        for path in (old, new):
            write_text(path, "text")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, new)] == [0o664, 0o600]


def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    """Law: a pipe in a folder is refused and not waited for; what gives more than a file may hold ends in words."""
    os.mkfifo(tmp_path / "0000_wait.sql")
    with pytest.raises(InputError, match="is not a regular file"):
        read_folder(tmp_path, "*.sql")
    with pytest.raises(InputError, match="larger than 64 MiB"):
        read_text(Path("/dev/zero"))


def test_a_checkout_with_other_line_ends_is_not_an_edit(tmp_path: Path) -> None:
    """Law: what a folder's files mean does not depend on whether git wrote their lines with CRLF."""
    (tmp_path / "a.sql").write_bytes(b"SELECT\r\n1;\r\n")
    assert read_folder(tmp_path, "*.sql") == {"a.sql": "SELECT\n1;\n"}


def _write_often(path: Path, letter: str) -> None:
    for _ in range(_TIMES):
        write_text(path, letter * 100_000)


def test_two_writers_never_mix(tmp_path: Path) -> None:
    """Law: who reads while two processes write sees the whole text of one of them, each time."""
    path = tmp_path / "schema.json"
    write_text(path, "a" * 100_000)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_often, args=(path, letter)) for letter in "ab"]
    for one in writers:
        one.start()
    seen = set()
    while any(one.is_alive() for one in writers):
        seen.add(path.read_text())
    assert [one.exitcode for one in writers] == [0, 0]
    assert seen <= {"a" * 100_000, "b" * 100_000}
    assert list(tmp_path.iterdir()) == [path]
