"""Every command that talks to BigQuery, run as a process over HTTP on the store that ships, and the requests it sends.

`page` writes what came of it into docs/reference/requests.md.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import requests

from fqtool.registry.load import read_registry
from fqtool.synthetic.season import Season
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.emulated_scoring import as_json
from tests.fault_proxy import FaultyServer, Request
from tests.machine import patient

DATES, ROWS = 20, 200
LAST = date(2026, 2, 6)
FIRST = LAST - timedelta(days=DATES - 1)
_LIMIT = 300.0
_METHODS = (
    ("tables.get", "GET", re.compile(r".*/tables/[^/]+")),
    ("tabledata.list", "GET", re.compile(r".*/tables/[^/]+/data")),
    ("jobs.insert", "POST", re.compile(r".*/jobs")),
    ("jobs.get", "GET", re.compile(r".*/jobs/[^/]+")),
    ("jobs.getQueryResults", "GET", re.compile(r".*/queries/[^/]+")),
)
_WAITING, _RESULTS = "jobs.get", "jobs.getQueryResults"
COUNTED = ("tables.get", "tabledata.list", "jobs.insert", _RESULTS)
"""How often a job's end is asked for depends on how long the job takes, so jobs.get is not counted."""


@dataclass(frozen=True)
class Command:
    """A command as it is run: {folder} in its words is a folder of its own, {key} the key of a row of the last date."""

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The command as the page shows it."""
        return " ".join(("fqtool", *self.words)).replace("{folder}/", "").replace("{key}", "...")


@dataclass(frozen=True)
class Sent:
    """What a command sent: `methods` counts its requests, `dry_runs` are jobs that run nothing; its output is kept."""

    name: str
    code: int
    methods: Mapping[str, int]
    jobs: int
    dry_runs: int
    billed: int
    said: str

    @property
    def requests(self) -> int:
        """All requests, but those that wait for a job's end."""
        return sum(self.methods.values())


_SPAN = ("--start", str(FIRST), "--end", str(LAST))
_DAY = ("--date", str(LAST))
_AS_OF = ("--as-of", "2026-02-07T12:00:00Z")
BEFORE = tuple(
    Command(words)
    for words in (("migrate", "plan"), ("migrate", "--dry-run"), ("migrate",), ("migrate", "status"), ("check-drift",))
)
"""On an empty dataset."""
AFTER = (
    Command(("check-record", "{folder}/records.ndjson")),
    Command(("score", "--start", str(LAST), *_AS_OF)),
    Command(("score", *_SPAN, "--dry-run", *_AS_OF)),
    Command(("score", *_SPAN, *_AS_OF)),
    Command(("backfill", *_SPAN, "--dry-run", *_AS_OF)),
    Command(("backfill", *_SPAN, *_AS_OF)),
    Command(("backfill", *_SPAN, "--verify")),
    Command(("diagnose", *_DAY)),
    Command(("daily", *_DAY)),
    Command(("explain", "--key", "{key}", *_DAY)),
    Command(("models", *_DAY)),
    Command(("check-drift", "--data", *_SPAN)),
    Command(("report", *_SPAN, "--out", "{folder}/report.html")),
    Command(("cost", *_SPAN)),
    Command(("diff", "feature_registry.yaml", *_SPAN)),
    Command(("doctor",)),
    Command(("learn", *_SPAN, "--dry-run")),
    Command(("init", "--from-table", "ml_feature_store_v2", "--out", "{folder}/made.yaml")),
    Command(("init", "--from-table", "ml_feature_store_v2", "--learn", "20", "--out", "{folder}/learned.yaml")),
)
"""On the migrated table with its rows."""
COMMANDS = (*BEFORE, *AFTER)


