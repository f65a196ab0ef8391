"""Laws of a backfill that dies: kill -9 at any moment, faults between submit and answer, then one more run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.backfill.journal import ROWS, Event, entries_of
from fqtool.commands.backfill.partition_runner import Observer, PartitionRunner
from fqtool.commands.backfill.run import verify
from fqtool.errors import Throttled, Unreachable
from fqtool.sql import Query, WholeTable
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.backfill_stores import rows_of
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.fault_proxy import Answer, FaultyServer, Lost, NoAnswer, Request, Reset, error, inserts, through
from tests.machine import patient, slowness
from tests.unscored_store import DAYS, END, START, filled, past_registry, store

RUNS, SEED, LIMIT = 50, 5, 400.0


def outcome(warehouse: Warehouse) -> tuple[list[dict[str, Any]], set[Any], list[str]]:
    """All rows without their time of scoring, the times of scoring, the days that the journal has as done."""
    rows = rows_of(warehouse)
    times = {row.pop("computed_at") for row in rows if row["labels"]} | {
        row.pop("computed_at", None) for row in rows if not row["labels"]
    }
    done = [one.day for one in entries_of(warehouse.rows(ROWS)) if one.event == Event.DONE]
    return rows, times - {None}, done


def jobs(warehouse: Warehouse) -> int:
    """How many statements of the backfill the file has done."""
    found = warehouse.rows(WholeTable("_fqtool_jobs", ("job",)))
    return sum(str(row["job"]).startswith("fqtool_backfill_") for row in found)


def test_kill_9_at_any_moment_and_go_on(tmp_path: Path) -> None:
    """50 runs over 30 partitions, killed once or twice: the result is an unbroken run's, and each is scored once."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unscored_store", "die", str(tmp_path), str(SEED), str(RUNS)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=patient(LIMIT), check=True,
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == RUNS
    assert sum(any(one["killed"]) for one in told) > RUNS // 2
    with DuckDBWarehouse(str(tmp_path / "whole.duckdb")) as warehouse:
        rows, times, days = outcome(warehouse)
        assert (len(times), len(days), jobs(warehouse)) == (1, DAYS, DAYS // 5)
    for one in told:
        assert one["code"] == 0, done.stderr
        with DuckDBWarehouse(one["file"]) as warehouse:
            got, when, finished = outcome(warehouse)
            assert got == rows, one
            assert len(when) == 1, one
            assert sorted(finished) == sorted(set(days)), one
            assert jobs(warehouse) == DAYS // 5, one
            assert verify(past_registry(), warehouse, START, END).findings == ()


def of_partitions(request: Request) -> bool:
    """Whether a request submits the statement of a partition."""
    return inserts(request) and "MERGE `store`" in request.json["configuration"]["query"]["query"]


FAULTS = {
    "503 after the job ran": Lost(error(503, "backendError", "lost")),
    "reset after the job ran": Lost(Reset()),
    "no answer after the job ran": Lost(NoAnswer()),
    "409 on the job id": Lost(error(409, "duplicate", "Already Exists: Job p:US.j")),
    "429 before it ran": error(429, "rateLimitExceeded", "Slow down."),
    "reset before it ran": Reset(),
    "403 rate limit": error(403, "rateLimitExceeded", "Exceeded rate limits."),
    "400 from the job": error(400, "jobRateLimitExceeded", "Job exceeded rate limits."),
}


def unhurried(runner: PartitionRunner) -> None:
    """Do not wait between attempts."""
    runner.sleep = lambda _: None


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_between_submit_and_answer(
    fault: Answer | Reset | NoAnswer | Lost, emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is lost, after at most one more run all is scored, each partition by one statement."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    url = f"bigquery://{PROJECT}/{dataset}"
    with open_target(url, timeout=patient(20.0)) as direct:
        store(direct, 4, 3)
        # Two concurrent statements have their own connections to the emulator; so only the first of each pair is hit.
        with FaultyServer([fault], upstream=emulator.url, where=of_partitions) as server:
            warehouse = through(server, PROJECT, dataset, timeout=3.0 * slowness())
            try:
                filled(warehouse, Observer(configure=unhurried))
            except (Unreachable, Throttled):
                filled(direct)
        assert verify(past_registry(), direct, START, END).findings == ()
        done = [one for one in entries_of(direct.rows(ROWS)) if one.event == Event.DONE]
        assert len(done) == len({one.day for one in done}) == 4
        assert all(row["score"] is not None for row in rows_of(direct) if row["labels"])


def test_kill_9_on_bigquery(emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed while its statements run on the server: the next takes the dead one's lease and goes on."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    url = f"bigquery://{PROJECT}/{dataset}"
    with open_target(url, timeout=patient(20.0)) as warehouse:
        store(warehouse, 8, 3)
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.unscored_store", "fill", url],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        while not (warehouse.describe("_fqtool_backfill") and warehouse.rows(ROWS)):
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait(patient(20))
        filled(warehouse)
        assert verify(past_registry(), warehouse, START, END).findings == ()
        events = entries_of(warehouse.rows(ROWS))
        done = [one for one in events if one.event == Event.DONE]
        assert len(done) == len({one.day for one in done}) == 8
        assert len({one.as_of for one in done}) == 1


def test_the_kill_test_can_fail(tmp_path: Path) -> None:
    """A score changed by hand, or a partition scored twice, is another outcome."""
    path = tmp_path / "one.duckdb"
    with DuckDBWarehouse(str(path)) as warehouse:
        store(warehouse, 3, 3)
        filled(warehouse)
        before = outcome(warehouse)
        filled(warehouse, resume=False)
        assert len(outcome(warehouse)[2]) == 2 * len(before[2])
        assert jobs(warehouse) == 2
        warehouse.run(Query(f"UPDATE store SET score = 1 WHERE day = DATE '{END}'"))
        assert outcome(warehouse)[0] != before[0]
