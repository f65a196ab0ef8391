"""A migrator that is killed at each of its boundaries: run as `python -m tests.killed_migrator FOLDER FEATURES URL...`.

It applies the pending migrations of the small store with so many features to the first URL, unbroken. For every
boundary n that it came to, a child does the same at URL n + 1 and sends itself SIGKILL before that boundary, so that
nothing of Python's own clean-up runs; another child goes on to the end. It prints a JSON line a boundary.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from fqtool.commands.migrate.apply import apply_migrations
from fqtool.commands.migrate.executor import Executor
from fqtool.warehouse.target import open_target
from tests.machine import patient
from tests.stores import small_registry, workspace_in


def migrate(url: str, folder: Path, features: int, fatal: int | None = None) -> list[str]:
    """Apply, and die before boundary `fatal`; return the boundaries."""
    seen: list[str] = []

    def boundary(step: str) -> None:
        if len(seen) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(step)

    def unhurried(executor: Executor) -> None:
        executor.sleep = lambda _: None

    with open_target(url, timeout=patient(20.0)) as warehouse:
        workspace = workspace_in(folder, small_registry(features))
        apply_migrations(workspace, warehouse, tool="fqtool test", on_step=boundary, configure=unhurried)
    return seen


def in_child(work: Callable[[], object]) -> int:
    """Do it in a child process; return its exit code, negative for a signal."""
    return ending(beginning(work))


def beginning(work: Callable[[], object]) -> int:
    """Begin it in a child process; return the id of the process."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a child ends here, whatever happens
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def ending(child: int) -> int:
    """Wait for a child process; return its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, features: int, first: str, *places: str) -> None:
    """See the module."""
    # In this process, so that children are born with all that it has loaded; its connections are closed by then.
    boundaries = migrate(first, folder, features)
    for fatal, step in enumerate(boundaries):
        url = places[fatal]
        killed = in_child(lambda url=url, fatal=fatal: migrate(url, folder, features, fatal))  # type: ignore[misc]
        code = in_child(lambda url=url: migrate(url, folder, features))  # type: ignore[misc]
        sys.stdout.write(json.dumps({"step": step, "url": url, "killed": killed, "code": code}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
