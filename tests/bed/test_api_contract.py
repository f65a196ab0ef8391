"""The bed holds requests and answers to BigQuery's description of its API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core import exceptions

from tests.bed.api_contract import REQUEST_LIMIT, check_answer, check_request
from tests.bed.api_description import PACKAGE, description
from tests.bed.api_rules import RULES, STATEMENT_LIMIT, TOLERATED
from tests.bed.fixtures import RunSql
from tests.bed.records import take_refusals
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.machine import patient

API = "/bigquery/v2"
HOME = f"{API}/projects/{PROJECT}"


def job(*, labels: dict[str, str] | None = None, job_id: str = "j", **query: Any) -> dict[str, Any]:
    """The body of jobs.insert."""
    content = {"query": "SELECT 1", "useLegacySql": False} | query
    configuration = {"query": content} | ({"labels": labels} if labels else {})
    return {"jobReference": {"projectId": PROJECT, "jobId": job_id}, "configuration": configuration}


def table(**more: Any) -> dict[str, Any]:
    """The body of tables.insert."""
    reference = {"projectId": PROJECT, "datasetId": "d", "tableId": "t"}
    return {"tableReference": reference, "schema": {"fields": [{"name": "a", "type": "INT64"}]}} | more


def parameter(kind: dict[str, Any] | None, value: Any) -> dict[str, Any]:
    """The body of jobs.insert with one query parameter."""
    given = {"name": "x", "parameterValue": value} | ({"parameterType": kind} if kind else {})
    return job(query="SELECT @x", parameterMode="NAMED", queryParameters=[given])


AT = "job.configuration.query"
JOBS, TABLES = f"POST {HOME}/jobs", f"POST {HOME}/datasets/d/tables"
WRONG: dict[str, tuple[str, Any, str]] = {
    "an int64 that is the text None": (
        JOBS,
        job(maximumBytesBilled="None"),
        f"Invalid value at '{AT}.maximum_bytes_billed.value' (TYPE_INT64), \"None\"",
    ),
    "an int64 that is a float": (
        JOBS,
        job(maximumBytesBilled=1.5),
        f"Invalid value at '{AT}.maximum_bytes_billed.value' (TYPE_INT64), 1.5",
    ),
    "an int64 out of its range": (JOBS, job(maximumBytesBilled=str(2**63)), '(TYPE_INT64), "9223372036854775808"'),
    "an unknown field": (JOBS, job(maxBytes=1), f"Unknown name \"maxBytes\" at '{AT}': Cannot find field."),
    "a list where one value is expected": (JOBS, job(query=["SELECT 1"]), "Proto field is not repeating"),
    "an object where a text is expected": (JOBS, job(query={}), "Starting an object on a scalar field"),
    "a text where an object is expected": (
        JOBS,
        job(timePartitioning="d"),
        "google.cloud.bigquery.v2.TimePartitioning",
    ),
    "a text where a boolean is expected": (JOBS, job(useQueryCache="false"), '(TYPE_BOOL), "false"'),
    "a value outside the enum": (
        TABLES,
        table(defaultRoundingMode="HALF_UP"),
        "Invalid value at 'table.default_rounding_mode' (TYPE_ENUM)",
    ),
    "a disposition that does not exist": (
        JOBS,
        job(writeDisposition="REPLACE"),
        "Invalid value for writeDisposition: REPLACE is not a valid value",
    ),
    "a NULL parameter without a type": (
        JOBS,
        parameter(None, {"value": None}),
        f"Required parameter is missing: {AT}.query_parameters[0].parameter_type",
    ),
    "an array parameter without the type of its elements": (
        JOBS,
        parameter({"type": "ARRAY"}, {"arrayValues": []}),
        "needs an arrayType",
    ),
    "a parameter whose value is not of its type": (
        JOBS,
        parameter({"type": "DATE"}, {"value": "2026-02-06 00:00:00"}),
        "Invalid date: '2026-02-06 00:00:00'",
    ),
    "a timestamp without its zone": (
        JOBS,
        parameter({"type": "TIMESTAMP"}, {"value": "2026-02-06 00:00:00"}),
        "Invalid timestamp: ",
    ),
    "parameters without a mode": (
        JOBS,
        job(queryParameters=[{"name": "x", "parameterType": {"type": "INT64"}, "parameterValue": {"value": "1"}}]),
        "need a parameterMode",
    ),
    "legacy SQL": (JOBS, job(useLegacySql=None), "useLegacySql"),
    "a label that is too long": (
        JOBS,
        job(labels={"a": "x" * 64}),
        f'Label value "{"x" * 64}" has invalid characters.',
    ),
    "a label in upper case": (JOBS, job(labels={"Team": "a"}), 'Label key "Team" has invalid characters.'),
    "an illegal job id": (JOBS, job(job_id="a.b"), 'Invalid job ID "a.b". Job IDs must be alphanumeric'),
    "a job without its query": (
        JOBS,
        {"configuration": {"dryRun": True}},
        "must contain exactly one job-specific configuration object",
    ),
    "a statement over the size limit": (JOBS, job(query="-" * (STATEMENT_LIMIT + 1)), "The query is too large."),
    "a request over the size limit": (JOBS, job(x="-" * REQUEST_LIMIT), "Request payload size exceeds the limit"),
    "a field that only the service sets": (TABLES, table(numRows="1"), "'table.num_rows' is output only"),
    "a table without its name": (
        TABLES,
        {"tableReference": {"projectId": PROJECT, "datasetId": "d"}},
        "missing: table.table_reference.table_id",
    ),
    "five columns of clustering": (TABLES, table(clustering={"fields": list("abcde")}), "one to four fields"),
    "a bad path": (f"POST {HOME}/job", job(), "Not Found"),
    "a method that the path does not have": (f"PUT {HOME}/jobs", job(), "Not Found"),
    "an unknown query parameter": (
        f"GET {HOME}/jobs/j?wait=true",
        None,
        'Unknown name "wait": Cannot bind query parameter.',
    ),
    "a query parameter that is not a number": (
        f"GET {HOME}/queries/j?timeoutMs=1.5",
        None,
        "Invalid value at 'timeout_ms' (TYPE_UINT32), \"1.5\"",
    ),
    "an illegal job id in a path": (f"GET {HOME}/jobs/a%2Eb%20c", None, 'Invalid job ID "a.b c"'),
    "a location that is the text None": (
        f"GET {HOME}/jobs/j?location=None",
        None,
        "Invalid value for location: None is not a valid value",
    ),
    "a body where none is expected": (f"POST {HOME}/jobs/j/cancel", {"a": 1}, "takes no request body"),
    "a body that is not JSON": (JOBS, b'{"configuration": NaN}', "Invalid JSON payload received. Unexpected token."),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_refused(emulator: Emulator, name: str) -> None:
    """The server answers as the service does, and the refusal is kept for the test that sent the request."""
    call, body, words = WRONG[name]
    method, _, path = call.partition(" ")
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    answer = requests.request(method, emulator.url + path, data=content, timeout=patient(30))
    error = answer.json()["error"]
    assert (answer.status_code, error["errors"][0]["reason"]) == (
        (404, "notFound") if words == "Not Found" else (400, "invalid")
    )
    assert words in error["message"]
    assert words in "\n".join(refusal.reason for refusal in take_refusals())


def test_a_merge_without_a_partition_filter_is_refused(run_sql: RunSql) -> None:
    """The request fits, and the statement is refused: a required partition filter holds for the target of a MERGE."""
    run_sql("CREATE TABLE t (id INT64, day DATE) PARTITION BY day OPTIONS (require_partition_filter = TRUE)")
    merge = "MERGE t AS T USING (SELECT 1 AS id) AS S ON {} WHEN MATCHED THEN DELETE"
    with pytest.raises(exceptions.BadRequest, match=r"without a filter over column\(s\) 'day'"):
        run_sql(merge.format("T.id = S.id"))
    run_sql(merge.format("T.id = S.id AND T.day = DATE '2026-02-06'"))


@pytest.mark.parametrize("collection", ["jobs", "queries"])
def test_a_job_elsewhere_is_not_found_without_its_location(emulator: Emulator, collection: str) -> None:
    """Outside US and EU a request for a job, or for its rows, names the location."""
    dataset, place = emulator.fresh_dataset(location="europe-west1"), {"location": "europe-west1"}
    job_id = f"{dataset}_{collection}"
    body = job(query=f"CREATE TABLE {dataset}.t (a INT64)", job_id=job_id)
    body["jobReference"] |= place
    requests.post(f"{emulator.url}{HOME}/jobs", json=body, timeout=patient(30)).raise_for_status()
    url = f"{emulator.url}{HOME}/{collection}/{job_id}"
    assert requests.get(url, timeout=patient(30)).status_code == 404
    assert requests.get(url, params=place, timeout=patient(30)).status_code == 200


SENDERS = """
import json, subprocess, sys
import requests
from tests.fault_proxy import Answer, FaultyServer
from tests.machine import patient

