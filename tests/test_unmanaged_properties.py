"""What is set on a table and not stated in its registry: read, kept, reported, and never drift."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.check_drift.run import drift_of
from fqtool.commands.init.run import scaffold_live, scaffold_schema
from fqtool.errors import InputError
from fqtool.findings.finding import Severity
from fqtool.migrations.reconcile import reconcile
from fqtool.schema.build import desired_state, desired_table
from fqtool.table.changes import CreateTable, SetDescription
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import create_table
from fqtool.table.diff import diff
from fqtool.table.model import INGESTION_TIME, Options, Partitioning, State, Table
from fqtool.table.parse import parse
from fqtool.table.schema_json import column_of, field
from fqtool.table.spellings import interval
from fqtool.warehouse.bigquery.schema import described
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed import zeta
from tests.commands import run
from tests.sample_table import open_bigquery, statement
from tests.scaffolds import in_order, loaded
from tests.stores import workspace_in

TAG = "projects/p/locations/us/taxonomies/1/policyTags/2"
PROPERTIES = (
    ("collation", "und:ci"),
    ("data_policies", "projects/p/a, projects/p/b"),
    ("policy_tags", TAG),
)
INNER = Column("a", Type(Kind.STRING), default="'x'", properties=(("collation", "und:ci"), ("policy_tags", TAG)))
TABLE = Table(
    "orders",
    (
        Column("order_id", Type(Kind.STRING), Mode.REQUIRED, properties=PROPERTIES),
        Column("n", Type(Kind.INT64)),
        Column("s", Type(Kind.STRUCT, fields=(INNER, Column("b", Type(Kind.INT64))))),
        Column("written", Type(Kind.TIMESTAMP, precision=12)),
        Column("price", Type(Kind.NUMERIC), properties=(("rounding_mode", "ROUND_HALF_EVEN"),)),
    ),
    Partitioning("n", "RANGE(0, 100, 10)"),
    options=Options(expiration="2030-01-01T00:00:00Z", friendly_name="Orders"),
    primary_key=("order_id",),
    foreign_keys=("FOREIGN KEY (n) REFERENCES p.d.u(a)",),
    properties=(("default_collation", "und:ci"), ("kms_key_name", "k"), ("max_staleness", "0-0 0 0:15:0")),
)


def test_a_registry_that_states_nothing_of_them_finds_no_drift(tmp_path: Path) -> None:
    """DuckDB keeps every property, check-drift finds nothing, and init names what it does not declare."""
    plain = Table("orders", tuple(replace(one, properties=()) for one in TABLE.columns))
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("orders", CreateTable(plain)))
        registry = in_order(scaffold_live(warehouse, "orders").text)
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("orders", CreateTable(TABLE)))
        assert warehouse.describe("orders") == TABLE
        assert drift_of(workspace_in(tmp_path, registry), warehouse) == ()
        noted = " ".join(scaffold_live(warehouse, "orders").made.unsaid)
    for words in ("policy_tags of order_id, s.a", "data_policies of order_id"):
        assert words in noted


@pytest.mark.parametrize(
    "partitioning", [None, Partitioning(INGESTION_TIME, "HOUR"), Partitioning("n", "RANGE(0, 9, 1)")]
)
@pytest.mark.parametrize("include_base", [True, False])
def test_only_what_is_stated_is_planned(partitioning: Partitioning | None, include_base: bool) -> None:
    """A description that is stated is planned, alone; the properties around it stay as they are."""
    live = State(replace(TABLE, partitioning=partitioning))
    plain = (Column("order_id", Type(Kind.STRING), Mode.REQUIRED, "who"), *TABLE.columns[1:])
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("orders", CreateTable(Table("orders", plain))))
        registry = in_order(scaffold_live(warehouse, "orders").text)
    wanted = reconcile(live, desired_state(registry), registry, include_base=include_base)
    assert diff(live, wanted) == ((SetDescription(("order_id",), "who"),) if include_base else ())


def test_another_layout_than_the_stated_one_is_still_drift() -> None:
    """A registry that states partitions finds a table by ingestion time to be partitioned otherwise."""
    stated = Table("orders", (Column("k", Type(Kind.INT64)), Column("day", Type(Kind.DATE))), Partitioning("day"))
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("orders", CreateTable(stated)))
        registry = in_order(scaffold_live(warehouse, "orders").text)
    live = State(replace(stated, partitioning=Partitioning(INGESTION_TIME)))
    changes = diff(live, reconcile(live, desired_state(registry), registry))
    assert [type(change).__name__ for change in changes] == ["SetPartitioning"]


@pytest.mark.parametrize(
    "partitioning",
    [
        Partitioning(INGESTION_TIME),
        Partitioning(INGESTION_TIME, "HOUR"),
        Partitioning("n", "RANGE(0, 100, 10)"),
        Partitioning("n", "RANGE(-5, 5, 1)"),
    ],
)
def test_partitions_that_a_registry_cannot_state_are_rendered(partitioning: Partitioning) -> None:
    """CREATE TABLE of a base file has them in GoogleSQL that Google's analyser takes, and is read back as the table."""
    table = Table("orders", (Column("order_id", Type(Kind.STRING)), Column("n", Type(Kind.INT64))), partitioning)
    sql = create_table(table)
    assert zeta.analyze(sql, {}) is None
    assert parse(sql) == (CreateTable(table),)


