"""Names of columns that BigQuery allows in backticks only: every command serves a store that has them."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fqtool.commands.init.run import scaffold_ddl
from fqtool.errors import InputError
from fqtool.findings.remedy import Entry
from fqtool.migrations.legality import drift_findings
from fqtool.registry.load import load_registry
from fqtool.schema.infer_registry import learned
from fqtool.synthetic.incidents import Incident
from fqtool.table.changes import CreateTable, DropColumn
from fqtool.table.column import Column, Kind, Type, refused_character
from fqtool.table.ddl import create_table
from fqtool.table.model import State, Table
from fqtool.table.parse import parse
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.emulated_scoring import as_json
from tests.example_stores import COMMANDS, LAST, ExampleStore, on_bigquery
from tests.in_process import fqtool
from tests.machine import patient
from tests.test_example_stores import run

BROKEN = "MeterReadings"
NAMES = {
    "meter_id": "Zähler-Nr",
    "day": "day of use",
    "readings_loaded_at": "readings: loaded at",
    "readings_count": "1st #count",
    "quality_tier": "tier 'of' row",
    "missing_feature_count": "missing < all | 100%",
    "missing_features": "漢字",
}


def flexible() -> str:
    """The registry of the store of named columns, with other names."""
    made = yaml.safe_load((ROOT / "examples" / "energy" / "feature_registry.yaml").read_text(encoding="utf-8"))
    features = {one["name"] for one in made["features"]}

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return list(map(renamed, value))
        return NAMES.get(value, value) if isinstance(value, str) else value

    made = renamed(made)
    made["inputs"]["value"] = "`{name} & more`"
    for column in made["base_columns"]:
        column["name"] += " & more" if column["name"] in features else ""
    for column in made["columns"]:
        column["name"] = column["name"].replace("{name}_source", "{name} = source")
    made["alert_levels"][1]["when"] = ["`missing < all | 100%` > 2"]
    made["views"][0]["columns"][1]["expr"] = "`{name} = source` = 'missing'"
    entries = made.pop("features")
    lines = [f"  - {json.dumps(one, ensure_ascii=False)}\n" for one in entries]
    return yaml.safe_dump(made, allow_unicode=True, sort_keys=False) + "features:\n" + "".join(lines)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ExampleStore:
    """The store, with its migrations."""
    folder = tmp_path_factory.mktemp("flexible")
    (folder / "feature_registry.yaml").write_text(flexible(), encoding="utf-8")
    planned = fqtool(folder, "migrate", "plan", "--offline")
    assert planned.code == 0, planned.said
    return ExampleStore(folder, BROKEN)


def test_every_command_serves_flexible_names_on_duckdb(store: ExampleStore, tmp_path: Path) -> None:
    """Names with spaces, dashes, quotes, marks and letters of other languages go through every command."""
    store.copied(tmp_path)
    failed = []
    for command, words, code, part in COMMANDS:
        avro = words.startswith("avro")  # which has no such names
        try:
            run(store, tmp_path, command, words, 2 if avro else code, "Avro allows only letters" if avro else part)
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, "\n\n".join(failed)


def test_flexible_names_on_bigquery(
    store: ExampleStore, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schema, migrate, drift, score and diagnose over BigQuery's API."""
    dataset = emulator.fresh_dataset()
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    store.copied(tmp_path)
    for command in on_bigquery(f"bigquery://{PROJECT}/{dataset}"):
        if command[0] == "score":
            table = f"{PROJECT}.{dataset}.{store.registry.table.name}"
            rows = store.season.rows([Incident("defaulted", LAST, LAST, BROKEN)])
            sent = [{column: as_json(value) for column, value in row.items()} for row in rows]
            assert emulator.client().insert_rows_json(table, sent, timeout=patient(60)) == []
        run(store, tmp_path, *command)


def test_a_model_of_pydantic_reads_a_record(
    store: ExampleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name that is not an identifier of Python is an alias; other characters have other identifiers."""
    store.copied(tmp_path)
    assert fqtool(tmp_path, "export", "pydantic", "--out", "record.py").code == 0
    monkeypatch.syspath_prepend(tmp_path)
    model, record = importlib.import_module("record").Record, store.record
    monkeypatch.delitem(sys.modules, "record")
    assert model.model_validate(record).model_dump(by_alias=True)["Zähler-Nr"] == record["Zähler-Nr"]
    assert fqtool(tmp_path, "export", "python", "--out", "constants.py").code == 0
    compile((tmp_path / "constants.py").read_text(encoding="utf-8"), "constants.py", "exec")


@pytest.mark.parametrize("character", '!"$()*,./;?@[]^{}~')
def test_what_bigquery_does_not_allow_is_refused_by_its_character(character: str, tmp_path: Path) -> None:
    """In DDL with the place, in a table by a note, in a registry by the schema or FQ103."""
    assert refused_character(f"a{character}b") == character
    (tmp_path / "t.sql").write_text(f"CREATE TABLE d.t (x INT64, `a{character}b` INT64);")
    with pytest.raises(InputError) as refusal:
        scaffold_ddl(tmp_path / "t.sql")
    assert f"line 1, column 28: BigQuery does not allow {character!r} in the name" in refusal.value.message
    made = learned(Table("t", (Column("x", Type(Kind.INT64)), Column(f"a{character}b", Type(Kind.INT64)))))
    assert made.unsaid == (
        f"The column {f'a{character}b'!r} is left out: BigQuery does not allow {character!r} in a name.",
    )
    quoted = json.dumps(f"a{character}b")
    _, findings = load_registry(flexible().replace("name: has_solar & more", f"name: {quoted}", 1), "r.yaml")
    assert findings


def test_a_table_with_flexible_names_is_a_registry() -> None:
    """FQ302 prints an entry that YAML reads; init writes each name so that it is read back."""
    names = ("a b", "100%", "a: b # c", "'x'", "-", "1", "yes", "Ω", "a|b", "> x")
    table = Table("t", tuple(Column(name, Type(Kind.INT64)) for name in names))
    assert [column.name for column in learned(table).columns] == list(names)
    for name in names:
        (finding,) = drift_findings(State(table), DropColumn(name))
        assert isinstance(finding.remedy, Entry)
        assert yaml.safe_load(finding.remedy.text) == [{"name": name, "type": "INT64"}]
        made = Table("t", (Column(name, Type(Kind.INT64)),))
        assert parse(create_table(made)) == (CreateTable(made),)
