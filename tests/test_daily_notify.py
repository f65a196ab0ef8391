"""Laws of `daily --notify`: what is posted, and a receiver that fails changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fqtool.commands.daily.notify import Notice
from fqtool.findings.finding import Finding
from fqtool.output.outcome import Outcome
from tests.in_process import Done, fqtool

TARGET = "duckdb:///store.duckdb"
GOOD, BAD = "2026-02-05", "2026-02-06"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one column, which has no value in all rows of the last date."""
    folder = tmp_path_factory.mktemp("notify")
    with duckdb.connect(str(folder / "store.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE store AS SELECT chr(97 + i::INT) AS item, d::DATE AS day, i * 3.5 + day(d) AS price "
            f"FROM range(DATE '{BAD}' - 20, DATE '{BAD}', INTERVAL 1 DAY) AS t(d), range(20) AS u(i)"
        )
    adopt = ("init", "--from-table", "store", "--learn", "20")
    for words in (adopt, ("migrate", "plan"), ("migrate",)):
        done = fqtool(folder, *words, "--target", TARGET)
        assert done.code == 0, done.said
    with duckdb.connect(str(folder / "store.duckdb")) as connection:
        connection.execute(f"INSERT INTO store BY NAME SELECT DISTINCT item, DATE '{BAD}' AS day FROM store")
    done = fqtool(folder, "score", "--start", "2026-01-17", "--end", BAD, "--target", TARGET)
    assert done.code == 0, done.said
    return folder


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on loopback: its address, and the documents that it was sent."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def daily(folder: Path, day: str, *words: str, target: str = TARGET) -> Done:
    """Check a date."""
    return fqtool(folder, "daily", "--date", day, "--target", target, *words)


def test_a_problem_is_posted_as_the_json_document(folder: Path) -> None:
    """The document of --format json with a summary; exit code and text are those of a run that posts nothing."""
    alone = daily(folder, BAD)
    with receiver() as (url, taken):
        done = daily(folder, BAD, "--notify", url)
    assert (done.code, done.out) == (1, alone.out)
    (document,) = taken
    text, code = document.pop("text"), document.pop("exit_code")
    assert document == json.loads(daily(folder, BAD, "--format", "json").out)
    assert code == 1
    assert text.startswith(f"store, {BAD}: ")
    assert "price" in text


def test_the_message_names_the_owner_of_a_finding() -> None:
    """A chat shows who answers for it; a finding without an owner is shown as it was."""
    findings = (Finding("Job", "Job did not run.", owner="team-prices"), Finding("rows", "The store has 0 rows."))
    notice = Notice("store", outcome=Outcome(findings, TARGET, "daily", "No problems found."))
    document = notice.document(1, None)
    assert document is not None
    assert "Job did not run. (owner: team-prices)\n" in document["text"]
    assert document["text"].endswith("0 rows.")
    assert [one.get("owner") for one in document["findings"]] == ["team-prices", None]


def test_the_message_counts_what_the_date_before_has_too() -> None:
    """A chat shows whether anything is new; a finding that is not about a date is neither new nor old."""
    findings = (
        Finding("Job", "Job did not run.", since=date(2026, 1, 4)),
        Finding("rows", "The store has 0 rows.", since=date(2026, 1, 6)),
        Finding("store", "The newest date is too old."),
    )
    outcome = Outcome(findings, TARGET, "daily", "No problems found.", {"date": "2026-01-06"})
    document = Notice("store", outcome=outcome).document(1, None)
    assert document is not None
    assert document["text"].startswith("store, 2026-01-06: 3 errors; 1 of 3 findings began before 2026-01-06\n")
    assert [one.get("since") for one in document["findings"]] == ["2026-01-04", "2026-01-06", None]
    assert [outcome.is_new(one) for one in findings] == [False, True, None]


def test_no_problem_is_posted_on_request(folder: Path) -> None:
    """Exit 0 is not posted without --notify-always."""
    with receiver() as (url, taken):
        assert daily(folder, GOOD, "--notify", url).code == 0
        assert taken == []
        assert daily(folder, GOOD, "--notify", url, "--notify-always").code == 0
    assert [(one["text"], one["exit_code"]) for one in taken] == [(f"store, {GOOD}: No problems found.", 0)]


def test_a_failed_check_is_posted(folder: Path) -> None:
    """Exit 3: the sentence of the error."""
    with receiver() as (url, taken):
        done = daily(folder, BAD, "--notify", url, target="duckdb:///absent.duckdb")
    assert done.code == 3
    assert [one["exit_code"] for one in taken] == [3]
    assert taken[0]["text"].startswith("store: There is no table store in duckdb:///absent.duckdb")


def test_a_receiver_that_fails_is_a_warning(folder: Path) -> None:
    """The exit code stays; the address, which is a secret, is not printed."""
    with receiver(status=500) as (url, _):
        done = daily(folder, BAD, "--notify", url)
    assert done.code == 1
    assert "warning: 127.0.0.1 did not take the notification: status 500." in done.err
    gone = daily(folder, BAD, "--notify", url)
    assert gone.code == 1
    assert "warning: 127.0.0.1 did not take the notification: ConnectionRefusedError." in gone.err
    assert "secret-path" not in done.said.replace(" ".join(done.words), "") + gone.said.replace(
        " ".join(gone.words), ""
    )


@pytest.mark.parametrize("url", ["file:///etc/passwd", "hooks.example.com/id", "http://"])
def test_only_web_addresses_are_accepted(folder: Path, url: str) -> None:
    """Exit 2 before the warehouse is asked."""
    done = daily(folder, BAD, "--notify", url)
    assert done.code == 2
    assert "--notify must be an http or https URL." in done.err
