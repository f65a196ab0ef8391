"""Three shapes of real tables go from DDL and schema to a registry, a plan, a table and back without a difference."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from fqtool.migrations import contract
from fqtool.migrations.checksums import proven_contract
from fqtool.migrations.contract import contract_text
from fqtool.table.model import Table
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT, Emulator
from tests.in_process import fqtool
from tests.shapes import DEEPEST, SHAPES, Shape, events
from tests.stores import small_registry

COLUMNS = 400


def run(folder: Path, *words: str) -> str:
    """What a command prints; it must end with exit 0."""
    done = fqtool(folder, *words)
    assert done.code == 0, done.said
    return done.out


def entries(text: str) -> list[str]:
    """The lines of a registry without its comments, which name the source."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def registry_of(folder: Path, shape: Shape) -> str:
    """Write the registry of a shape from its DDL, and check that its schema JSON gives the same."""
    (folder / "table.sql").write_text(shape.ddl)
    (folder / "table.json").write_text(shape.resource)
    run(folder, "init", "--from-ddl", "table.sql")
    text = (folder / "feature_registry.yaml").read_text()
    assert entries(run(folder, "init", "--from-schema", "table.json", "--out", "-")) == entries(text)
    return text


def migrated(folder: Path, url: str) -> None:
    """Create the table of the registry by a plan, and check that it has no drift."""
    run(folder, "migrate", "plan", "--include-base", "--target", url)
    run(folder, "migrate", "verify")
    run(folder, "migrate", "--target", url)
    assert "No drift" in run(folder, "check-drift", "--target", url)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_on_duckdb(tmp_path: Path, name: str) -> None:
    """DDL, schema JSON and the created table give one registry; the table is the shape, field by field."""
    shape, url = SHAPES[name](COLUMNS), "duckdb:///store.duckdb"
    assert shape.columns == COLUMNS
    text = registry_of(tmp_path, shape)
    migrated(tmp_path, url)
    assert entries(run(tmp_path, "init", "--from-table", shape.name, "--target", url, "--out", "-")) == entries(text)
    with open_target(f"duckdb:///{tmp_path}/store.duckdb") as warehouse:
        table = warehouse.describe(shape.name)
    assert isinstance(table, Table)
    assert [column.name for column in table.columns] == [field["name"] for field in shape.fields]


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_on_bigquery(
    tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:  # fmt: skip
    """The same over BigQuery's API, with fewer columns."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    registry_of(tmp_path, SHAPES[name](60))
    migrated(tmp_path, f"bigquery://{PROJECT}/{emulator.fresh_dataset()}")


def test_arrays_do_not_count_as_levels(tmp_path: Path) -> None:
    """15 nested STRUCTs are accepted, in ARRAYs or not; 16 are refused by name."""
    shape = events(3)
    assert shape.ddl.count("STRUCT<") == DEEPEST
    registry_of(tmp_path, shape)
    (tmp_path / "deeper.sql").write_text(shape.ddl.replace("value STRING", "value STRUCT<a STRING>"))
    assert "nested deeper than 15 levels" in fqtool(tmp_path, "init", "--from-ddl", "deeper.sql", "--out", "-").err


def test_a_contract_is_proven_with_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded part of 300 features is found by hashing each position once."""
    features, lines = small_registry(300).features, list[object]()
    recorded = contract_text(features[:120])
    write: Callable[..., str] = contract._line
    monkeypatch.setattr(contract, "_line", lambda feature: lines.append(feature) or write(feature))
    checksum = hashlib.sha256(recorded.encode()).hexdigest()
    assert proven_contract(features, f"sha256:{checksum}  {contract.CONTRACT}\n") == recorded
    assert len(lines) == 300 + 120
    assert proven_contract(features, None) is None
