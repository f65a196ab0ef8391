"""Many columns are added to a DuckDB table by one rebuild, which keeps what the table had."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from fqtool.errors import StatementFailed
from fqtool.sql import Query
from fqtool.table.change_views import PutView
from fqtool.table.changes import AddColumn, CreateTable, RenameColumn, SetDescription, fold
from fqtool.table.column import Column, Kind, Type
from fqtool.table.model import State, Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.duckdb_store import STORE, VIEW, by_hand, made

MANY = (
    *(AddColumn(Column(f"c{n}", Type(Kind.FLOAT64), description=f"Number {n}")) for n in range(300)),
    AddColumn(column("list", "ARRAY<STRUCT<a STRING(3), b ARRAY<NUMERIC(5, 2)>>>")),
)
WIDE = fold(State(STORE), MANY).table
ADDED = [change.column for change in MANY]
BY_HAND = """
CREATE SEQUENCE s START 5;
CREATE TABLE log (n INTEGER);
CREATE TABLE t (
    id BIGINT PRIMARY KEY DEFAULT nextval('s'), "a, )""(name" VARCHAR NOT NULL DEFAULT 'a''b)', size ENUM ('s', 'm'),
    amount DECIMAL(9, 2) CHECK (amount > 0), word VARCHAR COLLATE nocase UNIQUE, UNIQUE (id, size)
);
COMMENT ON TABLE t IS 'by hand';
COMMENT ON COLUMN t.amount IS 'in euros';
CREATE UNIQUE INDEX "one word" ON t (word, size);
INSERT INTO t (size, amount, word) SELECT 's', i + 1, 'w' || i FROM range(3000) r (i);
DELETE FROM t WHERE id = 7;
CREATE VIEW all_of_t AS SELECT * FROM t;
"""
_COLUMNS = "SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() WHERE table_name = 't'"
_OTHERS = (
    "SELECT constraint_type, constraint_text FROM duckdb_constraints() WHERE table_name = 't' ORDER BY ALL",
    "SELECT index_name, is_unique, sql FROM duckdb_indexes()",
    "SELECT comment FROM duckdb_tables() WHERE table_name = 't'",
    "SELECT nextval('s')",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "store.duckdb"


@pytest.fixture
def warehouse(file: Path) -> Iterator[DuckDBWarehouse]:
    """A warehouse on that file."""
    with DuckDBWarehouse(str(file)) as opened:
        yield opened


def facts(file: Path, *queries: str) -> list[list[tuple[object, ...]]]:
    """What DuckDB answers in a copy of the file."""
    shutil.copy(file, copy := file.with_suffix(".copy"))
    with duckdb.connect(str(copy)) as connection:
        return [connection.execute(query).fetchall() for query in queries]


def copied_entries(warehouse: DuckDBWarehouse) -> list[str]:
    """Log the statements that copy the table's entry in the catalog from now on."""
    connection, statements = warehouse.connection(), list[str]()

    class Logged:
        def execute(self, *given: object) -> object:
            statements.extend(text for text in map(str, given[:1]) if text.startswith(("ALTER", "COMMENT ON COLUMN")))
            return connection.execute(*given)  # type: ignore[arg-type]

        def close(self) -> None:
            connection.close()

    warehouse._opened = Logged()  # type: ignore[assignment]
    return statements


def test_many_columns_need_one_alter(warehouse: DuckDBWarehouse) -> None:
    """301 columns with descriptions take one ALTER (a rename) and no comments, and are described in full."""
    warehouse.run(made(CreateTable(STORE)))
    statements = copied_entries(warehouse)
    warehouse.run(made(*MANY))
    assert len(statements) == 1
    assert warehouse.describe("store") == WIDE


def test_few_columns_are_added_in_place(warehouse: DuckDBWarehouse) -> None:
    """100 columns take one ALTER and one comment each, which other programs can read."""
    warehouse.run(made(CreateTable(STORE)))
    statements = copied_entries(warehouse)
    warehouse.run(made(*MANY[:100]))
    assert len(statements) == 200
    assert warehouse.describe("store") == fold(State(STORE), MANY[:100]).table


def test_a_wide_new_table_has_its_descriptions_in_the_catalog(warehouse: DuckDBWarehouse) -> None:
    """A table with 307 columns is created without a comment for each, and described as it was declared."""
    assert WIDE is not None
    statements = copied_entries(warehouse)
    warehouse.run(made(CreateTable(WIDE)))
    assert not statements
    assert warehouse.describe("store") == WIDE
    by_hand(warehouse, "COMMENT ON COLUMN store.c1 IS 'by hand'; ALTER TABLE store ALTER c2 TYPE BIGINT")
    changed = {"c1": {"description": "by hand"}, "c2": {"type": Type(Kind.INT64)}}
    assert warehouse.describe("store") == WIDE.with_columns(
        replace(one, **changed.get(one.name, {})) for one in WIDE.columns
    )


def test_later_changes_of_a_rebuilt_table(warehouse: DuckDBWarehouse) -> None:
    """Descriptions in the catalog survive a rename, are replaced by a new one, and emptied."""
    warehouse.run(made(CreateTable(STORE), table="store"))
    warehouse.run(made(*MANY))
    later = (RenameColumn("c0", "first"), SetDescription(("c1",), "other"), SetDescription(("c2",), ""))
    for change in later:
        warehouse.run(made(change))
    assert warehouse.describe("store") == fold(State(WIDE), later).table


