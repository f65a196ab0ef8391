"""Wide tables: three real shapes from 300 to 3,000 columns, and many new columns beside a bare rebuild.

python bench/shapes.py [RUNS]        the best of so many runs, 2 by default; written into README.md

Seconds are of the processor, which other work on the machine changes less than the clock.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.shapes import SHAPES  # noqa: E402

SIZES = (300, 3000)
ADDED = (250, 5000)
URL = "duckdb:///store.duckdb"
TARGET = ("--target", URL)
COMMANDS: dict[str, tuple[str, ...]] = {
    "init --from-ddl": ("init", "--from-ddl", "table.sql"),
    "init --from-schema": ("init", "--from-schema", "table.json", "--out", "-"),
    "migrate plan": ("migrate", "plan", "--include-base", *TARGET),
    "migrate": ("migrate", *TARGET),
    "check-drift": ("check-drift", *TARGET),
    "init --from-table": ("init", *TARGET, "--out", "-", "--from-table"),
}
# Both add columns with descriptions to an empty table of one column, in a process of its own.
_FQTOOL = """
from fqtool.table.changes import AddColumn, CreateTable
from fqtool.table.column import Column, Kind, Type
from fqtool.table.ddl import Statement
from fqtool.table.model import Table
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
added = (AddColumn(Column(f"c{{n}}", Type(Kind.FLOAT64), description="Made to measure.")) for n in range({columns}))
with DuckDBWarehouse("store.duckdb") as warehouse:
    warehouse.run(Statement("", (CreateTable(Table("t", (Column("k", Type(Kind.INT64)),))),)))
    warehouse.run(Statement("ALTER TABLE `t` ADD COLUMN", tuple(added)))
"""
_BARE = """
import duckdb
columns = ", ".join(f"c{{n}} DOUBLE" for n in range({columns}))
with duckdb.connect("store.duckdb") as connection:
    connection.execute("CREATE TABLE t (k BIGINT)")
    connection.execute(f"BEGIN; CREATE TABLE new (k BIGINT, {{columns}}); INSERT INTO new (k) SELECT k FROM t")
    connection.execute("DROP TABLE t; ALTER TABLE new RENAME TO t; COMMIT")
"""


class Run(NamedTuple):
    """Seconds of the processor and peak megabytes of a process."""

    seconds: float
    peak: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.peak:.0f} MB"


def run(folder: Path, *words: str) -> Run:
    """Run Python in a folder; anything but exit 0 ends the measurement."""
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=out, stderr=out
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words}: exit {process.returncode}\n{(folder / 'out').read_text()}")
    return Run(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def of_shape(name: str, columns: int, best_of: int) -> dict[str, Run]:
    """Every command on one shape."""
    runs: list[dict[str, Run]] = []
    for _ in range(best_of):
        with tempfile.TemporaryDirectory() as place:
            folder, shape = Path(place), SHAPES[name](columns)
            (folder / "table.sql").write_text(shape.ddl)
            (folder / "table.json").write_text(shape.resource)
            more = {"init --from-table": (shape.name,)}
            runs.append({of: run(folder, "-m", "fqtool", *words, *more.get(of, ())) for of, words in COMMANDS.items()})
    print(name, columns, runs, file=sys.stderr, flush=True)
    return {of: min(one[of] for one in runs) for of in COMMANDS}


def added(program: str, columns: int, best_of: int) -> Run:
    """A program that adds columns."""

    def once() -> Run:
        with tempfile.TemporaryDirectory() as folder:
            return run(Path(folder), "-c", program.format(columns=columns))

    return min(once() for _ in range(best_of))


def exponent(first: Run, last: Run, sizes: tuple[int, ...]) -> str:
    """The exponent of the time between the first size and the last."""
    return f"{math.log(last.seconds / first.seconds) / math.log(sizes[-1] / sizes[0]):.2f}"


def main(best_of: int) -> None:
    """Measure all, and write the tables."""
    shapes = {(name, columns): of_shape(name, columns, best_of) for name in SHAPES for columns in SIZES}
    lines = [
        machine.line(),
        "",
        f"| shape | command | {' | '.join(f'{columns:,} columns' for columns in SIZES)} | exponent |",
        f"|{'---|' * (len(SIZES) + 3)}",
    ]
    for name in SHAPES:
        for of in COMMANDS:
            runs = [shapes[name, columns][of] for columns in SIZES]
            lines.append(f"| {name} | `{of}` | {' | '.join(map(str, runs))} | {exponent(runs[0], runs[-1], SIZES)} |")
    lines += ["", "| new columns on an empty table | fqtool | bare rebuild | ratio |", "|---|---|---|---|"]
    pairs = [(added(_FQTOOL, columns, best_of), added(_BARE, columns, best_of)) for columns in ADDED]
    for columns, (ours, bare) in zip(ADDED, pairs, strict=True):
        lines.append(f"| {columns:,} | {ours} | {bare} | {ours.seconds / bare.seconds:.1f} |")
    lines.append(f"| exponent | {exponent(pairs[0][0], pairs[-1][0], ADDED)} | "
                 f"{exponent(pairs[0][1], pairs[-1][1], ADDED)} | |")  # fmt: skip
    page = "\n".join(lines) + "\n"
    sys.stdout.write(page)
    machine.put("shapes", page)


if __name__ == "__main__":
    main(int(*sys.argv[1:]) or 2)
