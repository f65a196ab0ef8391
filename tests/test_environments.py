"""One migration, planned once, goes to development, staging and production: each is checked before it is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fqtool.commands.migrate.status import migration_status
from fqtool.errors import Refusal
from fqtool.registry.model import ColumnSpec, Registry
from fqtool.table.changes import AddColumn, DropColumn
from fqtool.table.model import Table, fingerprint
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT
from tests.machine import patient
from tests.migrated_stores import by_hand, drift, migrated
from tests.stores import planned_in, small_registry, workspace_in

MORE = ColumnSpec("more", "INT64", "one", expr="COUNT_FEATURES(is_default)", description="defaults once more")


@pytest.fixture(params=["duckdb", "bigquery"])
def environments(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Warehouse, ...]]:
    """Three empty targets: files, or datasets of one project."""
    if request.param == "duckdb":
        urls = [f"duckdb:///{tmp_path}/{name}.duckdb" for name in ("development", "staging", "production")]
    else:
        emulator = request.getfixturevalue("emulator")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        urls = [f"bigquery://{PROJECT}/{emulator.fresh_dataset()}" for _ in range(3)]
    with ExitStack() as opened:
        yield tuple(opened.enter_context(open_target(url, timeout=patient(20.0))) for url in urls)


def planned_once(folder: Path, development: Warehouse) -> Registry:
    """Two migrations, planned for development alone; the second adds a column."""
    registry = small_registry()
    planned_in(folder, registry, development)
    migrated(folder, registry, development)
    wider = small_registry(columns=(*registry.columns, MORE))
    planned_in(folder, wider, development)
    migrated(folder, wider, development)
    return wider


def table_of(warehouse: Warehouse) -> Table:
    """The store as it is."""
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    return table


def test_each_environment_ends_with_the_table_that_was_planned(
    environments: tuple[Warehouse, ...], folder: Path
) -> None:
    """No file changes in between, and every table has the fingerprint that the last file declares."""
    registry = planned_once(folder, environments[0])
    texts = {path.name: path.read_bytes() for path in folder.iterdir()}
    for warehouse in environments[1:]:
        done = migrated(folder, registry, warehouse).done
        assert [file.name for file, _ in done] == [file.name for file in workspace_in(folder, registry).files]
        assert migrated(folder, registry, warehouse).done == ()
        assert drift(folder, registry, warehouse) == ()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == texts
    makes = workspace_in(folder, registry).files[-1].makes
    assert {fingerprint(table_of(warehouse)) for warehouse in environments} == {makes}


def test_an_environment_of_another_table_is_refused_before_it_is_changed(
    environments: tuple[Warehouse, ...], folder: Path
) -> None:
    """The refusal names the target and the difference; once the difference is gone, the same file is applied."""
    development, staging, production = environments
    first = small_registry()
    planned_in(folder, first, development)
    for warehouse in environments:
        migrated(folder, first, warehouse)
    registry = planned_once(folder, development)
    by_hand(production, AddColumn(column("more", "STRING")))
    before = table_of(production)
    migrated(folder, registry, staging)
    with pytest.raises(Refusal) as caught:
        migrated(folder, registry, production)
    assert production.url in str(caught.value)
    assert "more" in str(caught.value)
    assert table_of(production) == before
    rows = migration_status(workspace_in(folder, registry), production).rows
    assert [row.standing for row in rows] == ["applied", "applied", "pending"]
    by_hand(production, DropColumn("more"))
    migrated(folder, registry, production)
    assert fingerprint(table_of(production)) == fingerprint(table_of(staging)) == fingerprint(table_of(development))