def test_what_the_table_had_is_kept(warehouse: DuckDBWarehouse, file: Path) -> None:
    """Rows, defaults, NOT NULL, keys, checks, indexes, comments and views over a table made by hand are kept."""
    by_hand(warehouse, BY_HAND)
    rows = 'SELECT id, "a, )""(name", size, amount, word FROM all_of_t'
    before, (parts,) = facts(file, rows, *_OTHERS), facts(file, _COLUMNS)
    table = warehouse.describe("t")
    warehouse.run(made(*MANY, table="t"))
    assert isinstance(table, Table)
    assert warehouse.describe("t") == fold(State(table), MANY).table
    assert warehouse.rows(Query("SELECT COUNT(*) AS n, COUNT(c7) AS filled, COUNTIF(ARRAY_LENGTH(list) = 0) AS empty "
                                "FROM t")) == [{"n": 2999, "filled": 0, "empty": 2999}]  # fmt: skip
    warehouse.close()
    assert facts(file, rows, *_OTHERS) == before
    (after,) = facts(file, _COLUMNS)
    assert after[: len(parts)] == parts
    assert len(after) == len(parts) + len(MANY)
    for sql, error in {
        "INSERT INTO t (id, amount) VALUES (8, 1)": "Duplicate key",
        "INSERT INTO t (amount) VALUES (-1)": "CHECK",
        "INSERT INTO t (word) VALUES ('w9')": "Duplicate key",
        'INSERT INTO t ("a, )""(name") VALUES (NULL)': "NOT NULL",
    }.items():
        with duckdb.connect(str(file)) as connection, pytest.raises(duckdb.ConstraintException, match=error):
            connection.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE child (item VARCHAR REFERENCES t (item))",
        "CREATE TRIGGER logged AFTER INSERT ON t FOR EACH STATEMENT INSERT INTO log VALUES (1)",
        "DROP TABLE t; CREATE TABLE t (item VARCHAR PRIMARY KEY, twice VARCHAR GENERATED ALWAYS AS (item || item))",
        "DROP TABLE t; CREATE TABLE t (item VARCHAR PRIMARY KEY REFERENCES parent (item))",
    ],
    ids=["foreign key to it", "trigger", "generated column", "foreign key of it"],
)
def test_a_table_that_others_depend_on_is_altered_in_place(warehouse: DuckDBWarehouse, file: Path, sql: str) -> None:
    """A rebuild would lose a foreign key, a trigger or a generated column, so each column is an ALTER of its own."""
    by_hand(warehouse, "CREATE TABLE log (n INTEGER); CREATE TABLE parent (item VARCHAR PRIMARY KEY);"
                       f"CREATE TABLE t (item VARCHAR PRIMARY KEY); {sql}")  # fmt: skip
    objects = (
        "SELECT table_name, constraint_text FROM duckdb_constraints() WHERE constraint_type <> 'NOT NULL' ORDER BY ALL",
        "SELECT trigger_name FROM duckdb_triggers()",
        "SELECT column_default FROM duckdb_columns() WHERE column_name = 'twice'",
    )
    before = facts(file, *objects)
    statements = copied_entries(warehouse)
    warehouse.run(made(*MANY[:200], table="t"))
    assert len(statements) == 400
    warehouse.close()
    assert facts(file, *objects) == before


def test_views_of_fqtool_stay_as_they_are(warehouse: DuckDBWarehouse) -> None:
    """A view over a rebuilt table is described and read as before."""
    warehouse.run(made(CreateTable(STORE)))
    warehouse.run(made(PutView(VIEW)))
    warehouse.run(Query("INSERT INTO store (item, n) VALUES ('a', 3)"))
    warehouse.run(made(*MANY))
    assert warehouse.describe("v") == VIEW
    assert warehouse.rows(Query("SELECT item, half FROM v")) == [{"item": "a", "half": 1.5}]


def test_a_dry_run_and_a_failure_change_nothing(warehouse: DuckDBWarehouse) -> None:
    """A rebuild is rolled back by a dry run, and by the failure of a later change of its statement."""
    warehouse.run(made(CreateTable(STORE)))
    warehouse.run(Query("INSERT INTO store (item, n) VALUES ('a', 3)"))
    warehouse.run(made(*MANY), dry_run=True)
    assert warehouse.describe("store") == STORE
    by_hand(warehouse, "CREATE TABLE _fqtool_old_store (n INTEGER)")
    with pytest.raises(StatementFailed, match="_fqtool_old_store"):
        warehouse.run(made(*MANY))
    assert warehouse.describe("store") == STORE
    assert warehouse.rows(Query("SELECT n FROM store")) == [{"n": 3}]


def test_rows_are_copied_within_the_memory_limit(warehouse: DuckDBWarehouse) -> None:
    """A table of 100 MB, to which 200 MB of empty columns come, is rebuilt within 150 MB."""
    warehouse.run(
        made(CreateTable(Table("t", tuple(Column(f"b{n}", Type(Kind.FLOAT64)) for n in range(100)))), table="t")
    )
    connection = warehouse.connection()
    connection.execute(f"INSERT INTO t SELECT {', '.join(['FLOOR(random() * 1e9)'] * 100)} FROM range(125000)")
    connection.execute("CHECKPOINT")
    connection.execute("SET memory_limit = '150MB'")
    before = connection.execute("SELECT COUNT(*), SUM(b0 + b99) FROM t").fetchone()
    warehouse.run(made(*MANY[:200], table="t"))
    assert connection.execute("SELECT COUNT(*), SUM(b0 + b99) FROM t").fetchone() == before
