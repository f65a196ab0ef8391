"""Work in a thread that keeps nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

_SLICE = 1.0


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


def ended(under_way: Sequence[Future[T]]) -> list[T]:
    """Wait for all of them, and return what became of each. Raises what one of them raised.

    A signal that comes in the moment before a wait begins is noticed at the wait's end only, so none is long.
    """
    while wait(under_way, timeout=_SLICE).not_done:
        pass
    return [one.result() for one in under_way]
