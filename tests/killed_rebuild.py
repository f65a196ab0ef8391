"""A rebuild that is killed at each of its boundaries: `python -m tests.killed_rebuild FOLDER PART URL...`.

It works as `tests.killed_migrator`: the first URL is rebuilt without a kill. For each boundary with PART in its name a
child does the same at the next URL and kills itself there, and another child goes on. Each URL has the table before the
rebuild, with rows.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from fqtool.commands.migrate.apply import apply_migrations
from fqtool.warehouse.target import open_target
from tests.killed_migrator import in_child
from tests.machine import patient
from tests.migrated_stores import unhurried
from tests.rebuilt_stores import BY_MONTH, CODES
from tests.stores import workspace_in


def rebuild(url: str, folder: Path, fatal: int | None = None) -> list[str]:
    """Apply the rebuild, and die before boundary `fatal`; return the boundaries."""
    seen: list[str] = []

    def boundary(step: str) -> None:
        if len(seen) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(step)

    with open_target(url, timeout=patient(20.0)) as warehouse:
        apply_migrations(
            workspace_in(folder, BY_MONTH), warehouse, tool="test", allow=CODES, on_step=boundary, configure=unhurried
        )
    return seen


def main(folder: Path, part: str, first: str, *places: str) -> None:
    """See the module."""
    boundaries = rebuild(first, folder)
    chosen = [(fatal, step) for fatal, step in enumerate(boundaries) if part in step]
    for (fatal, step), url in zip(chosen, places, strict=False):
        killed = in_child(lambda url=url, fatal=fatal: rebuild(url, folder, fatal))  # type: ignore[misc]
        code = in_child(lambda url=url: rebuild(url, folder))  # type: ignore[misc]
        sys.stdout.write(json.dumps({"step": step, "url": url, "killed": killed, "code": code}) + "\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps({"boundaries": len(chosen)}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
