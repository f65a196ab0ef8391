"""DuckDBWarehouse when the machine or the caller is the cause: one sentence each, never DuckDB's own exception."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.errors import Busy, Denied, FqtoolError, InputError, NotThere, StatementFailed, WorldError
from fqtool.sql import Query
from fqtool.table.changes import AddColumn, CreateTable
from fqtool.table.column import Column, Kind, Type
from fqtool.table.ddl import Statement
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import ROOT
from tests.duckdb_store import STORE, made
from tests.killed_statement import prepare
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


def test_a_locked_file_names_its_holder(stored: DuckDBWarehouse) -> None:
    """A file that another process holds is Busy, with that process's id."""
    stored.close()
    code = f"import duckdb; c = duckdb.connect({stored.path!r}); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Busy, match=f"process {holder.pid}"):
            stored.describe("store")
    finally:
        holder.communicate(b"\n")
    assert stored.describe("store") == STORE


def _newer(path: Path) -> None:
    """Write a file as a later DuckDB would, with a correct checksum: DuckDB itself reports which version that is."""
    duckdb.connect(str(path)).close()
    content = bytearray(path.read_bytes())
    content[12] = 250
    path.write_bytes(content)
    with pytest.raises(duckdb.Error, match="computed checksum") as told:
        duckdb.connect(str(path))
    found = re.search(r"computed checksum (\d+)", str(told.value))
    assert found
    content[:8] = int(found[1]).to_bytes(8, "little")
    path.write_bytes(content)


def _cut(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE store AS SELECT range AS n FROM range(1000)")
    os.truncate(path, 20000)


def _parent_is_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "folder"),
    "no database": (lambda path: path.write_bytes(b"hello world" * 999), "not a DuckDB file"),
    "half a file": (_cut, "damaged|cannot be opened"),
    "of a later version": (_newer, "version"),
    "no parent": (_parent_is_a_file, "folder|cannot be opened"),
}


@pytest.mark.parametrize(("make", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_file_is_one_sentence(file: Path, make: Callable[[Path], object], words: str) -> None:
    """A folder, text, a cut or later file: one of fqtool's errors in one sentence, never an empty store."""
    file.parent.mkdir(parents=True)
    make(file)
    with DuckDBWarehouse(str(file)) as warehouse:
        uses: list[Callable[[], object]] = [lambda: warehouse.run(made(CreateTable(STORE)))]
        if file.exists():
            uses += [lambda: warehouse.describe("store"), lambda: warehouse.rows(Query("SELECT 1 AS x"))]
        for use in uses:
            with pytest.raises(FqtoolError, match=words) as told:
                use()
            assert "\n" not in str(told.value)
            assert "Error:" not in str(told.value)


def test_a_folder_that_may_only_be_read() -> None:
    """What may not be written can still be looked at; writing it is Denied, in one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        prepare(str(path))
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        code = (
            "import os, sys, duckdb\n"
            "from tests.killed_statement import TABLE, CHANGES\n"
            "from fqtool.errors import Denied\n"
            "from fqtool.table.ddl import Statement\n"
            "from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse\n"
            "import fqtool.warehouse.duckdb.catalog, fqtool.warehouse.duckdb.session, fqtool.warehouse.duckdb.ddl\n"
            "import fqtool.warehouse.duckdb.copied_rows, fqtool.warehouse.duckdb.rebuild\n"
            "os.getuid() or os.setuid(65534)\n"
            "warehouse = DuckDBWarehouse(sys.argv[1])\n"
            "assert warehouse.describe('t') == TABLE\n"
            "try:\n    warehouse.run(Statement('ALTER TABLE `t`', CHANGES['few']))\n"
            "except Denied as error:\n    print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(60),
        )
        Path(folder).chmod(0o755)
    assert "is read-only" in done.stdout, done.stderr
    assert len(done.stdout.splitlines()) == 1


@given(st.sampled_from(["SELECT", "FROM t", "'", "{", "x..y", "\x00", "SELECT \ud800", "WITH a AS (", "((((", "é", ""]))
def test_no_words_of_duckdb_or_sqlglot_get_out(sql: str) -> None:
    """Whatever is given as SQL, what comes back is one of fqtool's errors."""
    with DuckDBWarehouse(":memory:") as warehouse, pytest.raises(FqtoolError):
        warehouse.rows(Query(sql))


def test_ctrl_c_during_a_statement_is_not_an_error_of_it(warehouse: DuckDBWarehouse) -> None:
    """It is passed on as Python's own, so that a command ends with exit code 130; and the connection works on."""
    warehouse.connection()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        warehouse.rows(Query("SELECT COUNTIF(a + b < 0) AS n FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a, "
                             "UNNEST(GENERATE_ARRAY(1, 1000000)) AS b"))  # fmt: skip
    assert warehouse.rows(Query("SELECT 1 AS n")) == [{"n": 1}]


def test_an_empty_statement_is_refused(warehouse: DuckDBWarehouse) -> None:
    """A statement without changes, or of a table that its SQL does not name, is InputError."""
    with pytest.raises(InputError, match="no change"):
        warehouse.run(Statement("ALTER TABLE `t` ADD COLUMN x INT64", ()))
    with pytest.raises(InputError, match="is not an ALTER TABLE"):
        warehouse.run(Statement("x", (AddColumn(Column("x", Type(Kind.INT64))),)))


def test_a_default_that_duckdb_has_not_is_refused(stored: DuckDBWarehouse) -> None:
    """A default that cannot be written in DuckDB's SQL is refused by name, and the table stays as it was."""
    geo = replace(STORE, name="g", columns=(Column("p", Type(Kind.GEOGRAPHY), default="ST_GEOGPOINT(1, 2)"),))
    with pytest.raises(InputError, match=r"ST_GEOGPOINT|ST_POINT"):
        stored.run(made(CreateTable(replace(geo, partitioning=None, clustering=())), table="g"))
    assert stored.describe("g") is None


def test_denied_is_a_world_error() -> None:
    """The errors a file can end in all end in exit code 3."""
    assert {kind.exit_code for kind in (Busy, Denied, NotThere, WorldError, StatementFailed)} == {3}
