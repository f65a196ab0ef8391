"""A full disk: each command that writes names it and what to do, and does its work once there is space again."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.bed.running import ROOT
from tests.machine import patient

FIX = "fix: Free space on the disk, then run the same command again."
DATES = "--start 2026-02-01 --end 2026-02-05"
ROWS = """
INSERT INTO feature_store (item, day, features, labels, prices_updated_at, written_at)
SELECT 'i' || n, DATE '2026-02-01' + d::INTEGER, [1.0 + n, 2.0 + d], '{"0": "computed", "1": "computed"}', NOW(), NOW()
FROM RANGE(200) a(n), RANGE(5) b(d)
"""
COMMANDS = {
    "init": "init --force",
    "migrate plan": "migrate plan",
    "migrate": "migrate",
    "score": f"score {DATES}",
    "backfill": f"backfill {DATES}",
    "report": f"report {DATES}",
    "score of a file": "score --input {outside}/rows.ndjson --output scored.ndjson",
    "generate-schema": "generate-schema --out schema.json",
    "generate-sql": "generate-sql scoring --out scoring.sql",
    "export": "export dbt --out models.yml",
    "docs": "docs --out pages",
}
"""In this order, in one folder."""
# The disk is filled before each command and is free again before the same command runs a second time.
SCRIPT = """
mount -t tmpfs -o size=12m tmpfs "$1" || exit 77
cd "$1"
{python} -m fqtool init 2>/dev/null
number=0
while read -r words; do
  cat /dev/zero > filler 2>/dev/null
  eval "{python} -m fqtool $words" > "$2/$number.out" 2>&1; echo $? > "$2/$number.full"
  rm filler
  eval "{python} -m fqtool $words" > "$2/$number.again" 2>&1; echo $? > "$2/$number.free"
  if [ "$words" = migrate ]; then
    {python} -c 'import duckdb, sys; duckdb.connect(".fqtool/local.duckdb").execute(sys.argv[1])' "$3"
  fi
  number=$((number + 1))
done
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, int, str]]:
    """Name -> exit code and output on a full disk, then those of the same command with space."""
    disk, outside = tmp_path_factory.mktemp("disk"), tmp_path_factory.mktemp("outside")
    row = {"item": "a", "day": "2026-02-01", "features": [1.0, 2.0], "labels": "{}"}
    (outside / "rows.ndjson").write_text(f"{json.dumps(row)}\n" * 1000)
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", SCRIPT.format(python=sys.executable), "-", disk, outside, ROWS],
        input="\n".join(COMMANDS.values()).format(outside=outside) + "\n",
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=patient(300), check=False,
    )  # fmt: skip
    if done.returncode == 77 or "Operation not permitted" in done.stderr:
        pytest.skip("this machine lets no user mount a file system of its own")

    def end(number: int, output: str, code: str) -> tuple[int, str]:
        return int((outside / f"{number}.{code}").read_text()), (outside / f"{number}.{output}").read_text()

    return {name: (*end(at, "out", "full"), *end(at, "again", "free")) for at, name in enumerate(COMMANDS)}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_named_and_the_same_command_goes_on(
    name: str, ended: dict[str, tuple[int, str, int, str]]
) -> None:
    """Exit 3 with the cause and what to do; with free space the same command does all of its work."""
    full, first, free, again = ended[name]
    assert full == 3, first
    assert "No space left on device" in first or "is full" in first
    assert FIX in first
    assert "Traceback" not in first
    assert free == 0, first + again


@pytest.mark.parametrize("words", ["rules", "validate", "generate-schema", "cost --offline"])
def test_a_full_disk_behind_stdout_is_named(words: str) -> None:
    """Where output is redirected to a file, as in cron."""
    done = subprocess.run(
        f"exec {sys.executable} -m fqtool {words} > /dev/full",
        shell=True, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": ""},
        stderr=subprocess.PIPE, text=True, timeout=patient(100), check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert FIX in done.stderr
