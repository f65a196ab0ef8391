"""Tables, views and rows of the test bed: what BigQuery keeps, shows, refuses and gives back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery as bq

from tests.bed.fixtures import SHORT, RunSql, ShowTable
from tests.bed.running import PROJECT, Emulator

WIDE = """
CREATE TABLE t (
  id INT64 NOT NULL OPTIONS (description = 'the key'),
  day DATE,
  price NUMERIC(10, 2) DEFAULT 1.5,
  name STRING(5),
  tags ARRAY<STRING>,
  part STRUCT<x STRING OPTIONS (description = 'inner'), y ARRAY<INT64>>,
  seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP()
)
PARTITION BY day CLUSTER BY id
OPTIONS (description = 'what', friendly_name = 'T', labels = [('a', 'b')], partition_expiration_days = 3,
         expiration_timestamp = TIMESTAMP '2031-01-01 00:00:00 UTC', require_partition_filter = TRUE)
"""


def columns(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Fields by name."""
    return {field["name"]: field for field in shown["schema"]["fields"]}


def test_create_table_keeps_everything(run_sql: RunSql, show_table: ShowTable) -> None:
    """tables.get shows what CREATE TABLE declared: types, modes, parameters, defaults, descriptions and options."""
    run_sql(WIDE)
    shown = show_table("t")
    made = columns(shown)
    assert made["id"] == {"name": "id", "type": "INTEGER", "mode": "REQUIRED", "description": "the key"}
    assert (made["price"]["precision"], made["price"]["scale"]) == ("10", "2")
    assert made["price"]["defaultValueExpression"] == "1.5"
    assert made["name"]["maxLength"] == "5"
    assert (made["tags"]["type"], made["tags"]["mode"]) == ("STRING", "REPEATED")
    assert made["part"]["fields"][0]["description"] == "inner"
    assert made["part"]["fields"][1]["mode"] == "REPEATED"
    assert made["seen"]["defaultValueExpression"] == "CURRENT_TIMESTAMP()"
    assert shown["timePartitioning"]["field"] == "day"
    assert shown["timePartitioning"]["expirationMs"] == "259200000"
    assert shown["clustering"] == {"fields": ["id"]}
    assert (shown["description"], shown["friendlyName"], shown["labels"]) == ("what", "T", {"a": "b"})
    assert (shown["requirePartitionFilter"], shown["expirationTime"]) == (True, "1924992000000")
    run_sql("INSERT INTO t (id, day) VALUES (1, '2024-01-01')")
    assert run_sql("SELECT price, tags FROM t WHERE day = '2024-01-01'") == [(Decimal("1.5"), [])]


def test_table_options_are_set_replaced_and_cleared(run_sql: RunSql, show_table: ShowTable) -> None:
    """SET OPTIONS changes what it names: labels wholly, NULL clears, the rest stays."""
    run_sql(WIDE)
    run_sql("ALTER TABLE t SET OPTIONS (labels = [('c', 'd')], description = NULL, expiration_timestamp = NULL)")
    run_sql("ALTER TABLE t SET OPTIONS (require_partition_filter = FALSE, partition_expiration_days = NULL)")
    shown = show_table("t")
    assert (shown["labels"], shown["friendlyName"]) == ({"c": "d"}, "T")
    assert not {"description", "expirationTime", "requirePartitionFilter"} & shown.keys()
    assert "expirationMs" not in shown["timePartitioning"]


