"""A migrator that kills itself: run as `python -m tests.crashing URL FOLDER STEP`.

It applies pending migrations of the small store and sends itself SIGKILL before boundary STEP (counted from 0), so
that nothing of Python's own clean-up runs. It prints every boundary it comes to.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from fqtool.verbs.executor import Executor
from fqtool.verbs.migrate_apply import apply_migrations
from fqtool.warehouse.target import open_target
from tests.stores import small_registry, workspace_in


def main(url: str, folder: str, fatal: int) -> None:
    """Apply until the fatal boundary."""
    seen = 0

    def boundary(step: str) -> None:
        nonlocal seen
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()
        if seen == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    def unhurried(executor: Executor) -> None:
        executor.sleep = lambda _: None

    with open_target(url, timeout=20.0) as warehouse:
        workspace = workspace_in(Path(folder), small_registry())
        apply_migrations(workspace, warehouse, tool="fqtool test", on_step=boundary, configure=unhurried)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