def test_a_table_of_ranges_is_adopted_and_migrated(tmp_path: Path) -> None:
    """The commands from init to check-drift end with 0 on a table whose partitions no registry states."""
    (tmp_path / ".fqtool").mkdir()
    with DuckDBWarehouse(str(tmp_path / ".fqtool" / "local.duckdb")) as warehouse:
        warehouse.run(statement("orders", CreateTable(TABLE)))
    for words in ("init --from-table orders", "migrate plan", "migrate", "check-drift"):
        run(tmp_path, *words.split())
    with DuckDBWarehouse(str(tmp_path / ".fqtool" / "local.duckdb")) as warehouse:
        assert warehouse.describe("orders") == TABLE


def test_schema_json_keeps_the_properties_of_a_column() -> None:
    """A column with every property, nested ones too, comes back from schema JSON."""
    for column in TABLE.columns:
        assert column_of(field(column), "x") == column


RESOURCE = {
    "kind": "bigquery#table",
    "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "orders"},
    "type": "TABLE",
    "description": "Orders",
    "labels": {"team": "a"},
    "friendlyName": "F",
    "schema": {
        "fields": [
            {"name": "order_id", "type": "STRING", "mode": "REQUIRED", "collation": "und:ci", "maxLength": "10"},
            {"name": "day", "type": "DATE", "description": "the day", "policyTags": {"names": [TAG]}},
            {"name": "m", "type": "NUMERIC", "roundingMode": "ROUND_HALF_EVEN", "dataPolicies": [{"name": "q"}]},
        ]
    },
    "timePartitioning": {"type": "MONTH", "field": "day", "expirationMs": "86400000"},
    "clustering": {"fields": ["m"]},
    "requirePartitionFilter": True,
    "encryptionConfiguration": {"kmsKeyName": "k"},
    "defaultCollation": "und:ci",
    "defaultRoundingMode": "ROUND_HALF_EVEN",
    "maxStaleness": "0-0 0 4:0:0",
    "resourceTags": {"1/env": "prod"},
    "tableConstraints": {
        "primaryKey": {"columns": ["order_id", "day"]},
        "foreignKeys": [
            {
                "name": "fk",
                "referencedTable": {"projectId": "p", "datasetId": "d", "tableId": "u"},
                "columnReferences": [{"referencingColumn": "order_id", "referencedColumn": "a"}],
            }
        ],
    },
}  # fmt: skip


def test_every_property_of_tables_get_is_read() -> None:
    """Column and table properties and both kinds of keys are read from a table's resource."""
    table = described(RESOURCE)
    assert isinstance(table, Table)
    assert [dict(column.properties) for column in table.columns] == [
        {"collation": "und:ci"}, {"policy_tags": TAG}, {"data_policies": "q", "rounding_mode": "ROUND_HALF_EVEN"},
    ]  # fmt: skip
    assert table.primary_key == ("order_id", "day")
    assert table.foreign_keys == ("FOREIGN KEY (order_id) REFERENCES u(a)",)
    assert dict(table.properties) == {
        "default_collation": "und:ci", "default_rounding_mode": "ROUND_HALF_EVEN", "kms_key_name": "k",
        "max_staleness": "0-0 0 4:0:0", "tags": "1/env=prod",
    }  # fmt: skip


