"""What BigQuery refuses of tables, columns and ALTER statements: init and migrate import refuse it, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from fqtool.commands.init.template import Scaffold, scaffold_text
from fqtool.errors import InputError
from fqtool.lint.check import check_registry
from fqtool.schema.build import base_table
from fqtool.schema.infer_registry import learned
from fqtool.table.ddl import create_table
from fqtool.table.model import Table
from fqtool.table.parse import parse
from fqtool.table.properties import with_fields
from fqtool.table.read_ddl import read_ddl
from tests.bed import zeta
from tests.commands import run
from tests.scaffolds import loaded

COLUMNS = """day DATE NOT NULL, id STRING(10), n INT64, price NUMERIC(5, 2), f FLOAT64, s STRING, kept INT64 DEFAULT 1,
  tags ARRAY<STRING>, pair STRUCT<a INT64, b STRING>"""


def table_of(sql: str) -> Table:
    """The only table of a script. Raises InputError where the script is refused."""
    (created,) = read_ddl([("a.sql", sql)]).created
    if created.problem:
        raise created.problem
    return created.table


REFUSED_ALTERS = (
    ("ALTER COLUMN n SET DATA TYPE STRING", "n is INT64 and cannot become STRING"),
    ("ALTER COLUMN id SET DATA TYPE STRING(5)", "id is STRING(10) and cannot become STRING(5)"),
    ("ALTER COLUMN s SET DATA TYPE STRING(5)", "s is STRING and cannot become STRING(5)"),
    ("ALTER COLUMN price SET DATA TYPE NUMERIC(4, 2)", "price is NUMERIC(5, 2) and cannot become NUMERIC(4, 2)"),
    ("ALTER COLUMN f SET DATA TYPE INT64", "f is FLOAT64 and cannot become INT64"),
    ("ALTER COLUMN tags SET DATA TYPE ARRAY<INT64>", "changes no column to ARRAY<INT64>"),
    ("ALTER COLUMN n SET DATA TYPE FLOAT", "Write FLOAT64"),
    ("ALTER COLUMN n DROP NOT NULL", "n is NULLABLE"),
    ("ALTER COLUMN n DROP DEFAULT", "n has no default to drop"),
    ("ADD PRIMARY KEY (id)", "NOT ENFORCED"),
    ("ADD PRIMARY KEY (f) NOT ENFORCED", "f is FLOAT64, which cannot be in a primary key"),
    ("ADD PRIMARY KEY (id) NOT ENFORCED, ADD PRIMARY KEY (n) NOT ENFORCED", "has the primary key id already"),
    ("DROP PRIMARY KEY", "no primary key to drop"),
    ("ADD FOREIGN KEY (id) REFERENCES d.u(a)", "NOT ENFORCED"),
    ("ADD COLUMN x INT64 PRIMARY KEY NOT ENFORCED", "cannot be added with a key"),
    ("RENAME COLUMN n TO m, ADD COLUMN x INT64", "RENAME COLUMN is mixed with another action"),
    ("ADD COLUMN x INT64, RENAME COLUMN n TO m", "RENAME COLUMN is mixed with another action"),
    ("ALTER COLUMN n SET OPTIONS (rounding_mode = 'ROUND_HALF_EVEN')", "is only for NUMERIC and BIGNUMERIC"),
    ("ALTER COLUMN price SET OPTIONS (rounding_mode = 'UP')", "is 'UP'; BigQuery has only"),
    ("ADD COLUMN pair.y INT64", "pair.y is a field of a STRUCT, which no statement adds or alters"),
    ("DROP COLUMN pair.a", "pair.a is a field of a STRUCT"),
    ("SET OPTIONS (expiration_timestamp = TIMESTAMP 'tomorrow')", "not a time such as"),
    ("SET DEFAULT COLLATE 'und:xx'", "BigQuery has only 'und:ci'"),
)
ACCEPTED_ALTERS = (
    "ALTER COLUMN n SET DATA TYPE NUMERIC", "ALTER COLUMN n SET DATA TYPE INT64",
    "ALTER COLUMN id SET DATA TYPE STRING",
    "ALTER COLUMN tags SET OPTIONS (description = 'x')", "ALTER COLUMN price SET DATA TYPE NUMERIC(7, 3)",
    "ALTER COLUMN day DROP NOT NULL", "ALTER COLUMN kept DROP DEFAULT", "DROP PRIMARY KEY IF EXISTS",
    "ADD PRIMARY KEY (id) NOT ENFORCED", "RENAME COLUMN n TO m, RENAME COLUMN f TO g",
    "ALTER COLUMN price SET OPTIONS (rounding_mode = 'ROUND_HALF_EVEN')", "SET DEFAULT COLLATE ''",
    "ALTER COLUMN pair SET DATA TYPE STRUCT<a NUMERIC, b STRING>", "DROP COLUMN n, ADD COLUMN n STRING",
)  # fmt: skip


@pytest.mark.parametrize(("alter", "words"), REFUSED_ALTERS)
def test_an_alter_that_bigquery_refuses_is_refused_with_its_line(alter: str, words: str) -> None:
    """The message has the line of the statement and the reason."""
    with pytest.raises(InputError) as refused:
        table_of(f"CREATE TABLE d.t ({COLUMNS}) PARTITION BY day;\nALTER TABLE d.t {alter};")
    message = f"{refused.value.message} {refused.value.remedy}"
    assert words in message
    assert "a.sql: line" in message


@pytest.mark.parametrize("alter", ACCEPTED_ALTERS)
def test_an_alter_that_bigquery_accepts_is_read(alter: str) -> None:
    """Wider types, a type that stays, and what IF EXISTS permits."""
    table_of(f"CREATE TABLE d.t ({COLUMNS});\nALTER TABLE d.t {alter};")


REFUSED_TABLES = (
    ("(s STRING COLLATE 'und:xx')", "BigQuery has only 'und:ci'"),
    ("(n INT64 COLLATE 'und:ci')", "collation of n is only for STRING, not for INT64"),
    ("(p STRUCT<n INT64 COLLATE 'und:ci'>)", "collation of p.n is only for STRING"),
    ("(s STRING COLLATE 'und:ci') CLUSTER BY s", "cannot be clustered by it"),
    ("(f FLOAT)", "BigQuery's SQL has no type FLOAT"),
    ("(r RECORD)", "BigQuery's SQL has no type RECORD"),
    ("(f FLOAT64 PRIMARY KEY NOT ENFORCED)", "f is FLOAT64, which cannot be in a primary key"),
    ("(n INT64 PRIMARY KEY)", "NOT ENFORCED"),
    ("(n INT64, PRIMARY KEY (n) NOT ENFORCED, PRIMARY KEY (n) NOT ENFORCED)", "has the primary key n already"),
    ("(n INT64 PRIMARY KEY NOT ENFORCED, m INT64 PRIMARY KEY NOT ENFORCED)", "has the primary key n already"),
    ("(n INT64 OPTIONS (rounding_mode = 'ROUND_HALF_EVEN'))", "is only for NUMERIC and BIGNUMERIC, not for INT64"),
    ("(n INT64) PARTITION BY RANGE_BUCKET(n, GENERATE_ARRAY(0, 1000000, 1))", "1,000,000 partitions; at most 10,000"),
)


@pytest.mark.parametrize(("definition", "words"), REFUSED_TABLES)
def test_a_table_that_bigquery_refuses_is_refused(definition: str, words: str) -> None:
    """Also where Google's analyser alone would accept it."""
    with pytest.raises(InputError) as refused:
        table_of(f"CREATE TABLE d.t {definition}")
    assert words in f"{refused.value.message} {refused.value.remedy}"


