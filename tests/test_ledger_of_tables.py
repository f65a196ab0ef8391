"""Laws of one dataset with several stores: ledger and lease are per table, also in a dataset of version 0.1."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.migrate.lease import Lease, prepare_ledger
from fqtool.commands.migrate.status import migration_status
from fqtool.errors import Busy, MigrationError, StatementFailed, Unreachable
from fqtool.migrations.ledger import ADDED, LEDGER, ROWS, TABLE, entries_of
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import Registry
from fqtool.sql import Query
from fqtool.table.changes import AddColumn, CreateTable, DropColumn
from fqtool.table.ddl import Statement
from fqtool.table.model import State, Table
from fqtool.warehouse.protocol import Outcome, Warehouse
from fqtool.workspace import ledger_entries
from tests.bed.running import ROOT
from tests.commands import fqtool
from tests.migrated_stores import drift, migrated
from tests.stores import planned_in, small_registry, workspace_in

FORMER = replace(TABLE, columns=TABLE.columns[:-1])


def named(table: str, features: int = 3) -> Registry:
    """A store with another table; its migrations have the same names."""
    registry = small_registry(features, views=())
    return replace(registry, table=replace(registry.table, name=table))


def statuses(warehouse: Warehouse, folder: Path, registry: Registry) -> list[str]:
    """The state of every migration of a store, in order."""
    return [row.standing for row in migration_status(workspace_in(folder, registry), warehouse).rows]


def as_of_0_1(warehouse: Warehouse) -> None:
    """Turn the ledger into that of version 0.1, which has no column for the table, after all processes ended."""
    warehouse.run(Query(f"DELETE FROM {LEDGER} WHERE version = 'lease'"))
    ledger = warehouse.describe(LEDGER)
    assert isinstance(ledger, Table)
    warehouse.run(make_statement(State(ledger), (DropColumn(ADDED),)))


@pytest.fixture
def stores(warehouse: Warehouse, tmp_path: Path) -> dict[str, tuple[Path, Registry]]:
    """Two planned stores of one dataset, a and b."""
    made = {name: (tmp_path / name, named(name)) for name in ("a", "b")}
    for folder, registry in made.values():
        planned_in(folder, registry, warehouse)
    return made


def test_two_stores_of_one_dataset_are_migrated(warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]]) -> None:
    """Files with the same names and numbers are applied to both tables, and each sees its own alone."""
    migrated(*stores["a"], warehouse)
    assert statuses(warehouse, *stores["b"]) == ["pending", "pending"]
    migrated(*stores["b"], warehouse)
    for folder, registry in stores.values():
        assert statuses(warehouse, folder, registry) == ["applied", "applied"]
        assert drift(folder, registry, warehouse) == ()
    folder, wider = stores["a"][0], named("a", 4)
    planned_in(folder, wider, warehouse)
    migrated(folder, wider, warehouse)
    assert drift(folder, wider, warehouse) == drift(*stores["b"], warehouse) == ()


def test_a_lease_is_of_one_table(warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]]) -> None:
    """While one store is migrated another one of the dataset is too; the same one is refused."""
    prepare_ledger(warehouse)
    with Lease(warehouse, "a", "first@host:1", "migrating", "fqtool migrate").held():
        migrated(*stores["b"], warehouse)
        with pytest.raises(Busy, match="first@host:1 is migrating a in "):
            migrated(*stores["a"], warehouse)
    migrated(*stores["a"], warehouse)


def test_a_ledger_of_0_1_is_read_and_extended(warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]]) -> None:
    """It is read as it is. The next migrate of its store names the table, and then another store has its own rows."""
    migrated(*stores["a"], warehouse)
    as_of_0_1(warehouse)
    assert statuses(warehouse, *stores["a"]) == ["applied", "applied"]
    assert drift(*stores["a"], warehouse) == ()
    with pytest.raises(MigrationError) as refused:
        migrated(*stores["b"], warehouse)
    assert {finding.rule for finding in refused.value.findings} == {"FQ402"}
    assert "run `fqtool migrate` for that store first" in refused.value.findings[0].cause
    before = len(ledger_entries(warehouse, "a"))
    assert migrated(*stores["a"], warehouse).done == ()
    entries = entries_of(warehouse.rows(ROWS))
    assert {entry.table_name for entry in entries} == {"a"}
    assert len(entries) == before + 1  # the lease
    migrated(*stores["b"], warehouse)
    assert drift(*stores["a"], warehouse) == drift(*stores["b"], warehouse) == ()


def test_a_baseline_of_0_1_is_not_taken_for_that_of_another_store(
    warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]]
) -> None:
    """A ledger with nothing but an adopted 0000 names no table either: another store with a 0000 is refused."""
    migrated(*stores["a"], warehouse)
    warehouse.run(Query(f"DELETE FROM {LEDGER} WHERE version <> '0000'"))
    # quotation: the name of a column of the ledger
    warehouse.run(Query(f"UPDATE {LEDGER} SET standing = 'adopted' WHERE TRUE"))
    as_of_0_1(warehouse)
    with pytest.raises(MigrationError):
        migrated(*stores["b"], warehouse)
    migrated(*stores["a"], warehouse)
    assert statuses(warehouse, *stores["a"]) == ["baseline", "baseline"]


def test_an_empty_ledger_of_0_1_is_extended(warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]]) -> None:
    """A run that was killed after it created the ledger left no row that shows its version."""
    warehouse.run(make_statement(State(), (CreateTable(FORMER),)))
    migrated(*stores["a"], warehouse)
    assert statuses(warehouse, *stores["a"]) == ["applied", "applied"]


def test_an_interrupted_extension_is_continued(
    warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the column and without the names, rows are read as before, and the next migrate names them."""
    migrated(*stores["a"], warehouse)
    as_of_0_1(warehouse)
    run = type(warehouse).run

    def broken(self: Warehouse, work: Statement | Query, **how: object) -> Outcome:
        if isinstance(work, Query) and work.sql.startswith("UPDATE"):
            raise Unreachable("The connection was reset.")
        return run(self, work, **how)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(type(warehouse), "run", broken)
        with pytest.raises(Unreachable):
            migrated(*stores["a"], warehouse)
    assert {entry.table_name for entry in entries_of(warehouse.rows(ROWS)) if entry.version != "lease"} == {""}
    assert statuses(warehouse, *stores["a"]) == ["applied", "applied"]
    migrated(*stores["a"], warehouse)
    assert {entry.table_name for entry in entries_of(warehouse.rows(ROWS))} == {"a"}


