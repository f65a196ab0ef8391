"""`require_partition_filter` and dry runs of the test bed: what they refuse, and what they let through."""

from __future__ import annotations

from datetime import date

import pytest
from google.api_core import exceptions
from google.cloud import bigquery as bq

from tests.bed.fixtures import RunSql, ShowTable

GUARDED = "CREATE TABLE t (id INT64, day DATE, n INT64) PARTITION BY day OPTIONS (require_partition_filter = TRUE)"
DAY = "day = DATE '2024-01-01'"
SOURCE = "(SELECT 1 AS id, DATE '2024-01-01' AS day, 2 AS n)"

REFUSED = [
    "SELECT * FROM t WHERE day = day",
    "SELECT * FROM t WHERE day = DATE_ADD(day, INTERVAL 1 DAY)",
    "SELECT * FROM t WHERE NOT (day = '2024-01-01' AND id = 1)",
    "SELECT * FROM t WHERE EXTRACT(DAY FROM day) + 1 = 2",
    f"SELECT * FROM u WHERE id IN (SELECT id FROM t) AND {DAY}",
    f"SELECT * FROM (SELECT * FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.id = u.id)) WHERE {DAY}",
    f"SELECT (SELECT MAX(n) FROM t) FROM u WHERE {DAY}",
    "SELECT * FROM (SELECT id AS day FROM t) WHERE day = 1",
    f"SELECT * FROM (SELECT * REPLACE (DATE '2024-01-01' AS day) FROM t) WHERE {DAY}",
    f"SELECT * FROM (SELECT * FROM t LIMIT 5) WHERE {DAY}",
    f"SELECT * FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n) AS place FROM t) WHERE {DAY}",
    f"SELECT * FROM (SELECT MAX(day) AS day FROM t GROUP BY id) WHERE {DAY}",
    f"SELECT * FROM u RIGHT JOIN t ON t.id = u.id AND t.{DAY}",
    f"SELECT * FROM u FULL JOIN t ON t.id = u.id AND t.{DAY}",
    f"SELECT * FROM t JOIN u ON t.id = u.id WHERE u.{DAY}",
    f"SELECT a.n FROM t AS a JOIN t AS b ON a.id = b.id WHERE a.{DAY}",
    f"WITH c AS (SELECT * FROM t) SELECT * FROM c WHERE {DAY} UNION ALL SELECT * FROM c",
    f"SELECT * FROM t WHERE {DAY} UNION ALL SELECT * FROM t",
    "SELECT id FROM shifted WHERE day = 1",
    "INSERT INTO u (id) SELECT id FROM t",
    "CREATE TABLE copied AS SELECT * FROM t",
    "UPDATE t SET n = 1 WHERE id = 1",
    f"UPDATE u SET id = 1 FROM t WHERE t.id = u.id AND u.{DAY}",
    "DELETE FROM t WHERE TRUE",
    f"MERGE t USING {SOURCE} AS s ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE",
    f"MERGE t USING {SOURCE} AS s ON t.{DAY} AND t.id = s.id WHEN MATCHED THEN UPDATE SET n = 1 "
    "WHEN NOT MATCHED BY SOURCE THEN DELETE",
    f"MERGE t USING {SOURCE} AS s ON t.id = s.id WHEN MATCHED AND t.{DAY} THEN DELETE "
    "WHEN NOT MATCHED THEN INSERT (id) VALUES (id)",
    f"MERGE u USING t AS s ON u.id = s.id AND s.{DAY} WHEN NOT MATCHED THEN INSERT (id) VALUES (id)",
]
ALLOWED = [
    f"SELECT * FROM t WHERE {DAY} AND NOT id = 1",
    "SELECT * FROM t WHERE NOT day < '2024-01-01'",
    "SELECT * FROM t WHERE day IS NOT NULL",
    f"SELECT * FROM (SELECT id, day AS d FROM t) WHERE {DAY.replace('day', 'd')}",
    f"SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id, day ORDER BY n) AS place FROM t) WHERE {DAY}",
    f"SELECT * FROM (SELECT day, MAX(n) AS n FROM t GROUP BY day) WHERE {DAY}",
    f"SELECT * FROM u LEFT JOIN t ON t.id = u.id AND t.{DAY}",
    f"SELECT * FROM (SELECT * FROM t WHERE {DAY} UNION ALL SELECT * FROM t WHERE {DAY})",
    f"SELECT * FROM (SELECT * FROM t UNION ALL SELECT * FROM t) WHERE {DAY}",
    f"SELECT * FROM u WHERE id IN (SELECT id FROM t WHERE {DAY})",
    f"SELECT id FROM shifted WHERE {DAY.replace('day', 'other')}",
    f"INSERT INTO u (id) SELECT id FROM t WHERE {DAY}",
    f"UPDATE t SET n = 1 WHERE {DAY}",
    f"UPDATE u SET id = 1 FROM t WHERE t.id = u.id AND t.{DAY}",
    f"MERGE t USING {SOURCE} AS s ON FALSE WHEN NOT MATCHED BY SOURCE AND t.{DAY} THEN DELETE "
    "WHEN NOT MATCHED THEN INSERT (id, day) VALUES (id, day)",
    f"MERGE t USING {SOURCE} AS s ON t.id = s.id WHEN MATCHED AND t.{DAY} THEN DELETE",
    f"MERGE u USING (SELECT * FROM t WHERE {DAY}) AS s ON u.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (id)",
    "ALTER TABLE t ADD COLUMN more INT64",
    "DROP TABLE t",
]


