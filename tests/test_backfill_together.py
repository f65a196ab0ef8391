"""Laws of a backfill that is not alone: others wait, or are refused with a sentence; no row is lost or half-scored."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fqtool.commands.backfill.journal import JOURNAL, ROWS, Event, entries_of
from fqtool.commands.backfill.partition_runner import Observer, prepare_journal
from fqtool.commands.backfill.run import verify
from fqtool.commands.migrate.apply import apply_migrations
from fqtool.commands.migrate.lease import prepare_ledger
from fqtool.commands.score.run import score_partitions
from fqtool.errors import Busy, StatementFailed
from fqtool.migrations.ledger import LEDGER
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.backfill_stores import put, rows_of
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.machine import patient
from tests.stores import planned_in, workspace_in
from tests.unscored_store import END, NOW, START, filled, past_registry, store

ENVIRONMENT = {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def bigquery(emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Warehouse, str]]:
    """A store on the emulator, and its URL."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    url = f"bigquery://{PROJECT}/{dataset}"
    with open_target(url, timeout=patient(20.0)) as opened:
        store(opened, 8, 3)
        yield opened, url


def started(url: str) -> subprocess.Popen[str]:
    """A process that fills the store."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unscored_store", "fill", url],
        cwd=ROOT, env=os.environ | ENVIRONMENT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def sound(warehouse: Warehouse) -> None:
    """Every row is scored whole or not at all, and all that are in the journal are scored."""
    for row in rows_of(warehouse):
        whole = {row[name] is None for name in ("score", "tier", "defaults", "feature_0_quality", "version")}
        assert len(whole) == 1 or not row["labels"], row


def two_at_once(url: str) -> list[tuple[int, str]]:
    """Exit code and words of two processes that fill the same store at the same time."""
    both = [started(url), started(url)]
    return [(one.wait(patient(60)), one.communicate()[1]) for one in both]


def test_two_concurrent_backfills_on_bigquery(bigquery: tuple[Warehouse, str]) -> None:
    """One does all; the other is refused with the holder's name, or comes after it and finds nothing to do."""
    warehouse, url = bigquery
    ended = two_at_once(url)
    assert 0 in {code for code, _ in ended}
    for code, said in ended:
        assert code == 0 or (code == 3 and "is backfilling" in said), said
    filled(warehouse)
    done = [one.day for one in entries_of(warehouse.rows(ROWS)) if one.event == Event.DONE]
    assert sorted(done) == sorted(set(done))
    assert verify(past_registry(), warehouse, START, END).findings == ()


@pytest.mark.parametrize("engine", ["duckdb", "bigquery"])
@pytest.mark.parametrize(("prepare", "name"), [(prepare_ledger, LEDGER), (prepare_journal, JOURNAL)])
def test_what_another_made_meanwhile_is_taken(
    prepare: Callable[[Warehouse], None], name: str, engine: str, request: pytest.FixtureRequest, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Two that both find no ledger or journal both make one: the second goes on with what the first made."""
    if engine == "bigquery":
        warehouse: Warehouse = request.getfixturevalue("bigquery")[0]
    else:
        warehouse = DuckDBWarehouse(str(tmp_path / "store.duckdb"))
    prepare(warehouse)
    looks, describe = iter([None]), warehouse.describe
    with monkeypatch.context() as patched:
        patched.setattr(warehouse, "describe", lambda name: next(looks) if looks.__length_hint__() else describe(name))
        prepare(warehouse)
    assert warehouse.describe(name) is not None


def test_two_concurrent_backfills_on_duckdb(tmp_path: Path) -> None:
    """The file is locked: one does all, the other reports who holds it, or comes after it."""
    url = f"duckdb:///{tmp_path}/store.duckdb"
    with open_target(url) as warehouse:
        store(warehouse)
    ended = two_at_once(url)
    assert 0 in {code for code, _ in ended}
    for code, said in ended:
        assert code == 0 or (code == 3 and "is locked by process" in said), said
    with open_target(url) as warehouse:
        assert verify(past_registry(), warehouse, START, END).findings == ()


def test_a_daily_writer_on_bigquery(bigquery: tuple[Warehouse, str], emulator: Emulator) -> None:
    """Rows written and scored while the backfill is at the same partitions are all there, each scored whole."""
    warehouse, url = bigquery
    stop, wrong, written = threading.Event(), list[BaseException](), list[str]()

    def write() -> None:
        with open_target(url, timeout=patient(20.0)) as mine:
            while not stop.is_set() and len(written) < 30:
                try:
                    # No writer of a day sends as many statements in ten seconds as a loop does.
                    emulator.advance_quotas(10)
                    put(mine, f"new{len(written)}", END)
                    written.append(f"new{len(written)}")
                    score_partitions(past_registry(), mine, END, END, as_of=NOW)
                except StatementFailed as error:
                    # Two statements on one partition may conflict: BigQuery then refuses one of them whole.
                    if "onflict" not in str(error):
                        wrong.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        result = filled(warehouse, batch_days=2)
    finally:
        stop.set()
        writer.join(patient(60))
    assert wrong == []
    # A writer without a pause may meet all three attempts at its own partition, and at no other.
    for one in result.partitions:
        assert not one.failed or not one.final or one.entry.day == END.isoformat(), one.entry
        assert not one.failed or "another writer" in one.entry.error or "onflict" in one.entry.error, one.entry
    sound(warehouse)
    assert {row["item"] for row in rows_of(warehouse) if str(row["item"]).startswith("new")} == set(written)
    filled(warehouse, retry_failed=True)
    assert [one.rule for one in verify(past_registry(), warehouse, START, END).findings] == []


def test_a_daily_writer_on_duckdb(tmp_path: Path) -> None:
    """The writer is refused while the file is locked, tries again, and what it writes is scored by the next run."""
    url = f"duckdb:///{tmp_path}/store.duckdb"
    with open_target(url) as warehouse:
        store(warehouse)
    filling = started(url)
    refused, written = set[str](), 0
    deadline = time.monotonic() + patient(60)
    while (filling.poll() is None or not written) and time.monotonic() < deadline:
        try:
            with open_target(url) as mine:
                put(mine, f"new{written}", END)
                written += 1
        except Busy as busy:
            refused.add(busy.message.partition(" (")[0])
        time.sleep(0.01)
    code, said = filling.wait(patient(60)), filling.communicate()[1]
    assert code == 0 or "is locked by process" in said, said
    assert written
    assert all(" is locked by process " in one for one in refused)
    with open_target(url) as warehouse:
        filled(warehouse)
        sound(warehouse)
        assert sum(str(row["item"]).startswith("new") for row in rows_of(warehouse)) == written
        assert verify(past_registry(), warehouse, START, END).findings == ()


def test_a_migration_during_a_backfill_is_refused(bigquery: tuple[Warehouse, str], tmp_path: Path) -> None:
    """The migrator learns that a backfill is running, and may run afterwards; nothing of it has happened meanwhile."""
    warehouse, url = bigquery
    registry = past_registry()
    planned_in(tmp_path, registry, warehouse)
    workspace, told = workspace_in(tmp_path, registry), list[str]()

    def migrate(step: str) -> None:
        if step.endswith("run") and not told:
            with open_target(url, timeout=patient(20.0)) as mine, pytest.raises(Busy) as caught:
                apply_migrations(workspace, mine, tool="test")
            told.append(caught.value.message)

    filled(warehouse, Observer(on_step=migrate))
    assert "is backfilling" in told[0]
    assert verify(registry, warehouse, START, END).findings == ()
