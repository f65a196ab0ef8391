"""One thread changes things while another answers reads: each has a connection of its own to the storage.

Patches `DuckDBEngine.connection`, which all threads share in bqemulator, where one result takes the place of another.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from bqemulator.storage.engine import DuckDBEngine

from .hooks import override

Result = TypeVar("Result")

SWAP = threading.RLock()
"""Held while catalog and storage are changed together, and while a request reads both."""
_STACK = 256 * 2**20  # sqlglot walks a sum of a hundred terms a hundred calls deep


class Writer:
    """The thread in which everything runs that changes something, one piece of work at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._one = asyncio.Lock()
        before = threading.stack_size(_STACK)
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        threading.stack_size(before)

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of the work; the calling loop goes on meanwhile."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._alone(work), self._loop))

    async def _alone(self, work: Coroutine[Any, Any, Result]) -> Result:
        async with self._one:
            return await work


def _own_connection(stock: property) -> property:
    own = threading.local()

    def connection(engine: DuckDBEngine) -> Any:
        if getattr(own, "of", None) is not engine or not engine._started:
            shared = stock.__get__(engine, DuckDBEngine)
            if not engine._started:
                return shared
            own.of, own.connection = engine, shared.cursor()
            own.connection.execute("SET TimeZone = 'UTC'")
        return own.connection

    return property(connection)


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    override(DuckDBEngine, "connection", _own_connection(DuckDBEngine.connection))
