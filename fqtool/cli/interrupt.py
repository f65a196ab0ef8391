"""Ctrl-C once: finish the current step and stop. Ctrl-C twice: stop immediately. A job in BigQuery may be cancelled."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fqtool.warehouse.protocol import UnfinishedJob

SENTENCE = "Interrupted: no statement and no file is half written. Run the same command again."
"""The last line of an interrupted command. What is done is skipped, or done again with the same result."""


@contextmanager
def interruptible(message: str) -> Iterator[Callable[[], bool]]:
    """Catch the first Ctrl-C. The second raises KeyboardInterrupt as usual.

    Args:
        message: printed to stderr at the first Ctrl-C; nothing if it is "".

    Returns:
        A function that returns whether to stop.
    """
    asked = False

    def ask(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)
        if message:
            _write(f"\n{message}\n")

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def asks_to_cancel(job: UnfinishedJob) -> bool:
    """Ask the user at the terminal whether to cancel a job that may still run.

    Without a terminal there is no question: the job continues, and the command that cancels it is printed.
    """
    _write(f"\nThe job {job.id} may still be running in BigQuery.\n")
    with suppress(OSError, ValueError, KeyboardInterrupt):
        if sys.stdin.isatty() and sys.stderr.isatty():
            _write("Cancel it? [y/N] ")
            if sys.stdin.readline().strip().lower() in ("y", "yes"):
                return True
    _write(f"The job was not cancelled. To cancel it: {job.cancel}\n")
    return False


def name_unfinished(job: UnfinishedJob) -> None:
    """Print the id of a job that another thread waited for, and the command that cancels it."""
    _write(f"\nThe job {job.id} may still be running in BigQuery. To cancel it: {job.cancel}\n")


def _write(text: str) -> None:
    # The signal may arrive during a print, and Python's own streams are not reentrant.
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), text.encode())