def test_one_alter_does_all_or_nothing(run_sql: RunSql, show_table: ShowTable) -> None:
    """Many actions are one change of schema and storage; when one is refused, none has happened."""
    run_sql("CREATE TABLE t (id INT64 NOT NULL, n INT64, old STRING)")
    run_sql("INSERT INTO t VALUES (1, 2, 'x')")
    before = show_table("t")
    with pytest.raises(exceptions.BadRequest, match="Cannot add required fields"):
        run_sql("ALTER TABLE t ADD COLUMN a INT64, DROP COLUMN old, ADD COLUMN b INT64 NOT NULL")
    assert show_table("t") == before
    run_sql("""
        ALTER TABLE t
          ADD COLUMN IF NOT EXISTS n STRING, ADD COLUMN s ARRAY<STRUCT<p STRING OPTIONS (description = 'in')>>,
          ADD COLUMN a FLOAT64 OPTIONS (description = "it's" || ' a'), DROP COLUMN IF EXISTS none,
          DROP COLUMN old, ALTER COLUMN id DROP NOT NULL, ALTER COLUMN n SET DATA TYPE FLOAT64,
          ALTER COLUMN id SET OPTIONS (description = 'key')
    """)
    run_sql("ALTER TABLE t ALTER COLUMN n SET DEFAULT 0.5")
    made = columns(show_table("t"))
    assert list(made) == ["id", "n", "s", "a"]
    assert made["id"] == {"name": "id", "type": "INTEGER", "mode": "NULLABLE", "description": "key"}
    assert (made["n"]["type"], made["n"]["defaultValueExpression"]) == ("FLOAT", "0.5")
    assert made["s"]["fields"][0]["description"] == "in"
    assert made["a"]["description"] == "it's a"
    run_sql("INSERT INTO t (id) VALUES (2)")
    assert run_sql("SELECT * FROM t ORDER BY id") == [(1, 2.0, [], None), (2, 0.5, [], None)]
    assert run_sql("SELECT SUM(ARRAY_LENGTH(s)) FROM t") == [(0,)]
    run_sql("ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN n TO a, RENAME COLUMN b TO n")
    assert list(columns(show_table("t"))) == ["id", "a", "s", "n"]
    run_sql("ALTER TABLE t RENAME TO u")
    assert run_sql("SELECT COUNT(*) FROM u") == [(2,)]


REFUSED = {
    "ADD COLUMN x INT64 DEFAULT 1": "Add field with default value to an existing table schema is not supported",
    "ADD COLUMN x INT64 NOT NULL": "Cannot add required fields to an existing schema. (field: x)",
    "ADD COLUMN ID INT64": "Column already exists: ID",
    "ADD COLUMN x INT64, ALTER COLUMN x SET OPTIONS (description = 'd')": "Column not found: x",
    "ADD COLUMN x INT64, RENAME COLUMN id TO y": "RENAME COLUMN",
    "DROP COLUMN day": "Cannot drop partitioning column day",
    "RENAME COLUMN id TO y": "Cannot rename clustering column id",
    "DROP COLUMN none": "Column not found: none",
    "ALTER COLUMN day DROP NOT NULL": "already nullable",
    "ALTER COLUMN day DROP DEFAULT": "has no default value",
    "ALTER COLUMN id SET DATA TYPE STRING": "is assignable to the new type (STRING)",
    "ALTER COLUMN price SET DATA TYPE NUMERIC(9, 2)": "NUMERIC(10, 2)",
    "ALTER COLUMN name SET DATA TYPE STRING(4)": "is assignable to the new type (STRING(4))",
}


def test_alter_refuses_what_bigquery_refuses(run_sql: RunSql, show_table: ShowTable) -> None:
    """Neither the front end's nor the back end's refusals change the table."""
    run_sql(WIDE)
    before = show_table("t")
    for action, words in REFUSED.items():
        with pytest.raises(exceptions.BadRequest) as refused:
            run_sql(f"ALTER TABLE t {action}")
        assert words in str(refused.value), action
    with pytest.raises(exceptions.NotFound):
        run_sql("ALTER TABLE none ADD COLUMN x INT64")
    run_sql("ALTER TABLE IF EXISTS none SET OPTIONS (description = 'd')")
    assert show_table("t") == before
    for action in ("ALTER COLUMN price SET DATA TYPE NUMERIC(12, 3)", "ALTER COLUMN name SET DATA TYPE STRING",
                   "ALTER COLUMN price DROP DEFAULT", "ADD PRIMARY KEY (id) NOT ENFORCED"):  # fmt: skip
        run_sql(f"ALTER TABLE t {action}")
    assert columns(show_table("t"))["price"]["precision"] == "12"
    assert show_table("t")["tableConstraints"]["primaryKey"] == {"columns": ["id"]}


