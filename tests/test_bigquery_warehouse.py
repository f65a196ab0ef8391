"""BigQueryWarehouse against the emulator: what it describes, reads and runs, and in how many requests."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fqtool.errors import NotThere, StatementFailed, Unreachable
from fqtool.sql import Query, WholeTable, ident
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import Statement
from fqtool.table.model import DATASET, Options, Partitioning, Table, View, other_kind
from fqtool.table.schema_json import schema_json
from fqtool.warehouse.bigquery.schema import described
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests.bed.running import PROJECT, Emulator
from tests.fault_proxy import Answer, FaultyServer, inserts, through

CREATE = """CREATE TABLE `scores` (
  `player` STRING(40) NOT NULL OPTIONS(description = 'who'),
  `game_date` DATE,
  `seen` TIMESTAMP,
  `score` NUMERIC(5, 2),
  `tags` ARRAY<STRING>,
  `made_by` STRUCT<name STRING, runs ARRAY<INT64>>
) PARTITION BY `game_date` CLUSTER BY `player` OPTIONS(description = 'scores', require_partition_filter = TRUE)"""
ROW = (
    ("player", "a"),
    ("game_date", dt.date(2025, 1, 2)),
    ("seen", dt.datetime(2025, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)),
    ("score", Decimal("99.25")),
    ("tags", ("x", "y")),
)
INSERT = "INSERT INTO `scores` (player, game_date, seen, score, tags, made_by) VALUES "
INSERT_ROW = f"{INSERT} (@player, @game_date, @seen, @score, @tags, STRUCT('p', [1, 2]))"


@pytest.fixture
def warehouse(emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryWarehouse]:
    """A warehouse on the test's own dataset of the emulator."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with BigQueryWarehouse(PROJECT, dataset, url=f"bigquery://{PROJECT}/{dataset}") as opened:
        yield opened


@pytest.fixture
def scores(warehouse: BigQueryWarehouse) -> BigQueryWarehouse:
    """The same, with an empty table `scores`."""
    warehouse.run(Statement(CREATE, ()))
    return warehouse


def test_it_is_a_warehouse(warehouse: BigQueryWarehouse) -> None:
    """BigQueryWarehouse has the protocol's three methods, as the type checker sees it too."""
    door: Warehouse = warehouse
    assert door.pace is not None
    assert (door.pace[0].operations, door.pace[1].operations) < (5, 50)


def test_describe_reads_what_was_created(scores: BigQueryWarehouse) -> None:
    """A table that was created is described with its columns, modes, parameters, layout and options."""
    assert scores.describe("scores") == Table(
        "scores",
        (
            Column("player", Type(Kind.STRING, length=40), Mode.REQUIRED, "who"),
            Column("game_date", Type(Kind.DATE)),
            Column("seen", Type(Kind.TIMESTAMP)),
            Column("score", Type(Kind.NUMERIC, 5, 2)),
            Column("tags", Type(Kind.STRING), Mode.REPEATED),
            Column(
                "made_by",
                Type(
                    Kind.STRUCT,
                    fields=(
                        Column("name", Type(Kind.STRING)),
                        Column("runs", Type(Kind.INT64), Mode.REPEATED),
                    ),
                ),
            ),
        ),
        Partitioning("game_date"),
        ("player",),
        Options(require_partition_filter=True, description="scores"),
    )


def test_describe_is_one_request(emulator: Emulator, scores: BigQueryWarehouse) -> None:
    """Describing makes exactly one request, a tables.get, for a table, a view and an absent name."""
    with FaultyServer(upstream=emulator.url) as server:
        other = through(server, scores.project, scores.dataset)
        for number, name in enumerate(("scores", "scores", "absent"), 1):
            other.describe(name)
            assert len(server.requests) == number
            assert server.requests[-1].method == "GET"
            assert server.requests[-1].path.partition("?")[0].endswith(f"/tables/{name}")


def test_an_absent_table_gives_none(warehouse: BigQueryWarehouse) -> None:
    """A name that the dataset does not have is None; for an absent dataset see the faults."""
    assert warehouse.describe("absent") is None


def test_a_view_comes_back_as_it_was_made(scores: BigQueryWarehouse) -> None:
    """A view's text names its dataset only in the warehouse: what is described is what a migration holds."""
    query = f"SELECT player FROM {ident(DATASET, 'scores')} WHERE game_date > '2000-01-01'"
    scores.run(Statement(f"CREATE OR REPLACE VIEW `ready` OPTIONS(description = 'v') AS {query}", ()))
    assert scores.describe("ready") == View("ready", query, "v")
    assert scores.rows(Query("SELECT * FROM ready")) == []


