"""A store that version 0.1 made, kept in tests/store_0_1, is read by this version.

It holds two migrations of the first day, a third that was planned later (a column, a description, a view), a fourth
that is planned and not applied, rows of three dates (one scored alone, two by a backfill), and a column added by hand.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.bed.running import ROOT
from tests.commands import run

STORE = ROOT / "tests" / "store_0_1"
TARGET = ("--target", "duckdb:///store.duckdb")
SCORED = "SELECT item, day, feature_quality_score, quality_tier, feature_0_source FROM feature_store ORDER BY ALL"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A copy of the store: registry, migrations and table."""
    folder = tmp_path / "store"
    shutil.copytree(STORE, folder)
    packed = folder / "store.duckdb.gz"
    (folder / "store.duckdb").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    return folder


def rows(store: Path, query: str) -> list[tuple[object, ...]]:
    """Rows as DuckDB holds them."""
    with duckdb.connect(str(store / "store.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def codes(store: Path, *words: str, code: int) -> list[str]:
    """The rules that a command reports."""
    return sorted(
        finding["rule"] for finding in json.loads(run(store, *words, "--format", "json", code=code).stdout)["findings"]
    )


def test_its_ledger_files_and_catalogue_are_read(store: Path) -> None:
    """Nothing is found but what was changed by hand and what was never applied."""
    assert codes(store, "migrate", "status", *TARGET, code=0) == []
    assert codes(store, "migrate", "verify", code=0) == []
    assert codes(store, "check-drift", *TARGET, code=1) == ["FQ302", "FQ306"]


def test_its_pending_migration_is_applied_and_others_are_not_run_again(store: Path) -> None:
    """Migrate applies the fourth file alone; afterwards nothing is pending and no row has changed."""
    before = rows(store, SCORED)
    done = run(store, "migrate", *TARGET)
    assert [name for name in ("0000", "0001", "0002", "0003") if name in done.stdout + done.stderr] == ["0003"]
    assert codes(store, "check-drift", *TARGET, code=1) == ["FQ302"]
    assert rows(store, SCORED) == before
    statements = rows(
        store, "SELECT version, count(*) FROM _fqtool_ledger WHERE version <> 'lease' GROUP BY 1 ORDER BY 1"
    )
    assert statements == [("0000", 1), ("0001", 1), ("0002", 3), ("0003", 1)]


def test_the_next_migration_is_planned_on_top(store: Path) -> None:
    """A new column is one new file, and it is applied."""
    with (store / "feature_registry.yaml").open("a") as registry:
        registry.write("\n      - {name: feature_source, expr: 'feature_{index}_source'}\n")
    run(store, "migrate", "plan", *TARGET)
    assert sorted(path.name[:4] for path in (store / "migrations").glob("*.sql")) == [
        "0000",
        "0001",
        "0002",
        "0003",
        "0004",
    ]
    run(store, "migrate", *TARGET)
    assert codes(store, "migrate", "verify", code=0) == []


def test_its_backfill_is_resumed(store: Path) -> None:
    """Dates that the journal has as done are left alone; scoring them again changes nothing."""
    before = rows(store, SCORED)
    run(store, "backfill", "--start", "2026-02-04", "--end", "2026-02-05", *TARGET)
    statements = rows(store, "SELECT count(*) FROM _fqtool_backfill WHERE event = 'done'")
    assert statements == [(2,)]
    run(store, "score", "--start", "2026-02-04", "--end", "2026-02-06", *TARGET)
    assert rows(store, SCORED) == before