def test_views_keep_their_text(run_sql: RunSql, show_table: ShowTable) -> None:
    """tables.get gives a view's query as it was written, and the view reads its table as that is now."""
    run_sql("CREATE TABLE t (id INT64, n STRING)")
    text = "SELECT id AS key, -- why\n  n FROM `t`  WHERE id > 0"
    run_sql(f"CREATE VIEW v (key OPTIONS (description = 'k'), n) OPTIONS (description = 'd') AS {text}")
    shown = show_table("v")
    assert (shown["type"], shown["view"]["query"], shown["description"]) == ("VIEW", text, "d")
    assert columns(shown)["key"] == {"name": "key", "type": "INTEGER", "mode": "NULLABLE", "description": "k"}
    with pytest.raises(exceptions.Conflict, match="Already Exists"):
        run_sql("CREATE VIEW v AS SELECT 1 AS x")
    run_sql("CREATE OR REPLACE VIEW v AS SELECT * FROM t")
    run_sql("ALTER VIEW v SET OPTIONS (description = 'new')")
    run_sql("ALTER TABLE t ADD COLUMN more INT64")
    run_sql("INSERT INTO t (id) VALUES (1)")
    assert [row[:2] for row in run_sql("SELECT id, n FROM v")] == [(1, None)]
    assert show_table("v")["description"] == "new"
    with pytest.raises(exceptions.BadRequest, match="currently a VIEW"):
        run_sql("DROP TABLE v")
    run_sql("DROP VIEW v")
    with pytest.raises(exceptions.NotFound):
        show_table("v")


def test_rows_round_trip_through_parameters(run_sql: RunSql, emulator: Emulator, dataset: str) -> None:
    """What goes in by scalar, array and struct parameters comes out by a query and by tabledata.list."""
    run_sql("CREATE TABLE t (id INT64, f FLOAT64, n NUMERIC, seen TIMESTAMP, d DATE, tags ARRAY<STRING>, "
            "s STRUCT<x STRING, y INT64>)")  # fmt: skip
    at = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    given = [
        bq.ScalarQueryParameter("id", "INT64", 1), bq.ScalarQueryParameter("f", "FLOAT64", float("inf")),
        bq.ScalarQueryParameter("n", "NUMERIC", Decimal("-1.25")), bq.ScalarQueryParameter("at", "TIMESTAMP", at),
        bq.ScalarQueryParameter("d", "DATE", None), bq.ArrayQueryParameter("tags", "STRING", ["a'b", "@id"]),
        bq.StructQueryParameter("s", bq.ScalarQueryParameter("x", "STRING", "é"),
                                bq.ScalarQueryParameter("y", "INT64", None)),
    ]  # fmt: skip
    run_sql("INSERT INTO t VALUES (@id, @f, @n, @at, @d, @tags, @s)", *given)
    run_sql("INSERT INTO t (id, tags) VALUES (2, @tags)", bq.ArrayQueryParameter("tags", "STRING", []))
    rows = [
        (1, float("inf"), Decimal("-1.25"), at, None, ["a'b", "@id"], {"x": "é", "y": None}),
        (2, None, None, None, None, [], None),
    ]
    assert run_sql("SELECT * FROM t ORDER BY id") == rows
    assert sorted(tuple(r) for r in emulator.client().list_rows(f"{dataset}.t", **SHORT)) == rows
    ids = bq.ArrayQueryParameter("ids", "INT64", [2, 3])
    assert run_sql("SELECT id, '@ids' FROM t WHERE id IN UNNEST(@ids)", ids) == [(2, "@ids")]


def test_merge_follows_bigquery(run_sql: RunSql, show_table: ShowTable) -> None:
    """MERGE changes, adds and removes rows; two source rows for one target row are refused; INSERT ROW works."""
    run_sql("CREATE TABLE t (id INT64, v STRING)")
    source = "(SELECT 1 AS id, @v AS v UNION ALL SELECT 2, 'b')"
    merge = f"MERGE t USING {source} AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v "
    for value in ("first", "again"):
        run_sql(merge + "WHEN NOT MATCHED THEN INSERT ROW", bq.ScalarQueryParameter("v", "STRING", value))
    assert run_sql("SELECT * FROM t ORDER BY id") == [(1, "again"), (2, "b")]
    with pytest.raises(exceptions.BadRequest, match="must match at most one source row for each target row"):
        run_sql("MERGE t USING (SELECT 1 AS id UNION ALL SELECT 1) AS s ON t.id = s.id WHEN MATCHED THEN DELETE")
    run_sql("CREATE TABLE a AS SELECT 2 AS id")
    source_before = show_table("a")
    run_sql("MERGE t USING a AS s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE")
    assert run_sql("SELECT id FROM t") == [(2,)]
    assert show_table("t")["numRows"] == "1"
    assert show_table("a") == source_before


