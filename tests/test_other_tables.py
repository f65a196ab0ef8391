"""A table other than an ordinary one is named as such: check-drift reports it, and what would write refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fqtool.commands.backfill.run import Options, plan_backfill
from fqtool.commands.doctor.run import examine
from fqtool.commands.score.run import score_partitions
from fqtool.errors import Refusal
from fqtool.findings.finding import Severity
from fqtool.migrations.live_tables import another_kind_of_table
from fqtool.registry.model import Registry
from fqtool.table.column import Column, Kind, Type
from fqtool.table.model import Table, View
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import require_columns
from tests.migrated_stores import drift, migrated
from tests.stores import planned_in, small_registry, with_column

REGISTRY = small_registry()
DAY, NOW = date(2026, 2, 6), datetime(2026, 2, 6, 12, tzinfo=UTC)
KINDS = {
    "EXTERNAL": "an external table",
    "SNAPSHOT": "a table snapshot",
    "MATERIALIZED_VIEW": "a materialized view",
    "VIEW": "a view",
    "HOLOGRAM": "a table of the type HOLOGRAM",
}


class Seen(DuckDBWarehouse):
    """A store whose table is seen as something else."""

    see: Callable[[Table], Table | View] = staticmethod(lambda table: table)

    def describe(self, name: str) -> Table | View | None:
        """Describe the registry's table as it is to be seen."""
        found = super().describe(name)
        return self.see(found) if isinstance(found, Table) and name == REGISTRY.table.name else found


def seen_as(kind: str) -> Callable[[Table], Table | View]:
    """The table as one of another kind."""
    if kind.endswith("VIEW"):
        return lambda table: View(table.name, "SELECT 1", materialized=kind != "VIEW")
    return lambda table: replace(table, type=kind)


@pytest.fixture
def store(tmp_path: Path) -> Seen:
    """A migrated store."""
    warehouse = Seen(":memory:")
    planned_in(tmp_path, REGISTRY, warehouse)
    migrated(tmp_path, REGISTRY, warehouse)
    return warehouse


@pytest.mark.parametrize(("kind", "words"), KINDS.items())
def test_another_kind_of_table_is_named_and_refused(kind: str, words: str, store: Seen, tmp_path: Path) -> None:
    """check-drift and doctor have one finding with a fix; score, backfill, plan and migrate refuse with it."""
    pending = with_column(REGISTRY, "tier", description="another")
    planned_in(tmp_path, pending, store)
    store.see = seen_as(kind)  # type: ignore[method-assign]
    (found,) = drift(tmp_path, REGISTRY, store)
    assert (found.rule, found.severity) == ("FQ316", Severity.ERROR)
    assert f"is {words};" in found.message
    assert f'To create one: CREATE TABLE "{REGISTRY.table.name}_table" AS' in str(found.remedy)
    (same,) = another_kind_of_table(store.see(Table(REGISTRY.table.name, ())), "bigquery://project/dataset")
    assert "bq query --nouse_legacy_sql --dataset_id=DATASET 'CREATE TABLE" in str(same.remedy)
    assert ("PARTITION BY" in str(same.remedy)) == (kind != "SNAPSHOT")
    assert ("each day" in str(same.remedy)) == kind.endswith("VIEW")
    checkup = examine(REGISTRY, store)
    assert found in checkup.findings
    if kind.endswith("VIEW"):
        assert {proof.why for proof in checkup.proofs if proof.held is None} == {f"{REGISTRY.table.name} is {words}"}
    for writing in WRITING:
        with pytest.raises(Refusal, match=f"is {words}; nothing was done") as refused:
            writing(pending, store, tmp_path)
        assert refused.value.findings == (found,)


WRITING: list[Callable[[Registry, Warehouse, Path], object]] = [
    lambda registry, warehouse, _: score_partitions(registry, warehouse, DAY, DAY, as_of=NOW),
    lambda registry, warehouse, _: plan_backfill(registry, warehouse, Options(DAY, DAY), NOW),
    lambda registry, warehouse, folder: planned_in(folder, registry, warehouse),
    lambda registry, warehouse, folder: migrated(folder, registry, warehouse),
]


def test_doctor_examines_a_table_without_columns(store: Seen) -> None:
    """What needs a column is not known, with the reason; what needs none is held."""
    store.see = lambda table: table.with_columns(())  # type: ignore[method-assign]
    proofs = examine(REGISTRY, store).proofs
    assert {proof.why for proof in proofs if proof.held is None} == {"the table has no columns"}
    assert any(proof.held for proof in proofs)


def test_an_external_table_can_be_read(store: Seen) -> None:
    """What only reads rows takes an external table or a snapshot as any other."""
    for kind in ("EXTERNAL", "SNAPSHOT"):
        store.see = seen_as(kind)  # type: ignore[method-assign]
        require_columns(REGISTRY, store, ("tier",))


def test_an_unknown_type_matters_where_the_column_is_declared(store: Seen, tmp_path: Path) -> None:
    """In an undeclared column it is a note, which leaves the exit code at 0; in a managed one an error."""
    unknown = Type(Kind.UNKNOWN, name="QUATERNION")
    store.see = lambda table: table.with_columns((*table.columns, Column("shape", unknown)))  # type: ignore[method-assign]
    (note,) = drift(tmp_path, REGISTRY, store)
    assert (note.rule, note.subject, note.severity) == ("FQ315", "shape", Severity.NOTE)
    assert str(note.remedy) == "To declare the column, install a newer version of fqtool."
    store.see = lambda table: table.with_columns(  # type: ignore[method-assign]
        replace(one, type=unknown) if one.name == "tier" else one for one in table.columns
    )
    (error,) = drift(tmp_path, REGISTRY, store)
    assert (error.rule, error.severity) == ("FQ303", Severity.ERROR)
    assert error.message == "`tier` is QUATERNION in the table and STRING in the registry."
