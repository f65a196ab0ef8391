"""Laws of fqtool init from files: SQL as people write it, schema files, data contracts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fqtool.commands.init.run import (
    scaffold_contract,
    scaffold_ddl,
    scaffold_schema,
)
from fqtool.errors import InputError, UsageError
from fqtool.schema.build import desired_table
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.model import Options, Partitioning, Table, View
from fqtool.table.odcs import read_contract_tables
from fqtool.table.read_ddl import read_ddl
from fqtool.table.schema_json import schema_json
from fqtool.table.typetext import column
from tests.in_process import fqtool
from tests.sample_table import STORE
from tests.scaffolds import in_order

DDL = """\
-- ours
CREATE SCHEMA IF NOT EXISTS shop;
{create} `project.shop.store` (
  item STRING(40) NOT NULL{inline} OPTIONS(description = "who; (not PRIMARY KEY)"),
  day DATE NOT NULL,
  v ARRAY<FLOAT64>,
  s STRUCT<a INT64 OPTIONS(description = "deep"), b STRUCT<c STRING OPTIONS(description = "deeper")>>{wide}
)
PARTITION BY DATE_TRUNC(day, MONTH)
CLUSTER BY item
OPTIONS(description = "the store", labels = [("team", "a")], require_partition_filter = TRUE);
INSERT INTO store (item) VALUES ('x');
"""


@pytest.mark.parametrize("create", ["CREATE TABLE", "CREATE TABLE IF NOT EXISTS", "create or replace table"])
@pytest.mark.parametrize(
    ("inline", "wide", "keys"),
    [
        ("", "", None),
        (" PRIMARY KEY NOT ENFORCED", "", ["item"]),
        ("", ",\n  PRIMARY KEY (item, day) NOT ENFORCED", ["item", "day"]),
        ("", ",\n  CONSTRAINT pk PRIMARY KEY (day, item) NOT ENFORCED", ["day", "item"]),
        ("", ",\n  FOREIGN KEY (item) REFERENCES other(id) NOT ENFORCED", None),
    ],
)
def test_a_create_table_as_people_write_it(
    tmp_path: Path, create: str, inline: str, wide: str, keys: list[str] | None
) -> None:
    """OR REPLACE, IF NOT EXISTS, keys and other statements are read; keys are those of the primary key."""
    file = tmp_path / "store.sql"
    file.write_text(DDL.format(create=create, inline=inline, wide=wide))
    made = scaffold_ddl(file)
    registry = in_order(made.text)
    assert registry.table.name == "store"
    assert list(registry.table.keys) == (keys or ["item", "day"])
    assert made.made.keys_stated is (keys is not None)
    assert ("No primary key is declared" in made.text) is (keys is None)
    table = desired_table(registry)
    assert table.partitioning == Partitioning("day", "MONTH")
    assert table.options == Options(require_partition_filter=True, description="the store", labels=(("team", "a"),))
    (c,) = table.columns[3].type.fields[1].type.fields
    assert (table.columns[3].type.fields[0].description, c.description) == ("deep", "deeper")
    assert registry.inputs.value == "v[SAFE_OFFSET({index})]"


CONTRACT = """\
apiVersion: v3.0.2
kind: DataContract
version: 1.0.0
contractCreatedTs: 2024-01-01T00:00:00Z
schema:
  - name: Store
    physicalName: project.shop.store
    description: Things
    properties:
      - {name: Item, physicalName: item, logicalType: string, required: True, primaryKey: true, primaryKeyPosition: 2,
         description: "who: 'x'"}
      - {name: day, logicalType: date, required: yes, partitioned: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: v, logicalType: array, items: {logicalType: number, physicalType: FLOAT64}, required: true}
      - {name: n, logicalType: integer, physicalType: VARCHAR2}
      - {name: p, physicalType: "NUMERIC(5,2)", logicalType: string}
      - name: s
        physicalType: RECORD
        properties:
          - {name: a, logicalType: number, description: inner}
          - {name: b, logicalType: object, properties: [{name: c, logicalType: timestamp, description: inmost}]}
