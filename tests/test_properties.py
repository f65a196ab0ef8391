"""Each property of BigQuery: one row, read, declared, compared, written and read again without loss."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.cli.options import DEFAULT_TARGET
from fqtool.commands.check_drift.run import drift_of
from fqtool.commands.init.run import Scaffolded, scaffold_ddl, scaffold_live, scaffold_schema
from fqtool.findings.remedy import Entry
from fqtool.migrations.reconcile import reconcile
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_state, desired_table
from fqtool.table.change_options import AddForeignKey, DropForeignKey, SetOption, SetPrimaryKey, SetProperty
from fqtool.table.changes import AddColumn, Change, CreateTable, SetDefault, fold
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import create_table, render
from fqtool.table.diff import diff
from fqtool.table.model import INGESTION_TIME, Options, Partitioning, State, Table
from fqtool.table.parse import parse
from fqtool.table.properties import COLUMN_PROPERTIES, NAME_OF, TABLE_PROPERTIES, creatable
from fqtool.table.property import Written
from fqtool.table.schema_json import schema_json
from fqtool.warehouse.bigquery.schema import described
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests.bed import zeta
from tests.bed.running import PROJECT, Emulator
from tests.commands import run
from tests.in_process import fqtool
from tests.sample_table import open_bigquery, statement
from tests.scaffolds import in_order
from tests.stores import workspace_in

TAG = "projects/p/locations/us/taxonomies/1/policyTags/2"
EMBED = "AI.EMBED(note, connection_id => 'us.c', endpoint => 'text-embedding-005')"
COLLATED, ROUNDED = ("collation", "und:ci"), ("rounding_mode", "ROUND_HALF_EVEN")
INNER = (
    Column("a", Type(Kind.STRING), default="'x'", properties=(COLLATED, ("policy_tags", TAG))),
    Column("b", Type(Kind.NUMERIC), description="money", properties=(ROUNDED,)),
)
COLUMNS = (
    Column("id", Type(Kind.INT64), Mode.REQUIRED),
    Column("day", Type(Kind.DATE), Mode.REQUIRED),
    Column("note", Type(Kind.STRING, length=9), properties=(COLLATED, ("data_policies", "p.q, p.r"))),
    Column("words", Type(Kind.STRING), Mode.REPEATED, properties=(COLLATED,)),
    Column("price", Type(Kind.NUMERIC, 9, 2), default="1", properties=(("policy_tags", TAG), ROUNDED)),
    Column("nest", Type(Kind.STRUCT, fields=INNER)),
    Column("written", Type(Kind.TIMESTAMP, precision=12)),
)
GENERATED = Column(
    "vector",
    Type(
        Kind.STRUCT, fields=(Column("result", Type(Kind.FLOAT64), Mode.REPEATED), Column("status", Type(Kind.STRING)))
    ),
    properties=(("generated", EMBED),),
)
OPTIONS = Options(True, 30.0, "2030-01-01T00:00:00Z", "all of it", "Orders", (("team", "a"),))
PROPERTIES = (
    ("default_collation", "und:ci"),
    ("default_rounding_mode", "ROUND_HALF_EVEN"),
    ("kms_key_name", "projects/p/locations/us/keyRings/r/cryptoKeys/k"),
    ("max_staleness", "0-0 0 4:0:0"),
    ("tags", "p/env=prod, p/team=a"),
)
TABLE = Table("orders", COLUMNS, Partitioning("day", "MONTH"), ("id",), OPTIONS, "TABLE", ("id", "day"), (), PROPERTIES)
LAYOUTS = {
    "date": Partitioning("day"),
    "month": Partitioning("day", "MONTH"),
    "time": Partitioning("written", "DAY"),
    "hour": Partitioning("written", "HOUR"),
    "year": Partitioning("day", "YEAR"),
    "ingestion": Partitioning(INGESTION_TIME),
    "ingestion hour": Partitioning(INGESTION_TIME, "HOUR"),
    "range": Partitioning("id", "RANGE(-5, 100, 10)"),
}


def every(made: Scaffolded) -> Table:
    """The table that the written registry describes, in the order of its source."""
    return desired_table(in_order(made.text))


def resource_of(table: Table) -> dict[str, object]:
    """The resource of tables.get for a table, by the rows."""
    made: dict[str, object] = {
        "tableReference": {"projectId": PROJECT, "datasetId": "d", "tableId": table.name},
        "type": "TABLE",
        "schema": {"fields": json.loads(schema_json(table.columns))},
        "clustering": {"fields": list(table.clustering)},
        "tableConstraints": {"primaryKey": {"columns": list(table.primary_key)}},
        "timePartitioning": {"type": "MONTH", "field": "day"},
    }
    values = {name: getattr(table.options, name) for name in TABLE_PROPERTIES if hasattr(table.options, name)}
    for name, value in (values | dict(table.properties)).items():
        TABLE_PROPERTIES[name].write(value, made)
    return made


def test_the_samples_have_every_property() -> None:
    """A new row is tried by the tests of this file as soon as a sample has it."""
    fields = (*COLUMNS, *INNER, GENERATED)
    assert {name for field in fields for name, _ in field.properties} == set(COLUMN_PROPERTIES)
    unreported = {name for name, row in TABLE_PROPERTIES.items() if not row.path}
    assert {name for name, _ in PROPERTIES} | set(Options.__slots__) | unreported == set(TABLE_PROPERTIES)


def test_the_registry_has_a_key_for_each_row() -> None:
    """The JSON Schema of the registry has the rows of the table of properties, and no others."""
    schema = json.loads(Path("fqtool/registry/schema.json").read_text())["properties"]
    table = schema["table"]["properties"]
    own = {"description", "labels", "require_partition_filter", "partition_expiration_days"}
    assert table["properties"]["properties"].keys() == NAME_OF.keys() - own
    assert own <= table.keys()
    for part in ("base_columns", "columns"):
        assert schema[part]["items"]["properties"]["properties"]["properties"].keys() == COLUMN_PROPERTIES.keys()
    fields = schema["base_columns"]["items"]["properties"]["field_properties"]["additionalProperties"]
    assert fields["properties"].keys() == COLUMN_PROPERTIES.keys() | {"default"}


@pytest.mark.parametrize(
    "columns", [COLUMNS, (COLUMNS[0], COLUMNS[1], COLUMNS[2], GENERATED)], ids=["all", "generated"]
)
def test_schema_json_to_registry_and_back(tmp_path: Path, columns: tuple[Column, ...]) -> None:
    """What `bq show` prints is in the registry, property by property, and gives the same schema JSON again."""
    table = replace(TABLE, columns=columns)
    file = tmp_path / "orders.json"
    file.write_text(json.dumps(resource_of(table)))
    assert described(resource_of(table)) == table
    made = every(scaffold_schema(file, every_property=True))
    assert made == table
    assert schema_json(made.columns) == schema_json(columns)


@pytest.mark.parametrize("by", LAYOUTS.values(), ids=LAYOUTS)
def test_ddl_to_registry_and_back(tmp_path: Path, by: Partitioning) -> None:
    """CREATE TABLE is in the registry, which gives the same statement; Google's analyser accepts it."""
    table = replace(TABLE, columns=tuple(map(creatable, COLUMNS)), partitioning=by)
    table = replace(table, properties=tuple(sorted((*PROPERTIES, ("enable_change_history", "TRUE")))))
    sql = create_table(table)
    assert zeta.analyze(sql, {}) is None
    assert parse(sql) == (CreateTable(table),)
    file = tmp_path / "orders.sql"
    file.write_text(f"{sql};\n")
    made = every(scaffold_ddl(file))
    assert made == table
    assert create_table(made) == sql


