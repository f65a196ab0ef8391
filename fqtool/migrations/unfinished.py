"""The rule about a migration that has begun and has not ended."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.findings.finding import Finding, Group, Location, rule
from fqtool.findings.remedy import commands
from fqtool.migrations.history import History


@rule("FQ410", group=Group.HISTORY)
def unfinished_migration(history: History) -> Iterator[Finding]:
    """A migration has begun and has not ended.

    Problem: The table is between two states: some statements of the file are applied, others are not.

    Why: A statement failed, or the run was stopped. Or a table has the name that a rebuild gives to the old table, so
    that `fqtool migrate` refuses to swap.

    Example: Statement 2 of 3 failed because a quota was exceeded, and the job in CI ended.

    Fix: Remove the cause of the error, then run `fqtool migrate`: it continues with the statement that failed.
    """
    if history.blocked:
        yield history.blocked
        return
    if history.swapping or history.copied:
        return
    files = {file.version: file for file in history.files}
    for revision in history.stopped:
        file = files.get(revision.version)
        if file is None or revision.differs_from(file):
            continue
        failed = f"A statement of `{file.name}` failed: {revision.error.removesuffix('.')}. " if revision.error else ""
        verb = "is" if revision.applied == 1 else "are"
        yield Finding(
            file.name,
            f"{failed}{revision.applied} of {revision.total} statements of `{file.name}` {verb} applied.",
            cause="" if failed else "a run was stopped, or is running now",
            remedy=commands(history.apply, first="Remove the cause of the error. Then:" if failed else ""),
            location=Location(f"{history.folder}/{file.name}"),
        )
