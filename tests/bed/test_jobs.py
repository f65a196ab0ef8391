"""Jobs of the test bed: how statements run, wait, conflict and end, as BigQuery does it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import requests

from tests.bed.fixtures import RunSql
from tests.bed.running import PROJECT, Emulator
from tests.machine import patient

PARTITIONED = "CREATE TABLE t (id INT64, day DATE) PARTITION BY day"
Answer = tuple[int, dict[str, Any]]
DAYS = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)]


def test_statements_that_differ_in_dates_have_their_own_rows(run_sql: RunSql) -> None:
    """A statement is translated once for all its dates; each date still has its own result."""
    run_sql("CREATE TABLE t (id INT64, day DATE, text STRING) PARTITION BY day")
    for number, day in enumerate(DAYS):
        values = f"id, DATE '{day}', \"DATE '{day}'\""
        run_sql(f"MERGE t USING (SELECT {number} AS id) AS s ON t.id = s.id AND t.day = DATE '{day}' "
                f"WHEN NOT MATCHED THEN INSERT (id, day, text) VALUES ({values})")  # fmt: skip
    for number, day in enumerate(DAYS):
        rows = run_sql(f"SELECT id, text, DATE '{DAYS[0]}' FROM t WHERE day = DATE '{day}' AND day >= DATE '{DAYS[0]}'")
        assert rows == [(number, f"DATE '{day}'", DAYS[0])]


def test_a_statement_repeated_after_a_change_of_its_table_sees_the_change(run_sql: RunSql) -> None:
    """What was made from a table's schema is forgotten when the schema changes."""
    run_sql("CREATE TABLE t (id INT64)")
    run_sql("INSERT INTO t (id) VALUES (1)")
    assert run_sql("SELECT * FROM t") == [(1,)]
    run_sql("ALTER TABLE t ADD COLUMN more STRING")
    assert run_sql("SELECT * FROM t") == [(1, None)]
    run_sql("DROP TABLE t")
    run_sql("CREATE TABLE t (other STRING)")
    assert run_sql("SELECT * FROM t") == []


class Jobs:
    """Jobs of one dataset by bare requests: a client library hides what is between them."""

    def __init__(self, url: str, dataset: str) -> None:
        self.dataset = dataset
        self._url = f"{url}/bigquery/v2/projects/{PROJECT}"

    def insert(self, sql: str, **reference: str) -> Answer:
        """Send jobs.insert."""
        query = {
            "query": sql,
            "useLegacySql": False,
            "defaultDataset": {"projectId": PROJECT, "datasetId": self.dataset},
        }
        reference = {"projectId": PROJECT, "jobId": f"j-{uuid.uuid4().hex}"} | reference
        body = {"jobReference": reference, "configuration": {"query": query, "labels": {"a": "b"}}}
        return self._answer(requests.post(f"{self._url}/jobs", json=body, timeout=patient(20)))

    def start(self, sql: str, **reference: str) -> str:
        """Start a job and return its id."""
        status, job = self.insert(sql, **reference)
        assert status == 200, job
        return str(job["jobReference"]["jobId"])

    def get(self, job_id: str, **query: str) -> Answer:
        """Send jobs.get."""
        return self._answer(requests.get(f"{self._url}/jobs/{job_id}", params=query, timeout=patient(20)))

    def listed(self, **query: str) -> list[dict[str, Any]]:
        """Send jobs.list."""
        status, answer = self._answer(requests.get(f"{self._url}/jobs", params=query, timeout=patient(20)))
        assert status == 200, answer
        return list(answer["jobs"])

    def results(self, job_id: str, **query: str) -> Answer:
        """Send getQueryResults."""
        return self._answer(requests.get(f"{self._url}/queries/{job_id}", params=query, timeout=patient(20)))

    def rows(self, table: str, **query: str) -> Answer:
        """Send tabledata.list."""
        return self._answer(requests.get(f"{self._table(table)}/data", params=query, timeout=patient(20)))

    def patch(self, table: str, body: dict[str, Any]) -> Answer:
        """Send tables.patch."""
        return self._answer(requests.patch(self._table(table), json=body, timeout=patient(20)))

    def cancel(self, job_id: str) -> None:
        """Send jobs.cancel."""
        requests.post(f"{self._url}/jobs/{job_id}/cancel", timeout=20).raise_for_status()

    def state(self, job_id: str) -> str:
        """State of a job."""
        return str(self.get(job_id)[1]["status"]["state"])

    def ended(self, job_id: str, **query: str) -> dict[str, Any]:
        """Wait for the end of a job and return its error, or nothing where it succeeded."""
        self.results(job_id, **query)
        status = self.get(job_id, **query)[1]["status"]
        assert status["state"] == "DONE"
        return dict(status.get("errorResult", {}))

    def _table(self, name: str) -> str:
        return f"{self._url}/datasets/{self.dataset}/tables/{name}"

    def _answer(self, response: requests.Response) -> Answer:
        return response.status_code, response.json()