def test_a_generated_column_is_written_as_it_is_read(tmp_path: Path) -> None:
    """GENERATED ALWAYS AS goes from DDL to the registry and back."""
    table = Table("t", (COLUMNS[0], Column("note", Type(Kind.STRING)), GENERATED), primary_key=("id",))
    file = tmp_path / "t.sql"
    file.write_text(create_table(table))
    made = scaffold_ddl(file)
    assert every(made) == table
    assert not made.made.unsaid


def test_a_registry_is_created_and_read_back(warehouse: Warehouse, tmp_path: Path) -> None:
    """The table that a registry creates has every property that DDL writes, and init reads the same registry."""
    (change,) = CreateTable(TABLE).planned()
    assert isinstance(change, CreateTable)
    warehouse.run(statement("orders", change))
    assert warehouse.describe("orders") == change.table
    registry = in_order(scaffold_live(warehouse, "orders", every_property=True).text)
    assert desired_table(registry) == change.table
    assert drift_of(workspace_in(tmp_path, registry), warehouse) == ()


def test_tables_that_others_created_keep_what_ddl_cannot_write(emulator: Emulator, dataset: str, tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Policy tags, data policies and defaults of fields go from tables.get to the registry and to DuckDB."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    client, body = (
        emulator.client(),
        resource_of(TABLE) | {"tableReference": {"projectId": PROJECT, "datasetId": dataset, "tableId": "orders"}},
    )
    del body["type"]
    path = f"/projects/{PROJECT}/datasets/{dataset}/tables"
    client._connection.api_request(method="POST", path=path, data=body)
    with open_bigquery(emulator, dataset) as live:
        assert live.describe("orders") == TABLE
        made = scaffold_live(live, "orders", every_property=True)
        registry = in_order(made.text)
        assert drift_of(workspace_in(tmp_path, registry), live) == ()
    assert desired_table(registry) == TABLE
    with DuckDBWarehouse(":memory:") as local:
        local.run(statement("orders", CreateTable(TABLE)))
        assert scaffold_live(local, "orders", every_property=True).text.partition("version: 1")[2] == (
            made.text.partition("version: 1")[2].replace(f"bigquery://{PROJECT}/{dataset}", "duckdb:///:memory:")
        )