def test_what_bq_show_prints_is_a_whole_table(tmp_path: Path) -> None:
    """Name, description, labels, partitioning, clustering and keys are those of the table, not of the file."""
    file = tmp_path / "shown.json"
    file.write_text("\ufeff" + json.dumps(RESOURCE))
    made = scaffold_schema(file)
    table = desired_table(in_order(made.text))
    assert (table.name, table.partitioning, table.clustering) == ("orders", Partitioning("day", "MONTH"), ("m",))
    assert table.options == Options(
        require_partition_filter=True, partition_expiration_days=1, description="Orders", friendly_name="F",
        labels=(("team", "a"),),
    )  # fmt: skip
    assert "has no partitioning" not in " ".join(made.made.unsaid)
    file.write_text(json.dumps(RESOURCE | {"view": {"query": "SELECT 1"}, "type": "VIEW"}))
    with pytest.raises(InputError, match="describes a view"):
        scaffold_schema(file)
    file.write_text(json.dumps(RESOURCE | {"schema": {"fields": [{"name": 1}]}}))
    with pytest.raises(InputError, match=r"shown\.json"):
        scaffold_schema(file)


def test_what_this_version_does_not_know_is_one_note(tmp_path: Path) -> None:
    """A setting of a table, column or field under an unknown name is kept, reported once by FQ317, and no drift."""
    fields = [
        {"name": "k", "type": "STRING", "mode": "REQUIRED", "foreignTypeDefinition": "x"},
        {"name": "s", "type": "RECORD", "fields": [{"name": "a", "type": "DATE", "spin": {"up": [1]}}]},
    ]
    bare = {key: RESOURCE[key] for key in ("tableReference", "type")}
    lake = {"fileFormat": "PARQUET"}
    found = described(bare | {"schema": {"fields": fields}, "biglakeConfiguration": lake, "numRows": "5"})
    assert isinstance(found, Table)
    assert tuple(column_of(field(column), "x") for column in found.columns) == found.columns
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("orders", CreateTable(replace(found, options=Options()))))
        made = scaffold_live(warehouse, "orders")
        (note,) = drift_of(workspace_in(tmp_path, loaded(made.text)), warehouse)
        ignored = loaded(made.text.replace("version: 1", "version: 1\ndrift: {FQ317: ignore}"))
        assert drift_of(workspace_in(tmp_path, ignored), warehouse) == ()
    assert (note.rule, note.severity) == ("FQ317", Severity.NOTE)
    for setting in ("biglakeConfiguration", "foreignTypeDefinition of k", "spin of s.a"):
        assert setting in note.message
        assert setting.split()[0] in " ".join(made.made.unsaid)
    assert "numRows" not in note.message


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("INTERVAL 15 MINUTE", "0-0 0 0:15:0"),
        ("interval '4:30:0' hour to second", "0-0 0 4:30:0"),
        ('INTERVAL "1-2 3" YEAR TO DAY', "1-2 3 0:0:0"),
        ("CAST(x AS INTERVAL)", "CAST(x AS INTERVAL)"),
        ("INTERVAL 2 WEEK", "0-0 14 0:0:0"),
        ("INTERVAL 90 MINUTE", "0-0 0 1:30:0"),
        ("INTERVAL 14 MONTH", "1-2 0 0:0:0"),
        ("INTERVAL '1:30:0.5' HOUR TO SECOND", "0-0 0 1:30:0.5"),
        ("INTERVAL '-1-2 3 -4:0:0' YEAR TO SECOND", "-1-2 3 -4:0:0"),
        ("0-0 0 4:0:0", "0-0 0 4:0:0"),
        ("INTERVAL 4 HOURS", "INTERVAL 4 HOURS"),
        ("INTERVAL '1:2' DAY TO HOUR", "INTERVAL '1:2' DAY TO HOUR"),
    ],
)
def test_an_interval_has_the_spelling_of_the_api(sql: str, text: str) -> None:
    """DDL and tables.get have one spelling of a staleness; text other than such a literal stays as it is."""
    assert interval(sql) == text


@pytest.mark.parametrize("partitioning", [Partitioning("n", "RANGE(0, 100, 10)"), Partitioning(INGESTION_TIME)])
def test_bigquery_reports_the_layout_and_finds_no_drift(
    partitioning: Partitioning, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of the tests makes such a table from GoogleSQL, tables.get is read as it, and there is no drift."""
    emulator = request.getfixturevalue("emulator")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    table = Table(
        "orders", (Column("k", Type(Kind.STRING), Mode.REQUIRED), Column("n", Type(Kind.INT64))), partitioning
    )
    with open_bigquery(emulator, request.getfixturevalue("dataset")) as warehouse:
        warehouse.run(statement("orders", CreateTable(table)))
        assert warehouse.describe("orders") == table
        registry = loaded(scaffold_live(warehouse, "orders").text)
        assert drift_of(workspace_in(tmp_path, registry), warehouse) == ()