def test_a_ledger_that_another_process_extends_meanwhile(
    warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second finds the column that the first added meanwhile."""
    migrated(*stores["a"], warehouse)
    as_of_0_1(warehouse)
    run: Callable[..., Outcome] = type(warehouse).run

    def late(self: Warehouse, work: Statement | Query, **how: object) -> Outcome:
        if isinstance(work, Statement) and isinstance(work.changes[0], AddColumn):
            run(self, work, **how)
            raise StatementFailed("Column already exists: table_name")
        return run(self, work, **how)

    with monkeypatch.context() as patched:
        patched.setattr(type(warehouse), "run", late)
        migrated(*stores["a"], warehouse)
    assert {entry.table_name for entry in entries_of(warehouse.rows(ROWS))} == {"a"}


def test_a_lease_of_0_1_is_one_of_every_table(warehouse: Warehouse, stores: dict[str, tuple[Path, Registry]]) -> None:
    """While a process of version 0.1 works in the dataset, no store is migrated; --take-lease takes its lease."""
    migrated(*stores["a"], warehouse)
    migrated(*stores["b"], warehouse)
    until = "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 10 MINUTE)"
    warehouse.run(
        Query(
            f"UPDATE {LEDGER} SET table_name = NULL, file = 'migrating', job = 'other', runner = 'old@host:1',"
            f" finished_at = {until} WHERE version = 'lease' AND table_name = 'a'"
        )
    )
    folder, wider = stores["b"][0], named("b", 4)
    planned_in(folder, wider, warehouse)
    with pytest.raises(Busy, match="old@host:1 is migrating"):
        migrated(folder, wider, warehouse)
    migrated(folder, wider, warehouse, take_lease=True)
    assert drift(folder, wider, warehouse) == ()


def test_a_registry_that_names_another_table_than_its_migrations_is_refused(tmp_path: Path) -> None:
    """After a table is renamed in the registry, or with the folder of another store."""
    for name in ("energy", "retail"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    done = fqtool(tmp_path / "energy", "migrate", "--migrations", "../retail/migrations")
    assert done.returncode == 2
    assert "names the table `meter_features`, and the migrations in ../retail/migrations create `product" in done.stderr