@pytest.fixture
def _stopped_clock(emulator: Emulator) -> Iterator[None]:
    """Stop the clock of the quotas."""
    with emulator.stopped_clock():
        yield


@pytest.fixture
def jobs(emulator: Emulator, dataset: str) -> Jobs:
    """Jobs of the test's dataset."""
    return Jobs(emulator.url, dataset)


def test_a_job_goes_on_after_its_insert_was_answered(emulator: Emulator, jobs: Jobs, run_sql: RunSql) -> None:
    """jobs.insert and jobs.get show RUNNING, getQueryResults is not complete, and other requests are answered."""
    run_sql(PARTITIONED)
    with emulator.holding("SELECT 41"):
        status, job = jobs.insert("SELECT 41 + 1 AS x")
        job_id = job["jobReference"]["jobId"]
        assert (status, job["status"]) == (200, {"state": "RUNNING"})
        assert emulator.held(1) == [job_id]
        assert jobs.state(job_id) == "RUNNING"
        assert jobs.results(job_id, timeoutMs="1")[1]["jobComplete"] is False
        assert run_sql("SELECT COUNT(*) FROM t") == [(0,)]
        assert emulator.client().get_table(f"{jobs.dataset}.t", timeout=20).num_rows == 0
    assert jobs.results(job_id)[1]["rows"] == [{"f": [{"v": "42"}]}]
    done = jobs.get(job_id)[1]
    assert done["status"] == {"state": "DONE"}
    assert done["configuration"]["labels"] == {"a": "b"}
    times = [done["statistics"][name] for name in ("creationTime", "startTime", "endTime")]
    assert times == sorted(times)
    assert all(isinstance(time, str) and time.isdigit() for time in times)


def test_an_invalid_statement_is_a_job_that_failed(jobs: Jobs) -> None:
    """The insert succeeds; the refusal is in the job, and getQueryResults answers it as an HTTP error."""
    status, job = jobs.insert("SELECT nothing FROM")
    assert status == 200
    job_id = job["jobReference"]["jobId"]
    assert jobs.results(job_id)[0] == 400
    assert jobs.ended(job_id)["reason"] == "invalidQuery"
    assert jobs.get(job_id)[1]["configuration"]["labels"] == {"a": "b"}


def test_jobs_are_listed_by_their_state(emulator: Emulator, jobs: Jobs) -> None:
    """A job is among the running ones, with its configuration if asked for, until it is done."""

    def ids(state: str) -> dict[str, dict[str, Any]]:
        return {job["jobReference"]["jobId"]: job for job in jobs.listed(stateFilter=state, projection="full")}

    with emulator.holding("SELECT 45"):
        job_id = jobs.start("SELECT 45")
        assert emulator.held(1) == [job_id]
        assert ids("running")[job_id]["configuration"]["labels"] == {"a": "b"}
        assert ids("running")[job_id]["state"] == "RUNNING"
        assert job_id not in ids("done")
        assert all("configuration" not in job for job in jobs.listed(stateFilter="running"))
    assert jobs.ended(job_id) == {}
    assert job_id in ids("done")
    assert job_id not in ids("running")


def test_a_job_id_is_used_once(emulator: Emulator, jobs: Jobs) -> None:
    """The same id is refused while the job runs and after it ended."""
    with emulator.holding("SELECT 43"):
        job_id = jobs.start("SELECT 43")
        for again in ("SELECT 43", "SELECT 44"):
            assert jobs.insert(again, jobId=job_id)[0] == 409
    assert jobs.ended(job_id) == {}
    status, answer = jobs.insert("SELECT 43", jobId=job_id)
    assert (status, answer["error"]["message"]) == (409, f"Already Exists: Job {PROJECT}:US.{job_id}")


def test_two_statements_change_a_table_concurrently_twenty_wait_and_more_fail(
    emulator: Emulator, jobs: Jobs, run_sql: RunSql
) -> None:
    """The limits of mutating DML on one table; INSERT does not count, nor does another table."""
    run_sql(PARTITIONED)
    run_sql("CREATE TABLE other (id INT64)")
    update = "UPDATE t SET id = 1 WHERE day = DATE '2024-01-{:02}'"
    with emulator.holding("UPDATE t"):
        running = [jobs.start(update.format(day)) for day in (1, 2)]
        assert sorted(emulator.held(2)) == sorted(running)
        waiting = [jobs.start(update.format(day)) for day in range(3, 23)]
        assert {jobs.state(job_id) for job_id in waiting} == {"PENDING"}
        error = jobs.ended(jobs.start(update.format(23)))
        assert error["reason"] == "resourcesExceeded"
        assert error["message"] == (
            "Resources exceeded during query execution: Too many DML statements outstanding against table "
            f"{PROJECT}:{jobs.dataset}.t, limit is 20."
        )
        assert jobs.ended(jobs.start("INSERT INTO t (id, day) VALUES (1, DATE '2024-01-01')")) == {}
        assert jobs.ended(jobs.start("UPDATE other SET id = 1 WHERE TRUE")) == {}
    assert [jobs.ended(job_id) for job_id in running + waiting] == [{}] * 22