@pytest.fixture(autouse=True)
def _tables(run_sql: RunSql) -> None:
    run_sql(GUARDED)
    run_sql("CREATE TABLE u (id INT64, day DATE)")
    run_sql("CREATE VIEW shifted AS SELECT id AS day, day AS other, id FROM t")


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_statement_without_a_filter_on_partitions_is_refused(run_sql: RunSql, dry_run: bool) -> None:
    """Conditions that are about something else, or hold elsewhere, do not filter; a dry run has the same verdict."""
    for sql in REFUSED:
        with pytest.raises(exceptions.BadRequest) as refused:
            run_sql(sql, dry_run=dry_run)
        assert "without a filter over column(s) 'day'" in str(refused.value), sql


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_filter_on_partitions_is_found_at_every_place(run_sql: RunSql, dry_run: bool) -> None:
    """In joins, subqueries, set operations, views and the clauses of a MERGE."""
    for sql in ALLOWED:
        run_sql(sql, dry_run=dry_run)


def test_a_dry_run_knows_its_parameters(run_sql: RunSql) -> None:
    """Their types are those of the request, in queries and in DML; a wrong one is refused."""
    day = bq.ScalarQueryParameter("day", "DATE", date(2024, 1, 1))
    known = bq.ScalarQueryParameter("known", "STRING", None)
    merge = f"MERGE t USING (SELECT @day AS day, 1 AS n) AS s ON t.{DAY} AND t.day = s.day "
    run_sql("SELECT LENGTH(@known) FROM t WHERE day = @day", day, known, dry_run=True)
    run_sql(merge + "WHEN MATCHED THEN UPDATE SET n = LENGTH(@known)", day, known, dry_run=True)
    with pytest.raises(exceptions.BadRequest, match="No matching signature"):
        run_sql(
            "UPDATE t SET n = LENGTH(@n) WHERE day = @day", day, bq.ScalarQueryParameter("n", "INT64", 1), dry_run=True
        )


def test_a_dry_run_changes_nothing_and_refuses_what_the_run_would(run_sql: RunSql, show_table: ShowTable) -> None:
    """Tables, views and rows stay; what exists, is absent or may not change is refused."""
    before = show_table("t")
    for sql in (
        "CREATE TABLE made (id INT64)", "CREATE OR REPLACE TABLE t (x INT64)", "DROP TABLE t",
        "CREATE VIEW w AS SELECT 1 AS x", "ALTER TABLE t ADD COLUMN x INT64",
        "INSERT INTO t (id, day) VALUES (1, '2024-01-01')",
    ):  # fmt: skip
        run_sql(sql, dry_run=True)
    assert show_table("t") == before
    for name in ("made", "w"):
        with pytest.raises(exceptions.NotFound):
            show_table(name)
    for sql, error in {
        # On a conflict the client asks for the job, and BigQuery keeps none of a dry run.
        "CREATE TABLE t (x INT64)": exceptions.NotFound, "DROP TABLE absent": exceptions.NotFound,
        "ALTER TABLE t DROP COLUMN day": exceptions.BadRequest, "SELECT nothing FROM u": exceptions.BadRequest,
        "SELECT * FROM absent": exceptions.NotFound, "DROP TABLE shifted": exceptions.BadRequest,
    }.items():  # fmt: skip
        with pytest.raises(error):
            run_sql(sql, dry_run=True)
