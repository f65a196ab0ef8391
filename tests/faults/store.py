"""The small store: its stages in an emulator's datasets, copies of them, and the state of one."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from fqtool.commands.backfill.journal import JOURNAL
from fqtool.commands.backfill.journal import ROWS as EVENTS
from fqtool.migrations.files import read_files
from fqtool.migrations.ledger import LEASE, LEDGER, Entry, Status, entries_of
from fqtool.migrations.ledger import ROWS as ENTRIES
from fqtool.migrations.plan import make_statement, satisfied
from fqtool.registry.load import read_registry
from fqtool.schema.build import base_columns, desired_table
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table, View
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from tests.bed.running import PROJECT, Emulator
from tests.faults.commands import BARE, EARLIER, FIRST, LAST, MIGRATED, SCORED, Command
from tests.faults.running import run

REGISTRY = Path(__file__).parent / "feature_registry.yaml"
TABLE, VIEW = "feature_store", "v_unpivot"
_DAYS = (FIRST, LAST)
_LABELS = ("""'{"0":"computed","1":"computed"}'""", """'{"0":"computed","1":"fallback"}'""", "NULL")
_CALL = 30.0


@dataclass(frozen=True)
class Place:
    """A dataset and a folder with registry and migrations."""

    dataset: str
    folder: Path

    @property
    def target(self) -> str:
        """The dataset's URL."""
        return f"bigquery://{PROJECT}/{self.dataset}"


@dataclass(frozen=True)
class Standings:
    """The state: the table's columns and the view, rows by date, statements recorded as done, names of files.

    `wrong` describes what must never be so.
    """

    schema: tuple[str, ...]
    view: bool
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    applied: tuple[str, ...]
    names: tuple[str, ...]
    wrong: tuple[str, ...]