URL = "/bigquery/v2/projects/p/jobs/a?wait=1"

def test_right():
    with FaultyServer(rest=Answer()) as server:
        assert requests.get(server.url + URL.removesuffix("?wait=1"), timeout=patient(30)).status_code == 200

def test_wrong_in_this_process():
    with FaultyServer(rest=Answer()) as server:
        assert requests.get(server.url + URL, timeout=patient(30)).status_code == 400

def test_wrong_in_another_process():
    code = "import sys, urllib.request as r\\ntry: r.urlopen(sys.argv[1])\\nexcept r.HTTPError as e: print(e.code)"
    with FaultyServer(rest=Answer()) as server:
        sender = subprocess.run([sys.executable, "-c", code, server.url + URL], stdout=subprocess.PIPE,
                                timeout=patient(60))
        assert sender.stdout == b"400\\n"

def test_wrong_answer():
    with FaultyServer(rest=Answer(body={"jobid": "a"})) as server:
        requests.get(server.url + URL.removesuffix("?wait=1"), timeout=patient(30))
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_wrong_request_fails_the_test_that_sent_it(tmp_path: Path, workers: str) -> None:
    """Whichever process sent it, and however many workers there are; a session ends with a count of requests."""
    (tmp_path / "test_senders.py").write_text(SENDERS)
    options = ["-p", "tests.bed.fixtures", "-p", "no:cacheprovider", "-n", workers, "-q", "-rA", "-c", os.devnull]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patient(120), check=False)
    failed = {line.split("::")[1].split(" ")[0] for line in done.stdout.splitlines() if line.startswith("ERROR")}
    assert failed == {"test_wrong_in_this_process", "test_wrong_in_another_process", "test_wrong_answer"}, done.stdout
    assert "4 passed" in done.stdout
    assert 'Unknown name "wait": Cannot bind query parameter.' in done.stdout
    assert "BigQuery requests: 2 checked, 1 distinct shapes, 3 refused" in done.stdout


