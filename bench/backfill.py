"""How long a backfill takes beside `fqtool score` of the same rows, and whether a date costs more the more there are.

    python bench/backfill.py                    90 and 365 dates
    python bench/backfill.py --dates 90         only these; other rows of the table in README.md stay
    python bench/backfill.py --dates 2 --print  nothing is written

`fqtool score` sends one statement for 100 dates, and writes no journal. Each is a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import machine
from scoring import FIRST, Run, Series, run, spread, store

ROWS, MAPS, DATES, ROUNDS = 250, 14, (90, 365), 2
HEADER = "| dates x rows, command | s | of processors, s | of them a date | beside `score`, by processor | measured |"


def measured(dates: int) -> dict[str, list[Run]]:
    """Time the commands on copies of one file, in turns."""
    series = Series(dates, ROWS, MAPS, ROUNDS)
    span = ["--start", str(FIRST), "--end", str(series.end)]
    with tempfile.TemporaryDirectory() as folder:
        blank, work = Path(folder, "blank.duckdb"), Path(folder, "work.duckdb")
        store(blank, series)
        fqtool = [sys.executable, "-m", "fqtool"]
        commands = {
            "score": [*fqtool, "score", *span],
            "backfill": [*fqtool, "backfill", *span],
        }
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, words in commands.items():
                shutil.copyfile(blank, work)
                runs[name].append(run([*words, "--target", f"duckdb:///{work}"]))
                print(dates, name, runs[name][-1], file=sys.stderr)
    return runs


def rows_of(dates: int) -> list[str]:
    """Measure so many dates and return the rows of the table."""
    lines, runs = [], measured(dates)
    for name, ours in runs.items():
        cells = [
            f"{dates:,} x {ROWS}, `{name}`",
            spread([one.seconds for one in ours]),
            spread([one.processor for one in ours]),
            f"{min(one.processor for one in ours) / dates:.3f}",
            spread([a.processor / b.processor for a, b in zip(ours, runs["score"], strict=True)]),
        ]
        lines.append(f"| {' | '.join(cells)} | {machine.short()} |")
    return lines


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dates", type=int, nargs="+", default=list(DATES))
    parser.add_argument("--print", action="store_true", dest="only_print")
    given = parser.parse_args()
    for dates in given.dates:
        lines = rows_of(dates)
        print("\n".join([HEADER, *lines]))
        if not given.only_print:
            machine.put_rows("backfill", HEADER, lines)


if __name__ == "__main__":
    main()