def test_a_required_partition_filter_is_demanded(run_sql: RunSql) -> None:
    """Every read or change of a guarded table, through views too, needs a filter that names partitions."""
    run_sql(WIDE)
    run_sql("CREATE VIEW v AS SELECT * FROM t")
    source = "MERGE t AS T USING (SELECT 1 AS id, DATE '2024-01-01' AS day) AS S ON T.day = S.day"
    for sql in (
        "SELECT * FROM t", "SELECT * FROM t WHERE id = 1", "SELECT * FROM v", "DELETE FROM t WHERE id = 1",
        "SELECT * FROM t WHERE day = '2024-01-01' OR id = 1", f"{source} WHEN MATCHED THEN DELETE",
        "SELECT * FROM t WHERE day = (SELECT MAX(d) FROM UNNEST([CURRENT_DATE()]) AS d)",
    ):  # fmt: skip
        with pytest.raises(exceptions.BadRequest) as refused:
            run_sql(sql)
        words = "without a filter over column(s) 'day' that can be used for partition elimination"
        assert words in str(refused.value), sql
    for sql in (
        "SELECT * FROM t WHERE day BETWEEN '2024-01-01' AND '2024-01-02' AND id = 1",
        "SELECT * FROM v WHERE day >= DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY)",
        "WITH c AS (SELECT * FROM t) SELECT * FROM c WHERE day IN ('2024-01-01')",
        f"{source} AND T.day = DATE '2024-01-01' WHEN MATCHED THEN DELETE", "TRUNCATE TABLE t",
        "INSERT INTO t (id, day) VALUES (1, '2024-01-01')", "DELETE FROM t WHERE day = '2024-01-01'",
    ):  # fmt: skip
        run_sql(sql)


def test_the_tables_api_follows(emulator: Emulator, dataset: str, show_table: ShowTable) -> None:
    """create_table and update_table keep what they are given, guard by etag, and refuse to drop a column."""
    client, name = emulator.client(), f"{PROJECT}.{dataset}.t"
    made = bq.Table(name, schema=[bq.SchemaField("a", "INT64", "REQUIRED"), bq.SchemaField("d", "DATE")])
    made.time_partitioning, made.require_partition_filter = bq.TimePartitioning(field="d"), True
    made = client.create_table(made, **SHORT)
    stale = client.get_table(name, **SHORT)
    made.schema = [bq.SchemaField("a", "INT64", description="x"), *made.schema[1:], bq.SchemaField("b", "STRING")]
    client.update_table(made, ["schema"], **SHORT)
    assert list(columns(show_table("t"))) == ["a", "d", "b"]
    assert show_table("t")["requirePartitionFilter"] is True
    with pytest.raises(exceptions.PreconditionFailed):
        client.update_table(stale, ["description"], **SHORT)
    fresh = client.get_table(name, **SHORT)
    fresh.schema = fresh.schema[:1]
    with pytest.raises(exceptions.BadRequest, match="Field d is missing in new schema"):
        client.update_table(fresh, ["schema"], **SHORT)
    client.delete_table(name, **SHORT)
    with pytest.raises(exceptions.NotFound):
        client.get_table(name, **SHORT)


def test_a_merge_runs_beside_a_materialized_view(run_sql: RunSql) -> None:
    """Statements are not kept in translation there, and find their tables all the same."""
    run_sql("CREATE TABLE t (id INT64, v INT64)")
    run_sql("INSERT INTO t (id, v) VALUES (1, 1)")
    run_sql("CREATE MATERIALIZED VIEW counts AS SELECT id, COUNT(*) AS n FROM t GROUP BY id")
    run_sql("MERGE t USING (SELECT 1 AS id, 2 AS v) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v")
    assert run_sql("SELECT v FROM t") == [(2,)]