def test_the_description_is_pinned() -> None:
    """The copy names the version that it was made from, and holds every method that fqtool calls."""
    copy = description()
    assert copy["package"] == PACKAGE
    assert copy["revision"].isdigit()
    assert {"jobs.insert", "jobs.get", "jobs.getQueryResults", "tables.get", "tables.patch", "tabledata.list"} <= set(
        copy["methods"]
    )
    assert copy["schemas"]["JobConfigurationQuery"]["properties"]["maximumBytesBilled"]["format"] == "int64"


def test_a_request_of_the_official_client_fits() -> None:
    """What google-cloud-bigquery sends with every job is accepted, and its shape has no values."""
    body = job(maximumBytesBilled=str(2**63 - 1), labels={"team": "a"})
    checked = check_request("POST", f"{HOME}/jobs", "prettyPrint=false", json.dumps(body).encode())
    assert checked.violations == ()
    assert checked.shape.startswith("jobs.insert ?prettyPrint job.configuration job.configuration.labels ")
    assert "job.configuration.query.maximum_bytes_billed" in checked.shape
    assert str(2**63 - 1) not in checked.shape


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"totalRows": 3}, "3 at 'total_rows', which is not of TYPE_UINT64"),
        ({"rowCount": "3"}, 'Unknown name "rowCount"'),
        ({"jobComplete": "true"}, "which is not of TYPE_BOOL"),
        ({"pageToken": None}, "null at 'page_token'"),
        ({"rows": [{"f": [{"v": 1}]}]}, "which is not a cell"),
    ],
)
def test_a_wrong_answer_is_reported(body: dict[str, Any], words: str) -> None:
    """An answer has no field that the description lacks; its 64-bit integers and its cells are texts."""
    right = {"totalRows": "1", "rows": [{"f": [{"v": "1"}, {"v": None}, {"v": [{"v": "a"}]}]}], "jobComplete": True}
    assert check_answer("jobs.getQueryResults", json.dumps(right).encode()) == ()
    (violation,) = check_answer("jobs.getQueryResults", json.dumps(right | body).encode())
    assert words in violation.reason


