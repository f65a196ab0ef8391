"""A connection whose statements end at Ctrl-C.

DuckDB looks for Ctrl-C only while its first thread works; where another thread has the work, Ctrl-C is seen after the
statement. So the statement runs in a thread of its own, and the main thread of Python waits, which Ctrl-C ends.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import duckdb


class Interruptible:
    """A connection of DuckDB. Everything but `execute` is passed to it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Wrap an open connection.

        Args:
            connection: The connection. Only this object may run statements in it.
        """
        self._connection = connection
        self._thread = ThreadPoolExecutor(1)

    def execute(self, *given: Any) -> duckdb.DuckDBPyConnection:
        """Run a statement, as `DuckDBPyConnection.execute` does.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; the statement has ended and changed nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            return self._connection.execute(*given)
        running = self._thread.submit(self._connection.execute, *given)
        try:
            running.result()
        except KeyboardInterrupt:
            self._connection.interrupt()
            wait([running])
            raise
        return self._connection

    def close(self) -> None:
        """Close the connection and end its thread."""
        self._connection.close()
        self._thread.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
