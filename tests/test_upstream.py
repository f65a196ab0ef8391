"""Laws of diagnosis across stores: the table of a processor that is another store without rows is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from fqtool.commands.demo.run import LAST
from tests.bed.running import ROOT
from tests.commands import fqtool

DDL = """CREATE TABLE meter_readings (meter_id STRING NOT NULL, day DATE NOT NULL, kwh FLOAT64) PARTITION BY day;
"""
STORES = """version: 1
stores:
  energy: {registry: energy/feature_registry.yaml, target: "duckdb:///energy/.fqtool/demo.duckdb"}
  readings: {registry: readings/feature_registry.yaml, target: "duckdb:///readings.duckdb"}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the energy demo, and a store with the table that its failed processor writes."""
    folder = tmp_path_factory.mktemp("upstream")
    shutil.copytree(ROOT / "examples" / "energy", folder / "energy")
    (folder / "readings").mkdir()
    (folder / "readings.sql").write_text(DDL)
    (folder / "fqtool.yaml").write_text(STORES)
    made = fqtool(folder, "init", "--from-ddl", "readings.sql", "--out", "readings/feature_registry.yaml")
    assert made.returncode == 0, made.stderr
    assert fqtool(folder / "energy", "demo").returncode in (0, 1)
    for words in (("migrate", "plan"), ("migrate",)):
        assert fqtool(folder, *words, "--store", "readings").returncode == 0
    return folder


def cause(project: Path) -> tuple[str, str]:
    """The cause and the remedy of the processor that did not run."""
    done = fqtool(project, "diagnose", "--store", "energy", "--date", str(LAST), "--format", "json")
    assert done.returncode == 1, done.stderr
    (finding,) = [one for one in json.loads(done.stdout)["findings"] if one["subject"] == "MeterReadings"]
    return finding["cause"], finding["remedy"]


def test_a_store_upstream_without_rows_is_named(project: Path) -> None:
    """Its table is that of the processor: the remedy is to diagnose it first. With rows, it is not the cause."""
    named, remedy = cause(project)
    table = "`meter_readings`, the table of the store readings in duckdb:///readings.duckdb,"
    assert named.endswith(f"Upstream: {table} has no rows for {LAST}.")
    assert f"fqtool diagnose --store readings --date {LAST}" in remedy
    with duckdb.connect(str(project / "readings.duckdb")) as connection:
        connection.execute(f"INSERT INTO meter_readings VALUES ('m1', DATE '{LAST}', 1.5)")
    try:
        assert "Upstream" not in cause(project)[0]
    finally:
        with duckdb.connect(str(project / "readings.duckdb")) as connection:
            connection.execute("DELETE FROM meter_readings")


def test_a_store_that_cannot_be_read_stops_no_diagnosis(project: Path) -> None:
    """The diagnosed store is reported as without it."""
    file = project / "readings" / "feature_registry.yaml"
    text = file.read_text()
    file.write_text("version: 1\n")
    try:
        assert "Upstream" not in cause(project)[0]
    finally:
        file.write_text(text)
