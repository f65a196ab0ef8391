"""Whatever happens between here and BigQuery ends in the right error, in one line, in time, and nothing runs twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fqtool.errors import Cancelled, Denied, FqtoolError, NotThere, QuotaSpent, StatementFailed, Throttled, Unreachable
from fqtool.sql import Query, WholeTable
from fqtool.table.ddl import Statement
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from tests.fault_proxy import Answer, Cut, FaultyServer, NoAnswer, Reset, Step, Trickle, error
from tests.machine import patient

PERMISSION = "Access Denied: Table p:d.t: Permission bigquery.tables.get denied on table p:d.t (or it may not exist)."
JOBS = "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p."
HTML = b"<html><body>\nBad Gateway\n</body></html>"
TOKEN = "ya29.a0AfB_s3cret-s3cret"
DOCUMENT = {"kind": "bigquery#table", "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"}}
ANY = Answer(200, DOCUMENT, malformed=True)  # sent to calls that are not tables.get, too

Warehouses = Callable[..., BigQueryWarehouse]


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouses]:
    """Open a warehouse on a server, given by its URL, with a short deadline."""
    opened = []

    def open_on(url: str, timeout: float = 1.0, **more: Any) -> BigQueryWarehouse:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        opened.append(BigQueryWarehouse("p", "d", timeout=timeout, url="bigquery://p/d", **more))
        assert opened[-1]._session._exchange.place.emulated
        return opened[-1]

    yield open_on
    for one in opened:
        one.close()


OPERATIONS: dict[str, Callable[[BigQueryWarehouse], object]] = {
    "describe": lambda w: w.describe("t"),
    "run": lambda w: w.run(Statement("ALTER TABLE t ADD COLUMN x INT64", ()), job="a-job"),
    "dry run": lambda w: w.run(Query("SELECT 1"), dry_run=True),
    "query": lambda w: w.rows(Query("SELECT @x", (("x", 1),))),
    "list": lambda w: w.rows(WholeTable("t", ("a",))),
}


def failure(work: Callable[[], object], within: float) -> FqtoolError:
    """Return the error the work ends in, of fqtool's kinds, in one printable line with a remedy, in time."""
    start = time.monotonic()
    with pytest.raises(FqtoolError) as caught:
        work()
    assert time.monotonic() - start < patient(within)
    assert str(caught.value).isprintable()
    assert caught.value.message.endswith(".")
    assert str(caught.value.remedy)
    return caught.value


