"""Every command serves every store that comes with fqtool, whatever its layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fqtool.commands.demo.run import LAST
from fqtool.synthetic.incidents import Incident
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.emulated_scoring import as_json
from tests.example_stores import COMMANDS, STORES, ExampleStore, on_bigquery
from tests.in_process import Done, fqtool
from tests.machine import patient
from tests.terminal import command_names

TEXTS = {".py", ".json", ".toml", ".yaml", ".yml", ".md", ".html", ".sql"}
WORDS = re.compile("player|game_date|fatigue|nba", re.IGNORECASE)


def run(store: ExampleStore, folder: Path, command: str, words: str, code: int, part: str) -> Done:
    """Run a command, and check its exit code and a part of its output."""
    done = fqtool(folder, *command.split(), *store.words(words))
    assert (done.code, " ".join(store.words(part)) in " ".join((done.out + done.err).split())) == (code, True), (
        done.said
    )
    return done


@pytest.mark.parametrize("name", STORES)
def test_every_command_serves_every_store_on_duckdb(name: str, tmp_path: Path) -> None:
    """The demo makes the store's rows; each other command reads them."""
    store = STORES[name]
    store.copied(tmp_path)
    failed = []
    for command in COMMANDS:
        try:
            run(store, tmp_path, *command)
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, "\n\n".join(failed)


def test_the_suite_has_every_command() -> None:
    """A new command must be added."""
    names = {" ".join(one) for one in command_names()} - {""}
    assert names == {name for name, *_ in COMMANDS}


def test_code_and_pages_have_no_words_of_one_store() -> None:
    """Words of the basketball store are only in its own pages."""
    own = (ROOT / "docs" / "example-store", ROOT / "fqtool" / "commands" / "diagnose")
    generated = {ROOT / "docs" / "reference" / "rules.md"}  # from the code
    files = (file for folder in ("fqtool", "docs") for file in (ROOT / folder).rglob("*.*") if file.suffix in TEXTS)
    checked = [file for file in files if file not in generated and not any(map(file.is_relative_to, own))]
    assert len(checked) > 300
    found = [file for file in checked if WORDS.search(file.read_text(encoding="utf-8"))]
    assert found == []
    assert WORDS.search((own[0] / "find-an-incident.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", STORES)
def test_every_store_works_on_bigquery(
    name: str, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schema, migrate, drift, score and diagnose; on the last date a processor did not run."""
    store, dataset = STORES[name], emulator.fresh_dataset()
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    store.copied(tmp_path)
    for command in on_bigquery(f"bigquery://{PROJECT}/{dataset}"):
        if command[0] == "score":
            table = f"{PROJECT}.{dataset}.{store.registry.table.name}"
            rows = store.season.rows([Incident("defaulted", LAST, LAST, store.broken)])
            sent = [{column: as_json(value) for column, value in row.items()} for row in rows]
            assert emulator.client().insert_rows_json(table, sent, timeout=patient(60)) == []
        run(store, tmp_path, *command)