CHANGES: dict[str, Callable[[str], str]] = {
    "update": lambda day: f"UPDATE t SET id = 1 WHERE day = DATE '{day}' AND id > 0",
    "delete": lambda day: f"DELETE FROM t WHERE day = DATE '{day}'",
    "merge": lambda day: (
        f"MERGE t AS T USING (SELECT 1 AS id, DATE '{day}' AS day) AS S ON T.day = DATE '{day}' AND T.id = S.id "
        "WHEN MATCHED THEN UPDATE SET id = 2"
    ),
}


@pytest.mark.parametrize("second", CHANGES)
@pytest.mark.parametrize("first", CHANGES)
def test_the_later_of_two_changes_of_one_partition_fails(
    first: str, second: str, emulator: Emulator, jobs: Jobs, run_sql: RunSql
) -> None:
    """Another partition can be changed meanwhile, and the same one as soon as the first has ended."""
    run_sql(PARTITIONED)
    with emulator.holding("2024-01-01"):
        holder = jobs.start(CHANGES[first]("2024-01-01"))
        assert emulator.held(1) == [holder]
        assert jobs.ended(jobs.start(CHANGES[second]("2024-01-02"))) == {}
        error = jobs.ended(jobs.start(CHANGES[second]("2024-01-01")))
        assert error["reason"] == "invalidQuery"
        assert error["message"] == (
            f"Could not serialize access to table {PROJECT}:{jobs.dataset}.t due to concurrent update"
        )
    assert jobs.ended(holder) == {}
    assert jobs.ended(jobs.start(CHANGES[second]("2024-01-01"))) == {}


def test_a_change_of_unknown_partitions_conflicts_with_every_other(
    emulator: Emulator, jobs: Jobs, run_sql: RunSql
) -> None:
    """Without a date in its condition a statement may change any partition; one that only inserts changes none."""
    run_sql(PARTITIONED)
    inserts = (
        "MERGE t USING (SELECT 1 AS id) AS s ON t.id = s.id AND t.day = DATE '2024-01-01' "
        "WHEN NOT MATCHED THEN INSERT (id, day) VALUES (id, DATE '2024-01-01')"
    )
    with emulator.holding("id = 7"):
        holder = jobs.start("DELETE FROM t WHERE id = 7")
        assert emulator.held(1) == [holder]
        assert "Could not serialize access" in jobs.ended(jobs.start(CHANGES["delete"]("2024-01-02")))["message"]
        assert jobs.ended(jobs.start(inserts)) == {}
    assert jobs.ended(holder) == {}
    assert run_sql("SELECT COUNT(*) FROM t") == [(1,)]


def test_a_cancelled_job_ends_and_gives_its_place_to_the_next(emulator: Emulator, jobs: Jobs, run_sql: RunSql) -> None:
    """Cancelled while it is held, a job changes nothing."""
    run_sql(PARTITIONED)
    run_sql("INSERT INTO t (id, day) VALUES (1, DATE '2024-01-01')")
    with emulator.holding("2024-01-01"):
        job_id = jobs.start(CHANGES["delete"]("2024-01-01"))
        assert emulator.held(1) == [job_id]
        jobs.cancel(job_id)
        assert jobs.ended(job_id)["reason"] == "stopped"
    assert jobs.ended(jobs.start(CHANGES["update"]("2024-01-01"))) == {}
    assert run_sql("SELECT id FROM t") == [(1,)]


def test_a_job_is_found_in_its_location(emulator: Emulator) -> None:
    """A job runs where its dataset is; outside US and EU it is found only with that location."""
    dataset = emulator.fresh_dataset(location="europe-west1")
    jobs = Jobs(emulator.url, dataset)
    job_id = jobs.start("SELECT 1 AS x")
    assert jobs.ended(job_id, location="europe-west1") == {}
    assert jobs.get(job_id, location="europe-west1")[1]["jobReference"]["location"] == "europe-west1"
    for answer in (jobs.get(job_id), jobs.results(job_id)):
        assert (answer[0], answer[1]["error"]["message"]) == (404, f"Not found: Job {PROJECT}:US.{job_id}")
    assert jobs.get(job_id, location="EU")[1]["error"]["message"] == f"Not found: Job {PROJECT}:EU.{job_id}"
    status, answer = jobs.insert("SELECT 1 AS x", location="EU")
    wrong = f"Not found: Dataset {PROJECT}:{dataset} was not found in location EU"
    assert (status, answer["error"]["message"]) == (404, wrong)
    european = Jobs(emulator.url, emulator.fresh_dataset(location="EU"))
    assert european.ended(european.start("SELECT 1 AS x")) == {}


