"""The test bed itself: what the other tests may rely on, run through the official client."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
import types
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from tests.bed import zeta
from tests.bed.emulator.hooks import override
from tests.bed.fixtures import SHORT, RunSql, ShowTable
from tests.bed.running import PROJECT, ROOT, Emulator, bed_python
from tests.machine import patient

# -- Google's analyser ----------------------------------------------------------------------------------------------


def test_the_analyser_uses_googles_words() -> None:
    """Analyze accepts what BigQuery's front end accepts, and otherwise reports why in its words and place."""
    tables = {"my-project.d.t": {"a": "INT64", "tags": "ARRAY<STRING>"}}
    for name in ("`my-project.d.t`", "`my-project`.d.t", "d.t", "`d.t`"):
        assert zeta.analyze(f"SELECT a + @n FROM {name}", tables) is None
    assert zeta.analyze("SELECT b FROM d.t", tables) == "Unrecognized name: b [at 1:8]"
    assert zeta.analyze("SELECT FROM d.t", tables) is not None
    assert zeta.analyze("ALTER TABLE d.t ADD COLUMN a INT64", tables) is not None
    assert zeta.analyze("SELECT " + " + ".join(["a"] * 400) + " FROM d.t", tables) is None


def test_reference_implementation_keeps_every_type() -> None:
    """Evaluate gives back the Python values it was given, for every type of a feature store."""
    columns = {
        "i": "INT64", "f": "FLOAT64", "b": "BOOL", "s": "STRING", "n": "NUMERIC", "d": "DATE", "t": "TIMESTAMP",
        "l": "ARRAY<STRING>", "r": "STRUCT<x INT64, y ARRAY<FLOAT64>>", "j": "JSON",
    }  # fmt: skip
    moment = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    full = (-1, 1.5, True, "é'\n", Decimal("-0.000000001"), date(1960, 2, 29), moment, ["a", ""],
            {"x": None, "y": [0.5]}, {"k": [1, None]})  # fmt: skip
    empty = (None, float("inf"), *[None] * 8)
    rows = zeta.evaluate("SELECT * FROM `p.d.t` ORDER BY i DESC", {"p.d.t": (columns, [full, empty])})
    assert rows == [full, (*empty[:7], None, *empty[8:])]
    (nan,) = zeta.evaluate("SELECT CAST('NaN' AS FLOAT64)")[0]
    assert nan != nan  # noqa: PLR0124 - that is what NaN is
    given = {"n": Decimal("1.25"), "none": zeta.Typed(None, "DATE"), "days": [date(2024, 1, 1)]}
    assert zeta.evaluate("SELECT @n, @none, @days", params=given) == [(Decimal("1.25"), None, [date(2024, 1, 1)])]
    with pytest.raises(zeta.ZetaError, match="division by zero"):
        zeta.evaluate("SELECT 1 / 0")


def test_a_patch_needs_what_it_patches() -> None:
    """When the emulator's private names change, the bed reports so and names the version it is written for."""
    place = types.SimpleNamespace(here=1)
    assert override(place, "here", 2) == 1
    with pytest.raises(RuntimeError, match=r"gone is gone: .* bqemulator==1\.4\.0"):
        override(place, "gone", 2)


# -- the process ----------------------------------------------------------------------------------------------------


def test_the_server_ends_with_its_parent() -> None:
    """A parent that dies without stopping its emulator leaves no orphan."""
    if not bed_python().exists():
        pytest.skip("no emulator: run `make bed`")
    program = """
        import os
        from tests.bed.running import Emulator
        emulator = Emulator().start()
        print(emulator._process.pid, emulator.url, flush=True)
        os._exit(9)
    """
    command_line = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command_line, capture_output=True, text=True, timeout=patient(60), check=False, cwd=ROOT)
    pid, url = done.stdout.split()
    assert url.startswith("http://127.0.0.1:")
    command = Path(f"/proc/{pid}/cmdline")
    deadline = time.monotonic() + patient(10)
    while command.exists() and b"serve.py" in command.read_bytes():
        assert time.monotonic() < deadline, "the emulator outlived its parent"
        time.sleep(0.05)


def test_every_request_is_logged(emulator: Emulator, dataset: str) -> None:
    """A test can check which calls were made and that no other was."""
    client = emulator.client()
    emulator.reset_log()
    with pytest.raises(exceptions.NotFound, match=f"Not found: Table {PROJECT}:{dataset}.absent"):
        client.get_table(f"{dataset}.absent", **SHORT)
    assert emulator.request_log == [("GET", f"/bigquery/v2/projects/{PROJECT}/datasets/{dataset}/tables/absent")]


# -- jobs -----------------------------------------------------------------------------------------------------------


def test_a_job_id_is_used_once(emulator: Emulator, dataset: str) -> None:
    """A repeated job id is 409, and jobs.get still gives the first job's end, good or bad."""
    client = emulator.client()
    for job_id, sql, reason in [(f"{dataset}_a", "SELECT 1", None), (f"{dataset}_b", "SELECT x", "invalidQuery")]:
        client.query(sql, job_id=job_id, job_retry=None, **SHORT)
        with pytest.raises(exceptions.Conflict, match="Already Exists: Job"):
            client.query("SELECT 2", job_id=job_id, job_retry=None, **SHORT)
        first = client.get_job(job_id, **SHORT)
        assert first.state == "DONE"
        assert first.query == sql
        assert (first.error_result or {}).get("reason") == reason