DEFAULTS = (
    "INT64 'x'", "INT64 1.5", "INT64 1", "NUMERIC 1.5", "NUMERIC 1", "FLOAT64 1", "STRING 1", "STRING 'x'", "BOOL 1",
    "BOOL TRUE", "DATE '2026-01-01'", "DATE CURRENT_TIMESTAMP()", "TIME '10:00:00'", "BYTES 'x'", "JSON '{}'",
    "ARRAY<INT64> 1", "ARRAY<INT64> [1]", "ARRAY<FLOAT64> [1]", "INT64 [1]", "DATETIME CURRENT_DATE()",
    "TIMESTAMP CURRENT_TIMESTAMP()", "DATE CURRENT_DATE('Asia/Tokyo')", "INT64 -1", "NUMERIC -1.5", "STRING NULL",
)  # fmt: skip


@pytest.mark.parametrize("default", DEFAULTS)
def test_the_type_of_a_default_is_judged_as_google_does(default: str) -> None:
    """FQ163 has the defaults that Google's analyser does not assign to the column."""
    declared, _, value = default.partition(" ")
    table = table_of(f"CREATE TABLE d.t (day DATE, x {declared} DEFAULT {value})")
    found = [one.rule for one in check_registry(loaded(registry_of(table)))]
    theirs = zeta.analyze(f"CREATE TABLE d.t (day DATE, x {declared} DEFAULT {value})", {})
    assert ("FQ163" in found) is bool(theirs), (found, theirs)


