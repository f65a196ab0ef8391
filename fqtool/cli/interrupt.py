"""Ctrl-C once: end what is under way and stop. Ctrl-C twice: stop at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def interruptible(told: str) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether to stop. The second signal raises KeyboardInterrupt as ever.

    `told` goes to stderr with the first; nothing if it is "".
    """
    asked = False

    def ask(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)
        if told:
            _write(f"\n{told}\n")

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def _write(text: str) -> None:
    # The signal may come in the middle of a print, and Python's own streams refuse to be entered twice.
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), text.encode())