class Tour:
    """A dataset, a folder with the registry and the migrations that ship, and the commands run there."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._dataset = emulator.fresh_dataset()
        self._registry = read_registry(ROOT / "feature_registry.yaml")
        self._key = ""

    def run(self) -> Iterator[Sent]:
        """Run the commands in their order, the rows loaded in between."""
        with tempfile.TemporaryDirectory(prefix="fqtool_tour_") as folder:
            (Path(folder) / "records.ndjson").write_text('{"player_lookup": "a"}\n', encoding="utf-8")
            for one in BEFORE:
                yield self._one(one, Path(folder))
            self._load()
            for one in AFTER:
                yield self._one(one, Path(folder))

    def _load(self) -> None:
        season = Season(self._registry, FIRST, DATES, rows_per_day=ROWS)
        table, client = f"{PROJECT}.{self._dataset}.{self._registry.table.name}", self._emulator.client()
        for number in range(DATES):
            rows = [
                {name: as_json(value) for name, value in row.items()} for row in season.day(FIRST + timedelta(number))
            ]
            self._key = f"player_lookup={rows[0]['player_lookup']}"
            assert client.insert_rows_json(table, rows, timeout=patient(60)) == []

    def _one(self, command: Command, folder: Path) -> Sent:
        with FaultyServer(upstream=self._emulator.url) as server:
            done = subprocess.run(
                [sys.executable, "-m", "fqtool", *self._words(command, folder)],
                cwd=ROOT, env=os.environ | {"BIGQUERY_EMULATOR_HOST": server.url}, capture_output=True, text=True,
                timeout=patient(_LIMIT), check=False,
            )  # fmt: skip
            sent = _once(server.requests)
        inserted = [one.json for one in sent if _method(one) == "jobs.insert"]
        jobs = [one["jobReference"]["jobId"] for one in inserted if not one["configuration"].get("dryRun")]
        methods = Counter(method for one in sent if (method := _method(one)) != _WAITING)
        billed = sum(map(self._billed, jobs))
        said = done.stdout + done.stderr
        return Sent(command.name, done.returncode, methods, len(jobs), len(inserted) - len(jobs), billed, said)

    def _words(self, command: Command, folder: Path) -> list[str]:
        words = [one.replace("{folder}", str(folder)).replace("{key}", self._key) for one in command.words]
        return [*words, "--target", f"bigquery://{PROJECT}/{self._dataset}", "--timeout", "120"]

    def _billed(self, job: str) -> int:
        url = f"{self._emulator.url}/bigquery/v2/projects/{PROJECT}/jobs/{job}?location=US"
        answer = requests.get(url, timeout=patient(60))
        answer.raise_for_status()
        return int(answer.json()["statistics"]["query"].get("totalBytesBilled", 0))


def _once(sent: list[Request]) -> list[Request]:
    """Leave out what was sent again because an answer took long: the same job, or the same page of its results."""
    again = {one: one for one in sent if _method(one) in ("jobs.insert", _RESULTS)}
    others = [one for one in sent if _method(one) not in ("jobs.insert", _RESULTS)]
    return [*again, *others]


def _method(request: Request) -> str:
    path = request.path.partition("?")[0]
    known = (name for name, verb, pattern in _METHODS if verb == request.method and pattern.fullmatch(path))
    return next(known, f"{request.method} {path}")


PAGE = ROOT / "docs" / "reference" / "requests.md"
_HEAD = f"""# Requests to BigQuery

Generated by `make golden`. Each command ran once as a process, in this order, over HTTP against the emulator of the
tests, with the registry and the migrations that ship: {DATES} dates with {ROWS} rows each. A test holds the table.

- **exit** is the exit code, **requests** the sum of the four methods after it.
- **jobs.insert** counts **jobs** and **dry runs**. A dry run is free and runs nothing.
- **MiB billed** is the sum over the jobs. BigQuery bills at least 10 MiB for each table that a query reads; statements
  that change a schema and an `INSERT` of values bill nothing.
- Not counted: `jobs.get`, which waits for a job's end, and requests that are sent again because an answer was late. How
  many there are depends on the time that jobs take. Signing in takes requests of its own. `score` without `--as-of`
  sends two `jobs.list` more, which are free.

A table is described by one `tables.get`, a view by another: `check-drift` reads one table, two views, and the ledger by
`tabledata.list`, and sends no job. `migrate` runs four statements here: it records each start and end in the ledger and
reads the table or the view after each. `score` sends one query and one `MERGE` for all dates. `backfill`
adds for each batch of 30 dates a query that verifies it and one `INSERT` into its journal, and in all a query for
the plan, one at the end, and the lease. Where rows of the date are not scored, `diagnose` and `daily` send a second
query, which reads the labels.

"""


def page(sent: list[Sent]) -> str:
    """The page: a row a command."""
    headers = ("command", "exit", "requests", *(f"`{name}`" for name in COUNTED), "jobs", "dry runs", "MiB billed")
    lines = [f"| {' | '.join(headers)} |", f"| --- |{' --: |' * (len(headers) - 1)}"]
    for one in sent:
        unknown = set(one.methods) - set(COUNTED)
        assert not unknown, f"{one.name} sent {unknown}"
        counts = (one.code, one.requests, *(one.methods.get(name, 0) for name in COUNTED), one.jobs, one.dry_runs)
        billed = f"{one.billed / 2**20:,.0f}"
        lines.append(f"| `{one.name}` | {' | '.join(map(str, counts))} | {billed} |")
    return _HEAD + "\n".join(lines) + "\n"
