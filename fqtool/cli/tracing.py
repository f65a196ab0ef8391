"""-v and --trace: log each request to the warehouse. Without them nothing is loaded."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from fqtool.cli.output import Run, current_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from fqtool.warehouse.protocol import Warehouse
    from fqtool.warehouse.tracing import Request


def listen(context: typer.Context, run: Run, verbose: int, trace: Path | None) -> None:
    """Add the listeners of a run.

    Args:
        context: the context of the command; the trace is closed when it ends.
        run: the current run.
        verbose: how often -v was given.
        trace: the file of --trace.

    Raises:
        UsageError: the trace cannot be written.
    """
    if verbose:
        run.listeners.append(_log(run, verbose))
    if trace is not None:
        run.listeners.append(_trace(context, run, trace))


def traced(warehouse: Warehouse) -> Warehouse:
    """Wrap the warehouse in one that reports its requests, where the run has listeners."""
    listeners = current_run().listeners
    if not listeners:
        return warehouse
    from fqtool.warehouse.tracing import TracedWarehouse

    def report(request: Request) -> None:
        for listener in listeners:
            listener(request)

    return TracedWarehouse(warehouse, report)


def _log(run: Run, verbose: int) -> Callable[[Request], None]:
    import logging

    from fqtool.output.trace import as_text

    class Stderr(logging.Handler):
        """Looks up stderr at each line, since a progress bar replaces it for a while."""

        def emit(self, record: logging.LogRecord) -> None:
            run.say(self.format(record))

    # fqtool's own logger and no other: the logs of an HTTP library may hold tokens.
    logger = logging.getLogger("fqtool.warehouse")
    handler = Stderr()
    handler.setFormatter(logging.Formatter("{asctime}.{msecs:03.0f} {message}", "%H:%M:%S", style="{"))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)

    def log(request: Request) -> None:
        logger.log(logging.DEBUG if request.kind == "http" else logging.INFO, "%s", as_text(request))

    return log


def _trace(context: typer.Context, run: Run, path: Path) -> Callable[[Request], None]:
    from threading import Lock

    from fqtool.errors import UsageError
    from fqtool.output.trace import as_json
    from fqtool.warehouse.files import require_output

    require_output(path, "--trace")
    try:
        stream: TextIO = path.open("a", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"The trace {path} cannot be written: {error.strerror}.", remedy="Name a file in a folder that exists."
        ) from None

    def close() -> None:
        with suppress(OSError):  # a failed write was reported when it happened
            stream.close()

    context.call_on_close(close)
    lock = Lock()

    def write(request: Request) -> None:
        with lock:
            if stream.closed:
                return
            try:
                stream.write(as_json(request, " ".join(run.words)) + "\n")
                stream.flush()
            except OSError as error:
                run.say(f"The trace {path} is incomplete: it cannot be written: {error.strerror}.")
                close()

    return write