def test_the_entry_for_an_undeclared_column_has_its_properties(tmp_path: Path) -> None:
    """With the entries that check-drift prints the table is what the registry describes, property by property."""
    few = TABLE.restricted_to(["id", "day"])
    with DuckDBWarehouse(":memory:") as local:
        local.run(statement("orders", CreateTable(few)))
        text = scaffold_live(local, "orders").text
        local.run(statement("orders", *(AddColumn(replace(one, default=None)) for one in COLUMNS[2:])))
        local.run(statement("orders", SetDefault("price", "1")))
        found = drift_of(workspace_in(tmp_path, in_order(text)), local)
        entries = [one.remedy.text for one in found if isinstance(one.remedy, Entry)]
        assert len(entries) == len(COLUMNS) - 2
        text = text.replace("base_columns:\n", "".join(["base_columns:\n", *(f"  {entry}\n" for entry in entries)]))
        assert drift_of(workspace_in(tmp_path, in_order(text)), local) == ()
    assert "".join(entries).count('rounding_mode: "ROUND_HALF_EVEN"') == 2  # of a column and of a field


def declared(text: str) -> Registry:
    """The registry of a text."""
    registry, findings = load_registry(text, "registry.yaml")
    assert registry is not None, findings
    return registry


PLAIN = Table(
    "orders",
    (
        Column("id", Type(Kind.INT64), Mode.REQUIRED),
        Column("note", Type(Kind.STRING)),
        Column("price", Type(Kind.NUMERIC)),
        Column("nest", Type(Kind.STRUCT, fields=(Column("b", Type(Kind.NUMERIC)),))),
    ),
)


def edited(text: str, table: str = "", **columns: str) -> str:
    """A registry of `PLAIN` with more under `table`, and more in the entries of columns."""
    text = text.replace("  name: orders\n", f"  name: orders\n{table}")
    for name, more in columns.items():
        text = text.replace(f"{{name: {name}, ", f"{{name: {name}, {more}, ")
    return text