def test_concurrent_readings_get_their_own_rows(emulator: Emulator, run_sql: RunSql, dataset: str) -> None:
    """Tables listed at the same moment each have their own columns and rows."""
    tables = {"one": (1,), "two": (2, 2), "three": (3, 3, 3)}
    for name, row in tables.items():
        run_sql(f"CREATE TABLE {name} AS SELECT {', '.join(f'{n} AS c{at}' for at, n in enumerate(row))}")

    def listed(name: str) -> bool:
        table = client.get_table(f"{dataset}.{name}", **SHORT)
        return all([tuple(row) for row in client.list_rows(table, **SHORT)] == [tables[name]] for _ in range(15))

    client = emulator.client()
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(listed, [*tables] * 2))


@pytest.mark.parametrize("call", ["query", "query_and_wait"])
def test_refusals_reach_the_caller(emulator: Emulator, dataset: str, call: str) -> None:
    """A bad query is an error by both ways of asking, and an absent table or dataset is notFound."""
    client = emulator.client()

    def ask(sql: str) -> Any:
        if call == "query":
            return client.query(sql, job_retry=None, **SHORT).result(**SHORT)
        return client.query_and_wait(sql, job_retry=None, retry=None, wait_timeout=20)

    with pytest.raises(exceptions.BadRequest, match=r"Unrecognized name: x \[at 1:8\]"):
        ask("SELECT x")
    with pytest.raises(exceptions.NotFound, match=f"Not found: Table {PROJECT}:{dataset}.t was not found"):
        ask(f"SELECT 1 FROM {dataset}.t")
    with pytest.raises(exceptions.NotFound, match=f"Not found: Dataset {PROJECT}:nowhere was not found"):
        ask("SELECT 1 FROM nowhere.t")
    with pytest.raises(exceptions.BadRequest, match="must be qualified with a dataset"):
        ask("SELECT 1 FROM t")


def test_dry_run_changes_nothing(run_sql: RunSql, show_table: ShowTable) -> None:
    """A dry run refuses what the real run would and leaves the table alone."""
    run_sql("CREATE TABLE t (a INT64 NOT NULL)")
    before = show_table("t")
    run_sql("ALTER TABLE t ADD COLUMN b INT64", dry_run=True)
    with pytest.raises(exceptions.BadRequest, match="Column already exists: a"):
        run_sql("ALTER TABLE t ADD COLUMN a INT64", dry_run=True)
    with pytest.raises(exceptions.BadRequest, match="Cannot add required fields"):
        run_sql("ALTER TABLE t ADD COLUMN b INT64 NOT NULL", dry_run=True)
    assert show_table("t") == before


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t", "`t`"])
def test_the_default_dataset_fills_every_statement(run_sql: RunSql, name: str) -> None:
    """An unqualified name means the default dataset in every kind of statement, quoted or not."""
    run_sql(f"CREATE TABLE {name} (id INT64, tags ARRAY<STRING>)")
    run_sql(f"INSERT INTO {name} (id, tags) VALUES (1, ['x', 'y']), (2, NULL)")
    run_sql(f"ALTER TABLE {name} ADD COLUMN note STRING OPTIONS (description = 'FROM t')")
    run_sql(f"UPDATE {name} SET note = 'FROM t' WHERE id = 1")
    run_sql(f"MERGE {name} AS T USING (SELECT id + 1 AS id FROM {name}) AS s ON T.id = s.id "
        "WHEN MATCHED THEN UPDATE SET note = 'm' WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)")  # fmt: skip
    run_sql(f"DELETE FROM {name} WHERE id = 3")
    run_sql(f"CREATE OR REPLACE VIEW v AS SELECT id, note FROM {name}")
    run_sql(f"CREATE OR REPLACE TABLE u AS SELECT t.id FROM {name} AS t JOIN v ON t.id = v.id")
    assert run_sql(f"SELECT id, note FROM {name} ORDER BY id") == [(1, "FROM t"), (2, "m")]
    assert run_sql(f"SELECT id FROM v WHERE id IN (SELECT id FROM {name}) ORDER BY 1") == [(1,), (2,)]
    assert run_sql(f"WITH t AS (SELECT id FROM {name}) SELECT COUNT(*) FROM t, u") == [(4,)]
    assert run_sql("SELECT tag FROM t, t.tags AS tag ORDER BY tag") == [("x",), ("y",)]
    run_sql("DROP VIEW v")
    run_sql(f"TRUNCATE TABLE {name}")
    assert run_sql(f"SELECT * FROM {name}") == []
    run_sql(f"DROP TABLE {name}")
    run_sql(f"DROP TABLE IF EXISTS {name}")
    with pytest.raises(exceptions.NotFound):
        run_sql(f"DROP TABLE {name}")


def test_information_schema_still_answers(run_sql: RunSql, dataset: str) -> None:
    """INFORMATION_SCHEMA is left as the emulator has it."""
    run_sql("CREATE TABLE t (a INT64)")
    assert run_sql(f"SELECT column_name FROM {dataset}.INFORMATION_SCHEMA.COLUMNS") == [("a",)]


def test_a_script_runs_statement_by_statement(run_sql: RunSql) -> None:
    """Each statement of a script sees what the one before it did."""
    script = (
        "CREATE TABLE t (a INT64); ALTER TABLE t ADD COLUMN b STRING; INSERT INTO t VALUES (1, 's'); SELECT * FROM t"
    )
    assert run_sql(script) == [(1, "s")]
    assert run_sql("DECLARE n INT64 DEFAULT 2; SELECT n + 1") == [(3,)]
