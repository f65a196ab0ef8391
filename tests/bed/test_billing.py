"""Bytes processed and billed by the test bed, and the limit of a job, against sums made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery as bq

from tests.bed.fixtures import SHORT, RunSql
from tests.bed.running import PROJECT, Emulator
from tests.machine import patient

MIB = 1 << 20
DAYS = """
CREATE TABLE t (id INT64, day DATE, name STRING, flag BOOL, tags ARRAY<STRING>) PARTITION BY day
"""
ROWS = """
INSERT INTO t VALUES
  (1, '2024-01-01', 'abc', TRUE, ['x', 'yz']), (2, '2024-01-01', 'é', NULL, []),
  (3, '2024-01-02', NULL, FALSE, ['long']), (4, '2024-01-03', '', TRUE, [])
"""
# id and day weigh 8 each, a string 2 and its UTF-8, a BOOL 1, NULL nothing.
FIRST = {"id": 16, "day": 16, "name": 5 + 4, "flag": 1, "tags": 3 + 4}
SECOND = {"id": 8, "day": 8, "name": 0, "flag": 1, "tags": 6}
THIRD = {"id": 8, "day": 8, "name": 2, "flag": 1, "tags": 0}

Ask = Callable[..., Any]


@pytest.fixture
def ask(emulator: Emulator, dataset: str, run_sql: RunSql) -> Ask:
    """`ask(sql, *params, **config)` is the finished job of a statement over the table of these tests."""
    run_sql(DAYS)
    run_sql(ROWS)
    client = emulator.client()

    def run(sql: str, *params: Any, **config: Any) -> Any:
        settings = bq.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", query_parameters=list(params), **config)
        job = client.query(sql, settings, job_retry=None, **SHORT)
        if not config.get("dry_run"):
            job.result(**SHORT)
        return job

    return run


def size(*names: str, days: tuple[dict[str, int], ...] = (FIRST, SECOND, THIRD)) -> int:
    """The bytes of some columns on some days."""
    return sum(day[name] for day in days for name in names)


ALL = tuple(FIRST)
QUERIES = {
    "SELECT * FROM t": size(*ALL),
    "SELECT COUNT(*) FROM t": 0,
    "SELECT name FROM t": size("name"),
    "SELECT name, name || 'x', LENGTH(name) FROM t": size("name"),
    "SELECT a.name, b.name FROM t a JOIN t b USING (id)": size("id", "name"),
    "SELECT name FROM (SELECT * FROM t)": size("name"),
    "WITH c AS (SELECT * FROM t), d AS (SELECT * FROM c) SELECT name FROM d": size("name"),
    "SELECT TO_JSON_STRING(c) FROM (SELECT * FROM t) AS c": size(*ALL),
    "SELECT name FROM t WHERE day = '2024-01-01'": size("day", "name", days=(FIRST,)),
    "SELECT name FROM t WHERE day > '2024-01-01' AND id = 3": size("id", "day", "name", days=(SECOND, THIRD)),
    "SELECT name FROM t WHERE day = '2024-01-01' OR id = 3": size("id", "day", "name"),
    "SELECT name FROM t WHERE day = (SELECT MAX(day) FROM t)": size("day", "name"),
    "SELECT name FROM t WHERE day = '2023-01-01'": 0,
    "SELECT name FROM t WHERE DATE_ADD(day, INTERVAL 1 DAY) = '2024-01-02'": size("day", "name", days=(FIRST,)),
    "SELECT name FROM v WHERE day = '2024-01-02'": size("day", "name", days=(SECOND,)),
    "SELECT COUNT(*) FROM v": 0,
    "SELECT tags FROM t WHERE EXISTS (SELECT 1 FROM UNNEST(tags) AS tag WHERE tag = 'x')": size("tags"),
    "SELECT 1": 0,
}


def test_a_query_processes_the_columns_and_partitions_it_names(ask: Ask) -> None:
    """A dry run and the run agree, and both agree with the sums made by hand."""
    ask("CREATE VIEW v AS SELECT * FROM t")
    for sql, processed in QUERIES.items():
        trial = ask(sql, dry_run=True)
        assert trial.total_bytes_processed == processed, sql
        assert trial._properties["statistics"]["query"]["totalBytesBilled"] == "0"
        job = ask(sql)
        assert job.total_bytes_processed == processed, sql
        tables = 1 if processed else 0
        assert job.total_bytes_billed == tables * 10 * MIB, sql


UPDATED = size("id", "day", days=(FIRST,)) + size(*ALL, days=(FIRST,))
CHANGES = {
    "INSERT INTO t (id, day) SELECT id, day FROM t WHERE day = '2024-01-01'": size("id", "day", days=(FIRST,)),
    "INSERT INTO t (id, day) VALUES (9, '2024-01-09')": 0,
    "UPDATE t SET flag = TRUE WHERE day = '2024-01-01' AND id = 1": UPDATED,
    "UPDATE t SET flag = TRUE WHERE id = 1": size("id") + size(*ALL),
    "DELETE FROM t WHERE day = '2024-01-01' AND id = 1": UPDATED,
    "DELETE FROM t WHERE day = '2024-01-01'": 0,
    "MERGE t USING (SELECT 9 AS id, DATE '2024-01-01' AS day) AS s ON t.day = DATE '2024-01-01' AND t.id = s.id "
    "WHEN NOT MATCHED THEN INSERT (id, day) VALUES (id, day)": size("id", "day", days=(FIRST,)),
    "MERGE t USING (SELECT 9 AS id) AS s ON t.day = DATE '2024-01-01' AND t.id = s.id "
    "WHEN MATCHED THEN UPDATE SET name = 'x'": UPDATED,
    "MERGE t USING (SELECT 9 AS id) AS s ON t.id = s.id WHEN MATCHED THEN DELETE": size("id") + size(*ALL),
    "MERGE t USING (SELECT 9 AS id) AS s ON FALSE WHEN NOT MATCHED BY SOURCE AND day = '2024-01-02' THEN DELETE "
    "WHEN NOT MATCHED THEN INSERT (id) VALUES (id)": size("day", days=(SECOND,)) + size(*ALL, days=(SECOND,)),
    "TRUNCATE TABLE t": 0,
    "CREATE TABLE copied AS SELECT id FROM t WHERE day = '2024-01-02'": size("id", "day", days=(SECOND,)),
    "ALTER TABLE t ADD COLUMN more INT64": 0,
    "CREATE VIEW w AS SELECT * FROM t": 0,
    "CREATE TABLE another LIKE t": 0,
}  # fmt: skip


def test_changes_process_the_partitions_they_write_again(ask: Ask) -> None:
    """UPDATE, DELETE and MERGE add every column of the partitions they may change; a MERGE that inserts does not."""
    for sql, processed in CHANGES.items():
        assert ask(sql, dry_run=True).total_bytes_processed == processed, sql


def test_a_change_is_billed_as_its_dry_run_estimates(ask: Ask) -> None:
    """The bytes are those before the statement; afterwards the table has other ones."""
    update = "UPDATE t SET name = 'four' WHERE day = '2024-01-02'"
    job = ask(update)
    assert job.total_bytes_processed == size("day", days=(SECOND,)) + size(*ALL, days=(SECOND,))
    assert job.total_bytes_billed == 10 * MIB
    assert ask(update, dry_run=True).total_bytes_processed == job.total_bytes_processed + 6


def test_every_type_has_its_documented_size(ask: Ask) -> None:
    """Sizes of types, of STRUCT and ARRAY as the sum of their parts, of NULL as nothing."""
    ask("""
        CREATE TABLE kinds AS SELECT 1 AS a, 1.5 AS b, NUMERIC '1' AS c, BIGNUMERIC '1' AS d, b'abc' AS e,
          TIMESTAMP '2024-01-01' AS f, DATETIME '2024-01-01' AS g, TIME '10:00:00' AS h, JSON '{"a":1}' AS i,
          STRUCT(1 AS x, 'ab' AS y) AS j, [STRUCT(TRUE AS z)] AS k, CAST(NULL AS STRING) AS l
    """)
    sizes = {"a": 8, "b": 8, "c": 16, "d": 32, "e": 5, "f": 8, "g": 8, "h": 8, "i": 7, "j": 12, "k": 1, "l": 0}
    for name, expected in sizes.items():
        assert ask(f"SELECT {name} FROM kinds", dry_run=True).total_bytes_processed == expected, name


def test_partitions_of_other_columns_are_left_out(ask: Ask) -> None:
    """TIMESTAMP by hour or month and ranges of INT64 prune as DATE does, with parameters too."""
    ask("CREATE TABLE hours (seen TIMESTAMP, n INT64) PARTITION BY TIMESTAMP_TRUNC(seen, HOUR)")
    ask("INSERT INTO hours VALUES ('2024-01-01 10:15:00', 1), ('2024-01-01 10:45:00', 2), ('2024-01-01 11:00:00', 3)")
    half_open = "SELECT n FROM hours WHERE seen >= @start AND seen < '2024-01-01 11:00:00'"
    start = bq.ScalarQueryParameter("start", "TIMESTAMP", "2024-01-01 10:30:00+00:00")
    assert ask(half_open, start, dry_run=True).total_bytes_processed == 32
    ask("CREATE TABLE tens (n INT64, s STRING) PARTITION BY RANGE_BUCKET(n, GENERATE_ARRAY(0, 100, 10))")
    ask("INSERT INTO tens VALUES (1, 'a'), (9, 'a'), (10, 'a'), (95, 'a')")
    few = bq.ArrayQueryParameter("few", "INT64", [9, 95])
    assert ask("SELECT s FROM tens WHERE n IN UNNEST(@few)", few, dry_run=True).total_bytes_processed == 33


def test_streamed_rows_are_counted(ask: Ask, emulator: Emulator, dataset: str) -> None:
    """Rows that come by insertAll count like others, immediately."""
    before = ask("SELECT id FROM t", dry_run=True).total_bytes_processed
    emulator.client().insert_rows_json(f"{PROJECT}.{dataset}.t", [{"id": 7, "day": "2024-01-01"}], **SHORT)
    assert ask("SELECT id FROM t", dry_run=True).total_bytes_processed == before + 8


def test_every_table_is_billed_ten_mebibytes_and_more_by_whole_ones(ask: Ask) -> None:
    """Two small tables cost 20 MiB; 10.5 MiB of one cost 11."""
    ask("CREATE TABLE other AS SELECT 1 AS id")
    assert ask("SELECT t.name FROM t JOIN other USING (id)").total_bytes_billed == 20 * MIB
    ask("CREATE TABLE big AS SELECT REPEAT('x', 11010046) AS s")
    job = ask("SELECT LENGTH(s) FROM big")
    assert (job.total_bytes_processed, job.total_bytes_billed) == (11010048, 11 * MIB)


def test_a_job_over_its_limit_fails_before_it_runs(ask: Ask) -> None:
    """The limit is held against the bytes billed; a dry run, and a job just within it, are let through."""
    update = "UPDATE t SET name = 'changed' WHERE day = '2024-01-01'"
    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        ask(update, maximum_bytes_billed=10 * MIB - 1)
    words = "Query exceeded limit for bytes billed: 10485759. 10485760 or higher required."
    assert words in str(refused.value)
    assert refused.value.errors[0]["reason"] == "bytesBilledLimitExceeded"
    assert next(iter(ask("SELECT name FROM t WHERE id = 1").result(**SHORT)))[0] == "abc"
    ask(update, maximum_bytes_billed=1, dry_run=True)
    ask("SELECT COUNT(*) FROM t", maximum_bytes_billed=1)
    ask(update, maximum_bytes_billed=10 * MIB)


def test_bytes_are_shown_by_every_method(ask: Ask, emulator: Emulator, dataset: str) -> None:
    """jobs.get, jobs.query and jobs.getQueryResults report the same bytes as the job."""
    client = emulator.client()
    job = client.get_job(ask("SELECT name FROM t").job_id, **SHORT)
    shown = job._properties["statistics"]
    assert shown["totalBytesProcessed"] == shown["query"]["totalBytesProcessed"] == str(size("name"))
    assert shown["query"]["estimatedBytesProcessed"] == str(size("name"))
    path = f"/projects/{PROJECT}/queries"
    body = {"query": f"SELECT name FROM {dataset}.t", "useLegacySql": False}
    told = client._connection.api_request(method="POST", path=path, data=body, timeout=patient(20))
    assert told["totalBytesProcessed"] == str(size("name"))
    results = client._connection.api_request(method="GET", path=f"{path}/{job.job_id}", timeout=20)
    assert results["totalBytesProcessed"] == str(size("name"))


def test_a_script_is_billed_for_all_of_its_statements(ask: Ask) -> None:
    """The job of a script shows the sum."""
    assert ask("SELECT name FROM t; SELECT id FROM t").total_bytes_processed == size("name", "id")
