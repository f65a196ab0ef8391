"""Laws of -v and --trace: every request is reported once, nothing else is, no value is, and off costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fqtool.cli.options import warehouse_of
from fqtool.cli.output import Run, start_run
from fqtool.errors import FqtoolError, StatementFailed
from fqtool.output.trace import as_json, as_text
from fqtool.sql import Query, WholeTable
from fqtool.table.changes import CreateTable
from fqtool.table.column import Column, Kind, Type
from fqtool.table.ddl import Statement
from fqtool.table.model import Table
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.tracing import Request, TracedWarehouse, statement_kind
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.commands import fqtool
from tests.fault_proxy import Answer, FaultyServer, Reset
from tests.machine import patient
from tests.memory_warehouse import MemoryWarehouse
from tests.stores import small_registry

SCHEMA = json.loads((ROOT / "fqtool/output/trace.schema.json").read_text())
SECRET = "s3cret-value"


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a trace, each held against the schema."""
    told = [json.loads(line) for line in path.read_text().splitlines()]
    for one in told:
        jsonschema.validate(one, SCHEMA)
    return told


def test_no_listener_means_no_wrapper(tmp_path: Path) -> None:
    """Without -v and --trace a command works on the bare warehouse, and the wrapper is not even imported."""
    start_run(Run())
    with warehouse_of(small_registry(), f"duckdb:///{tmp_path}/x.duckdb", 30) as warehouse:
        assert type(warehouse) is DuckDBWarehouse
    script = (
        "import sys; sys.argv = ['fqtool', 'check-drift', '--target', 'duckdb:///:memory:']\n"
        "from fqtool.app.app import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*[one for one in ('fqtool.warehouse.tracing', 'fqtool.output.trace') if one in sys.modules])"
    )
    for words, loaded in (([], ""), (["-v"], "fqtool.warehouse.tracing fqtool.output.trace")):
        done = subprocess.run(
            [sys.executable, "-c", script.replace("'fqtool', ", "'fqtool', " + "".join(f"{one!r}, " for one in words))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=patient(60),
            check=True,
        )
        assert done.stdout.strip() == loaded


def test_each_request_is_reported_once() -> None:
    """describe, rows and run give one line each, with rows and job; the answers are those of the warehouse inside."""
    told: list[Request] = []
    with TracedWarehouse(DuckDBWarehouse(":memory:"), told.append) as warehouse:
        assert warehouse.url == warehouse.inner.url
        assert warehouse.describe("t") is None
        assert warehouse.rows(Query("SELECT 1 AS a UNION ALL SELECT 2")) == [{"a": 1}, {"a": 2}]
        table = Table("t", (Column("a", Type(Kind.INT64)),))
        warehouse.run(Statement("CREATE TABLE `t` (a INT64)", (CreateTable(table),)))
        done = warehouse.run(Query("INSERT INTO t (a) VALUES (@a)", (("a", 7),)), job="j1")
        assert (done.job, done.rows_changed) == ("j1", 1)
        assert warehouse.rows(WholeTable("t", ("a",))) == [{"a": 7}]
        warehouse.run(Query("DELETE FROM t WHERE TRUE"), dry_run=True)
    found = [(one.kind, one.what, one.job, one.rows, one.dry_run, one.outcome) for one in told]
    assert found == [
        ("describe", "t", None, None, False, "ok"),
        ("rows", "SELECT", None, 2, False, "ok"),
        ("run", "CREATE TABLE", None, None, False, "ok"),
        ("run", "INSERT", "j1", 1, False, "ok"),
        ("rows", "t", None, 1, False, "ok"),
        ("run", "DELETE", None, None, True, "ok"),
    ]
    assert all(one.milliseconds > 0 for one in told)


def test_a_failure_is_reported_and_raised() -> None:
    """An error goes through as it is; its line has the error's class and none of its words."""
    told: list[Request] = []
    warehouse = TracedWarehouse(MemoryWarehouse(), told.append)
    with pytest.raises(StatementFailed, match=SECRET):
        warehouse.rows(Query(f"SELECT '{SECRET}'"))
    assert [one.outcome for one in told] == ["StatementFailed"]
    assert SECRET not in as_json(told[0], "score") + as_text(told[0])


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("-- why\nSELECT 's3cret'", "SELECT"),
        ("/* a */ with x as (select 1) select * from x", "SELECT"),
        ("ALTER TABLE `t`\n  ADD COLUMN a INT64", "ALTER TABLE"),
        ("CREATE OR REPLACE VIEW `v` AS SELECT 1", "CREATE OR REPLACE VIEW"),
        ("MERGE `t` USING x ON FALSE", "MERGE"),
        ("'s3cret'", "statement"),
        ("DROP 's3cret'", "statement"),
        ("", "statement"),
    ],
)
def test_a_statement_is_described_by_its_kind_alone(sql: str, kind: str) -> None:
    """The words that name the action, and never a value or a name out of the SQL."""
    assert statement_kind(sql) == kind


def test_a_trace_is_lines_of_the_schema(project: Path) -> None:
    """--trace appends one line a request, named by the whole command; stdout and stderr stay as they were."""
    plain = fqtool(project, "migrate", "--target", "duckdb:///plain.duckdb")
    done = fqtool(project, "--trace", "t.jsonl", "migrate", "--target", "duckdb:///other.duckdb")
    assert (done.returncode, done.stdout) == (0, plain.stdout)
    assert done.stderr == plain.stderr.replace("plain.duckdb", "other.duckdb")
    first = lines(project / "t.jsonl")
    assert {one["command"] for one in first} == {"migrate"}
    assert next(one["what"] for one in first if (one["job"] or "").startswith("fqtool_0001")) == "ALTER TABLE"
    fqtool(project, "migrate", "status", "--target", "duckdb:///other.duckdb", FQTOOL_TRACE="t.jsonl")
    both = lines(project / "t.jsonl")
    assert both[: len(first)] == first
    assert {one["command"] for one in both[len(first) :]} == {"migrate status"}


