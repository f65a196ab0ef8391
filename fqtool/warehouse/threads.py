"""Run work in a thread that does not keep the process alive."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


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
