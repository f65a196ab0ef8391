"""The page on permissions: what it lists for a command is enough, and without any one the command names it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bed.fixtures import SHORT
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.fault_proxy import FaultyServer, Request, error

PAGE = ROOT / "docs" / "how-to" / "permissions.md"
TABLE = """
CREATE TABLE feature_store (
  item STRING NOT NULL, day DATE NOT NULL, features ARRAY<FLOAT64>, labels STRING, prices_updated_at TIMESTAMP,
  written_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP()
) PARTITION BY day CLUSTER BY item OPTIONS (require_partition_filter = TRUE)
"""
ROWS = """
INSERT INTO feature_store (item, day, features, labels) VALUES
  ('a', '2026-01-01', [1.0, 2.0], '{"0": "computed", "1": "computed"}'),
  ('b', '2026-01-02', [3.0, 0.0], '{"0": "computed", "1": "default"}')
"""
ALERT = """
alert_levels:
  - {name: red, when: [default_feature_count = 2]}
  - {name: green}
alerts:
  - {code: all_defaulted, when: default_feature_count = 2, level: red, description: Every feature is defaulted.}
"""
COLUMNS = """
columns:
  - {name: alert_level, type: STRING, section: aggregate, expr: ALERT_LEVEL(), description: What a report counts.}
  - {name: alert_codes, type: "ARRAY<STRING>", section: aggregate, expr: ALERT_CODES(), description: Which alerts.}
"""
_SPAN = "--start 2026-01-01 --end 2026-01-02"
INVOCATIONS = {
    "init --from-table": "init --from-table feature_store --out -",
    "init --from-table --learn": "init --from-table feature_store --learn 14 --out -",
    "learn": f"learn {_SPAN}",
    "check-drift --no-ledger": "check-drift --no-ledger",
    "check-drift": "check-drift",
    "check-drift --data": f"check-drift --data {_SPAN}",
    "migrate plan": "migrate plan --dry-run",
    "migrate status": "migrate status",
    "migrate": "migrate",
    "check-record --target": "check-record records.ndjson",
    "score": f"score {_SPAN}",
    "backfill": f"backfill {_SPAN}",
    "diagnose": "diagnose --date 2026-01-02",
    "daily": "daily --date 2026-01-02",
    "explain": "explain --key item=b --date 2026-01-02",
    "report": f"report {_SPAN} --out -",
    "models --date": "models --date 2026-01-02",
    "cost": f"cost {_SPAN}",
    "diff --start": f"diff feature_registry.yaml {_SPAN}",
    "doctor": "doctor",
}
CHANGING = ("migrate", "score", "backfill")
"""Commands that find a store of their own each time, where nothing has been done before."""


@dataclass(frozen=True)
class Row:
    """A command of the page: the permissions it cannot do without, and those it can."""

    command: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]


def rows() -> Iterator[Row]:
    """The table of the page."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            command, permissions, _ = (cell.strip() for cell in line.strip("|").split("|"))
            listed = re.findall(r"`([^`]+)`( \(optional\))?", permissions)
            needed = tuple(name for name, optional in listed if not optional)
            yield Row(command.strip("`"), needed, tuple(name for name, optional in listed if optional))