"""


def test_a_data_contract(tmp_path: Path) -> None:
    """Names, types, modes, words, keys in their order and the partition column are read; the physical type wins."""
    file = tmp_path / "contract.yaml"
    file.write_text(CONTRACT)
    registry = in_order(scaffold_contract(file).text)
    assert registry.table.keys == ("day", "item")
    inner = column("s", "STRUCT<a NUMERIC, b STRUCT<c TIMESTAMP>>").type
    a, b = inner.fields
    (c,) = b.type.fields
    b = replace(b, type=replace(b.type, fields=(replace(c, description="inmost"),)))
    assert desired_table(registry) == Table(
        "store",
        (
            Column("item", Type(Kind.STRING), Mode.REQUIRED, "who: 'x'"),
            Column("day", Type(Kind.DATE), Mode.REQUIRED),
            column("v", "ARRAY<FLOAT64>"),
            column("n", "INT64"),
            column("p", "NUMERIC(5, 2)"),
            Column("s", replace(inner, fields=(replace(a, description="inner"), b))),
        ),
        Partitioning("day"),
        options=Options(description="Things"),
        primary_key=("day", "item"),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1", "needs a list under `schema`"),
        ("[1, 2]", "needs a list under `schema`"),
        ("schema: []", "creates no table"),
        ("schema: [{name: t, properties: [{name: a, logicalType: blob}, {logicalType: string}]}]", "t.a has no "),
        ("schema: [{name: t, properties: [{name: a, logicalType: object}]}]", "an object without properties"),
        ("schema: [{name: t}]", "has no columns"),
        ("schema: &a [{name: t, properties: *a}]", "cannot be read as a data contract"),
        ("schema: [", "cannot be read as a data contract"),
        ("schema: [{name: t}, {name: u}]", "has 2 tables"),
    ],
)
def test_a_contract_that_cannot_be_read(tmp_path: Path, text: str, sentence: str) -> None:
    """Each is reported in a sentence that names the file; all wrong properties together."""
    file = tmp_path / "contract.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        scaffold_contract(file)
    assert sentence in caught.value.message
    assert str(file) in caught.value.message


def test_wrong_properties_are_reported_together() -> None:
    """Two properties without a type are one error with both."""
    data = {"schema": [{"name": "t", "properties": [{"name": "a"}, {"name": "b", "physicalType": "CLOB"}]}]}
    with pytest.raises(InputError, match=r"t\.a has no BigQuery type.*; t\.b has no BigQuery type.*'CLOB'"):
        read_contract_tables(data, "c.yaml")


def test_a_layout_that_bigquery_refuses_is_refused(tmp_path: Path) -> None:
    """What is handed out validates: a table whose registry would not is reported with the findings."""
    file = tmp_path / "t.sql"
    file.write_text("CREATE TABLE t (a FLOAT64, b INT64) CLUSTER BY a")
    with pytest.raises(InputError) as caught:
        scaffold_ddl(file)
    assert [one.rule for one in caught.value.findings] == ["FQ145"]


def test_a_schema_file_is_named_after_its_file(tmp_path: Path) -> None:
    """The table has the name of the file, or the given one; the columns are the file's."""
    file = tmp_path / "store.json"
    file.write_text(schema_json(STORE.columns))
    for name, wanted in (("", "store"), ("other", "other")):
        made = scaffold_schema(file, name)
        assert "has no partitioning, clustering and options" in made.made.unsaid[0]
        registry = in_order(made.text)
        assert (registry.table.name, desired_table(registry).columns) == (wanted, STORE.columns)


def test_several_tables_in_a_file(tmp_path: Path) -> None:
    """--name selects one of them; without it they are listed."""
    file = tmp_path / "all.sql"
    file.write_text("CREATE TABLE a (x INT64); CREATE TABLE b (y INT64);")
    with pytest.raises(UsageError) as caught:
        scaffold_ddl(file)
    assert "--name: a, b" in str(caught.value.remedy)
    assert [one.name for one in in_order(scaffold_ddl(file, "b").text).base_columns] == ["y"]
    file.write_text("SELECT 1;")
    with pytest.raises(InputError, match="creates no table"):
        scaffold_ddl(file)
    file.write_text("CREATE TABLE a (\n  x INT65\n);")
    with pytest.raises(InputError, match=r"all\.sql: line 2, column 5: Unknown type INT65"):
        scaffold_ddl(file)


