"""How a command ends: its exit code, and what is printed for an error, an interrupt or a closed pipe."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from fqtool.cli.interrupt import SENTENCE, name_unfinished
from fqtool.cli.options import INTERRUPTED, with_options, with_options_in
from fqtool.cli.output import complain, current_run
from fqtool.cli.usage import usage_error

if TYPE_CHECKING:
    import typer

READER_GONE = 141


def run_app(app: typer.Typer) -> None:
    """Run the app. Every error is printed as a sentence and gives an exit code, never a traceback."""
    # Both may be closed in a cron job, where no one reads them.
    sys.stdout = sys.stdout or _devnull()
    sys.stderr = sys.stderr or _devnull()
    try:
        try:
            # Only errors about the words of the command are raised by this mode; other endings are codes.
            sys.exit(app(standalone_mode=False) or 0)
        finally:
            sys.stdout.flush()  # short output is written only now, and its reader may have ended
    except SystemExit as ending:
        # typer turns Ctrl-C into this code without a message, and a closed pipe into 1.
        if isinstance(ending.__context__, BrokenPipeError):
            _end_unread()
        if ending.code == INTERRUPTED:
            for job in [job for waiting in current_run().waits for job in tuple(waiting.unfinished.values())]:
                name_unfinished(job())
            complain(f"\n{SENTENCE}")
        raise
    except BrokenPipeError:
        _end_unread()
    except MemoryError:  # nothing is imported here, because that needs memory too
        sys.stderr.write("error: The process has too little memory.\n    fix: Free memory, or raise `ulimit -v`.\n")
        sys.exit(3)
    except Exception as raised:
        from fqtool.errors import FqtoolError

        if type(raised).__name__ == "NoArgsIsHelpError":  # its help is printed
            sys.exit(2)
        error = usage_error(raised) or raised
        code = error.exit_code if isinstance(error, FqtoolError) else 3
        if os.environ.get("FQTOOL_DEBUG") and not isinstance(error, FqtoolError):
            raise
        _drop_unwritten()
        with suppress(OSError):  # a stderr that cannot be written does not change the exit code
            print_error(error)
        sys.exit(code)


def _end_unread() -> NoReturn:
    """Exit as programs do when the reader of their output has ended."""
    _drop_unwritten()
    sys.exit(READER_GONE)


def _drop_unwritten() -> None:
    """Let Python's last flush succeed: where it fails, Python replaces the exit code by 120."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _devnull() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def print_error(error: Exception) -> None:
    """Print an error to stderr, with the options of this run in its remedies."""
    from fqtool.errors import FqtoolError, remedy_of

    if isinstance(error, FqtoolError):
        from fqtool.output import text

        error.remedy = with_options(error.remedy)
        error.findings = with_options_in(error.findings)
        text.print_error(error, sys.stderr)
    elif isinstance(error, OSError) and error.strerror:
        # A folder without read permission has a file name; stdout does not.
        complain(f"error: {error.filename or 'The output cannot be written'}: {error.strerror}.")
        if remedy := remedy_of(error):
            complain(f"    fix: {remedy}")
    else:
        complain(f"error: Internal error (please report): {type(error).__name__}: {' '.join(str(error).split())[:500]}")
        complain("  FQTOOL_DEBUG=1 prints the traceback to report.")