SET = (
    ("  properties: {friendly_name: Orders}\n", {}, SetOption("friendly_name", "Orders"), "FQ312"),
    ("  properties: {max_staleness: INTERVAL 4 HOUR}\n", {}, SetOption("max_staleness", "0-0 0 4:0:0"), "FQ312"),
    ("  properties: {kms_key_name: k}\n", {}, SetOption("kms_key_name", "k"), "FQ312"),
    ("  properties: {tags: {p/env: prod}}\n", {}, SetOption("tags", "p/env=prod"), "FQ312"),
    ('  properties: {default_collation: "und:ci"}\n', {}, SetOption("default_collation", "und:ci"), "FQ312"),
    (
        "  properties: {default_rounding_mode: ROUND_HALF_EVEN}\n",
        {},
        SetOption("default_rounding_mode", "ROUND_HALF_EVEN"),
        "FQ312",
    ),
    (
        '  properties: {expiration_timestamp: "2030-01-01T00:00:00Z"}\n',
        {},
        SetOption("expiration", "2030-01-01T00:00:00Z"),
        "FQ312",
    ),
    ("  primary_key: true\n", {}, SetPrimaryKey(("id",)), "FQ319"),
    ("", {"price": "properties: {rounding_mode: ROUND_HALF_EVEN}"}, SetProperty(("price",), *ROUNDED), "FQ318"),
    (
        "",
        {"nest": "field_properties: {b: {rounding_mode: ROUND_HALF_EVEN}}"},
        SetProperty(("nest", "b"), *ROUNDED),
        "FQ318",
    ),
)


@pytest.mark.parametrize(("table", "columns", "change", "code"), SET, ids=[str(one[2])[:40] for one in SET])
def test_a_declared_property_is_compared_and_written(
    warehouse: Warehouse, tmp_path: Path, table: str, columns: dict[str, str], change: Change, code: str
) -> None:
    """A property that a registry declares is drift of its rule; its change is one statement; then there is no drift."""
    warehouse.run(statement("orders", CreateTable(PLAIN)))
    text = scaffold_live(warehouse, "orders").text
    registry = declared(edited(text, table, **columns))
    (finding,) = drift_of(workspace_in(tmp_path, registry), warehouse)
    assert finding.rule == code
    live = State(PLAIN)
    wanted = reconcile(live, desired_state(registry), registry, include_base=True)
    assert diff(live, wanted) == (change,)
    assert change.planned() == (change,)
    assert parse(render("orders", [change])) == (change,)
    warehouse.run(statement("orders", change))
    assert drift_of(workspace_in(tmp_path, registry), warehouse) == ()
    back = change.reverse(live)
    if not isinstance(back, str):
        warehouse.run(statement("orders", back))
        assert warehouse.describe("orders") == PLAIN


FIXED = (
    ("note", '{collation: "und:ci"}', "FQ318", "Declare the live collation"),
    ("note", "{policy_tags: [projects/p/t]}", "FQ311", "bq update DATASET.orders schema.json"),
    ("note", "{data_policies: [p.q]}", "FQ311", "bq update DATASET.orders schema.json"),
)


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-01T00:00:00Z", "2030-01-01 00:00:00 UTC", "2030-01-01T01:00:00+01:00", "2030-01-01", "2030-1-1 0:0:0",
        "2030-01-01 09:00:00 Asia/Tokyo", "2030-01-01 09:00:00.000+09", "2030-01-01 00:00:00.0 Z",
    ],
)  # fmt: skip
def test_a_moment_is_compared_in_utc(text: str) -> None:
    """A registry may have any spelling of an expiration; another text stays as it is, and BigQuery refuses it."""
    row = TABLE_PROPERTIES["expiration"]
    assert row.declared(text) == "2030-01-01T00:00:00Z"
    assert row.declared("soon") == "soon"


@pytest.mark.parametrize(("name", "properties", "code", "remedy"), FIXED)
def test_what_no_statement_writes_is_reported_and_stops_no_plan(
    tmp_path: Path, name: str, properties: str, code: str, remedy: str
) -> None:
    """A declared property that fqtool cannot or must not write is a warning with the fix; a plan leaves it out."""
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("orders", CreateTable(PLAIN)))
        registry = declared(edited(scaffold_live(warehouse, "orders").text, **{name: f"properties: {properties}"}))
        (finding,) = drift_of(workspace_in(tmp_path, registry), warehouse)
    assert (finding.rule, finding.subject) == (code, name)
    assert remedy in str(finding.remedy)
    (change,) = diff(State(PLAIN), reconcile(State(PLAIN), desired_state(registry), registry, include_base=True))
    assert change.planned() == ()


