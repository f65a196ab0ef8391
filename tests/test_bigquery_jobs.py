"""Jobs: one id runs once, whatever request or answer is lost, and a wait for a job ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fqtool.errors import (
    ConcurrentUpdate,
    Denied,
    NotThere,
    QuotaSpent,
    StatementFailed,
    Throttled,
    Unreachable,
    WorldError,
)
from fqtool.sql import Query
from fqtool.table.ddl import Statement
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from tests.bed.running import PROJECT, Emulator
from tests.fault_proxy import Answer, FaultyServer, Lost, Mangled, NoAnswer, Request, Reset, error, inserts, through

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
    """A second run under the same id does nothing and reports the first one's outcome, good or bad."""
    job = f"{scores.dataset}-1"
    first = scores.run(INSERT, job=job)
    assert scores.run(INSERT, job=job) == first
    assert scores.rows(COUNT) == [{"n": 1}]


@pytest.mark.parametrize(("limit", "sent"), [(None, None), (10**9, "1000000000")])
def test_a_byte_limit_is_sent_as_digits_or_not_at_all(
    limit: int | None, sent: str | None, emulator: Emulator, scores: BigQueryWarehouse
) -> None:
    """BigQuery answers 400 to `"maximumBytesBilled": "None"`, which the client makes of None."""
    with FaultyServer(upstream=emulator.url) as server:
        through(server, scores.project, scores.dataset).run(COUNT, max_bytes=limit)
        (job,) = [request.json for request in server.requests if inserts(request)]
    assert job["configuration"]["query"].get("maximumBytesBilled") == sent


@pytest.mark.parametrize(
    "loss", [error(503, "backendError", "lost"), Answer(502, b"", "text/html"), Reset(), NoAnswer()]
)
@pytest.mark.parametrize("named", [True, False])
def test_a_lost_answer_is_found_again(
    loss: Answer | Reset | NoAnswer, named: bool, emulator: Emulator, scores: BigQueryWarehouse
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
        assert f"-j {job}" in str(caught.value.remedy)
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
    """A warehouse on a server that answers only what the test made up."""
    return through(server, "p", "d", timeout=2.0, **more)


def test_a_conflict_waits_for_the_first_job() -> None:
    """After a 409 the first job is found where the refusal places it, and its end is waited for."""
    with FaultyServer([TAKEN, ABSENT_JOB, resource("RUNNING"), resource("DONE")]) as server:
        outcome = canned(server).run(Query("SELECT 1"), job="j")
        assert [request.method for request in server.requests] == ["POST", "GET", "GET", "GET"]
        assert all("location=EU" in request.path for request in server.requests[1:])
    assert (outcome.job, outcome.bytes_processed, outcome.rows_changed) == ("j", 7, 3)


def test_an_id_of_another_statement_is_refused() -> None:
    """A job id that another statement has taken does not prove that this one was done."""
    other = resource("DONE", labels={"fqtool": "another"})
    with FaultyServer([TAKEN, other]) as server, pytest.raises(StatementFailed, match="j belongs to another"):
        canned(server).run(Query("SELECT 1"), job="j")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("invalidQuery", StatementFailed),
        ("quotaExceeded", QuotaSpent),
        ("notFound", NotThere),
        ("billingNotEnabled", Denied),
        ("resourcesExceeded", StatementFailed),
    ],
)
def test_a_failed_job_fails_as_itself(reason: str, kind: type[WorldError]) -> None:
    """A job that failed, now or before this process began, is an error with BigQuery's words, and not retried."""
    failed = resource("DONE", errorResult={"reason": reason, "message": "It\nis so."})
    for script in ([failed], [resource("RUNNING"), failed], [TAKEN, failed]):
        with FaultyServer(script) as server:
            with pytest.raises(kind, match="It is so"):
                canned(server).run(Query("SELECT 1"), job="j")
            assert len(server.requests) == len(script)


CONCURRENT = [
    "Could not serialize access to table p:d.t due to concurrent update",
    "Transaction is aborted due to concurrent update against table p:d.t. Transaction ID: 1",
    "Resources exceeded: Too many DML statements outstanding against table p:d.t, limit is 20.",
]


