"""Migrations of the small store on every warehouse that holds a table: what tests of planning and drift share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fqtool.commands.check_drift.run import drift_of
from fqtool.commands.migrate.apply import Applied, apply_migrations
from fqtool.commands.migrate.executor import Executor
from fqtool.findings.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import Registry
from fqtool.schema.build import base_table
from fqtool.table.changes import Change, CreateTable
from fqtool.table.model import State, Table
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT
from tests.machine import patient
from tests.stores import workspace_in

TOOL = "fqtool test"


@pytest.fixture(params=["duckdb", "bigquery"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """An empty dataset: a DuckDB file, or BigQuery's API over HTTP."""
    if request.param == "duckdb":
        url = f"duckdb:///{tmp_path}/store.duckdb"
    else:
        emulator = request.getfixturevalue("emulator")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        url = f"bigquery://{PROJECT}/{request.getfixturevalue('dataset')}"
    with open_target(url, timeout=patient(20.0)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where migrations go."""
    return tmp_path / "migrations"


def unhurried(executor: Executor) -> None:
    """Tests do not wait for a metadata budget that no emulator has."""
    executor.sleep = lambda _: None


def migrated(folder: Path, registry: Registry, warehouse: Warehouse, **options: object) -> Applied:
    """Apply what is pending."""
    workspace = workspace_in(folder, registry)
    return apply_migrations(workspace, warehouse, tool=TOOL, configure=unhurried, **options)  # type: ignore[arg-type]


def drift(folder: Path, registry: Registry, warehouse: Warehouse) -> tuple[Finding, ...]:
    """What check-drift finds."""
    return drift_of(workspace_in(folder, registry), warehouse)


def by_hand(warehouse: Warehouse, *changes: Change, before: State | None = None) -> None:
    """Alter the table behind fqtool's back."""
    for change in changes:
        warehouse.run(make_statement(before or State(Table("store", (column("x", "INT64"),))), (change,)))


def base_stands(warehouse: Warehouse, registry: Registry, *more: Change) -> None:
    """The base table as another tool made it, with more columns in it."""
    by_hand(warehouse, CreateTable(base_table(registry)), *more)