class Stages:
    """The stages of the store, made once by fqtool itself, and copied for whoever changes them."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._root = Path(tempfile.mkdtemp(prefix="fqtool_faults_"))
        self._bodies: dict[str, list[dict[str, Any]]] = {}
        self.places: dict[str, Place] = {}
        bare = self._blank(BARE)
        self._make(bare)
        self._remember(BARE, bare)
        for stage, before, names in ((MIGRATED, BARE, ("migrate plan", "migrate")), (SCORED, MIGRATED, ("backfill",))):
            place = self.copy(before)
            for name in names:
                more = ("--start", FIRST, "--end", LAST, "--as-of", "2026-02-07T12:00:00Z") if "back" in name else ()
                command = Command(name, more, before, migrations="migrate" in name)
                done = run(command.words(place.folder, place.target, _CALL), emulator.url)
                assert done.code == 0, done.err
            self._remember(stage, place)
        # What is planned is there to be applied.
        shutil.copytree(self.places[MIGRATED].folder / "migrations", self._root / "planned")

    def close(self) -> None:
        """Take the folders away."""
        shutil.rmtree(self._root, ignore_errors=True)

    def place_for(self, command: Command) -> Place:
        """A place on which the command can be run: its own if it writes."""
        place = self.copy(command.stage) if command.writes else self.places[command.stage]
        if command.name == "migrate" and not (place.folder / "migrations").exists():
            shutil.copytree(self._root / "planned", place.folder / "migrations")
        return place

    def copy(self, stage: str) -> Place:
        """A fresh dataset and folder that hold what the stage's hold."""
        source, made = self.places[stage], self._blank(stage)
        if (source.folder / "migrations").exists():
            shutil.copytree(source.folder / "migrations", made.folder / "migrations")
        for body in self._bodies[stage]:
            self._insert(made, source, body)
        return made

    def _blank(self, stage: str) -> Place:
        folder = Path(tempfile.mkdtemp(prefix=f"fm_{stage}_", dir=self._root))
        shutil.copy(REGISTRY, folder)
        (folder / "records.ndjson").write_text(f'{{"item": "a", "day": "{LAST}", "features": [1.0, 2.0]}}\n')
        return Place(self.emulator.fresh_dataset(), folder)

    def _make(self, place: Place) -> None:
        registry = read_registry(REGISTRY)
        base = desired_table(registry).restricted_to(one.name for one in base_columns(registry))
        rows = [
            f"('{item}', DATE '{day}', [1.0, {number}.5], {_LABELS[number]}, TIMESTAMP '{day} 08:00:00+00', "
            f"TIMESTAMP '{day} 09:00:00+00')"
            for day in (*EARLIER, *_DAYS)
            for number, item in enumerate("a" if day in EARLIER else "abc")
        ]
        names = ", ".join(one.name for one in base.columns)
        with self.open(place) as warehouse:
            warehouse.run(make_statement(State(), (CreateTable(base),)))
            warehouse.run(Query(f"INSERT INTO {TABLE} ({names}) VALUES {', '.join(rows)}"))

    def _remember(self, stage: str, place: Place) -> None:
        self.places[stage] = place
        url = f"{self.emulator.url}/bigquery/v2/projects/{PROJECT}/datasets/{place.dataset}/tables"
        found = requests.get(url, timeout=_CALL).json().get("tables", [])
        names = sorted((one["tableReference"]["tableId"] for one in found), key=lambda name: name == VIEW)
        self._bodies[stage] = [requests.get(f"{url}/{name}", timeout=_CALL).json() for name in names]

    def _insert(self, made: Place, source: Place, body: dict[str, Any]) -> None:
        name = body["tableReference"]["tableId"]
        kept = ("schema", "timePartitioning", "clustering", "requirePartitionFilter", "description", "labels")
        new = {key: body[key] for key in kept if key in body and not ("view" in body and key == "schema")}
        new["tableReference"] = {"projectId": PROJECT, "datasetId": made.dataset, "tableId": name}
        if "view" in body:
            new["view"] = body["view"] | {"query": body["view"]["query"].replace(source.dataset, made.dataset)}
        url = f"{self.emulator.url}/bigquery/v2/projects/{PROJECT}/datasets/{made.dataset}/tables"
        answer = requests.post(url, json=new, timeout=_CALL)
        assert answer.ok, answer.text
        if "view" in body:
            return
        where = " WHERE day > '2000-01-01'" if name == TABLE else ""
        with self.open(made) as warehouse:
            warehouse.run(Query(f"INSERT INTO {name} SELECT * FROM `{PROJECT}.{source.dataset}.{name}`{where}"))

    def open(self, place: Place) -> BigQueryWarehouse:
        """The dataset itself, without a proxy before it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BIGQUERY_EMULATOR_HOST", self.emulator.url)
            warehouse = BigQueryWarehouse(PROJECT, place.dataset, timeout=_CALL, url=place.target)
            assert warehouse._session
        return warehouse

    def look(self, place: Place) -> Standings:
        """The state, read without any fault."""
        with self.open(place) as warehouse:
            table, view = warehouse.describe(TABLE), warehouse.describe(VIEW)
            assert isinstance(table, Table)
            rows = warehouse.rows(WholeTable(TABLE, tuple(one.name for one in table.columns)))
            entries = entries_of(warehouse.rows(ENTRIES)) if warehouse.describe(LEDGER) else ()
            events = warehouse.rows(EVENTS) if warehouse.describe(JOURNAL) else []
        by_day = _by_day(rows)
        texts = _texts(place.folder / "migrations")
        live = State(table, (view,) if isinstance(view, View) else ())
        applied = tuple(sorted({_name(one) for one in entries if one.version != LEASE and Status(one.standing).done}))
        return Standings(
            tuple(f"{one.name} {one.sql_type}" for one in table.columns),
            view is not None,
            tuple((day, tuple(map(str, found))) for day, found in by_day.items()),
            applied,
            tuple(texts),
            (
                *(f"{day} is scored in part" for day, found in by_day.items() if len({*map(_scored, found)}) > 1),
                *(f"{name} is recorded and was not done" for name in applied if not _stands(name, texts, live)),
                *_twice("the ledger", [(one.version, one.statement, one.attempt) for one in entries]),
                *_twice("the journal", [tuple(event.values()) for event in events]),
            ),
        )


def _by_day(rows: list[dict[str, Value]]) -> dict[str, list[dict[str, Value]]]:
    made: dict[str, list[dict[str, Value]]] = {}
    for row in sorted(rows, key=lambda row: (str(row["day"]), str(row["item"]))):
        made.setdefault(str(row["day"]), []).append(row)
    return made


def _scored(row: dict[str, Value]) -> bool:
    return row.get("schema_version") is not None


def _texts(folder: Path) -> dict[str, str]:
    return {one.name: one.read_text() for one in sorted(folder.iterdir())} if folder.exists() else {}


def _name(entry: Entry) -> str:
    return f"{entry.version}.{entry.statement}"


def _stands(name: str, texts: dict[str, str], live: State) -> bool:
    """Whether the table and the views are what a statement makes of them."""
    version, number = name.split(".")
    files = read_files({one: text for one, text in texts.items() if one.endswith(".sql")})
    (file,) = (one for one in files if one.version == version)
    return satisfied(live, file.statements[int(number) - 1].changes)


def _twice(where: str, keys: list[tuple[object, ...]]) -> list[str]:
    return [f"{where} holds a row twice"] if len(set(keys)) < len(keys) else []