def test_an_empty_value_means_that_the_property_must_not_be_set() -> None:
    """An absent property is not managed; an empty one is unset by a plan."""
    live = State(TABLE)
    with DuckDBWarehouse(":memory:") as warehouse:
        bare = Table("orders", PLAIN.columns, properties=PROPERTIES)
        warehouse.run(statement("orders", CreateTable(bare)))
        text = scaffold_live(warehouse, "orders").text
    start, end = text.index("  properties:\n"), text.index("#", text.index("  properties:\n"))
    silent = declared(text[:start] + text[end:])
    kept = reconcile(live, desired_state(silent), silent).table
    assert kept is not None
    assert kept.properties == PROPERTIES
    assert kept.options == OPTIONS
    empty = 'properties: {kms_key_name: "", default_collation: "", tags: {}}'
    unset = declared(f"{text[:start]}  {empty}\n  partition_expiration_days: 0\n{text[end:]}")
    made = reconcile(live, desired_state(unset), unset).table
    assert made is not None
    assert {name for name, _ in made.properties} == {"default_rounding_mode", "max_staleness"}
    assert made.options == replace(OPTIONS, partition_expiration_days=None)


OTHER = Table("players", (Column("player", Type(Kind.INT64)),), primary_key=("player",))
KEY = "FOREIGN KEY (id) REFERENCES players(player)"


def test_a_foreign_key_is_declared_written_and_read(warehouse: Warehouse, tmp_path: Path) -> None:
    """A declared key is drift until its statement ran; init reads the same key; another one stops no plan."""
    for table in (OTHER, PLAIN):
        warehouse.run(statement(table.name, CreateTable(table)))
    text = scaffold_live(warehouse, "orders").text
    key = '  foreign_keys: [{columns: [id], table: "players", references: [player]}]\n'
    registry = declared(edited(text, key))
    (finding,) = drift_of(workspace_in(tmp_path, registry), warehouse)
    assert (finding.rule, finding.subject) == ("FQ320", "foreign_keys")
    live = State(PLAIN)
    (change,) = diff(live, reconcile(live, desired_state(registry), registry))
    assert change == AddForeignKey(KEY)
    assert parse(render("orders", [change])) == (change,)
    warehouse.run(statement("orders", change))
    made = warehouse.describe("orders")
    assert isinstance(made, Table)
    assert made.foreign_keys == (KEY,)
    assert drift_of(workspace_in(tmp_path, registry), warehouse) == ()
    assert desired_table(in_order(scaffold_live(warehouse, "orders").text)) == made
    none = declared(edited(text, "  foreign_keys: []\n"))
    (extra,) = drift_of(workspace_in(tmp_path, none), warehouse)
    assert "DROP CONSTRAINT NAME" in str(extra.remedy)
    (drop,) = diff(State(made), reconcile(State(made), desired_state(none), none))
    assert (drop, drop.planned()) == (DropForeignKey(KEY), ())
    whole = replace(made, name="copy")
    warehouse.run(statement("copy", CreateTable(whole)))
    assert warehouse.describe("copy") == whole
    assert parse(create_table(whole)) == (CreateTable(whole),)


def test_policy_tags_are_declared_only_on_request(tmp_path: Path) -> None:
    """Their owner changes them, so a first registry leaves them out and the note has the option that declares them."""
    file = tmp_path / "orders.json"
    file.write_text(json.dumps(resource_of(TABLE)))
    made = scaffold_schema(file)
    content = made.text.partition("version: 1")[2]
    owned = {name for name, row in COLUMN_PROPERTIES.items() if row.written is Written.OWNER}
    assert not {name for name in owned if f"{name}:" in content}
    notes = " ".join(made.made.unsaid)
    assert "policy_tags of price, nest.a. --all-properties declares it." in notes
    assert "data_policies of note." in notes


