"""Laws of the command fqtool backfill: its words, its codes, its progress, its interruption."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from fqtool.migrations.plan import make_statement
from fqtool.schema.build import desired_table
from fqtool.sql import Query
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import ROOT
from tests.machine import patient
from tests.test_diagnosis import DAY, registry

START = DAY - timedelta(days=9)
WORDS = ("--start", str(START), "--end", str(DAY))


@pytest.fixture(scope="module")
def unscored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten dates of the repository's store, a few rows each, not scored."""
    path = tmp_path_factory.mktemp("backfill") / "unscored.duckdb"
    with DuckDBWarehouse(str(path)) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry())),)))
        load(warehouse, registry().table.name, Season(registry(), START, 10, rows_per_day=4).rows())
    return path


@pytest.fixture
def target(unscored: Path, tmp_path: Path) -> str:
    """A copy of it."""
    shutil.copy(unscored, tmp_path / "store.duckdb")
    return f"duckdb:///{tmp_path}/store.duckdb"


def command(*words: str) -> list[str]:
    """The command on the repository's registry."""
    return [sys.executable, "-m", "fqtool", "backfill", "-r", str(ROOT / "feature_registry.yaml"), *WORDS, *words]


def run(*words: str) -> tuple[int, str, str]:
    """Run it: exit code, stdout, stderr."""
    done = subprocess.run(
        command(*words), cwd="/", env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False, timeout=patient(120),
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_plan_fill_look_again(target: str) -> None:
    """The plan with its bill, a line a partition in a pipe, months on stdout; the next run reports nothing left."""
    code, said, _ = run("--target", target, "--dry-run")
    assert code == 0
    dates = int(re.search(r"to do +(\d+)", said)[1])  # type: ignore[index]
    assert re.search(r"processed: about [\d.]+ KiB, billed as [\d.]+ MiB \(at least 10.0 MiB per statement\)", said)
    assert dates > 1
    assert "1 MERGE statement. BigQuery has no daily limit" in said
    code, said, told = run("--target", target)
    assert code == 0
    assert len(re.findall(r"^\d{4}-\d\d-\d\d: 4 rows$", told, re.MULTILINE)) == dates
    assert f"Scored {dates} partitions, {4 * dates} rows: " in said
    _, said, _ = run("--target", target, "--status", "--format", "json")
    plan = json.loads(said)
    schema = json.loads((ROOT / "fqtool/commands/backfill/plan.schema.json").read_text())
    jsonschema.validate(plan, schema, format_checker=jsonschema.FormatChecker())
    assert {one["event"] for one in plan["journal"]} == {"done"}
    assert (plan["tasks"][0]["task"], len(plan["tasks"][0]["dates"]), plan["billed_bytes"]) == ("done", dates, 0)
    code, said, _ = run("--target", target, "--status")
    assert "Up to date: no date needs scoring." in said
    assert len(re.findall(r"^\d{4}-\d\d-\d\d +done +1 +4 +4 ", said, re.MULTILINE)) == dates
    assert run("--target", target, "--verify")[0] == 0
    with DuckDBWarehouse(target.removeprefix("duckdb:///")) as warehouse:
        warehouse.run(Query(f"DELETE FROM {registry().table.name} WHERE game_date = DATE '{DAY}'"))
    code, said, _ = run("--target", target, "--verify", "--format", "github")
    assert code == 1
    assert f"{DAY} had 4 rows when it was scored and has 0 rows now." in said
    assert run("--target", target, "--retry-failed")[0] == 0


def test_the_next_command_after_a_dry_run_has_its_options(target: str) -> None:
    """Each option that changes the backfill is repeated; one at its default is left out."""
    options = [
        "--phased", "--only-stale", "--no-resume", "--retry-failed", "--take-lease", "--batch-days", "7",
        "--max-bytes", "9000000000", "--max-cost", "2.5", "--as-of", "2026-02-06T18:00:00+00:00",
    ]  # fmt: skip
    for given in ([], ["--no-resume"], options):
        code, _, told = run("--target", target, "--dry-run", *given)
        assert code == 0, told
        (following,) = re.findall(r"^Next: fqtool backfill --start \S+ --end \S+(.*) --registry ", told, re.MULTILINE)
        assert following.split() == given


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--max-bytes", "1000"), 1, "--max-bytes allows 1,000 bytes"),
        (("--max-cost", "0.0000001"), 1, "--max-cost allows"),
        (("--start", "2026-03-01"), 2, "must not be earlier"),
        (("--end", "tomorrow"), 2, "'tomorrow' is not a date"),
        (("--as-of", "noon"), 2, "'noon' is not a time"),
        (("--batch-days", "0"), 2, "batch-days"),
        (("--dry-run", "--format", "sarif"), 2, "print text or json"),
        (("--dry-run", "--verify"), 2, "Remove one of them"),
    ],
)
def test_a_refusal_is_reported(target: str, words: tuple[str, ...], code: int, sentence: str) -> None:
    """With one sentence and the right code, and nothing is written."""
    got, _, told = run("--target", target, *words)
    assert got == code
    assert sentence in " ".join(told.split())
    assert "Traceback" not in told


def test_ctrl_c_ends_at_a_partition(target: str) -> None:
    """Once: what is under way ends, the code is 130, and the same command does the rest and no more."""
    going = subprocess.Popen(
        command("--target", target, "--batch-days", "1"), cwd="/", env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert going.stderr is not None
    first = next(line for line in going.stderr if ": 4 rows" in line)
    going.send_signal(signal.SIGINT)
    _, rest = going.communicate(timeout=patient(60))
    assert going.returncode == 130, rest
    assert "Run the same command again." in rest
    done = [first[:10], *re.findall(r"^(\d{4}-\d\d-\d\d): 4 rows$", rest, re.MULTILINE)]
    code, _, told = run("--target", target)
    assert code == 0
    assert not set(done) & set(re.findall(r"^(\d{4}-\d\d-\d\d): 4 rows$", told, re.MULTILINE))


def test_a_terminal_sees_a_bar(target: str) -> None:
    """On a terminal the partitions are counted by a bar with rate and time left; none has a line of its own."""
    leader, follower = pty.openpty()
    going = subprocess.Popen(
        command("--target", target), cwd="/", env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdout=subprocess.DEVNULL, stderr=follower, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(follower)
    seen, deadline = b"", time.monotonic() + patient(60)
    while time.monotonic() < deadline:
        ready, _, _ = select.select([leader], [], [], 0.5)
        try:
            some = os.read(leader, 65536) if ready else b""
        except OSError:
            break
        seen += some
        if not some and going.poll() is not None:
            break
    assert going.wait(patient(60)) == 0
    os.close(leader)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert re.search(r"(\d+)/\1 [\d,]+ rows/s", text), text[-500:]
    assert ": 4 rows" not in text
