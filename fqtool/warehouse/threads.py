"""Work in a thread that keeps nobody."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def begun(work: Callable[[], T]) -> Future[T]:
    """Begin it, and return what becomes of it. A process that ends does not wait for it, unlike an executor's."""
    future: Future[T] = Future()

    def to_its_end() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  it is raised again where the result is awaited
            future.set_exception(error)

    Thread(target=to_its_end, name="fqtool", daemon=True).start()
    return future