def test_many_properties_of_columns_are_declared_on_request(tmp_path: Path) -> None:
    """More than 20 of them are listed instead of declared, unless --all-properties is given."""
    columns = tuple(Column(f"c{number}", Type(Kind.STRING), properties=(COLLATED,)) for number in range(21))
    file = tmp_path / "orders.json"
    file.write_text(schema_json((*COLUMNS[:2], *columns)))
    run(tmp_path, "init", "--from-schema", "orders.json", "--out", "few.yaml")
    run(tmp_path, "init", "--from-schema", "orders.json", "--out", "all.yaml", "--all-properties")
    assert "collation:" not in (tmp_path / "few.yaml").read_text()
    assert (tmp_path / "all.yaml").read_text().count('{collation: "und:ci"}') == 21


def test_a_declared_property_is_migrated(tmp_path: Path) -> None:
    """The commands from init to check-drift write a primary key and a property, and end without a finding."""
    (tmp_path / ".fqtool").mkdir()
    with DuckDBWarehouse(str(tmp_path / ".fqtool" / "local.duckdb")) as warehouse:
        warehouse.run(statement("orders", CreateTable(PLAIN)))
    for words in ("init --from-table orders", "migrate plan", "migrate"):
        run(tmp_path, *words.split())
    file = tmp_path / "feature_registry.yaml"
    more = "  primary_key: true\n  properties: {friendly_name: Orders, max_staleness: INTERVAL 15 MINUTE}\n"
    file.write_text(edited(file.read_text(), more))
    assert run(tmp_path, "check-drift", code=1)
    for words in ("migrate plan", "migrate", "check-drift", "migrate verify"):
        run(tmp_path, *words.split())
    with DuckDBWarehouse(str(tmp_path / ".fqtool" / "local.duckdb")) as warehouse:
        table = warehouse.describe("orders")
    assert isinstance(table, Table)
    assert (table.primary_key, table.options.friendly_name) == (("id",), "Orders")
    assert table.properties == (("max_staleness", "0-0 0 0:15:0"),)


def test_a_changed_primary_key_is_dropped_first() -> None:
    """BigQuery has one primary key, so another one needs two statements; a STRUCT cannot be in one."""
    before = State(replace(PLAIN, primary_key=("note",)))
    after = State(replace(PLAIN, primary_key=("id",)))
    changes = diff(before, after)
    assert changes == (SetPrimaryKey(()), SetPrimaryKey(("id",)))
    assert fold(before, changes) == after
    assert SetPrimaryKey(("price", "nest")).refusal(State(PLAIN)) == (
        "nest is STRUCT<b NUMERIC>, which cannot be in a primary key"
    )


@pytest.mark.parametrize("by", LAYOUTS.values(), ids=LAYOUTS)
def test_every_property_is_imported(tmp_path: Path, by: Partitioning) -> None:
    """From the DDL of a team to migrations, to a table, and to the same registry again; nothing is left to plan."""
    table = replace(TABLE, columns=tuple(map(creatable, TABLE.columns)), partitioning=by)
    (tmp_path / "V1__orders.sql").write_text(f"{create_table(table)};\n")
    for words in (
        ("init", "--from-ddl", "V1__orders.sql", "--all-properties"), ("migrate", "import", "V1__orders.sql"),
        ("migrate", "plan"), ("migrate",), ("check-drift",),
        ("init", "--from-table", "orders", "--target", DEFAULT_TARGET, "--all-properties", "--out", "live.yaml"),
    ):  # fmt: skip
        done = fqtool(tmp_path, *words)
        assert done.code == 0, done.said
    tables = [
        in_order((tmp_path / name).read_text(encoding="utf-8")) for name in ("feature_registry.yaml", "live.yaml")
    ]
    assert desired_table(tables[0]) == desired_table(tables[1]) == table
    assert len([*(tmp_path / "migrations").glob("*.sql")]) == 1