def test_rows_come_in_their_types(scores: BigQueryWarehouse) -> None:
    """Rows written with typed parameters come back equal: aware TIMESTAMP, Decimal, date, tuple, dict."""
    outcome = scores.run(Query(INSERT_ROW, ROW))
    assert outcome.rows_changed == 1
    expected = {**dict(ROW), "made_by": {"name": "p", "runs": (1, 2)}}
    (row,) = scores.rows(Query("SELECT * FROM scores WHERE game_date = '2025-01-02'"))
    assert row == expected
    assert list(row) == list(expected)
    seen = row["seen"]
    assert isinstance(seen, dt.datetime)
    assert seen.utcoffset() == dt.timedelta(0)


def test_a_whole_table_is_read_without_a_job(emulator: Emulator, scores: BigQueryWarehouse) -> None:
    """A small table is read by tables.get and tabledata.list, in the order of columns asked for."""
    scores.run(Query(INSERT_ROW, ROW))
    with FaultyServer(upstream=emulator.url) as server:
        rows = through(server, scores.project, scores.dataset).rows(WholeTable("scores", ("score", "PLAYER", "tags")))
        assert [list(row.items()) for row in rows] == [
            [("score", Decimal("99.25")), ("PLAYER", "a"), ("tags", ("x", "y"))]
        ]
        assert [request.method for request in server.requests] == ["GET", "GET"]
        assert "/scores/data?" in server.requests[-1].path
    with pytest.raises(StatementFailed, match="no column absent"):
        scores.rows(WholeTable("scores", ("absent",)))
    with pytest.raises(NotThere, match="no table absent"):
        scores.rows(WholeTable("absent", ("score",)))


def test_a_dry_run_runs_nothing(scores: BigQueryWarehouse) -> None:
    """A dry run changes nothing, reserves no job id and refuses what the run would refuse."""
    add = Statement("ALTER TABLE `scores` ADD COLUMN `x` INT64", ())
    before, once = scores.describe("scores"), f"{scores.dataset}-once"
    assert scores.run(add, job=once, dry_run=True).job is None
    assert scores.describe("scores") == before
    scores.run(add, job=once)
    assert scores.describe("scores") != before
    with pytest.raises(StatementFailed, match="SELEC"):
        scores.run(Query("SELEC 1"), dry_run=True)


def test_limits_and_defaults_are_sent(emulator: Emulator, scores: BigQueryWarehouse) -> None:
    """The byte limit, the default dataset, the location and the job's id reach BigQuery."""
    job = f"{scores.dataset}-known"
    with FaultyServer(upstream=emulator.url, where=inserts) as server:
        through(server, scores.project, scores.dataset, location="US").run(Query("SELECT 1"), job=job, max_bytes=10**9)
        (sent,) = (request.json for request in server.requests if inserts(request))
    assert sent["jobReference"] == {"projectId": PROJECT, "jobId": job, "location": "US"}
    assert sent["configuration"]["query"]["maximumBytesBilled"] == "1000000000"
    assert sent["configuration"]["query"]["defaultDataset"]["datasetId"] == scores.dataset


def test_pages_are_put_together() -> None:
    """Rows beyond the first page are asked for by its token, and come in order; a page without any is empty."""
    table = {
        "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"},
        "schema": {"fields": [{"name": "a", "type": "INTEGER"}, {"name": "b", "type": "JSON"}]},
    }
    pages = [
        Answer(200, {"totalRows": "2", "rows": [{"f": [{"v": "1"}, {"v": '{"x": [1, 2]}'}]}], "pageToken": "next"}),
        Answer(200, {"totalRows": "2", "rows": [{"f": [{"v": "2"}, {"v": None}]}]}),
    ]
    with FaultyServer([Answer(200, table), *pages]) as server:
        rows = through(server, "p", "d").rows(WholeTable("t", ("a", "b")))
        assert "pageToken=next" in server.requests[-1].path
    assert rows == [{"a": 1, "b": '{"x":[1,2]}'}, {"a": 2, "b": None}]
    for whole in ([Answer(200, {})], [pages[0], Answer(200, {})]):
        with FaultyServer([Answer(200, table), *whole]) as server, pytest.raises(Unreachable, match="is incomplete"):
            through(server, "p", "d").rows(WholeTable("t", ("a", "b")))