# Each fault, what it ends in, and words the message or remedy must have.
FAULTS: dict[str, tuple[Step, type[FqtoolError], str]] = {
    "no answer": (NoAnswer(), Unreachable, "no answer within 1 s"),
    "a delay beyond the deadline": (
        Answer(200, DOCUMENT, delay=5, malformed=True),
        Unreachable,
        "no answer within 1 s",
    ),
    "a trickle": (Trickle(ANY), Unreachable, "no answer within 1 s"),
    "a reset": (Reset(), Unreachable, "the connection was lost"),
    "a body cut short": (Cut(ANY), Unreachable, ""),
    "JSON cut short": (Answer(200, b'{"kind": "big'), Unreachable, "not BigQuery's"),
    "JSON of another shape": (Answer(200, b"[1, 2]"), Unreachable, "not BigQuery's"),
    "JSON of no shape": (Answer(200, b"null"), Unreachable, "not BigQuery's"),
    "an empty object": (Answer(200, {}), Unreachable, ""),
    "an empty body": (Answer(200, b""), Unreachable, ""),
    "a web page": (Answer(200, HTML, "text/html"), Unreachable, "not BigQuery's"),
    "bytes of no encoding": (Answer(200, b"\xff\xfe\x00\x81"), Unreachable, ""),
    "302": (Answer(302, b"", "text/html"), Unreachable, "302"),
    "400": (error(400, "invalid", "Invalid\ntable ID \x1b[31m."), StatementFailed, "Invalid table ID"),
    "400 bare": (Answer(400, HTML, "text/html"), StatementFailed, "400"),
    "400 job rate": (error(400, "jobRateLimitExceeded", "too many"), Throttled, "too many requests"),
    "400 resources": (
        error(400, "resourcesExceeded", "Resources exceeded during query execution: too much memory."),
        StatementFailed,
        "Use fewer dates with --start and --end",
    ),
    "400 stopped": (error(400, "stopped", "Job execution was cancelled"), Cancelled, "Run the same command again"),
    "400 streaming": (
        error(400, "invalidQuery", "MERGE statement over table t would affect rows in the streaming buffer"),
        StatementFailed,
        "insertAll cannot be changed for about 30 minutes",
    ),
    "401": (error(401, "authError", "Login required"), Denied, "credentials"),
    "403 permission": (
        error(403, "accessDenied", PERMISSION),
        Denied,
        "roles/bigquery.metadataViewer on the dataset d",
    ),
    "403 billing": (
        error(403, "billingNotEnabled", "Billing has not been enabled for this project."),
        Denied,
        "gcloud billing projects link p --billing-account=ID",
    ),
    "403 jobs": (error(403, "accessDenied", JOBS), Denied, "roles/bigquery.jobUser on the project p"),
    "403 bare": (Answer(403, HTML, "text/html"), Denied, "roles/bigquery.dataEditor"),
    "403 unusual": (Answer(403, {"error": "denied"}), Unreachable, ""),
    "403 rate": (error(403, "rateLimitExceeded", "Exceeded rate limits"), Throttled, "Exceeded rate limits"),
    "403 quota": (error(403, "quotaExceeded", "Quota exceeded"), QuotaSpent, "IAM & Admin"),
    "403 too large": (error(403, "responseTooLarge", "Response too large"), StatementFailed, "too large"),
    "404 dataset": (error(404, "notFound", "Not found: Dataset p:d"), NotThere, "bq mk --dataset p:d"),
    "404 project": (error(404, "notFound", "Not found: Project p"), NotThere, "gcloud projects describe p"),
    "404 bare": (Answer(404, HTML, "text/html"), NotThere, "not BigQuery's"),
    "404 unsaid": (Answer(404, b""), NotThere, "not BigQuery's"),
    "412": (error(412, "conditionNotMet", "Precondition Failed"), StatementFailed, "Precondition Failed"),
    "429": (error(429, "rateLimitExceeded", "Exceeded rate limits"), Throttled, "Wait a minute"),
    "429 bare": (Answer(429, b"slow down", "text/plain"), Throttled, "Wait a minute"),
    "500": (error(500, "internalError", "An internal error"), Unreachable, "HTTP status 500"),
    "502 bare": (Answer(502, HTML, "text/html"), Unreachable, "HTTP status 502"),
    "503": (error(503, "backendError", "Service unavailable"), Unreachable, "HTTP status 503"),
    "504 bare": (Answer(504, b"upstream timeout", "text/plain"), Unreachable, "HTTP status 504"),
    "a secret in the message": (
        error(400, "invalid", f"Got Authorization: Bearer {TOKEN}"),
        StatementFailed,
        "[removed]",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_error(fault: str, warehouse: Warehouses) -> None:
    """Every fault ends every operation in the class of its cause, in time, in one line, without a secret."""
    step, expected, words = FAULTS[fault]
    with FaultyServer(rest=step) as server:
        houses = [warehouse(server.url) for _ in OPERATIONS]
        works = zip(houses, OPERATIONS.values(), strict=True)
        with ThreadPoolExecutor(len(houses)) as pool:
            ended = list(pool.map(lambda work: failure(lambda: work[1](work[0]), within=4), works))
    assert [type(one) for one in ended] == [expected] * len(OPERATIONS)
    for one in ended:
        assert words in str(one)
        assert TOKEN not in str(one)


UNREACHABLE = {
    "http://127.0.0.1:1": "the connection was refused",
    "127.0.0.1:1": "the connection was refused",
    "http://no-such-host.invalid:80": "its name cannot be resolved",
    "http://me:s3cret@127.0.0.1:1": "127.0.0.1:1 cannot be reached",
    "https://127.0.0.1:1": "the connection was refused",
    "nonsense://127.0.0.1": "its address is not a URL",
}


@pytest.mark.parametrize("url", UNREACHABLE)
def test_a_server_that_is_not_there(url: str, warehouse: Warehouses) -> None:
    """A refused port, an unknown name and a wrong address are Unreachable, in time, and repeat no password."""
    ended = failure(lambda: warehouse(url).describe("t"), within=5)
    assert isinstance(ended, Unreachable)
    assert UNREACHABLE[url] in ended.message
    assert "s3cret" not in str(ended)


def test_plain_http_to_a_tls_address(warehouse: Warehouses) -> None:
    """The error of a failed TLS handshake names TLS."""
    with FaultyServer() as server:
        ended = failure(lambda: warehouse(server.url.replace("http:", "https:")).describe("t"), within=5)
    assert isinstance(ended, Unreachable)
    assert "TLS" in ended.message


def test_a_passing_fault_is_overcome(warehouse: Warehouses) -> None:
    """A rate limit, a 5xx and a reset that pass within the deadline are not noticed."""
    passing = [error(403, "rateLimitExceeded", "slow"), error(503, "backendError", "later"), Reset()]
    with FaultyServer(passing, rest=Answer(200, DOCUMENT)) as server:
        assert warehouse(server.url, timeout=10.0).describe("t") is not None
        assert len(server.requests) == len(passing) + 1


@pytest.mark.parametrize("reason", ["quotaExceeded", "accessDenied", "notFound", "invalid"])
def test_what_waiting_does_not_fix_is_not_repeated(reason: str, warehouse: Warehouses) -> None:
    """A used-up quota, a missing permission, an absent thing and a wrong statement are asked about once."""
    with FaultyServer(rest=error({"notFound": 404, "invalid": 400}.get(reason, 403), reason, "refused")) as server:
        failure(lambda: warehouse(server.url, timeout=10.0).describe("t"), within=5)
        assert len(server.requests) == 1


def test_a_warehouse_recovers_from_an_abandoned_call(warehouse: Warehouses) -> None:
    """After a trickle that had to be abandoned, the next call opens a new connection to the server."""
    with FaultyServer([Trickle(Answer(200, DOCUMENT))], rest=Answer(200, DOCUMENT)) as server:
        opened = warehouse(server.url)
        failure(lambda: opened.describe("t"), within=4)
        assert opened.describe("t") is not None


def test_credentials_that_do_not_exist(tmp_path: Path) -> None:
    """Without credentials the answer is Denied in time, with the command to sign in, and google prints nothing."""
    code = (
        "from fqtool.errors import Denied\n"
        "from fqtool.warehouse.target import open_target\n"
        "try: open_target('bigquery://p/d', timeout=2).describe('t')\n"
        "except Denied as error: print(error)\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GOOGLE_", "BIGQUERY_"))}
    with FaultyServer(rest=NoAnswer(), bigquery=False) as metadata:
        host = metadata.url.removeprefix("http://")
        nobody = {
            "HOME": str(tmp_path),
            "CLOUDSDK_CONFIG": str(tmp_path),
            "GCE_METADATA_HOST": host,
            "GCE_METADATA_IP": host,
        }
        start = time.monotonic()
        silent = _python(code, clean | nobody)
        assert time.monotonic() - start < patient(10)
        wrong = _python(code, clean | {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "absent.json")})
    for told in (silent, wrong):
        assert told.stderr == ""
        assert "gcloud auth application-default login" in told.stdout
        assert told.stdout.count("\n") == 1
    assert "absent.json" in wrong.stdout