def registry_of(table: Table) -> str:
    """The registry of a table, not checked."""
    found = learned(table)
    return scaffold_text(Scaffold(found.table, found.columns, "a.sql"))


WRONG_PROPERTIES = (
    ("max_staleness: 4 hours", "INTERVAL 4 HOUR"),
    ("expiration_timestamp: tomorrow", "2030-01-01T00:00:00Z"),
    ("default_collation: und:xx", "und:ci"),
)


@pytest.mark.parametrize(("line", "words"), WRONG_PROPERTIES)
def test_a_property_that_bigquery_does_not_have_is_found_by_validate(line: str, words: str) -> None:
    """FQ174 points at the property."""
    text = registry_of(table_of("CREATE TABLE d.t (day DATE) PARTITION BY day")).replace(
        "  partition_by: day\n", f"  partition_by: day\n  properties:\n    {line}\n"
    )
    (finding,) = [one for one in check_registry(loaded(text)) if one.rule == "FQ174"]
    assert words in finding.message
    assert finding.location
    assert text.splitlines()[finding.location.line - 1].strip() == line


def test_texts_have_the_default_collation_of_table_or_dataset() -> None:
    """A column without COLLATE inherits it, '' takes it back, and an added column has it too."""
    script = """
    CREATE SCHEMA d DEFAULT COLLATE 'und:ci';
    CREATE TABLE d.t (a STRING, b STRING COLLATE '', n INT64, p STRUCT<x STRING, y INT64>, l ARRAY<STRING>);
    ALTER TABLE d.t ADD COLUMN c STRING, ADD COLUMN e STRING COLLATE '';
    """
    table = table_of(script)
    collated = {".".join(path) for one in table.columns for path, field in with_fields(one) if field.properties}
    assert collated == {"a", "p.x", "l", "c"}
    assert dict(table.properties)["default_collation"] == "und:ci"
    (change,) = parse(create_table(table))
    assert change.table == table  # type: ignore[union-attr]
    text = registry_of(table)
    assert base_table(loaded(text)) == table
    assert 'name: b, type: STRING, properties: {collation: ""}' in text


@pytest.mark.parametrize("other", ["u", "d.u", "p.d.u"])
def test_a_foreign_key_within_the_dataset_names_only_the_table(other: str) -> None:
    """With and without dataset and project, as tables.get has it."""
    table = table_of(f"CREATE TABLE p.d.t (a INT64, FOREIGN KEY (a) REFERENCES {other}(b) NOT ENFORCED)")
    assert table.foreign_keys == ("FOREIGN KEY (a) REFERENCES u(b)",)


def test_import_refuses_a_narrower_type_with_its_place(tmp_path: Path) -> None:
    """No DROP and ADD COLUMN instead, which would lose the values."""
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql/V1__t.sql").write_text("CREATE TABLE d.t (day DATE NOT NULL, n NUMERIC(5, 2)) PARTITION BY day;")
    run(tmp_path, "init", "--from-ddl", "sql")
    (tmp_path / "sql/V2__n.sql").write_text("ALTER TABLE d.t ALTER COLUMN n SET DATA TYPE NUMERIC(4, 2);")
    done = run(tmp_path, "migrate", "import", "sql", code=2)
    assert "V2__n.sql: line 1, column 17: BigQuery rejects this: n is NUMERIC(5, 2)" in done.stderr
    assert not (tmp_path / "migrations").exists()