FIELDS = [
    {"name": "a", "type": "INTEGER", "mode": "required", "description": "x", "defaultValueExpression": "1"},
    {"name": "b", "type": "BIGNUMERIC", "precision": "40", "scale": "20", "policyTags": {"names": ["t"]}},
    {"name": "c", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "d", "type": "FLOAT", "description": "y"}]},
    {"name": "e", "type": "RANGE", "rangeElementType": {"type": "DATE"}},
    {"name": "f", "type": "BYTES", "maxLength": "9"},
]
RESOURCE: dict[str, Any] = {
    "tableReference": {"tableId": "t"},
    "schema": {"fields": FIELDS},
    "timePartitioning": {"type": "MONTH", "expirationMs": "129600000", "requirePartitionFilter": True},
    "expirationTime": "1767225600500",
    "labels": {"z": "1", "a": "2"},
    "friendlyName": "T",
}


def test_a_resource_is_read_whole() -> None:
    """Parameters as strings, aliases, nested fields, tags, defaults and options of tables.get are all read."""
    table = Table(
        "t",
        (
            Column("a", Type(Kind.INT64), Mode.REQUIRED, "x", "1"),
            Column("b", Type(Kind.BIGNUMERIC, 40, 20), properties=(("policy_tags", "t"),)),
            Column("c", Type(Kind.STRUCT, fields=(Column("d", Type(Kind.FLOAT64), description="y"),)), Mode.REPEATED),
            Column("e", Type(Kind.RANGE, element=Kind.DATE)),
            Column("f", Type(Kind.BYTES, length=9)),
        ),
        Partitioning("_PARTITIONTIME", "MONTH"),
        (),
        Options(
            require_partition_filter=True,
            partition_expiration_days=1.5,
            expiration="2026-01-01T00:00:00.500Z",
            friendly_name="T",
            labels=(("a", "2"), ("z", "1")),
        ),
    )
    assert described(RESOURCE) == table
    by_range = {"field": "a", "range": {"start": "0", "end": "9", "interval": "3"}}
    ranged = {**RESOURCE, "timePartitioning": None, "rangePartitioning": by_range, "requirePartitionFilter": True}
    options = replace(table.options, partition_expiration_days=None)
    assert described(ranged) == replace(table, partitioning=Partitioning("a", "RANGE(0, 9, 3)"), options=options)


def test_fields_of_an_answer_are_read_as_those_of_a_schema_file() -> None:
    """Law: what tables.get returns for a column is what a schema file holds, down to tags and nested fields."""
    columns = (
        Column("a", Type(Kind.NUMERIC, 5, 2), Mode.REQUIRED, "text", "0", (("policy_tags", "projects/p/tag"),)),
        Column("b", Type(Kind.STRUCT, fields=(Column("c", Type(Kind.STRING, length=3), Mode.REPEATED),))),
        Column("d", Type(Kind.RANGE, element=Kind.DATE)),
    )
    found = described({**RESOURCE, "schema": {"fields": json.loads(schema_json(columns))}})
    assert isinstance(found, Table)
    assert found.columns == columns
    with pytest.raises(ValueError, match="field a is malformed"):
        described({**RESOURCE, "schema": {"fields": [{"name": "a", "type": "RECORD"}]}})


def test_an_unknown_type_is_read_under_its_name() -> None:
    """A type that BigQuery has and fqtool does not know keeps its name, also inside a STRUCT or a RANGE."""
    shape = {"name": "a", "type": "Quaternion"}
    inside = {"name": "b", "type": "RECORD", "fields": [shape]}
    span = {"name": "c", "type": "RANGE", "rangeElementType": {"type": "EPOCH"}}
    found = described({**RESOURCE, "schema": {"fields": [shape, inside, span]}})
    assert isinstance(found, Table)
    assert [one.sql_type for one in found.columns] == ["QUATERNION", "STRUCT<a QUATERNION>", "RANGE<EPOCH>"]
    assert [one.type.unknown for one in found.columns] == ["QUATERNION", "QUATERNION", "RANGE<EPOCH>"]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ({"type": "TABLE", "cloneDefinition": {"cloneTime": "2026-01-01T00:00:00Z"}}, ""),
        ({"type": "EXTERNAL", "externalDataConfiguration": {"sourceFormat": "CSV"}}, "an external table"),
        ({"type": "SNAPSHOT", "snapshotDefinition": {}}, "a table snapshot"),
        ({"type": "MATERIALIZED_VIEW", "materializedView": {"query": "SELECT 1"}}, "a materialized view"),
        ({"type": "VIEW", "view": {"query": "SELECT 1"}}, "a view"),
        ({"type": "HOLOGRAM"}, "a table of the type HOLOGRAM"),
    ],
)
def test_a_kind_other_than_an_ordinary_table_is_named(resource: dict[str, Any], kind: str) -> None:
    """tables.get names the kind; a clone is an ordinary table."""
    found = described({**RESOURCE, **resource})
    assert other_kind(found) == kind
