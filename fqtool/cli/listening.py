"""-v and --trace: who hears of the requests to the warehouse. Without them nobody does, and nothing is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fqtool.warehouse.protocol import Warehouse
    from fqtool.warehouse.told import Request

    Hearing = Callable[[Request], None]

# Whoever hears of each request of this command; a new command begins with nobody.
_HEARING: list[Hearing] = []
_WORDS: list[str] = []


def listen(context: typer.Context, verbose: int, trace: Path | None) -> None:
    """Set up who hears. Raises UsageError where the trace cannot be written, before anything is asked."""
    _HEARING.clear()
    _WORDS[:] = [context.invoked_subcommand or ""]
    if verbose:
        _HEARING.append(_log(verbose))
    if trace is not None:
        _HEARING.append(_trace(context, trace))


def below(command: str) -> None:
    """Note that a group's command runs: `plan` below `migrate`."""
    _WORDS.append(command)


def heard(warehouse: Warehouse) -> Warehouse:
    """Return the warehouse, inside one that tells its requests where somebody hears."""
    if not _HEARING:
        return warehouse
    from fqtool.warehouse.told import ToldWarehouse

    def tell(request: Request) -> None:
        for hearing in _HEARING:
            hearing(request)

    return ToldWarehouse(warehouse, tell)


def _log(verbose: int) -> Hearing:
    import logging

    from fqtool.cli.saying import say
    from fqtool.report.trace import as_text

    class Stderr(logging.Handler):
        """Asks for stderr at each line, since a progress bar takes its place for a while."""

        def emit(self, record: logging.LogRecord) -> None:
            say(self.format(record))

    # fqtool's own logger and no other: the logs of an HTTP library may hold tokens.
    logger = logging.getLogger("fqtool.warehouse")
    handler = Stderr()
    handler.setFormatter(logging.Formatter("{asctime}.{msecs:03.0f} {message}", "%H:%M:%S", style="{"))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)

    def hear(request: Request) -> None:
        logger.log(logging.DEBUG if request.kind == "http" else logging.INFO, "%s", as_text(request))

    return hear


def _trace(context: typer.Context, path: Path) -> Hearing:
    from threading import Lock

    from fqtool.cli.saying import say
    from fqtool.errors import UsageError
    from fqtool.report.trace import as_json

    try:
        stream: TextIO = path.open("a", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"The trace {path} cannot be written: {error.strerror}.", remedy="Name a file in a folder that is there."
        ) from None
    context.call_on_close(lambda: _close(stream))
    lock = Lock()

    def hear(request: Request) -> None:
        with lock:
            if stream.closed:
                return
            try:
                stream.write(as_json(request, " ".join(_WORDS)) + "\n")
                stream.flush()
            except OSError as error:
                say(f"The trace {path} ends here, it cannot be written: {error.strerror}.")
                _close(stream)

    return hear


def _close(stream: TextIO) -> None:
    """Close without a word: what could not be written was told when it was tried."""
    from contextlib import suppress

    with suppress(OSError):
        stream.close()
