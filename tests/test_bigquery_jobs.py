"""Jobs: one id runs once, whatever is lost on the way, and a wait for a job ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fqtool.errors import NotThere, StatementFailed, Throttled, Unreachable, WorldError
from fqtool.sql import Query
from fqtool.table.statement import Statement
from fqtool.warehouse.bigquery import BigQueryWarehouse
from tests.bed.running import PROJECT, Emulator
from tests.faulty import Answer, FaultyServer, Lost, Reset, Silence, error, inserts, through

INSERT = Query("INSERT INTO `scores` (a) VALUES (@a)", (("a", 1),))
COUNT = Query("SELECT COUNT(*) AS n FROM `scores`")


@pytest.fixture
def scores(emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryWarehouse]:
    """A warehouse on the test's own dataset, with an empty table `scores`."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with BigQueryWarehouse(PROJECT, dataset, url=f"bigquery://{PROJECT}/{dataset}") as opened:
        opened.run(Statement("CREATE TABLE `scores` (`a` INT64)", ()))
        yield opened


def test_one_id_runs_once(scores: BigQueryWarehouse) -> None:
    """A second run under the same id does nothing and tells the first one's outcome, good or bad."""
    job = f"{scores.dataset}-1"
    first = scores.run(INSERT, job=job)
    assert scores.run(INSERT, job=job) == first
    assert scores.rows(COUNT) == [{"n": 1}]


@pytest.mark.parametrize(
    "loss", [error(503, "backendError", "lost"), Answer(502, b"", "text/html"), Reset(), Silence()]
)
@pytest.mark.parametrize("named", [True, False])
def test_a_lost_answer_is_found_again(
    loss: Answer | Reset | Silence, named: bool, emulator: Emulator, scores: BigQueryWarehouse
) -> None:
    """A statement that ran and whose answer was lost is reported as done and is not run again."""
    job = f"{scores.dataset}-1" if named else None
    with FaultyServer([Lost(loss)], upstream=emulator.url, where=inserts) as server:
        outcome = through(server, scores.project, scores.dataset, timeout=4.0).run(INSERT, job=job)
        sent = {request.json["jobReference"]["jobId"] for request in server.requests if inserts(request)}
    assert outcome.rows_changed == 1
    assert sent == {outcome.job}
    assert scores.rows(COUNT) == [{"n": 1}]


def test_an_answer_lost_for_good_names_the_job(emulator: Emulator, scores: BigQueryWarehouse) -> None:
    """When every answer is lost, the error names the job, and a later run under its id finds it done."""
    job = f"{scores.dataset}-2"
    with FaultyServer(rest=Lost(Reset()), upstream=emulator.url, where=inserts) as server:
        with pytest.raises(Unreachable, match=f"not known whether the job {job} was started") as caught:
            through(server, scores.project, scores.dataset, timeout=1.0).run(INSERT, job=job)
        assert f"-j {job}" in caught.value.remedy
    assert scores.run(INSERT, job=job).rows_changed == 1
    assert scores.rows(COUNT) == [{"n": 1}]


def resource(state: str, labels: dict[str, str] | None = None, **status: Any) -> Answer:
    """A query job's resource."""
    return Answer(
        200,
        {
            "jobReference": {"projectId": PROJECT, "jobId": "j", "location": "EU"},
            "configuration": {"jobType": "QUERY", "labels": labels or {}, "query": {"query": "SELECT 1"}},
            "status": {"state": state, **status},
            "statistics": {"query": {"totalBytesProcessed": "7", "numDmlAffectedRows": "3"}},
        },
    )


TAKEN = error(409, "duplicate", "Already Exists: Job p:EU.j")
ABSENT_JOB = error(404, "notFound", "Not found: Job p:EU.j")


def canned(server: FaultyServer, **more: Any) -> BigQueryWarehouse:
    """A warehouse on a server that only says what the test made up."""
    return through(server, "p", "d", timeout=2.0, **more)


def test_a_conflict_waits_for_the_first_job() -> None:
    """After a 409 the first job is found where the refusal says it is, and its end is waited for."""
    with FaultyServer([TAKEN, ABSENT_JOB, resource("RUNNING"), resource("DONE")]) as server:
        outcome = canned(server).run(Query("SELECT 1"), job="j")
        assert [request.method for request in server.requests] == ["POST", "GET", "GET", "GET"]
        assert all("location=EU" in request.path for request in server.requests[1:])
    assert (outcome.job, outcome.bytes_processed, outcome.rows_changed) == ("j", 7, 3)


def test_an_id_of_another_statement_is_refused() -> None:
    """A job id that another statement has taken is no proof that this one was done."""
    other = resource("DONE", labels={"fqtool": "another"})
    with FaultyServer([TAKEN, other]) as server, pytest.raises(StatementFailed, match="j belongs to another"):
        canned(server).run(Query("SELECT 1"), job="j")


@pytest.mark.parametrize(
    ("reason", "kind"), [("invalidQuery", StatementFailed), ("rateLimitExceeded", Throttled), ("notFound", NotThere)]
)
def test_a_failed_job_fails_as_itself(reason: str, kind: type[WorldError]) -> None:
    """A job that failed, now or before this process began, is an error with BigQuery's words, and not retried."""
    failed = resource("DONE", errorResult={"reason": reason, "message": "It\nis so."})
    for script in ([failed], [resource("RUNNING"), failed], [TAKEN, failed]):
        with FaultyServer(script) as server:
            with pytest.raises(kind, match="It is so"):
                canned(server).run(Query("SELECT 1"), job="j")
            assert len(server.requests) == len(script)


def test_a_job_without_end_is_left_running() -> None:
    """After the job's deadline the error says that the job runs on, under which id, and how to look."""
    with FaultyServer(rest=resource("RUNNING")) as server:
        with pytest.raises(Unreachable, match=r"job j did not end within 0\.5 s and is still running") as caught:
            canned(server, job_timeout=0.5).run(Query("SELECT 1"), job="j")
        assert caught.value.remedy.startswith("Look with `bq show --location=EU --project_id=p -j j`")
        assert len(server.requests) < 10


def test_a_server_that_falls_silent_while_a_job_runs() -> None:
    """Silence while waiting for a job ends in time, and the error names the job that may still run."""
    with (
        FaultyServer([resource("RUNNING")], rest=Silence()) as server,
        pytest.raises(Unreachable, match="while the job j may still be running"),
    ):
        canned(server).run(Query("SELECT 1"), job="j")