def test_views_are_not_tables() -> None:
    """A script's views are passed over, each by its line."""
    script = read_ddl([("a.sql", "CREATE TABLE a (x INT64);\nCREATE VIEW v AS SELECT 1 AS one")])
    assert [one.name for one in script.created] == ["a"]
    (note,) = script.passed_over
    assert "a.sql: line 2: `CREATE VIEW v AS SELECT 1 AS one` was not read" in note
    assert View("v", "x").key == "v"


BLOCKS = {
    "IF": "IF FALSE THEN SELECT 1; ALTER TABLE d.t DROP COLUMN v; ELSE ALTER TABLE d.t ADD COLUMN e INT64; END IF;",
    "BEGIN": "BEGIN SELECT 1; EXCEPTION WHEN ERROR THEN SELECT 2; DROP TABLE d.t; CREATE TABLE d.t (z INT64); END;",
    "nested": "BEGIN IF (SELECT IF(TRUE, 1, 2)) = 1 THEN SELECT CASE WHEN TRUE THEN IF(TRUE, 1, 2) END; "
    "WHILE FALSE DO ALTER TABLE d.t DROP COLUMN v; END WHILE; END IF; ALTER TABLE d.t DROP COLUMN v; END;",
    "LOOP": "LOOP ALTER TABLE d.t DROP COLUMN v; BREAK; END LOOP;",
    "FOR": "FOR one IN (SELECT 1 AS n) DO ALTER TABLE d.t DROP COLUMN v; END FOR;",
    "REPEAT": "REPEAT ALTER TABLE d.t DROP COLUMN v; UNTIL TRUE END REPEAT;",
}


@pytest.mark.parametrize("name", BLOCKS)
def test_statements_of_a_block_are_not_applied(tmp_path: Path, name: str) -> None:
    """They may not run. The block is named, also where the registry goes to stdout, and what follows it is applied."""
    script = f"CREATE TABLE d.t (id INT64, v STRING);\n{BLOCKS[name]}\nALTER TABLE d.t ADD COLUMN f INT64;\n"
    (tmp_path / "t.sql").write_text(script)
    done = fqtool(tmp_path, "init", "--from-ddl", "t.sql", "--out", "-")
    assert done.code == 0, done.said
    assert [one["name"] for one in yaml.safe_load(done.out)["base_columns"]] == ["id", "v", "f"]
    named = [line for line in done.err.splitlines() if "a block" in line and "line 2: `" in line]
    assert len(named) == BLOCKS[name].count(" TABLE ") + (name in ("IF", "BEGIN", "nested"))
    assert "`keys` is a guess" in done.err


def test_a_schema_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As PowerShell writes one."""
    (tmp_path / "t.json").write_text('\ufeff[{"name": "id", "type": "INTEGER"}]', encoding="utf-8")
    done = fqtool(tmp_path, "init", "--from-schema", "t.json", "--out", "-")
    assert done.code == 0, done.said
    assert "{name: id, type: INT64}" in done.out


def test_line_ends_in_triple_quotes_are_those_of_google(tmp_path: Path) -> None:
    """CRLF and CR are LF, so that the description is that of the live table."""
    (tmp_path / "t.sql").write_bytes(b"CREATE TABLE d.t (id INT64 OPTIONS(description='''a\r\nb\rc'''));\r\n")
    done = fqtool(tmp_path, "init", "--from-ddl", "t.sql", "--out", "-")
    assert done.code == 0, done.said
    assert yaml.safe_load(done.out)["base_columns"][0]["description"] == "a\nb\nc"


@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ("--from-schema", "a.sql", "--from-schema reads a BigQuery schema in JSON"),
        ("--from-schema", "a.sql", "For a.sql, use --from-ddl."),
        ("--from-ddl", "a.yaml", "For a.yaml, use --from-odcs."),
        ("--from-odcs", "a.json", "For a.json, use --from-schema."),
        ("--from-ddl", "a.sql", "--from-ddl reads SQL with CREATE TABLE, from a file or a folder.\n"),
        ("--from-schema", "a.duckdb", "For a.duckdb, use --from-table."),
    ],
)
def test_a_file_of_another_kind_names_its_option(tmp_path: Path, option: str, name: str, words: str) -> None:
    """The remedy names what the option reads, and which one reads such a file."""
    (tmp_path / name).write_bytes(b"SELECT 1 \xff" if name.endswith("duckdb") else b"SELECT 1")
    done = fqtool(tmp_path, "init", option, name)
    assert done.code == 2
    assert words in done.err
