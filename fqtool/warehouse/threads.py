"""Run work in a thread that does not keep the process alive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

_SLICE = 1.0


def begun(work: Callable[[], T]) -> Future[T]:
    """Start work in a thread and return its future. Unlike with an executor, the process does not wait for it."""
    future: Future[T] = Future()

    def to_its_end() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  raised again by Future.result
            future.set_exception(error)

    Thread(target=to_its_end, name="fqtool", daemon=True).start()
    return future


def ended(under_way: Sequence[Future[T]]) -> list[T]:
    """Wait for all futures and return their results. Raises the error of a future that failed.

    Each wait is short, because a signal just before a wait is handled only at its end.
    """
    while wait(under_way, timeout=_SLICE).not_done:
        pass
    return [future.result() for future in under_way]
