"""Laws of exports, checked by the tools that they are for: dbt, the data contract CLI and Feast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from fqtool.commands.export.contents import contents
from fqtool.commands.export.run import EXPORTS
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.transpile.dialect import schema_of, to_duckdb
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.exported_registries import hostile, real
from tests.peers.running import peer
from tests.stores import small_registry
from tests.test_exports import feast_columns

TODAY = datetime.now(UTC).date()
ROWS: tuple[dict[str, Any], ...] = tuple(
    {
        "item": f"i{n}",
        "day": TODAY,
        "vector": [1.5 * n, 2.0, 3.0],
        "made_at": datetime(2026, 1, 1, tzinfo=UTC),
        "history": {"seen": n, "days": [date(2026, 1, 1)]},
        "score": 90,
        "tier": "gold",
        "alerts": [],
        "defaults": 0,
        "labels": "{}",
    }
    | {f"feature_{index}_quality": 100.0 for index in range(3)}
    for n in range(4)
)
DBT = {
    "dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\n',
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: store.duckdb, schema: built}}}\n",
}


def stored(folder: Path, registry: Registry, *rows: dict[str, Any]) -> Path:
    """A DuckDB file with the registry's table and these rows, as an older DuckDB can read it too."""
    with DuckDBWarehouse(str(folder / "new.duckdb")) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        load(warehouse, registry.table.name, rows)
    path = folder / "store.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{folder}/new.duckdb' AS new")
        connection.execute(f"ATTACH '{path}' AS old (STORAGE_VERSION 'v1.0.0')")
        connection.execute("CREATE TABLE old.store AS FROM new.store")
    return path


def dbt_project(folder: Path, registry: Registry) -> None:
    """A dbt project whose one model passes the source on."""
    (folder / "models").mkdir()
    for name, text in DBT.items():
        (folder / name).write_text(text)
    text = EXPORTS["dbt"].render(registry)
    (folder / "models" / "feature_store.yml").write_text(text)
    source = yaml.safe_load(text)["sources"][0]["name"]
    name = registry.table.name
    (folder / "models" / f"{name}.sql").write_text(f"SELECT * FROM {{{{ source('{source}', '{name}') }}}}\n")


