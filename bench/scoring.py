"""How fast `fqtool score` is, as users call it: whole processes that read a table and write it, beside plain Python.

    python bench/scoring.py                          every series
    python bench/scoring.py --series year records    only these
    python bench/scoring.py --series trial           a few rows; nothing is written

Each series replaces its rows in README.md as soon as it is measured, and no others. Every round starts each peer in a
process of its own, on a copy of the same file, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import machine
import rows

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = ROOT / "feature_registry.yaml"
FIRST, NOW = date(2025, 10, 22), datetime(2026, 2, 7, tzinfo=UTC)
# The peer has other names for processors, and rounds 11.975 up, which as a float is less than it looks.
_TOLD_OTHERWISE = {"upstream_processors_ran", "missing_processors", "upstream_data_freshness_hours"}


@dataclass(frozen=True)
class Series:
    """Rows to score.

    Attributes:
        dates: how many dates.
        a_date: how many rows a date.
        maps: how many label maps a date; 0: none repeats.
        rounds: how often each peer runs.
        alone: whether fqtool runs without its peers.
        again: whether all rows were scored before, and fqtool finds that nothing changed.
    """

    dates: int
    a_date: int
    maps: int
    rounds: int
    alone: bool = False
    again: bool = False

    @property
    def words(self) -> str:
        """The rows in words."""
        repeated = f"{self.maps} label maps a date" if self.maps else "no label map twice"
        return f"{self.dates:,} x {self.a_date:,}, {repeated}{', none changed' if self.again else ''}"

    @property
    def end(self) -> date:
        """The last date."""
        return FIRST + timedelta(days=self.dates - 1)


SERIES = {
    "season": Series(90, 250, 14, 3),
    "unrepeated": Series(90, 250, 0, 3),
    "unchanged": Series(90, 250, 14, 3, alone=True, again=True),
    "year": Series(365, 250, 14, 2),
    "decade": Series(3_650, 250, 14, 1, alone=True),
    "thousand": Series(30, 1_000, 14, 2),
    "large": Series(2, 100_000, 14, 2),
    "million": Series(10, 100_000, 14, 1),
}
TRIALS = (Series(2, 20, 14, 2), Series(2, 20, 14, 2, alone=True, again=True))
HEADER = (
    "| dates x rows | fqtool, s | of processors, s | Python / fqtool | by processor | fqtool / floor | by processor "
    "| measured |"
)
RECORDS = "| records of a program | times a bare prepared statement of 122 columns | measured |"


@dataclass(frozen=True)
class Run:
    """A process that has ended: seconds by the clock, and seconds of processors."""

    seconds: float
    processor: float


def run(words: Sequence[str], ends: Sequence[int] = (0,)) -> Run:
    """Run a program to its end, which must be one of these exit codes."""
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(words, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in ends:
            out.seek(0)
            raise SystemExit(f"{' '.join(words)}: {out.read().decode()[-2000:]}")
    return Run(seconds, used.ru_utime + used.ru_stime)


def store(path: Path, series: Series) -> None:
    """Write a file with the unscored table."""
    from fqtool import load_registry
    from fqtool.migrations.plan import make_statement
    from fqtool.schema.build import desired_table
    from fqtool.table.changes import CreateTable
    from fqtool.table.model import State
    from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse

    registry = load_registry(REGISTRY)
    with DuckDBWarehouse(str(path)) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        select = rows.select(registry, series.dates * series.a_date, series.a_date, series.maps)
        required = "'g' AS game_id, 37 AS feature_count, 'v2_37features' AS feature_version, 'mixed' AS data_source"
        warehouse.connection().execute(
            f"INSERT INTO {registry.table.name} BY NAME SELECT {required}, * FROM ({select})"
        )


def plain(path: str, end: str) -> None:
    """Score a table with dicts: read the rows, write NDJSON, and update the table from it in one statement."""
    import duckdb
    from dict_scorer import DictScorer

    from fqtool import load_registry

    registry = load_registry(REGISTRY)
    peer, table = DictScorer(registry), registry.table.name
    with duckdb.connect(path) as connection, tempfile.NamedTemporaryFile("w", suffix=".ndjson") as out:
        connection.execute("SET TimeZone = 'UTC'")
        base = ", ".join(["*"] if not registry.base_columns else [one.name for one in registry.base_columns])
        dates = f"game_date BETWEEN DATE '{FIRST}' AND DATE '{end}'"
        result = connection.execute(f"SELECT {base}, feature_sources FROM {table} WHERE {dates}")
        names, scored = [column[0] for column in result.description], dict[str, Any]()
        keys = registry.table.keys
        while batch := result.fetchmany(10_000):
            for values in batch:
                row = dict(zip(names, values, strict=True))
                scored = peer.score(row, NOW)
                out.write(json.dumps({key: row[key] for key in keys} | scored, default=str) + "\n")
        out.flush()
        types = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall())
        read = ", ".join(f"'{name}': '{types[name]}'" for name in (*keys, *scored))
        sets = ", ".join(f"{name} = s.{name}" for name in scored)
        connection.execute(
            f"UPDATE {table} AS t SET {sets} FROM read_json('{out.name}', format='newline_delimited', "
            f"columns={{{read}}}) AS s WHERE {' AND '.join(f't.{key} = s.{key}' for key in keys)}"
        )


def floor(path: str, finished: str) -> None:
    """Write the finished columns of another file into the table, by one statement."""
    import duckdb

    from fqtool import load_registry
    from fqtool.scoring.scoring import Scoring

    registry = load_registry(REGISTRY)
    table = registry.table.name
    with duckdb.connect(path) as connection:
        connection.execute(f"ATTACH '{finished}' AS other (READ_ONLY)")
        sets = ", ".join(f"{one.name} = s.{one.name}" for one in Scoring(registry).columns)
        keys = " AND ".join(f"t.{key} = s.{key}" for key in registry.table.keys)
        connection.execute(f"UPDATE {table} AS t SET {sets} FROM other.{table} AS s WHERE {keys}")


def agree() -> None:
    """Check on 500 rows that the peer computes what fqtool computes."""
    import duckdb
    from dict_scorer import DictScorer

    from fqtool import load_registry

    registry = load_registry(REGISTRY)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        result = connection.execute(rows.select(registry, 500))
        names = [column[0] for column in result.description]
        records = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    peer = DictScorer(registry)
    for ours, record in zip(registry.score(records, as_of=NOW), records, strict=True):
        theirs = peer.score(record, NOW)
        for name in set(theirs) - _TOLD_OTHERWISE:
            a, b = ours[name], theirs[name]
            same = json.loads(a) == json.loads(b) if name.endswith("_json") else a == b or float(a) == b
            if not same:
                raise SystemExit(f"the scorers disagree on {name}: {a!r} and {b!r}")


def measured(series: Series) -> dict[str, list[Run]]:
    """Time each peer on copies of one file, in turns."""
    own = [sys.executable, __file__, "--as"]
    with tempfile.TemporaryDirectory() as folder:
        blank, work, finished = (Path(folder, f"{name}.duckdb") for name in ("blank", "work", "finished"))
        store(blank, series)
        score = [
            sys.executable, "-m", "fqtool", "score", "--start", str(FIRST), "--end", str(series.end),
            "--target", f"duckdb:///{work}", "--as-of", NOW.isoformat(), *(["--only-changed"] if series.again else []),
        ]  # fmt: skip
        peers = {
            "fqtool score": score,
            "plain Python": [*own, "plain", str(work), str(series.end)],
            "floor": [*own, "floor", str(work), str(finished)],
        }
        if series.alone:
            peers = {"fqtool score": score}
        if series.again:
            shutil.copyfile(blank, work)
            run(score)
            shutil.copyfile(work, blank)
        runs: dict[str, list[Run]] = {name: [] for name in peers}
        for _ in range(series.rounds):
            for name, words in peers.items():
                shutil.copyfile(blank, work)
                runs[name].append(run(words))
                print(series.words, name, runs[name][-1], file=sys.stderr)
                if name == "fqtool score" and not finished.exists():
                    shutil.copyfile(work, finished)
    return runs


def spread(values: Sequence[float]) -> str:
    """The median, with the least and the greatest where there are several."""
    middle = f"{statistics.median(values):.2f}"
    return f"{middle} ({min(values):.2f}-{max(values):.2f})" if len(values) > 1 else middle


def records() -> None:
    """Time the Python API beside a bare prepared statement of 122 columns, in this process; print ratios as JSON."""
    began = time.perf_counter()
    import duckdb

    connection = duckdb.connect()
    names = ", ".join(f"x + {number} AS c{number}" for number in range(122))
    connection.execute(f"PREPARE bare AS SELECT {names} FROM (SELECT UNNEST(RANGE(CAST($n AS BIGINT))) AS x)")

    def bare(count: int) -> list[dict[str, Any]]:
        result = connection.execute(f"EXECUTE bare(n := {count})")
        described = [column[0] for column in result.description]
        return [dict(zip(described, row, strict=True)) for row in result.fetchall()]

    bare(1)
    bare_first = time.perf_counter() - began
    began = time.perf_counter()
    import fqtool

    registry = fqtool.load_registry(REGISTRY)
    record: dict[str, Any] = {"player_lookup": "a", "game_date": "2026-02-06", "features": [1.0] * 37}
    record["feature_sources"] = {str(index): "phase4" for index in range(37)}
    registry.score([record], as_of=NOW)
    first = bare_first + time.perf_counter() - began
    timed = {"first": (first, bare_first)}
    for count, turns in ((1, 15), (1_000, 7)):
        ours = min(clocked(lambda count=count: registry.score([record] * count, as_of=NOW)) for _ in range(turns))
        least = min(clocked(lambda count=count: bare(count)) for _ in range(turns))
        timed[f"{count:,} warm"] = (ours, least)
    print(json.dumps({what: ours / least for what, (ours, least) in timed.items()}))


def clocked(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def row_of(series: Series) -> str:
    """Measure a series and return its row of the table."""
    runs = measured(series)
    ours = runs["fqtool score"]
    cells = [series.words, spread([one.seconds for one in ours]), spread([one.processor for one in ours])]
    for above, below in (("plain Python", "fqtool score"), ("fqtool score", "floor")):
        if series.alone:
            cells += ["", ""]
            continue
        pairs = list(zip(runs[above], runs[below], strict=True))
        cells.append(spread([a.seconds / b.seconds for a, b in pairs]))
        cells.append(spread([a.processor / b.processor for a, b in pairs]))
    return f"| {' | '.join(cells)} | {machine.short()} |"


def rows_of_records() -> list[str]:
    """Measure the Python API in three processes and return the rows of its table."""
    own = [sys.executable, __file__, "--as", "records"]
    done = [json.loads(subprocess.run(own, capture_output=True, check=True).stdout) for _ in range(3)]
    return [
        f"| {what} | {spread([list(ratios.values())[position] for ratios in done])} | {machine.short()} |"
        for position, what in enumerate(["first", "1, warm", "1,000, warm"])
    ]


def main() -> None:
    """Measure, or be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as", dest="role", nargs="+")
    parser.add_argument("--series", nargs="+", choices=[*SERIES, "records", "trial"], default=[*SERIES, "records"])
    given = parser.parse_args()
    if given.role:
        role, *words = given.role
        {"plain": plain, "floor": floor, "records": records}[role](*words)
        return
    agree()
    for name in given.series:
        if name == "records":
            _put("records", RECORDS, rows_of_records())
        elif name == "trial":
            print("\n".join(map(row_of, TRIALS)))
        else:
            _put("scoring", HEADER, [row_of(SERIES[name])])


def _put(name: str, header: str, lines: list[str]) -> None:
    print("\n".join([header, *lines]))
    machine.put_rows(name, header, lines)


if __name__ == "__main__":
    main()
