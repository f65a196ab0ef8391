"""DuckDBWarehouse describes what is in the file: physical reality wins over what was remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given

from fqtool.errors import StatementFailed, WorldError
from fqtool.sql import Query, WholeTable, ident
from fqtool.table.change_views import PutView
from fqtool.table.changes import CreateTable, DropColumn, RenameColumn, SetMode, SetType, fold
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.model import DATASET, Options, Partitioning, State, Table, View
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.types import as_stored, read_type, type_text
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests import strategies
from tests.duckdb_store import STORE, VIEW, by_hand, made


def plain(text: str) -> Type:
    """A type from its words."""
    return column("x", text).type


def changed(name: str, **what: Any) -> Table:
    """The store with one column otherwise."""
    return STORE.with_columns(replace(one, **what) if one.name == name else one for one in STORE.columns)


# A change of the table with plain DuckDB SQL, and how the table must be described afterwards.
BY_HAND: dict[str, Table] = {
    "ALTER TABLE store DROP COLUMN n": STORE.with_columns(one for one in STORE.columns if one.name != "n"),
    "ALTER TABLE store ADD COLUMN x INTEGER": STORE.with_columns((*STORE.columns, Column("x", plain("INT64")))),
    "ALTER TABLE store ADD COLUMN x DECIMAL(5,2)[]": STORE.with_columns(
        (*STORE.columns, column("x", "ARRAY<NUMERIC(5, 2)>"))
    ),
    "ALTER TABLE store ALTER item DROP NOT NULL": changed("item", mode=Mode.NULLABLE),
    "ALTER TABLE store ALTER item TYPE BIGINT USING 1": changed("item", type=plain("INT64")),
    "ALTER TABLE store ALTER place TYPE BLOB USING NULL": changed("place", type=plain("BYTES"), properties=()),
    "ALTER TABLE store ALTER exact TYPE DOUBLE": changed("exact", type=plain("FLOAT64")),
    "ALTER TABLE store ALTER tags TYPE BIGINT[] USING []": changed("tags", type=plain("INT64")),
    "ALTER TABLE store ALTER tags TYPE VARCHAR USING ''": changed("tags", type=plain("STRING"), mode=Mode.NULLABLE),
    "ALTER TABLE store ALTER n SET DEFAULT 8": changed("n", default="8"),
    "ALTER TABLE store ALTER n DROP DEFAULT": changed("n", default=None),
    "ALTER TABLE store ALTER day SET DEFAULT '2020-01-01'": changed("day", default="'2020-01-01'"),
    "ALTER TABLE store ALTER tags DROP DEFAULT": STORE,
    "COMMENT ON COLUMN store.item IS 'other'": changed("item", description="other"),
    "COMMENT ON COLUMN store.day IS NULL": changed("day", description=""),
    "COMMENT ON TABLE store IS NULL": replace(STORE, options=replace(STORE.options, description="")),
    "ALTER TABLE store RENAME n TO m": STORE.with_columns(
        Column("m", plain("INT64"), default="7") if one.name == "n" else one for one in STORE.columns
    ),
    "ALTER TABLE store ALTER s TYPE STRUCT(a VARCHAR, b BIGINT) USING NULL": changed(
        "s", type=plain("STRUCT<a STRING, b INT64>")
    ),
    "UPDATE _fqtool_catalog SET definition = replace(definition, '\"DAY\"', '\"MONTH\"')": replace(
        STORE, partitioning=Partitioning("day", "MONTH")
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database goes: a folder that is not there yet."""
    return tmp_path / "deep" / "er" / "store.duckdb"


@pytest.fixture
def warehouse(file: Path) -> Iterator[DuckDBWarehouse]:
    """A warehouse on that file."""
    with DuckDBWarehouse(str(file), f"duckdb:///{file}") as opened:
        yield opened


@pytest.fixture
def stored(warehouse: DuckDBWarehouse) -> DuckDBWarehouse:
    """The same with the store in it."""
    warehouse.run(made(CreateTable(STORE)))
    return warehouse


@pytest.mark.parametrize(("sql", "expected"), BY_HAND.items())
def test_physical_reality_wins(stored: DuckDBWarehouse, sql: str, expected: Table) -> None:
    """What was done by hand shows, and every remembered detail of what was left alone is still there."""
    assert stored.describe("store") == STORE
    by_hand(stored, sql)
    assert stored.describe("store") == expected


def test_a_hand_made_table_is_described(warehouse: DuckDBWarehouse, file: Path) -> None:
    """A table that fqtool never wrote is described from DuckDB's catalog alone."""
    file.parent.mkdir(parents=True)
    sql = (
        "CREATE TYPE mood AS ENUM ('a', 'b');"
        "CREATE TABLE t (a INTEGER NOT NULL, b HUGEINT, c UUID, d mood, e TIMESTAMP, f TIMESTAMPTZ, g DECIMAL(38, 20), "
        "h MAP(VARCHAR, INTEGER), i STRUCT(\"x y\" FLOAT, z VARCHAR[]), j VARCHAR[3], k BIT, l JSON DEFAULT '{}', "
        "m TIME, n UBIGINT, o DECIMAL(4, 1)); COMMENT ON TABLE t IS 'words'; COMMENT ON COLUMN t.a IS 'about a'"
    )
    by_hand(warehouse, sql)
    texts = {
        "a": "INT64", "b": "BIGNUMERIC(38, 0)", "c": "STRING", "d": "STRING", "e": "DATETIME", "f": "TIMESTAMP",
        "g": "BIGNUMERIC(38, 20)", "h": "ARRAY<STRUCT<key STRING, value INT64>>",
        "i": "STRUCT<`x y` FLOAT64, z ARRAY<STRING>>", "j": "ARRAY<STRING>", "k": "STRING", "l": "JSON", "m": "TIME",
        "n": "NUMERIC(20, 0)", "o": "NUMERIC(4, 1)",
    }  # fmt: skip
    columns = [column(name, text) for name, text in texts.items()]
    columns[0] = replace(columns[0], mode=Mode.REQUIRED, description="about a")
    columns[11] = replace(columns[11], default="'{}'")
    assert warehouse.describe("t") == Table("t", tuple(columns), options=Options(description="words"))
    assert warehouse.describe("T") is None