def test_a_table_is_an_answer_with_a_schema_and_no_rows() -> None:
    """The resource of a table fits as it is sent."""
    assert check_answer("tables.get", json.dumps(table()).encode()) == ()


CELLS = {
    "INTEGER": ("-1", "1.0"), "FLOAT": ("-Infinity", "inf"), "BOOLEAN": ("true", "True"), "NUMERIC": ("1.50", "1E+5"),
    "DATE": ("2026-02-06", "20260206"), "DATETIME": ("2026-02-06T00:00:00", "2026-02-06 00:00:00"),
    "TIME": ("00:00:00.5", "24"), "BYTES": ("YQ==", "b'a'"), "STRING": ("", 1),
    "RECORD": ({"f": [{"v": "a"}]}, {"f": []}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CELLS)
def test_a_value_is_written_as_its_type_requires(kind: str) -> None:
    """A row's values have the form of the schema's types, alone and in arrays."""
    right, wrong = CELLS[kind]
    inner = [{"name": "y", "type": "STRING"}]
    fields = [
        {"name": "x", "type": kind, "fields": inner},
        {"name": "xs", "type": kind, "fields": inner, "mode": "REPEATED"},
    ]
    for value, count in [(right, 0), (wrong, 2)]:
        row = {"f": [{"v": value}, {"v": [{"v": value}]}]}
        body = json.dumps({"schema": {"fields": fields}, "rows": [row]}).encode()
        assert len(check_answer("jobs.getQueryResults", body)) == count, value


@pytest.mark.parametrize(
    ("query", "text", "fits"),
    [
        ("formatOptions.useInt64Timestamp=True", "1770336000000000", True),
        ("formatOptions.useInt64Timestamp=True", "1.770336E9", False),
        ("", "1.770336E9", True),
        ("", "2026-02-06 00:00:00 UTC", False),
    ],
)
def test_a_timestamp_is_written_as_the_request_asks(query: str, text: str, *, fits: bool) -> None:
    """Microseconds as an integer where the request asks for them, seconds otherwise."""
    body = {"schema": {"fields": [{"name": "x", "type": "TIMESTAMP"}]}, "rows": [{"f": [{"v": text}]}]}
    assert (check_answer("jobs.getQueryResults", json.dumps(body).encode(), query) == ()) is fits


def test_every_rule_is_about_something_of_the_description() -> None:
    """A row whose schema or field a new description renamed would check nothing."""
    schemas, methods = description()["schemas"], description()["methods"]
    for rule in RULES:
        assert {about.removeprefix("answer ") for about in rule.about} <= {*schemas, "path", "query"}, rule
        assert rule.source
    assert {row.about for row in TOLERATED} <= {*schemas, *methods}
