"""Which hazards the statements of pending files have, and the command that allows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fqtool.commands.migrate.rules import judge
from fqtool.findings.finding import Finding, Severity
from fqtool.migrations.files import MigrationFile
from fqtool.migrations.ledger import Revision
from fqtool.table.changes import Change, fold, steps
from fqtool.table.model import State


def hazards_of(
    files: Iterable[MigrationFile],
    pending: Iterable[MigrationFile],
    runs: Mapping[str, frozenset[Change]] | None = None,
) -> tuple[Finding, ...]:
    """Return the findings that need a decision about statements; the headers of the files are not used.

    Args:
        files: all migration files, in order.
        pending: those of them whose statements are judged.
        runs: name of a file -> the changes of it that run on the target. None: all changes.
    """
    pending, findings, state = tuple(pending), list[Finding](), State()
    for file in files:
        for statement in file.statements:
            for step in steps(statement.changes):
                is_run = runs is None or not runs.get(file.name, frozenset()).isdisjoint(step)
                if file in pending and not statement.adopted and is_run:
                    findings += _judged(state, step)
                state = fold(state, step)
    return tuple(one for one in dict.fromkeys(findings) if one.severity is not Severity.NOTE)


def migrate_allowing(codes: Iterable[str]) -> str:
    """Return the command `migrate` that allows hazards, without the word fqtool.

    Args:
        codes: the codes of the hazards.
    """
    return " ".join(["migrate", *(f"--allow {code}" for code in sorted(set(codes)))])


def to_apply(files: tuple[MigrationFile, ...], pending: Iterable[MigrationFile]) -> str:
    """Return the command `migrate` that applies pending files, their hazards allowed.

    Args:
        files: all migration files, in order.
        pending: those that are not applied.
    """
    return migrate_allowing(finding.rule for finding in hazards_of(files, pending))


def incomplete(files: Iterable[MigrationFile], known: Iterable[Revision]) -> tuple[MigrationFile, ...]:
    """Return the files with statements that a target has not run.

    Args:
        files: migration files.
        known: the revisions of the target's ledger.
    """
    complete = {revision.version for revision in known if revision.complete}
    return tuple(file for file in files if file.statements and file.version not in complete)


def _judged(before: State, step: tuple[Change, ...]) -> Iterator[Finding]:
    """Judge a change, or added columns, of which only the last one is judged with the others in the table."""
    *others, last = step
    yield from (finding for change in others for finding in judge(before, change))
    yield from judge(fold(before, others), last)