def test_a_type_that_bigquery_has_nothing_like_is_named(warehouse: DuckDBWarehouse, file: Path) -> None:
    """A list of lists has no counterpart in BigQuery's types: an error that names table, column and type."""
    file.parent.mkdir(parents=True)
    by_hand(warehouse, "CREATE TABLE t (a INTEGER[][])")
    with pytest.raises(WorldError, match=r"column a of t has the type INTEGER\[\]\[\]"):
        warehouse.describe("t")


def test_a_view_changed_by_hand_shows_its_own_text(stored: DuckDBWarehouse) -> None:
    """A view is described in the GoogleSQL it was made from until another program replaces it."""
    stored.run(made(PutView(VIEW)))
    assert stored.describe("v") == VIEW
    by_hand(stored, "CREATE OR REPLACE VIEW v AS SELECT item FROM store")
    assert stored.describe("v") == View("v", "SELECT item FROM store")
    by_hand(stored, "COMMENT ON VIEW v IS 'by hand'")
    assert stored.describe("v") == View("v", "SELECT item FROM store", "by hand")


def test_a_view_is_unchanged_however_duckdb_spells_it(stored: DuckDBWarehouse) -> None:
    """A release of DuckDB that writes the same view down otherwise does not cause drift."""
    stored.run(made(PutView(VIEW)))
    by_hand(stored, "UPDATE _fqtool_catalog SET definition = replace(definition, 'CASE WHEN', 'case  when')")
    assert stored.describe("v") == VIEW


def test_a_view_follows_the_types_under_it(warehouse: DuckDBWarehouse) -> None:
    """A view means the same after a column under it was widened: ROUND of FLOAT64 is another than ROUND of INT64."""
    warehouse.run(made(CreateTable(Table("t", (Column("n", Type(Kind.NUMERIC)),))), table="t"))
    warehouse.run(Query("INSERT INTO t (n) VALUES (NUMERIC '2.675')"))
    view = View("v", f"SELECT ROUND(n, 2) AS r, CAST(n AS STRING) AS s FROM {ident(DATASET, 't')}")
    warehouse.run(made(PutView(view)))
    assert warehouse.rows(Query("SELECT r, s FROM v")) == [{"r": Decimal("2.68"), "s": "2.675"}]
    warehouse.run(made(SetType("n", Type(Kind.FLOAT64)), table="t"))
    assert warehouse.rows(Query("SELECT r, s FROM v")) == [{"r": 2.67, "s": "2.675"}]
    assert warehouse.describe("v") == view


def test_a_table_under_an_index_can_be_altered(stored: DuckDBWarehouse) -> None:
    """A foreign index is removed while the table is altered; only its own column cannot be dropped."""
    by_hand(stored, "CREATE INDEX by_n ON store (n)")
    stored.run(made(DropColumn("place"), RenameColumn("s", "s2")))
    with pytest.raises(StatementFailed):
        stored.run(made(DropColumn("n")))
    assert stored.describe("store") == fold(State(STORE), (DropColumn("place"), RenameColumn("s", "s2"))).table
    by_hand(stored, "DROP INDEX by_n")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB itself."""
    with duckdb.connect() as opened:
        yield opened


@given(strategies.columns(3))
def test_types_come_back_as_far_as_duckdb_holds_them(connection: duckdb.DuckDBPyConnection, one: Column) -> None:
    """read_type(type_text(t)) is as_stored(t), through DuckDB's own spelling of it."""
    connection.execute(f"CREATE OR REPLACE TABLE t (c {type_text(one.type, one.mode)})")
    row = connection.execute("SELECT data_type FROM duckdb_columns() WHERE table_name = 't'").fetchone()
    assert row is not None
    kind, mode = read_type(row[0])
    assert kind == as_stored(one.type)
    assert (mode is Mode.REPEATED) == (one.mode is Mode.REPEATED)


def test_numbers_of_before_survive_widening(warehouse: DuckDBWarehouse) -> None:
    """The widest NUMERIC is the same number as BIGNUMERIC; relaxed and widened columns keep their rows."""
    most = Decimal("99999999999999999999999999999.999999999")
    warehouse.run(made(CreateTable(Table("t", (Column("n", Type(Kind.NUMERIC), Mode.REQUIRED),))), table="t"))
    warehouse.run(Query("INSERT INTO t (n) VALUES (@n)", (("n", most),)))
    warehouse.run(made(SetMode("n", Mode.NULLABLE), SetType("n", Type(Kind.BIGNUMERIC)), table="t"))
    assert warehouse.rows(WholeTable("t", ("n",))) == [{"n": most}]
