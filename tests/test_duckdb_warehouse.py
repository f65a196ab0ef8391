"""DuckDBWarehouse: atomic statements, jobs done once, DML, parameters, and what is and is not opened."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from fqtool.errors import InputError, NotThere, StatementFailed
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.changes import CreateTable, fold
from fqtool.table.model import State
from fqtool.warehouse.duckdb.session import opened
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests.bed.running import ROOT
from tests.duckdb_store import STORE, made
from tests.killed_statement import CHANGES, JOB, TABLE, prepare
from tests.machine import patient


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


def test_it_is_a_warehouse(warehouse: DuckDBWarehouse) -> None:
    """DuckDBWarehouse has the protocol's methods, as the type checker sees it too, and no metadata budget."""
    door: Warehouse = warehouse
    assert door.pace is None
    assert DuckDBWarehouse("x.duckdb").url == "duckdb:///x.duckdb"


@pytest.mark.parametrize("case", CHANGES)
def test_kill_9_leaves_all_or_nothing(tmp_path: Path, case: str) -> None:
    """Killed before any call to DuckDB, the table and what is remembered of it are as before or as after."""
    whole = fold(State(TABLE), CHANGES[case]).table
    seen = set()
    prepare(str(tmp_path / "before.duckdb"))
    fatal, calls = 0, 99
    while fatal <= calls:
        path = str(tmp_path / f"{fatal}.duckdb")
        shutil.copy(tmp_path / "before.duckdb", path)
        done = subprocess.run(
            [sys.executable, "-m", "tests.killed_statement", path, case, str(fatal)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=patient(60),
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        calls = int(done.stdout or calls)
        with DuckDBWarehouse(path) as warehouse:
            after = warehouse.describe("t")
            assert after in (TABLE, whole), fatal
            warehouse.run(made(*CHANGES[case], table="t"), job=JOB)
            assert warehouse.describe("t") == whole
            assert warehouse.rows(Query("SELECT k, many, new FROM t")) == [{"k": 1, "many": (), "new": None}]
        seen.add(after == whole)
        fatal += 1
    assert seen == {True, False}


def test_dml_under_a_job_id_is_done_once(stored: DuckDBWarehouse) -> None:
    """The same INSERT under one job id, in one process or two, writes one row and reports the same outcome."""
    insert = Query("INSERT INTO store (item) VALUES ('a')")
    first = stored.run(insert, job="j1")
    stored.close()
    assert stored.run(insert, job="j1") == first
    assert first.rows_changed == 1
    assert stored.rows(Query("SELECT COUNT(*) AS n FROM store")) == [{"n": 1}]
    with pytest.raises(StatementFailed):
        stored.run(Query("INSERT INTO store (n) VALUES (1)"), job="j2")
    stored.run(insert, job="j2")


def test_merge_update_delete_count_their_rows(stored: DuckDBWarehouse) -> None:
    """DML of every kind runs as GoogleSQL and reports how many rows it changed."""
    stored.run(Query("INSERT INTO store (item, n) VALUES ('a', 1), ('b', DEFAULT)"))
    merge = (
        "MERGE `dataset.store` AS t USING (SELECT 'b' AS item, 5 AS n UNION ALL SELECT 'c', 6) AS s ON t.item = s.item "
        "WHEN MATCHED AND t.n = 7 THEN UPDATE SET n = s.n "
        "WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED THEN INSERT (item, n) VALUES (s.item, s.n)"
    )
    assert stored.run(Query(merge)).rows_changed == 3
    assert stored.rows(Query("SELECT item, n FROM store ORDER BY item")) == [
        {"item": "b", "n": 5}, {"item": "c", "n": 6},
    ]  # fmt: skip
    assert stored.run(Query("UPDATE store SET n = DEFAULT WHERE item = 'c'")).rows_changed == 1
    assert stored.run(Query("DELETE FROM store WHERE n = 7")).rows_changed == 1


@pytest.mark.skipif(duckdb.__version__ != "2.0.0", reason="later versions take one of the rows, which the docs list")
def test_a_merge_of_two_rows_into_one_is_refused(stored: DuckDBWarehouse) -> None:
    """As on BigQuery."""
    stored.run(Query("INSERT INTO store (item, n) VALUES ('a', 1)"))
    merge = "MERGE store AS t USING (SELECT 'a' AS item, 5 AS n UNION ALL SELECT 'a', 6) AS s ON t.item = s.item "
    with pytest.raises(StatementFailed, match="more than once"):
        stored.run(Query(f"{merge} WHEN MATCHED THEN UPDATE SET n = s.n"))


PARAMETERS: dict[str, Value] = {
    "text": "it's \\ \n \"x\" $a @b", "whole": 9_007_199_254_740_993, "small": 5, "broken": 0.1, "yes": True,
    "number": Decimal("12345678901234567890.123456789"), "day": dt.date(2025, 1, 2),
    "moment": dt.datetime(2025, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC), "none": None, "texts": ("a", "b"),
    "numbers": (1, 2), "empty": (),
}  # fmt: skip


def test_parameters_come_back_as_they_went(warehouse: DuckDBWarehouse) -> None:
    """Every kind of parameter is bound, not pasted; an unused one is accepted, a missing one is an error."""
    sql = "SELECT " + ", ".join(f"@{name} AS `{name}`" for name in PARAMETERS)
    (row,) = warehouse.rows(Query(sql, (*PARAMETERS.items(), ("unused", 1))))
    assert row == PARAMETERS
    assert isinstance(row["moment"], dt.datetime)
    assert row["moment"].tzinfo is dt.UTC
    assert warehouse.rows(Query("SELECT @small * 1000000000000 AS x", (("small", 5),))) == [{"x": 5_000_000_000_000}]
    with pytest.raises(InputError, match="@small"):
        warehouse.rows(Query("SELECT @small AS x"))


def test_the_session_is_in_utc(stored: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's zone, a TIMESTAMP's date is that of UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    moment = Query("SELECT DATE(TIMESTAMP '2025-01-01 23:30:00+00') AS d, CAST('2025-01-01' AS TIMESTAMP) AS t")
    assert stored.rows(moment) == [{"d": dt.date(2025, 1, 1), "t": dt.datetime(2025, 1, 1, tzinfo=dt.UTC)}]


def test_a_long_query_draws_no_progress_bar() -> None:
    """DuckDB's own would be in the middle of the output of a command, on stdout."""
    with opened(":memory:") as connection:
        assert connection.execute("SELECT CURRENT_SETTING('enable_progress_bar')").fetchone() == (False,)


def test_nothing_is_fetched_from_the_network(warehouse: DuckDBWarehouse) -> None:
    """DuckDB neither installs nor loads extensions by itself."""
    warehouse.run(made(CreateTable(TABLE), table="t"))
    settings = "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
    assert dict(warehouse._connection().execute(settings).fetchall()) == {
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    }  # fmt: skip


def test_looking_creates_nothing(warehouse: DuckDBWarehouse, file: Path) -> None:
    """A file that is not there holds nothing, and looking does not make it; the first run does, its folder too."""
    assert warehouse.describe("store") is None
    with pytest.raises(NotThere, match="no table store"):
        warehouse.rows(WholeTable("store", ("item",)))
    with pytest.raises(NotThere):
        warehouse.rows(Query("SELECT item FROM store"))
    assert not file.parent.exists()
    warehouse.run(made(CreateTable(STORE)))
    assert warehouse.describe("store") == STORE
    assert file.exists()


def test_reading_a_table_that_lacks_a_column_is_an_error(stored: DuckDBWarehouse) -> None:
    """WholeTable of a column that is not there names it; a query of it fails with DuckDB's words in one line."""
    with pytest.raises(StatementFailed, match="no column absent"):
        stored.rows(WholeTable("store", ("item", "absent")))
    with pytest.raises(StatementFailed, match="absent") as told:
        stored.rows(Query("SELECT absent FROM store"))
    assert "\n" not in str(told.value)


def test_duplicate_names_are_refused(stored: DuckDBWarehouse) -> None:
    """A result with the same name twice is an error, as in BigQuery: a dict would lose one of them."""
    with pytest.raises(StatementFailed, match="Duplicate"):
        stored.rows(Query("SELECT 1 AS x, 2 AS X"))