def test_verbose_goes_to_stderr(project: Path) -> None:
    """-v logs a line a request on stderr; stdout stays the same; migrate's own --verbose still lists the steps."""
    done = fqtool(project, "-v", "migrate", "--verbose")
    assert "record start" in done.stderr
    assert "run ALTER TABLE: " in done.stderr
    told = fqtool(project, "--verbose", "check-drift", "--format", "json")
    assert told.returncode == 0
    assert json.loads(told.stdout) == json.loads(fqtool(project, "check-drift", "--format", "json").stdout)
    assert "describe ml_feature_store_v2: " in told.stderr


def test_a_trace_that_cannot_be_written(project: Path) -> None:
    """A wrong file is a usage error before anything is done; a full disk ends the trace and not the work."""
    done = fqtool(project, "--trace", "absent/t.jsonl", "migrate")
    assert done.returncode == 2
    assert "absent/t.jsonl cannot be written" in done.stderr
    assert not (project / ".fqtool").exists()
    if Path("/dev/full").exists():
        done = fqtool(project, "--trace", "/dev/full", "migrate")
        assert done.returncode == 0
        assert done.stderr.count("The trace /dev/full is incomplete") == 1
        assert "is up to date" in done.stderr


def test_a_partition_scored_shows_no_value(project: Path) -> None:
    """Parameters, rows and SQL stay out of the trace and the log: not a date, not a label, not a cell."""
    fqtool(project, "migrate")
    insert = (
        "import duckdb; duckdb.connect('.fqtool/local.duckdb').execute(\"INSERT INTO ml_feature_store_v2 "
        f"(player_lookup, game_date, game_id, feature_count, feature_version, data_source, feature_sources) "
        f"VALUES ('{SECRET}', DATE '2026-02-06', 'g', 37, 'v2', 'x', '{{}}')\")"
    )
    subprocess.run([sys.executable, "-c", insert], cwd=project, check=True, timeout=patient(60))
    done = fqtool(project, "-vv", "--trace", "t.jsonl", "score", "--start", "2026-02-06", "--as-of", "2026-02-07")
    assert done.returncode == 0, done.stderr
    told = lines(project / "t.jsonl")
    assert [one["rows"] for one in told if one["what"] == "MERGE"] == [1]
    text = (project / "t.jsonl").read_text()
    assert SECRET not in text + done.stderr
    assert "2026-02-06" not in text + done.stderr.replace("2026-02-06: 1 row", "")


def told_by_bigquery(url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Warehouse, list[Request]]:
    """A BigQuery warehouse on a server of this machine, with its requests in a list."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
    told: list[Request] = []
    return TracedWarehouse(BigQueryWarehouse("p", "d", timeout=2, url="bigquery://p/d"), told.append), told


def test_http_is_reported_beneath_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each HTTP exchange is reported before its request: status and errors, retried ones too, and no query string."""
    busy = Answer(503, b"{}")
    with FaultyServer([busy, Reset(), Answer(404, b"{}")]) as server:
        warehouse, told = told_by_bigquery(server.url, monkeypatch)
        with warehouse, pytest.raises(FqtoolError) as caught:
            warehouse.describe("t")
    *http, request = told
    assert [one.outcome for one in http] == ["HTTP 503", "ConnectionError", "HTTP 404"]
    assert {one.what for one in http} == {"GET /bigquery/v2/projects/p/datasets/d/tables/t"}
    assert (request.kind, request.outcome) == ("describe", type(caught.value).__name__)


def test_bigquery_reports_jobs_and_bytes(project: Path, emulator: Emulator) -> None:
    """On BigQuery a query has its job, a dry run its bytes; -vv shows the HTTP exchanges, -v does not."""
    target = f"bigquery://{PROJECT}/{emulator.fresh_dataset()}"
    warehouse = {"BIGQUERY_EMULATOR_HOST": emulator.url, "FQTOOL_TARGET": target}
    done = fqtool(project, "-vv", "--trace", "t.jsonl", "migrate", **warehouse)
    assert done.returncode == 0, done.stderr
    told = lines(project / "t.jsonl")
    assert "http POST" in done.stderr
    jobs = [one for one in told if one["kind"] == "run"]
    assert jobs
    assert all(one["job"] for one in jobs)
    assert {one["kind"] for one in told} == {"describe", "run", "http", "rows"}
    done = fqtool(project, "-v", "--trace", "u.jsonl", "score", "--start", "2026-02-06", **warehouse)
    assert done.returncode == 0, done.stderr
    assert "http" not in done.stderr
    assert all(one["job"] for one in lines(project / "u.jsonl") if one["kind"] == "rows" and one["what"] == "SELECT")


def test_a_query_that_fails_keeps_its_job(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that BigQuery refuses is reported with the id of its job, so that one can look it up."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    told: list[Request] = []
    inner = BigQueryWarehouse(PROJECT, emulator.fresh_dataset(), url="bigquery://x/y")
    with TracedWarehouse(inner, told.append) as warehouse, pytest.raises(FqtoolError):
        warehouse.rows(Query("SELECT nothing FROM nowhere"))
    assert told[-1].outcome != "ok"
    assert (told[-1].job or "").startswith("fqtool-")
