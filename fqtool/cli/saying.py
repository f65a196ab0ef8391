"""What a command says beside its output: lines on stderr, which --quiet leaves out."""

from __future__ import annotations

import sys

# Whether only findings and errors are wanted.
_QUIET: list[bool] = [False]


def hush(quiet: bool) -> None:
    """Leave out progress, outcomes and good news from now on, or no longer."""
    _QUIET[0] = quiet


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return _QUIET[0]


def say(line: str) -> None:
    """Print a line of progress or outcome to stderr, so that stdout holds what was asked for, and comes first."""
    if not is_quiet():
        complain(line)


def complain(line: str) -> None:
    """Print a line to stderr that --quiet does not leave out."""
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)
