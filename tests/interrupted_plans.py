"""A plan that is stopped at each of its file operations: run as `python -m tests.interrupted_plans FOLDER`.

For every case of `CASES`, every operation n on a file that its plan comes to, and every fault, a child plans in a
folder of its own and meets the fault before operation n: SIGKILL, so that nothing of Python's own clean-up runs, or a
full disk. Then one child migrates and verifies in a copy of what is left, and another repeats the plan in what is
left. A JSON line for each describes the contents of the two folders.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

from fqtool.commands.migrate.apply import apply_migrations, verify_migrations
from fqtool.errors import WorldError
from fqtool.warehouse.target import open_target
from tests.killed_migrator import in_child
from tests.stores import planned_in, small_registry, workspace_in

FULL = 42
# name -> the numbers of features that were planned before, and how the plan that is stopped is made.
CASES: dict[str, tuple[tuple[int, ...], bool]] = {"first": ((), False), "redo": ((2, 3), True)}
_GROWING = ("open", "os.mkdir", "os.rename")  # what a full disk refuses
_WRITING = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate"}


def at_operation(folder: Path, fatal: int | None, fault: str, seen: list[str]) -> None:
    """From now on count the operations that change a file of the folder, and fail before number `fatal`."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        # Where fqtool works relative to an open folder, as rmtree does, there is only the last part of the path.
        writes = event in _WRITING or (event == "open" and isinstance(arguments[2], int) and arguments[2] & 3)
        if not writes or (Path(str(arguments[0])).is_absolute() and folder not in Path(str(arguments[0])).parents):
            return
        seen.append(f"{event} {arguments[0]}")
        if len(seen) - 1 == fatal and fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fatal is not None and len(seen) - 1 >= fatal and event in _GROWING:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))

    sys.addaudithook(hook)


def plan(folder: Path, case: str) -> None:
    """Make the plan of a case."""
    before, redo = CASES[case]
    planned_in(folder, small_registry(len(before) + 2), redo=redo)


def prepared(folder: Path, case: str) -> Path:
    """A folder as the plan of a case finds it."""
    for features in CASES[case][0]:
        planned_in(folder, small_registry(features))
    return folder


def _stopped(folder: Path, case: str, fatal: int, fault: str) -> None:
    at_operation(folder, fatal, fault, [])
    try:
        plan(folder, case)
    except WorldError as error:
        if "No space left on device" in error.message:
            os._exit(FULL)
        raise


def _migrated_and_verified(folder: Path, case: str) -> None:
    registry = small_registry(len(CASES[case][0]) + 2)
    if not workspace_in(folder, registry).files:
        return  # nothing was planned yet
    with open_target("duckdb:///:memory:") as warehouse:
        apply_migrations(workspace_in(folder, registry), warehouse, tool="test")
    with open_target("duckdb:///:memory:") as scratch:
        findings = verify_migrations(workspace_in(folder, registry), scratch, "test")
    # The plan may not have come to its commit, and the registry is ahead then.
    assert {finding.rule for finding in findings} <= {"FQ404"}, findings


def _counted(folder: Path, case: str, counted: Path) -> None:
    seen: list[str] = []
    at_operation(folder, None, "", seen)
    plan(folder, case)
    counted.write_text(json.dumps(seen))


def contents(folder: Path) -> dict[str, str]:
    """Everything that is in the folder, in its subfolders too."""
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else "" for path in folder.rglob("*")}


def main(root: Path) -> None:
    """See the module."""
    for case in CASES:
        before, whole = prepared(root / case / "before", case), prepared(root / case / "whole", case)
        before.mkdir(parents=True, exist_ok=True)
        in_child(partial(_counted, whole, case, root / "seen"))
        _print(case=case, whole=contents(whole), before=contents(before))
        for fatal, step in enumerate(json.loads((root / "seen").read_text())):
            for fault in ("kill", "full") if step.startswith(_GROWING) else ("kill",):
                folder, read = root / case / f"{fault}{fatal}" / "migrations", root / case / f"{fault}{fatal}" / "read"
                shutil.copytree(before, folder)
                codes = [in_child(partial(_stopped, folder, case, fatal, fault))]
                shutil.copytree(folder, read)
                codes += [in_child(partial(_migrated_and_verified, read, case)), in_child(partial(plan, folder, case))]
                _print(case=case, step=step, fault=fault, codes=codes, read=contents(read), again=contents(folder))


def _print(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