def test_a_timestamp_is_sent_as_it_was_asked_for(jobs: Jobs, run_sql: RunSql) -> None:
    """Seconds as a float, or microseconds where the request asks so; by getQueryResults and by tabledata.list."""
    run_sql("CREATE TABLE t AS SELECT TIMESTAMP '2024-01-02 03:04:05.678901+00' AS moment")
    job_id = jobs.start("SELECT moment FROM t")
    assert jobs.ended(job_id) == {}
    wanted = {"": "1.704164645678901E9", "true": "1704164645678901"}
    for asked, cell in wanted.items():
        query = {"formatOptions.useInt64Timestamp": asked} if asked else {}
        assert jobs.results(job_id, **query)[1]["rows"] == [{"f": [{"v": cell}]}]
        assert jobs.rows("t", **query)[1]["rows"] == [{"f": [{"v": cell}]}]


@pytest.mark.parametrize("name", ["STDDEV", "STDDEV_SAMP", "STDDEV_POP", "VARIANCE", "VAR_SAMP", "VAR_POP"])
def test_the_spread_of_an_infinity_is_nan(name: str, run_sql: RunSql) -> None:
    """Over rows and over a window; finite values and NULL are computed as ever."""
    values = "UNNEST([CAST('inf' AS FLOAT64), 1.0, 3.0, NULL]) AS x"
    [(over_rows, finite)] = run_sql(f"SELECT {name}(x), {name}(IF(x < 9, x, NULL)) FROM {values}")
    assert math.isnan(over_rows)
    assert finite > 0
    assert math.isnan(run_sql(f"SELECT {name}(x) OVER () FROM {values}")[0][0])
    assert run_sql(f"SELECT {name}(x) FROM UNNEST([CAST(NULL AS FLOAT64)]) AS x") == [(None,)]


@pytest.mark.usefixtures("_stopped_clock")
def test_metadata_updates_of_a_table_have_a_quota(emulator: Emulator, jobs: Jobs, run_sql: RunSql) -> None:
    """Five in ten seconds, by DDL and by tables.patch; refused updates change nothing."""
    run_sql("CREATE TABLE t (id INT64)")
    for number in range(4):
        assert jobs.ended(jobs.start(f"ALTER TABLE t ADD COLUMN c{number} INT64")) == {}
    assert jobs.patch("t", {"description": "fifth"})[0] == 200
    error = jobs.ended(jobs.start("ALTER TABLE t ADD COLUMN sixth INT64"))
    assert error["reason"] == "rateLimitExceeded"
    assert error["message"] == (
        "Exceeded rate limits: too many table update operations for this table. For more information, see "
        "https://cloud.google.com/bigquery/docs/troubleshoot-quotas"
    )
    status, answer = jobs.patch("t", {"description": "sixth"})
    assert (status, answer["error"]["errors"][0]["reason"]) == (403, "rateLimitExceeded")
    emulator.advance_quotas(10)
    assert jobs.ended(jobs.start("ALTER TABLE t ADD COLUMN sixth INT64")) == {}


@pytest.mark.usefixtures("_stopped_clock")
def test_a_partitioned_table_has_a_larger_quota(jobs: Jobs, run_sql: RunSql) -> None:
    """Fifty in ten seconds, and other tables have their own."""
    run_sql(PARTITIONED)
    for _ in range(50):
        assert jobs.patch("t", {"description": "d"})[0] == 200
    assert jobs.patch("t", {"description": "d"})[0] == 403
    run_sql("CREATE TABLE other (id INT64)")
    assert jobs.patch("other", {"description": "d"})[0] == 200


@pytest.mark.usefixtures("_stopped_clock")
def test_dml_statements_of_a_table_have_a_quota(emulator: Emulator, jobs: Jobs, run_sql: RunSql) -> None:
    """Twenty-five in ten seconds."""
    run_sql(PARTITIONED)
    insert = "INSERT INTO t (id, day) VALUES (1, DATE '2024-01-01')"
    assert [jobs.ended(jobs.start(insert)) for _ in range(25)] == [{}] * 25
    assert jobs.ended(jobs.start(insert))["reason"] == "rateLimitExceeded"
    emulator.advance_quotas(10)
    assert jobs.ended(jobs.start(insert)) == {}