@pytest.mark.parametrize("words", CONCURRENT)
@pytest.mark.parametrize("in_job", [True, False])
def test_other_writers_are_waited_for(words: str, in_job: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement is sent again under an id of its own, after a pause that is reported, until it runs."""
    monkeypatch.setattr("fqtool.warehouse.bigquery.session._PAUSE_FIRST", 0.1)
    refused = resource("DONE", errorResult={"reason": "invalidQuery", "message": words})
    refused = refused if in_job else error(400, "invalidQuery", words)
    with FaultyServer([refused] * 4 + [resource("DONE")]) as server:
        warehouse, waits = canned(server), list[str]()
        warehouse.waiting.report = waits.append
        outcome = warehouse.run(Query("SELECT 1"), job="j")
        ids = [request.json["jobReference"]["jobId"] for request in server.requests]
    assert ids == ["j", "j-again1", "j-again2", "j-again3", "j-again4"]
    assert outcome.rows_changed == 3
    assert len(waits) == 4
    assert all(words.rstrip(".") in one and "other statements change the same table" in one for one in waits)


def test_a_rate_limit_within_a_job_is_waited_for(
    emulator: Emulator, scores: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schema change that BigQuery accepted as a job and did not run for its rate is sent again under another id."""
    monkeypatch.setattr("fqtool.warehouse.bigquery.session._RATE_PAUSE", 0.0)
    waits = list[str]()

    def wait(line: str) -> None:
        waits.append(line)
        emulator.advance_quotas(10)

    with emulator.stopped_clock(), FaultyServer(upstream=emulator.url) as server:
        warehouse = through(server, PROJECT, scores.dataset)
        warehouse.waiting.report = wait
        for number in range(7):
            warehouse.run(Statement(f"ALTER TABLE `scores` ADD COLUMN `b{number}` INT64", ()), job=f"b{number}")
        ids = [request.json["jobReference"]["jobId"] for request in server.requests if inserts(request)]
    (line,) = waits
    assert "too many table update operations for this table" in line
    (again,) = (job for job in ids if "again" in job)
    assert ids[ids.index(again) - 1] == again.removesuffix("-again1")
    table = scores.describe("scores")
    assert table is not None
    assert len(table.columns) == 8


def test_a_rate_limit_without_end() -> None:
    """At the job timeout the error is the rate limit, with the number of attempts."""
    refused = resource("DONE", errorResult={"reason": "rateLimitExceeded", "message": "Exceeded rate limits"})
    with FaultyServer(rest=refused) as server, pytest.raises(Throttled, match="1 attempts in 0 s"):
        canned(server, job_timeout=0.5).run(Query("SELECT 1"), job="j")


def test_a_rate_limit_of_jobs_get_does_not_end_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job goes on while BigQuery does not answer for its state, so nothing is sent again."""
    monkeypatch.setattr("fqtool.warehouse.bigquery.jobs._POLL_LONGEST", 0.1)
    polls = iter([error(403, "quotaExceeded", "Quota exceeded: too many jobs.get")] * 3)

    def answer(request: Request) -> Answer:
        if request.method == "POST":
            return resource("RUNNING")
        return next(polls, resource("DONE"))

    with FaultyServer(rest=answer) as server:
        canned(server).run(Query("SELECT 1"), job="j")
        assert [request.method for request in server.requests] == ["POST", "GET", "GET", "GET", "GET"]


def test_refusals_without_end_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time of one exchange the error names the job, and nothing is sent again."""
    monkeypatch.setattr("fqtool.warehouse.bigquery.jobs._POLL_LONGEST", 0.1)

    def answer(request: Request) -> Answer:
        refused = error(403, "quotaExceeded", "Quota exceeded: too many jobs.get")
        return resource("RUNNING") if request.method == "POST" else refused

    with FaultyServer(rest=answer) as server, pytest.raises(Unreachable, match="whether the job j has ended") as caught:
        canned(server).run(Query("SELECT 1"), job="j")
    assert "a quota is used up" in caught.value.message
    assert "show -j j" in str(caught.value.remedy)
    assert [request.method for request in server.requests].count("POST") == 1


def test_other_writers_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the job timeout the error names how often it was tried, that nothing was changed, and what to do."""
    monkeypatch.setattr("fqtool.warehouse.bigquery.session._PAUSE_FIRST", 0.1)
    refused = resource("DONE", errorResult={"reason": "invalidQuery", "message": CONCURRENT[0]})
    with FaultyServer(rest=refused) as server, pytest.raises(ConcurrentUpdate, match=r"[34] attempts in 0 s") as caught:
        canned(server, job_timeout=0.5).run(Query("SELECT 1"), job="j")
    assert "because other statements change the same table" in caught.value.message
    assert str(caught.value.remedy).startswith("Nothing was changed. Wait until the other writers have ended")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("invalidQuery", CONCURRENT[0]),
        ("bytesBilledLimitExceeded", "Query exceeded limit"),
        ("rateLimitExceeded", "Exceeded rate limits"),
        ("stopped", "Job execution was cancelled: User requested cancellation"),
    ],
)
def test_a_later_process_walks_the_attempts_of_an_earlier_one(reason: str, words: str) -> None:
    """What an earlier process sent and BigQuery did not run is passed over without a pause; what runs is waited for."""
    refused = resource("DONE", errorResult={"reason": reason, "message": words})
    script = [TAKEN, refused, TAKEN, refused, TAKEN, resource("RUNNING"), resource("DONE")]
    with FaultyServer(script) as server:
        canned(server, job_timeout=0.5).run(Query("SELECT 1"), job="j")
        ids = [request.json["jobReference"]["jobId"] for request in server.requests if request.method == "POST"]
    assert ids == ["j", "j-again1", "j-again2"]


def test_a_dry_run_has_the_configuration_of_a_run(emulator: Emulator, scores: BigQueryWarehouse) -> None:
    """What BigQuery refuses in a run it refuses in the dry run: both send one configuration, `dryRun` apart."""
    with FaultyServer(upstream=emulator.url) as server:
        warehouse = through(server, scores.project, scores.dataset)
        for dry_run in (False, True):
            warehouse.run(COUNT, dry_run=dry_run, max_bytes=10**9)
        run, trial = (request.json["configuration"] for request in server.requests if inserts(request))
    assert trial.pop("dryRun") is True
    assert trial["query"].pop("useQueryCache") is False
    assert trial == run


def test_a_job_without_end_is_left_running() -> None:
    """After the job's deadline the error reports that the job runs on, under which id, and how to look."""
    with FaultyServer(rest=resource("RUNNING")) as server:
        with pytest.raises(Unreachable, match=r"job j did not end within 0\.5 s and is still running") as caught:
            canned(server, job_timeout=0.5).run(Query("SELECT 1"), job="j")
        assert str(caught.value.remedy).startswith("Run `bq --location=EU --project_id=p show -j j`")
        assert len(server.requests) < 10


def test_a_long_job_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of progress have the job's id and state, and come at growing distances."""
    monkeypatch.setattr("fqtool.warehouse.bigquery.jobs._PROGRESS_FIRST", 0.01)
    lines = list[str]()
    with FaultyServer([resource("PENDING"), *[resource("RUNNING")] * 5, resource("DONE")]) as server:
        warehouse = canned(server, job_timeout=100.0)
        warehouse.waiting.report = lines.append
        warehouse.run(Query("SELECT 1"), job="j")
    assert 2 <= len(lines) <= 6
    assert all(re.fullmatch(r"The job j is RUNNING after \d+ s; waiting \d+ s more\.", line) for line in lines[1:])


def test_an_accepted_job_that_is_not_found() -> None:
    """After a 404 for a moment the job is found; where it stays, it is unknown whether the job ran."""
    accepted = [resource("RUNNING"), ABSENT_JOB, resource("DONE")]
    with FaultyServer(accepted) as server:
        assert canned(server).run(Query("SELECT 1"), job="j").rows_changed == 3
    for first in (resource("RUNNING"), TAKEN):
        with (
            FaultyServer([first], rest=ABSENT_JOB) as server,
            pytest.raises(Unreachable, match="unknown whether it ran") as caught,
        ):
            canned(server).run(Query("SELECT 1"), job="j")
        assert "accepted the job j" in caught.value.message
        assert str(caught.value.remedy).startswith("Run `bq --location=EU --project_id=p show -j j`")


def test_a_dataset_that_ignores_case(emulator: Emulator, scores: BigQueryWarehouse) -> None:
    """The table is known by the name that was asked for, however it was spelled when it was created."""

    def spelled(answer: Answer) -> Answer:
        return Answer(answer.status, answer.payload.replace(b'"tableId":"scores"', b'"tableId":"Scores"'))

    def of_table(request: Request) -> bool:
        return request.path.partition("?")[0].endswith("/tables/scores")

    with FaultyServer(rest=Mangled(spelled), upstream=emulator.url, where=of_table) as server:
        assert through(server, PROJECT, scores.dataset).describe("scores") == scores.describe("scores")
        assert any(map(of_table, server.requests))


def test_a_table_of_another_name_is_not_an_answer() -> None:
    """An answer about another table is not accepted."""
    document = {"kind": "bigquery#table", "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "other"}}
    with FaultyServer(rest=Answer(200, document)) as server, pytest.raises(Unreachable, match="not BigQuery's"):
        canned(server).describe("scores")


def test_a_server_that_falls_silent_while_a_job_runs() -> None:
    """A server that is silent while a job is waited for is left in time; the error names the job that may still run."""
    with (
        FaultyServer([resource("RUNNING")], rest=NoAnswer()) as server,
        pytest.raises(Unreachable, match="while the job j may still be running"),
    ):
        canned(server).run(Query("SELECT 1"), job="j")


MERGE = Query("MERGE `scores` t USING (SELECT 1 AS a) s ON t.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)")


def fetches(request: Request) -> bool:
    """Whether a request is BigQuery's jobs.getQueryResults."""
    return "/queries/" in request.path


@pytest.mark.parametrize("silent", [inserts, fetches, lambda request: "/jobs/" in request.path])
def test_one_silent_connection_is_survived(
    silent: Callable[[Request], bool], emulator: Emulator, scores: BigQueryWarehouse
) -> None:
    """Half of the deadline is for the first attempt, so a silent connection leaves time for another."""
    with FaultyServer([NoAnswer()], upstream=emulator.url, where=silent) as server:
        through(server, scores.project, scores.dataset, timeout=8.0).run(MERGE)
    with FaultyServer([NoAnswer()], upstream=emulator.url, where=silent) as server:
        assert through(server, scores.project, scores.dataset, timeout=8.0).rows(COUNT) == [{"n": 1}]
