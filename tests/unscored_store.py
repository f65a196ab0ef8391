"""A store with unscored past partitions, and a backfill of it that may be killed: `python -m tests.unscored_store`.

`fill URL` fills it and ends with the command's exit code. `die FOLDER SEED RUNS` does RUNS rounds, each on a copy of
the store in FOLDER: a child is killed with SIGKILL, at a random boundary or after a random time, perhaps a second one
too, and a last one continues to the end. It prints a JSON line a round. `die-scoring` does so with `fqtool score`, and
prints before the last child which dates are scored, and how many of their rows.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from fqtool.commands.backfill.partition_runner import Observer
from fqtool.commands.backfill.run import BackfillResult, Options, fill
from fqtool.commands.score.run import score_partitions
from fqtool.errors import FqtoolError
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import ColumnSpec, Registry
from fqtool.schema.build import desired_table
from fqtool.scoring import merge
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.machine import patient
from tests.stores import COLUMNS, small_registry

END = date(2026, 2, 6)
DAYS = 30
START = END - timedelta(days=DAYS - 1)
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
LABELS = ('{"0":"good","1":"good","2":"good"}', '{"0":"good","1":"bad","2":"good"}', None, '{"0":"novel"}')


def past_registry() -> Registry:
    """The small store, with the time and version of scoring in its rows."""
    more = (
        ColumnSpec("computed_at", "TIMESTAMP", "legacy", "When", "@computed_at"),
        ColumnSpec("version", "STRING", "legacy", "Which columns", "'v1'"),
    )
    return small_registry(columns=(*COLUMNS, *more), schema_versions=(("version", "v1"),))


def store(warehouse: Warehouse, days: int = DAYS, rows: int = 6) -> None:
    """Create the table and put rows in, some without sources; one INSERT."""
    warehouse.run(make_statement(State(), (CreateTable(desired_table(past_registry())),)))
    values = [
        f"('i{number}', DATE '{END - timedelta(days=day)}', [1.0, 2.0, {number}.5], {_text(LABELS[number % 4])})"
        for day in range(days)
        for number in range(rows + day % 3)
    ]
    warehouse.run(Query(f"INSERT INTO store (item, day, vector, labels) VALUES {', '.join(values)}"))


def _text(label: str | None) -> str:
    return "NULL" if label is None else f"'{label}'"


def filled(warehouse: Warehouse, observer: Observer | None = None, **options: object) -> BackfillResult:
    """Fill all of it in batches of five dates, at a time that no two processes share."""
    now = options.pop("now", datetime.now(UTC))
    assert isinstance(now, datetime)
    asked = Options(**{"start": START, "end": END, "batch_days": 5} | options)  # type: ignore[arg-type]
    return fill(past_registry(), warehouse, asked, tool="test", now=now, observer=observer)


def _child(work: Callable[[], None]) -> int:
    """Do it in a child process; return its process id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except FqtoolError as error:
            sys.stderr.write(f"{error}\n")
            os._exit(error.exit_code)
        os._exit(0)
    return child


def _fill(path: Path, fatal: int | None = None, counted: Path | None = None) -> None:
    """Fill the copy, and die before boundary `fatal`; write down how many boundaries there were."""
    seen = 0

    def boundary(_: str) -> None:
        nonlocal seen
        if seen == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    with open_target(f"duckdb:///{path}") as warehouse:
        filled(warehouse, Observer(on_step=boundary))
    if counted:
        counted.write_text(str(seen))


def _score(path: Path, fatal: int | None = None, counted: Path | None = None) -> None:
    """Score the copy as `_fill` fills it, four dates by each statement: the boundaries are the ends of dates."""
    merge._MOST_DATES = 4
    seen = 0

    def boundary(_: object) -> None:
        nonlocal seen
        if seen == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    with open_target(f"duckdb:///{path}") as warehouse:
        score_partitions(past_registry(), warehouse, START, END, as_of=NOW, on_scored=boundary)
    if counted:
        counted.write_text(str(seen))


def scored_dates(path: Path) -> dict[str, list[int]]:
    """The number of scored rows with sources of each date, and of all rows with sources."""
    query = "SELECT day, COUNT(computed_at) AS done, COUNT(*) AS `all` FROM store WHERE labels IS NOT NULL GROUP BY day"
    with open_target(f"duckdb:///{path}") as warehouse:
        return {str(row["day"]): [int(str(row["done"])), int(str(row["all"]))] for row in warehouse.rows(Query(query))}


def die(folder: Path, seed: int, runs: int, work: Callable[..., None] = _fill) -> None:
    """Kill and go on, round after round."""
    chance = random.Random(seed)
    blank, whole, counted = folder / "blank.duckdb", folder / "whole.duckdb", folder / "boundaries"
    _blank(blank)
    shutil.copyfile(blank, whole)
    # In this process, so that children are born with all that it has worked out; no thread of DuckDB's outlives it.
    work(whole, None, counted)
    shutil.copyfile(blank, whole)
    began = time.monotonic()
    os.waitpid(_child(lambda: work(whole)), 0)
    took, boundaries = time.monotonic() - began, int(counted.read_text())
    for number in range(runs):
        path = folder / f"{number}.duckdb"
        shutil.copyfile(blank, path)
        killed = []
        for _ in range(1 + number % 2):
            if number % 4 < 2:
                fatal = chance.randrange(boundaries)
                child = _child(lambda path=path, fatal=fatal: work(path, fatal))  # type: ignore[misc]
            else:
                child = _child(lambda path=path: work(path))  # type: ignore[misc]
                time.sleep(chance.uniform(0, took))
                os.kill(child, signal.SIGKILL)
            killed.append(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
        dates = _dates_in_child(path) if work is _score else {}
        last = os.waitpid(_child(lambda path=path: work(path)), 0)[1]  # type: ignore[misc]
        code = os.waitstatus_to_exitcode(last)
        sys.stdout.write(json.dumps({"file": str(path), "killed": killed, "code": code, "dates": dates}))
        sys.stdout.write("\n")
        sys.stdout.flush()


def _dates_in_child(path: Path) -> dict[str, list[int]]:
    """Read the dates in a child: this process must have no threads of DuckDB when it forks the next."""
    out = path.with_suffix(".dates")

    def read() -> None:
        out.write_text(json.dumps(scored_dates(path)))

    os.waitpid(_child(read), 0)
    return dict(json.loads(out.read_text()))


def _blank(path: Path) -> None:
    with open_target(f"duckdb:///{path}") as warehouse:
        store(warehouse)


def main(words: list[str]) -> None:
    """See the module."""
    if words[0] in ("die", "die-scoring"):
        die(Path(words[1]), int(words[2]), int(words[3]), _fill if words[0] == "die" else _score)
        return
    try:
        with open_target(words[1], timeout=patient(20.0)) as warehouse:
            filled(warehouse)
    except FqtoolError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(sys.argv[1:])
