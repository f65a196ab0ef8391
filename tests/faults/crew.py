"""Workers that run the cells of the matrix, each with an emulator of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from multiprocessing import get_context, parent_process
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

from tests.bed.running import Emulator
from tests.faults.commands import COMMANDS
from tests.faults.matrix import Bench, Cell, Result


def _work(todo: Queue[Cell], done: Queue[Result | None], over: Event) -> None:
    """Run cells until all are done, the time is up, or the process that asked has ended."""
    parent = parent_process()
    assert parent is not None
    emulator = Emulator().start()
    bench = Bench(emulator)
    try:
        while parent.is_alive() and not over.is_set() and (cell := todo.get()) is not None:
            done.put(bench.run(cell))
    finally:
        bench.close()
        emulator.stop()
        done.put(None)


def requests_of_each() -> dict[str, int]:
    """How many requests each command makes without a fault."""
    emulator = Emulator().start()
    bench = Bench(emulator)
    try:
        return {one.name: bench.unbroken(one.name).requests for one in COMMANDS}
    finally:
        bench.close()
        emulator.stop()


def results(order: list[Cell], workers: int, seconds: float) -> Iterator[Result]:
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
