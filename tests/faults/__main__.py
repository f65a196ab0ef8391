"""Runs the matrix until its time is up: `python -m tests.faults --minutes 25 --out docs/reference/fault-matrix.md`.

Prints the tables and every violation; ends with 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.bed.running import Emulator
from tests.faults.commands import COMMANDS
from tests.faults.matrix import VIOLATION, Bench, Cell, Result, cells
from tests.faults.table import page


def _work(todo: Queue[Cell], done: Queue[Result | None], over: Event) -> None:
    """Run cells until there are none or the time is up."""
    emulator = Emulator().start()
    bench = Bench(emulator)
    try:
        while not over.is_set() and (cell := todo.get()) is not None:
            done.put(bench.run(cell))
    finally:
        bench.close()
        emulator.stop()
        done.put(None)


def _requests() -> dict[str, int]:
    """How many requests each command makes without a fault."""
    emulator = Emulator().start()
    bench = Bench(emulator)
    try:
        return {one.name: bench.unbroken(one.name).requests for one in COMMANDS}
    finally:
        bench.close()
        emulator.stop()


def _results(order: list[Cell], workers: int, seconds: float) -> Iterator[Result]:
    """What comes of the cells, as it comes, as long as there is time."""
    context = get_context("spawn")
    todo, done, over = context.Queue(), context.Queue(), context.Event()
    for one in [*order, *[None] * workers]:
        todo.put(one)
    crew = [context.Process(target=_work, args=(todo, done, over)) for _ in range(workers)]
    for one in crew:
        one.start()
    deadline, working = time.monotonic() + seconds, workers
    while working:
        if time.monotonic() >= deadline:
            over.set()
        result = done.get(timeout=300)
        if result is None:
            working -= 1
        else:
            yield result
    todo.cancel_join_thread()
    for one in crew:
        one.join()


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="Cells whose words hold this.")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    requests = _requests()
    order = [cell for cell in cells(requests, given.seed) if given.only in str(cell)]
    found = []
    for result in _results(order, given.workers, given.minutes * 60):
        found.append(result)
        if result.outcome == VIOLATION:
            sys.stderr.write(f"{result.cell}: {result.why}\n")
        elif len(found) % 50 == 0:
            sys.stderr.write(f"{len(found)} of {len(order)}\n")
    text = page(requests, found, len(order), given.seed)
    sys.stdout.write(text)
    if given.out:
        given.out.write_text(text)
    return int(any(one.outcome == VIOLATION for one in found))


if __name__ == "__main__":
    sys.exit(main())