def _python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=patient(30)
    )


SIGN_IN: dict[str, tuple[Step, type[FqtoolError], str]] = {
    "refused": (Answer(400, {"error": "invalid_grant", "error_description": TOKEN}), Denied, "gcloud auth"),
    "a reset": (Reset(), Unreachable, "while signing in, the connection was lost"),
    "no answer": (NoAnswer(), Unreachable, "while signing in, no answer within 1 s"),
    "a web page": (Answer(200, HTML, "text/html"), Unreachable, "not BigQuery's"),
}


@pytest.mark.parametrize("fault", SIGN_IN)
def test_a_sign_in_that_fails(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key is Denied, a sign-in service out of reach is Unreachable, and no part of the key is shown."""
    step, expected, words = SIGN_IN[fault]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with FaultyServer(rest=step, bigquery=False) as server:
        account = {
            "type": "service_account",
            "client_email": "robot@p.iam.gserviceaccount.com",
            "private_key": key.decode(),
            "token_uri": server.url,
        }
        (tmp_path / "key.json").write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
        with BigQueryWarehouse("p", "d", timeout=1.0, url="bigquery://p/d") as warehouse:
            ended = failure(lambda: warehouse.describe("t"), within=6)
        assert server.requests
    assert isinstance(ended, expected)
    assert words in str(ended)
    assert TOKEN not in str(ended)