def nodes(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What dbt understood, by id."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    yield from manifest["sources"].items()
    yield from manifest["nodes"].items()


def test_dbt_parses_the_store(tmp_path: Path) -> None:
    """`dbt parse` takes the real store with hostile descriptions: source and contract hold every type and text."""
    registry = hostile(real())
    dbt_project(tmp_path, registry)
    done = peer(tmp_path, "dbt", "--no-use-colors", "parse", "--profiles-dir", ".")
    assert done.returncode == 0, done.stdout
    assert "Deprecat" not in done.stdout, done.stdout
    wanted = {one.name: (one.column.sql_type, one.column.description.rstrip("\n")) for one in contents(registry)}
    found = dict(nodes(tmp_path))
    for key in ("source.shop.nba_predictions.ml_feature_store_v2", "model.shop.ml_feature_store_v2"):
        told = found[key]["columns"]
        assert {name: (one["data_type"], one["description"].rstrip("\n")) for name, one in told.items()} == wanted
        assert found[key]["description"] == registry.table.description
    model = found["model.shop.ml_feature_store_v2"]
    assert model["contract"]["enforced"] is True
    required = {one.name for one in contents(registry) if one.base and one.base.required}
    assert {name for name, one in model["columns"].items() if one["constraints"]} == required
    tests = [one for one in found.values() if one["resource_type"] == "test"]
    assert len(tests) == 2 * (
        1 + len(required) + sum(bool(one.accepted) + bool(one.bounds) for one in contents(registry))
    )


def test_dbt_runs_the_tests_it_is_given(tmp_path: Path) -> None:
    """Over good rows every test of the source passes; each bad row fails just the test that is about it."""
    registry = small_registry()
    bad = (
        {"item": "i0"},
        {"item": "b1", "tier": "golden"},
        {"item": "b2", "score": 100.5},
        {"item": "b3", "feature_1_quality": -1.0},
    )
    stored(tmp_path, registry, *ROWS, *(ROWS[1] | one for one in bad))
    dbt_project(tmp_path, registry)
    words = ("--no-use-colors", "test", "--profiles-dir", ".", "--select", "source:*")
    vars_ = json.dumps({"fqtool_project": "store", "fqtool_dataset": "main"})
    assert peer(tmp_path, "dbt", *words, "--vars", vars_).returncode == 1
    results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
    about = {key: one.get("column_name") or "keys" for key, one in nodes(tmp_path)}
    failed = sorted((about[one["unique_id"]], one["failures"]) for one in results if one["status"] != "pass")
    assert {one["status"] for one in results} == {"pass", "fail"}
    assert failed == [("feature_1_quality", 1), ("keys", 1), ("score", 1), ("tier", 1)]
    assert len(results) == 1 + 2 + 1 + 1 + 3


@pytest.mark.parametrize("registry", [hostile(real()), small_registry()], ids=["real", "small"])
def test_the_contract_is_valid(registry: Registry, tmp_path: Path) -> None:
    """`datacontract lint` takes the contract of the real store with hostile descriptions, and a small one."""
    (tmp_path / "store.odcs.yaml").write_text(EXPORTS["odcs"].render(registry))
    done = peer(tmp_path, "datacontract", "lint", "store.odcs.yaml")
    assert done.returncode == 0, done.stdout
    assert "Data contract is valid" in done.stdout


def test_the_contract_tests_rows(tmp_path: Path) -> None:
    """`datacontract test` passes a store of good rows, types and all; bad rows fail just the checks about them."""
    bad = ({"item": "b1", "tier": "golden"}, {"item": "b2", "score": 100.5}, {"item": "b3", "feature_1_quality": -1.0})
    failed = {}
    for name, rows in (("good", ROWS), ("bad", (*ROWS, *(ROWS[1] | one for one in bad)))):
        folder = tmp_path / name
        folder.mkdir()
        registry = small_registry(targets=(("here", f"duckdb:///{folder}/store.duckdb"),))
        stored(folder, registry, *rows)
        (folder / "c.yaml").write_text(EXPORTS["odcs"].render(registry))
        done = peer(folder, "datacontract", "test", "c.yaml", "--output-format", "json", "--output", "result.json")
        assert (folder / "result.json").exists(), done.stdout
        checks = json.loads((folder / "result.json").read_text())["checks"]
        assert {one["result"] for one in checks} <= {"passed", "failed"}, checks
        assert {one["field"] for one in checks} >= {one.name for one in contents(registry)}
        failed[name] = sorted(one["field"] for one in checks if one["result"] == "failed")
    assert failed == {"good": [], "bad": ["feature_1_quality", "score", "tier"]}


FEAST = """\
project: shop
provider: local
registry: registry.db
offline_store: {type: file}
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
"""
ASK = """\
import json
from datetime import datetime, timezone

import pandas
from feast import FeatureStore

store = FeatureStore(repo_path=".")
views = {view.name: [field.name for field in view.features] for view in store.list_feature_views()}
entities = pandas.DataFrame({"item": ["i2"], "event_timestamp": [datetime.now(timezone.utc)]})
refs = ["store:f0", "store:f1", "store_quality:score", "store_quality:tier"]
row = store.get_historical_features(entity_df=entities, features=refs).to_df().iloc[0]
print(json.dumps({"views": views, "row": {name.split(":")[1]: row[name.split(":")[1]] for name in refs}}))
"""


def test_feast_serves_the_store(tmp_path: Path) -> None:
    """`feast apply` takes the repository, and the features of a row come out of it as they are in the table."""
    registry = small_registry()
    text = EXPORTS["feast"].render(registry)
    table = desired_table(registry)
    with duckdb.connect(str(stored(tmp_path, registry, *ROWS))) as connection:
        for view, columns in (("store", "VALUES"), ("store_quality", "QUALITY")):
            selected = {"item": "`item`", "event_timestamp": "CAST(`day` AS TIMESTAMP)"}
            selected |= {name: sql for name, (sql, _, _) in feast_columns(text, columns).items()}
            listed = ", ".join(f"{sql} AS `{name}`" for name, sql in selected.items())
            query = to_duckdb(f"SELECT {listed} FROM `store`", (schema_of("store", table.columns),))
            connection.execute(f"COPY ({query}) TO '{tmp_path}/{view}.parquet'")
    (tmp_path / "feature_store.yaml").write_text(FEAST)
    (tmp_path / "repository.py").write_text(text)
    files = {"FEATURE_STORE_FILES": str(tmp_path)}
    done = peer(tmp_path, "feast", "apply", **files)
    assert done.returncode == 0, done.stdout
    (tmp_path / "ask").mkdir()
    (tmp_path / "ask" / "ask.py").write_text(ASK)
    done = peer(tmp_path, "python", "ask/ask.py", **files)
    assert done.returncode == 0, done.stdout
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert answer["views"]["store"] == ["f0", "f1", "f2"]
    assert answer["views"]["store_quality"] == [one.name for one in contents(registry) if one.managed]
    assert answer["row"] == {"f0": 3.0, "f1": 2.0, "score": 90.0, "tier": "gold"}


def test_feast_takes_the_real_store(tmp_path: Path) -> None:
    """`feast apply` takes the real store with hostile descriptions, with a service for each model, in its order."""
    registry = replace(hostile(real()), table=replace(real().table, description=None))
    (tmp_path / "feature_store.yaml").write_text(FEAST)
    (tmp_path / "repository.py").write_text(EXPORTS["feast"].render(registry))
    done = peer(tmp_path, "feast", "apply", FEATURE_STORE_FILES=str(tmp_path))
    assert done.returncode == 0, done.stdout
    for model in registry.models:
        assert f"Created feature service {model.name}" in done.stdout
