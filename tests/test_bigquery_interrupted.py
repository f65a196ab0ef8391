"""Ctrl-C while BigQuery runs a job: the job is named, left running or cancelled, and found by the next run."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.bed.running import PROJECT, Emulator
from tests.machine import patient
from tests.test_permissions import Store

SCORE = "score --start 2026-01-01"
MERGE = "MERGE `feature_store`"
# A test runner in the background may have handed down an ignored Ctrl-C.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from fqtool.app.app import main
main()
"""
CANCEL = re.compile(rf"To cancel it: bq --location=US --project_id={PROJECT} cancel (\S+)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the registry and its migrations are."""
    return tmp_path_factory.mktemp("interrupted")


@pytest.fixture
def store(emulator: Emulator, folder: Path) -> Store:
    """A migrated store whose rows are not scored."""
    return Store(emulator, folder, migrated=True)


class Process:
    """fqtool in a process of its own, whose stdin and stderr are a terminal if `terminal` is true."""

    def __init__(self, store: Store, words: str, *, terminal: bool) -> None:
        self._keyboard, screen = pty.openpty() if terminal else os.pipe()
        command = [sys.executable, "-c", PROGRAM, *words.split(), "--target", store.url]
        self._process = subprocess.Popen(
            command, cwd=store.folder, stdin=screen if terminal else subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=screen, env=os.environ | {"BIGQUERY_EMULATOR_HOST": store.server},
        )  # fmt: skip
        os.close(screen)
        self.said = ""

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def wait_for(self, words: str) -> None:
        """Wait until it has printed the text."""
        while words not in self.said:
            assert self._read(), self.said

    def answer(self, question: str, words: str) -> None:
        """Wait for a question at the terminal and type an answer."""
        self.wait_for(question)
        os.write(self._keyboard, f"{words}\n".encode())

    def ended(self) -> int:
        """The exit code; its whole stderr is kept."""
        while self._read():
            pass
        os.close(self._keyboard)
        return self._process.wait(patient(60))

    def _read(self) -> bytes:
        try:
            part = os.read(self._keyboard, 4096)
        except OSError:  # a terminal whose last process has ended
            part = b""
        self.said += part.decode()
        return part


def state(emulator: Emulator, job: str) -> str:
    """State of a job."""
    url = f"{emulator.url}/bigquery/v2/projects/{PROJECT}/jobs/{job}"
    return str(requests.get(url, timeout=patient(20)).json()["status"]["state"])


def merges(emulator: Emulator, dataset: str) -> list[str]:
    """The ids of all MERGE statements that were sent for the table of a dataset."""
    url = f"{emulator.url}/bigquery/v2/projects/{PROJECT}/jobs"
    jobs = requests.get(url, params={"maxResults": "10000", "projection": "full"}, timeout=patient(20)).json()["jobs"]
    queries = {job["jobReference"]["jobId"]: job["configuration"].get("query", {}) for job in jobs}
    return [
        job
        for job, query in queries.items()
        if query.get("defaultDataset", {}).get("datasetId") == dataset and query.get("query", "").startswith(MERGE)
    ]


def scored(store: Store) -> list[tuple[object, ...]]:
    """How many rows of the first date are scored."""
    return store.sql("SELECT COUNT(feature_quality_score) FROM feature_store WHERE day = '2026-01-01'")


def test_a_job_is_left_running_and_the_next_run_waits_for_it(emulator: Emulator, store: Store) -> None:
    """Without a terminal no question is asked, and no second MERGE is sent."""
    with emulator.holding(MERGE):
        first = Process(store, SCORE, terminal=False)
        (job,) = emulator.held(1)
        first.interrupt()
        assert first.ended() == 130, first.said
        assert f"The job {job} may still be running in BigQuery." in first.said
        assert CANCEL.findall(first.said) == [job]
        assert state(emulator, job) == "RUNNING"
        second = Process(store, SCORE, terminal=False)
        second.wait_for(f"The job {job} of an earlier run has not ended; waiting for it.")
    assert second.ended() == 0, second.said
    assert merges(emulator, store.dataset) == [job]
    assert scored(store) == [(1,)]


def test_a_job_is_cancelled_at_the_terminal(emulator: Emulator, store: Store) -> None:
    """After a yes the job ends, and the next run sends the statement again."""
    with emulator.holding(MERGE):
        first = Process(store, SCORE, terminal=True)
        (job,) = emulator.held(1)
        first.interrupt()
        first.answer("Cancel it? [y/N] ", "y")
        assert first.ended() == 130, first.said
        assert f"{job}: The job was cancelled" in first.said
        assert state(emulator, job) == "DONE"
    assert scored(store) == [(0,)]
    again = Process(store, SCORE, terminal=False)
    assert again.ended() == 0, again.said
    assert len(merges(emulator, store.dataset)) == 2
    assert scored(store) == [(1,)]


@pytest.mark.parametrize("words", ["", "n", "what?"])
def test_without_a_yes_the_job_goes_on(words: str, emulator: Emulator, store: Store) -> None:
    """At the terminal everything but a yes prints the command that cancels."""
    with emulator.holding(MERGE):
        first = Process(store, SCORE, terminal=True)
        (job,) = emulator.held(1)
        first.interrupt()
        first.answer("Cancel it? [y/N] ", words)
        assert first.ended() == 130, first.said
        assert CANCEL.findall(first.said) == [job]
        assert state(emulator, job) == "RUNNING"


def test_rows_that_came_after_the_job_began_are_scored(emulator: Emulator, store: Store) -> None:
    """A job that does not see them is not taken for this run's own: the statement is sent again once it has ended."""
    with emulator.holding(MERGE):
        first = Process(store, SCORE, terminal=False)
        (job,) = emulator.held(1)
        first.interrupt()
        assert first.ended() == 130, first.said
        store.sql(
            "INSERT INTO feature_store (item, day, features, labels) "
            """VALUES ('late', '2026-01-01', [1.0, 2.0], '{"0": "computed", "1": "computed"}')"""
        )
        second = Process(store, SCORE, terminal=False)
        second.wait_for("other statements change the same table")
    assert second.ended() == 0, second.said
    assert job in merges(emulator, store.dataset)
    assert scored(store) == [(2,)]


def test_a_migration_that_was_interrupted_waits_for_its_job(emulator: Emulator, folder: Path) -> None:
    """Its job id follows from the statement, so the next run finds it without a list of jobs."""
    store = Store(emulator, folder, migrated=False)
    with emulator.holding("ALTER TABLE `feature_store`"):
        first = Process(store, "migrate", terminal=False)
        (job,) = emulator.held(1)
        first.interrupt()
        assert first.ended() == 130, first.said
        assert CANCEL.findall(first.said) == [job]
    second = Process(store, "migrate", terminal=False)
    assert second.ended() == 0, second.said
    assert re.search(r"0001\S* +applied +1 of 1", store.granted("migrate status"))


def test_a_migration_whose_job_was_cancelled_runs_again(emulator: Emulator, folder: Path) -> None:
    """The id of the cancelled job is passed over."""
    store = Store(emulator, folder, migrated=False)
    with emulator.holding("ALTER TABLE `feature_store`"):
        first = Process(store, "migrate", terminal=True)
        emulator.held(1)
        first.interrupt()
        first.answer("Cancel it? [y/N] ", "yes")
        assert first.ended() == 130, first.said
    second = Process(store, "migrate", terminal=False)
    assert second.ended() == 0, second.said
    assert re.search(r"0001\S* +applied +1 of 1", store.granted("migrate status"))


def test_the_job_of_a_backfill_is_named(emulator: Emulator, store: Store) -> None:
    """The second Ctrl-C ends a backfill immediately; its job continues, and the next run waits for it."""
    with emulator.holding(MERGE):
        first = Process(store, "backfill --start 2026-01-01 --end 2026-01-02", terminal=False)
        jobs = emulator.held(1)
        first.interrupt()
        first.wait_for("press Ctrl-C again to stop immediately")
        first.interrupt()
        assert first.ended() == 130, first.said
        assert sorted(CANCEL.findall(first.said)) == sorted(jobs), first.said
        assert {state(emulator, job) for job in jobs} == {"RUNNING"}
    second = Process(store, "backfill --start 2026-01-01 --end 2026-01-02", terminal=False)
    assert second.ended() == 0, second.said
    assert sorted(merges(emulator, store.dataset)) == sorted(jobs)


def test_the_longest_wait_is_an_option(emulator: Emulator, store: Store) -> None:
    """After that time the command ends with 3, and prints how to look at the job and how to wait longer."""
    longest = round(patient(1))  # the jobs before it must end in time
    with emulator.holding(MERGE):
        code, said = store.run(f"--job-timeout {longest} {SCORE}", None)
        (job,) = emulator.held(1)
        assert code == 3, said
        assert f"The job {job} did not end within {longest} s and is still running." in " ".join(said.split())
        assert "To wait longer, write `--job-timeout SECONDS` before the command" in " ".join(said.split())