class Store:
    """A dataset with the table of a fresh registry, and the folder of that registry and its migrations."""

    def __init__(self, emulator: Emulator, folder: Path, *, migrated: bool) -> None:
        self.folder, self.dataset, self.server = folder, emulator.fresh_dataset(), emulator.url
        self.url = f"bigquery://{PROJECT}/{self.dataset}"
        self._emulator = emulator
        self.sql(TABLE)
        if not (folder / "migrations").exists():
            self.granted("init --force")
            registry = folder / "feature_registry.yaml"
            text = registry.read_text(encoding="utf-8").replace("\ncolumns:\n", COLUMNS)
            registry.write_text(text + ALERT, encoding="utf-8")
            self.granted("migrate plan")
            (folder / "records.ndjson").write_text('{"item": "a", "day": "2026-01-02"}\n', encoding="utf-8")
        if migrated:
            self.granted("migrate")
        self.sql(ROWS)

    def granted(self, words: str) -> str:
        """What a command prints with every permission; it ends well."""
        code, sentence = self.run(words, None)
        assert code in (0, 1), sentence
        return sentence

    def run(self, words: str, permissions: tuple[str, ...] | None) -> tuple[int, str]:
        """The exit code and the output of a command that holds these permissions alone."""
        address = self.server
        if permissions is not None:
            address = address.replace("://", f"://permissions:{','.join(permissions)}@")
        target = [] if words == "init --force" else ["--target", self.url]
        done = subprocess.run(
            [sys.executable, "-m", "fqtool", *words.split(), *target], cwd=self.folder, capture_output=True,
            text=True, timeout=120, check=False, env=os.environ | {"BIGQUERY_EMULATOR_HOST": address},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def sql(self, text: str) -> list[tuple[object, ...]]:
        """The rows of a statement, with every permission."""
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{self.dataset}")
        job = self._emulator.client().query(text, config, job_retry=None, **SHORT)
        return [tuple(row) for row in job.result(**SHORT)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the registry and its migrations are."""
    return tmp_path_factory.mktemp("permissions")


@pytest.fixture(scope="module")
def shared(emulator: Emulator, folder: Path) -> Store:
    """A migrated and scored store for the commands that change nothing."""
    store = Store(emulator, folder, migrated=True)
    store.granted(INVOCATIONS["score"])
    return store


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.command)
def test_the_listed_permissions_are_enough_and_each_is_needed(
    row: Row, emulator: Emulator, folder: Path, shared: Store
) -> None:
    """Without one the command ends with exit code 3 and names it; one that is optional is not missed."""
    changing = row.command in CHANGING

    def run(permissions: tuple[str, ...]) -> tuple[int, str]:
        store = Store(emulator, folder, migrated=row.command != "migrate") if changing else shared
        return store.run(INVOCATIONS[row.command], permissions)

    for missing in row.needed:
        code, sentence = run(tuple(name for name in (*row.needed, *row.optional) if name != missing))
        assert code == 3, (missing, sentence)
        assert re.search(rf"{re.escape(missing)}\b(?!\.)", sentence), (missing, sentence)
    for permissions in (row.needed, (*row.needed, *row.optional)):
        code, sentence = run(permissions)
        assert code in (0, 1), sentence


@pytest.mark.parametrize(
    ("status", "reason", "sentence"),
    [
        (401, "authError", "gcloud auth application-default login"),
        (403, "accessDenied", "roles/bigquery.dataViewer on the dataset"),
    ],
)
def test_check_drift_without_the_ledger_is_not_clean(
    status: int, reason: str, sentence: str, emulator: Emulator, folder: Path
) -> None:
    """A ledger that could not be read is a finding; without it the table is compared all the same."""

    def of_ledger(request: Request) -> bool:
        return "/tables/_fqtool_ledger/data" in request.path

    store = Store(emulator, folder, migrated=True)
    store.sql("ALTER TABLE feature_store ADD COLUMN rogue STRING")
    words = "Access Denied: Table p:d.l: Permission bigquery.tables.getData denied on table p:d.l."
    with FaultyServer(rest=error(status, reason, words), upstream=emulator.url, where=of_ledger) as server:
        store.server = server.url
        code, output = store.run("check-drift", None)
        assert any(map(of_ledger, server.requests))
        without, plain = store.run("check-drift --no-ledger", None)
    output = " ".join(output.split())
    assert (code, without) == (1, 1)
    assert "FQ409" in output
    assert "`_fqtool_ledger` was not read" in output
    assert "--no-ledger" in output
    assert sentence in output or status == 401
    assert "rogue" in output
    assert "FQ409" not in plain


def test_a_backfill_creates_tables_once(emulator: Emulator, folder: Path) -> None:
    """Where its tables are there already it does without the permission to create them."""
    (row,) = (row for row in rows() if row.command == "backfill")
    store = Store(emulator, folder, migrated=True)
    store.granted(INVOCATIONS["backfill"])
    fewer = tuple(name for name in row.needed if name != "bigquery.tables.create")
    store.sql("INSERT INTO feature_store (item, day, labels) VALUES ('c', '2026-01-02', '{}')")
    code, sentence = store.run(INVOCATIONS["backfill"], fewer)
    assert code == 0, sentence
    scored = "SELECT COUNT(alert_level) FROM feature_store WHERE item = 'c' AND day = '2026-01-02'"
    assert store.sql(scored) == [(1,)]


def test_doctor_names_the_one_permission_that_is_missing(shared: Store) -> None:
    """A dry run that needs two names one; that it needs the other as well proves nothing of the first."""
    every = tuple(sorted({name for row in rows() for name in (*row.needed, *row.optional)}))
    for missing in every:
        code, sentence = shared.run("doctor", tuple(name for name in every if name != missing))
        if missing == "bigquery.tables.get":
            assert code == 3, sentence
        else:
            assert (code, re.findall(r"FQ901 (\S+) is missing\.", sentence)) == (1, [missing]), sentence
    assert shared.run("doctor", every)[0] == 0


def test_every_command_of_the_page_is_run() -> None:
    """A new row needs an invocation."""
    assert {row.command for row in rows()} == set(INVOCATIONS)
