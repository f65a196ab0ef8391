"""Progress, outcomes and errors on stderr, and the options of the current run."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fqtool.output.outcome import Outcome
    from fqtool.warehouse.protocol import Waiting
    from fqtool.warehouse.tracing import Request


@dataclass(slots=True)
class Run:
    """One run of fqtool.

    Attributes:
        quiet: whether --quiet was given.
        words: the words of the command.
        options: the options to repeat in remedies.
        listeners: called with each request to the warehouse.
        job_timeout: seconds to wait for a job; None is the warehouse's default.
        waits: the jobs that are waited for, per warehouse.
        today: the UTC day on which the run began; all relative dates of a run count from it.
        target: the URL of the target; "" before it is known.
        dataset: the dataset of the target on BigQuery, `project:dataset`, which remedies name; "" without one.
        store: the store of fqtool.yaml that is served; "" without one.
        of_store: the values of its options, which remedies do not repeat beside `--store`.
        outcomes: collects what a command reports instead of printing it; None prints.
    """

    quiet: bool = False
    words: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    listeners: list[Callable[[Request], None]] = field(default_factory=list)
    job_timeout: float | None = None
    waits: list[Waiting] = field(default_factory=list)
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    target: str = ""
    dataset: str = ""
    store: str = ""
    of_store: frozenset[str] = frozenset()
    outcomes: list[Outcome] | None = None

    def say(self, line: str) -> None:
        """Print a line of progress or outcome to stderr; with --quiet nothing is printed."""
        if not self.quiet:
            complain(line)


_RUN: ContextVar[Run] = ContextVar("run")


def start_run(run: Run) -> None:
    """Make this the current run. Each command starts one."""
    _RUN.set(run)


def current_run() -> Run:
    """Return the run of the command; outside of a command, a new one."""
    try:
        return _RUN.get()
    except LookupError:
        _RUN.set(run := Run())
        return run


def is_quiet() -> bool:
    """Return whether --quiet was given."""
    return current_run().quiet


def say(line: str) -> None:
    """Print a line of progress or outcome to stderr, after what is on stdout."""
    current_run().say(line)


def complain(line: str) -> None:
    """Print a line to stderr, also with --quiet."""
    from fqtool.output.sentences import fitted

    sys.stdout.flush()
    print(fitted(line, sys.stderr), file=sys.stderr, flush=True)
