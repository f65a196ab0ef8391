"""How long a backfill takes beside `fqtool score` of the same rows, and whether a date costs more the more there are.

    python bench/backfill.py                    written into README.md
    python bench/backfill.py --dates 90         only so many dates, printed

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


def page(sizes: tuple[int, ...]) -> str:
    """Measure all and return the page."""
    lines = [
        "| dates x rows | command | seconds | seconds of processors | of them a date | beside `score`, by processor |",
        "|---|---|---|---|---|---|",
    ]
    for dates in sizes:
        runs = measured(dates)
        for name, ours in runs.items():
            cells = [
                spread([one.seconds for one in ours]),
                spread([one.processor for one in ours]),
                f"{min(one.processor for one in ours) / dates:.3f}",
                spread([a.processor / b.processor for a, b in zip(ours, runs["score"], strict=True)]),
            ]
            lines.append(f"| {dates:,} x {ROWS} | `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dates", type=int, nargs="*", default=list(DATES))
    given = parser.parse_args()
    text = f"{machine.line()}\n\n{page(tuple(given.dates))}"
    print(text)
    if given.dates == list(DATES):
        machine.put("backfill", text)


if __name__ == "__main__":
    main()
