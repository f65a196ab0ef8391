"""Runs the matrix until its time is up: `python -m tests.faults --minutes 25 --out docs/reference/fault-matrix.md`.

Prints the tables and every violation; ends with 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.faults.crew import requests_of_each, results
from tests.faults.matrix import VIOLATION, cells
from tests.faults.table import page


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--workers", type=int, default=3, help="Their time is spent in waiting for deadlines.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="Cells whose words hold this.")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    requests = requests_of_each()
    order = [cell for cell in cells(requests, given.seed) if given.only in str(cell)]
    found = []
    for result in results(order, given.workers, given.minutes * 60):
        found.append(result)
        if result.outcome == VIOLATION:
            sys.stderr.write(f"{result.cell}: {result.why}\n")
        elif len(found) % 100 == 0:
            sys.stderr.write(f"{len(found)} of {len(order)}\n")
    text = page(requests, found, len(order), given.seed)
    sys.stdout.write(text)
    if given.out:
        given.out.write_text(text)
    return int(any(one.outcome == VIOLATION for one in found))


if __name__ == "__main__":
    sys.exit(main())
