"""A DuckDB file that a process was killed while creating is an empty target; a new file appears whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from fqtool.errors import WorldError
from fqtool.table.changes import CreateTable
from fqtool.table.ddl import Statement
from fqtool.table.model import Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import ROOT
from tests.machine import patient

TABLE = Table("t", (column("k", "INT64"),))
ROUNDS, PROCESSES = 4, 4
# A process that creates a table of its own in a file that does not exist yet, and prints whether it could.
CREATOR = """
import sys
from fqtool.errors import Busy
from tests.test_duckdb_creation import created
try:
    created(sys.argv[1], sys.argv[2])
except Busy:
    sys.exit(7)
"""


def created(path: str, name: str = "t") -> None:
    """Create a table in a file."""
    with DuckDBWarehouse(path) as warehouse:
        warehouse.run(Statement("CREATE TABLE", (CreateTable(Table(name, TABLE.columns)),)))


def headers(tmp_path: Path) -> bytes:
    """What DuckDB writes first into a new file."""
    with duckdb.connect(str(tmp_path / "new.duckdb")):
        pass
    return (tmp_path / "new.duckdb").read_bytes()


@pytest.mark.parametrize("size", [0, 12, 4096, 5000, 8192, 12287])
@pytest.mark.parametrize("padded", [False, True])
def test_a_file_killed_while_created_is_an_empty_target(tmp_path: Path, size: int, padded: bool) -> None:
    """Reading finds nothing and leaves the file; writing creates the database in its place, nothing beside it."""
    whole, path = headers(tmp_path), tmp_path / "e.duckdb"
    content = whole[:size].ljust(len(whole) if padded else size, b"\0")
    path.write_bytes(content)
    with DuckDBWarehouse(str(path)) as warehouse:
        assert warehouse.describe("t") is None
    assert path.read_bytes() == content
    created(str(path))
    with DuckDBWarehouse(str(path)) as warehouse:
        assert warehouse.describe("t") == TABLE
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["e.duckdb", "new.duckdb"]


@pytest.mark.parametrize("content", [b"hello", b"x" * 4096, b"\0" * 20000])
def test_another_file_is_not_taken_for_an_unfinished_one(tmp_path: Path, content: bytes) -> None:
    """A file that does not begin as a DuckDB file is refused and stays as it was."""
    path = tmp_path / "e.duckdb"
    path.write_bytes(content)
    with pytest.raises(WorldError, match="not a DuckDB file"):
        created(str(path))
    assert path.read_bytes() == content


def test_a_damaged_file_with_a_journal_is_not_replaced(tmp_path: Path) -> None:
    """A write-ahead log may hold rows."""
    path = tmp_path / "e.duckdb"
    path.write_bytes(headers(tmp_path)[:4096])
    (tmp_path / "e.duckdb.wal").write_bytes(b"something")
    with pytest.raises(WorldError):
        created(str(path))
    assert path.stat().st_size == 4096


def test_a_link_to_a_file_that_is_not_there_stays_a_link(tmp_path: Path) -> None:
    """The database is created where the link leads; what a killed process left aside is replaced."""
    path, behind = tmp_path / "link.duckdb", tmp_path / "behind.duckdb"
    path.symlink_to(behind)
    (tmp_path / ".behind.duckdb.new").write_text("left over")
    created(str(path))
    assert path.is_symlink()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["behind.duckdb", "link.duckdb"]


def test_processes_that_create_one_file_concurrently_lose_nothing(tmp_path: Path) -> None:
    """Each either finds the file locked or has its table in it afterwards."""
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.duckdb"
        if number % 2:
            path.touch()
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", CREATOR, str(path), f"t{n}"], env=os.environ | {"PYTHONPATH": str(ROOT)}
            )
            for n in range(PROCESSES)
        ]
        codes = [process.wait(timeout=patient(60)) for process in processes]
        assert set(codes) <= {0, 7}
        assert 0 in codes
        with DuckDBWarehouse(str(path)) as warehouse:
            tables = [n for n in range(PROCESSES) if warehouse.describe(f"t{n}")]
        assert tables == [n for n, code in enumerate(codes) if code == 0]
