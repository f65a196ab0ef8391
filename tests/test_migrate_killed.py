"""Laws of a migration that dies: kill -9 at every boundary, then one more run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.check_drift.run import drift_of
from fqtool.migrations.ledger import Entry, Revision, revisions
from fqtool.migrations.plan import make_statement
from fqtool.schema.build import base_table, desired_state
from fqtool.table.changes import CreateTable
from fqtool.table.diff import diff
from fqtool.table.model import State
from fqtool.warehouse.target import open_target
from fqtool.workspace import ledger_entries, live_state
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.machine import patient
from tests.stores import planned_in, small_registry, workspace_in

LIMIT = 240.0


def outcome(url: str, folder: Path, features: int) -> tuple[State, tuple[Revision, ...], list[Entry]]:
    """The table and the ledger, without what differs between any two runs: times, runners, job ids of attempts."""
    registry = small_registry(features)
    with open_target(url) as warehouse:
        assert drift_of(workspace_in(folder, registry), warehouse) == ()
        entries = ledger_entries(warehouse, registry.table.name)
        timeless = [
            replace(entry, started_at="", finished_at="", runner="") for entry in entries if entry.version != "lease"
        ]
        live = live_state(warehouse, desired_state(registry))
    whole = tuple(replace(one, finished_at="", runner="") for one in revisions(entries))
    return live, whole, [replace(entry, job="") for entry in timeless]


def dies_everywhere(places: list[str], folder: Path, features: int = 3) -> None:
    """Migrate places[0] unbroken; kill before boundary n on places[n + 1], run again, and compare."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed_migrator", str(folder), str(features), *places], cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=patient(LIMIT), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = outcome(places[0], folder, features)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told
    for one in told:
        assert (one["killed"], one["code"]) == (-signal.SIGKILL, 0), (one["step"], done.stderr)
        assert outcome(one["url"], folder, features) == expected, f"killed before: {one['step']}"


@pytest.mark.parametrize(
    ("baseline", "features"), [(False, 3), (True, 3), (True, 160)], ids=["empty", "base-table-stands", "rebuilt"]
)
def test_kill_9_at_every_boundary_duckdb(tmp_path: Path, baseline: bool, features: int) -> None:
    """Killed before any boundary and run again, table and ledger are those of an unbroken run."""
    folder = tmp_path / "migrations"
    planned_in(folder, small_registry(features))
    places = [f"duckdb:///{tmp_path}/{n}.duckdb" for n in range(30)]
    if baseline:
        for url in places:
            with open_target(url) as warehouse:
                warehouse.run(make_statement(State(), (CreateTable(base_table(small_registry())),)))
    dies_everywhere(places, folder, features)


def test_kill_9_at_every_boundary_bigquery(tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same through BigQuery's API: a statement that ran before the kill is found, not run again."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    folder = tmp_path / "migrations"
    planned_in(folder, small_registry())
    places = [f"bigquery://{PROJECT}/{emulator.fresh_dataset()}" for _ in range(24)]
    dies_everywhere(places, folder)


def test_the_kill_test_can_fail() -> None:
    """The comparison sees a difference: two states that differ in a column are not the same outcome."""
    state = desired_state(small_registry())
    assert state.table is not None
    fewer = State(state.table.with_columns(state.table.columns[:-1]), state.views)
    assert diff(state, fewer)
