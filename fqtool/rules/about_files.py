"""What may be wrong between migration files, their checksums, the ledger and the registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.finding import Finding, Location, rule, rules_of
from fqtool.migrations.contract import Position, breaks
from fqtool.migrations.files import CHECKSUMS, MigrationFile, after, edited, recorded_state
from fqtool.migrations.ledger import Revision
from fqtool.registry.model import Feature
from fqtool.table.changes import fold
from fqtool.table.diff import diff
from fqtool.table.model import State, fingerprint


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is known of past and pending migrations, and what the registry wants now.

    `checksums` is the text of the checksum file, None where there is none; `revisions` is None where the ledger was
    not read; `wanted` is what a plan may reach (settled), None where only the files matter.
    """

    folder: str
    files: tuple[MigrationFile, ...]
    checksums: str | None = None
    revisions: tuple[Revision, ...] | None = None
    wanted: State | None = None
    contract: tuple[Position, ...] = ()
    features: tuple[Feature, ...] = ()


def check_history(history: History) -> tuple[Finding, ...]:
    """Return every finding about files and ledger. Raises MigrationError where the files do not fold."""
    return tuple(found for one in rules_of(__name__) for found in one.check(history))


def _path(history: History, name: str) -> str:
    return f"{history.folder}/{name}"


@rule("FQ401")
def edited_migration(history: History) -> Iterator[Finding]:
    """A migration file is not what was written.

    Problem: the file's SHA-256 is not the one in checksums.txt, or a file came or went.

    Why: a file that has run somewhere must stay as it ran; otherwise two targets with one history differ.

    Example: someone added a column to 0001 by hand instead of planning 0002.

    Fix: restore the folder from version control, change the registry, and plan a new migration. A file that has run
    nowhere is written anew by `fqtool migrate plan --redo`.
    """
    if not history.files and history.checksums is None:
        return
    for sentence in edited(history.files, history.checksums or ""):
        yield Finding(
            sentence.split(" ", 1)[0],
            f"{sentence}.",
            cause="edited history",
            remedy="git checkout -- migrations, or, if it ran nowhere yet: fqtool migrate plan --redo",
            location=Location(_path(history, CHECKSUMS)),
        )


@rule("FQ402")
def applied_file_changed(history: History) -> Iterator[Finding]:
    """An applied migration is another one now.

    Problem: the ledger holds another hash for this version than the file has.

    Why: what ran on this target is not what the file says ran.

    Example: 0001 was rewritten after production had it; or rows of the ledger were edited.

    Fix: restore the file that ran (its hash is in the ledger). If the ledger was edited, restore its table with
    FOR SYSTEM_TIME AS OF.
    """
    files = {file.version: file for file in history.files}
    for revision in history.revisions or ():
        file = files.get(revision.version)
        if file is None or revision.adopted:
            continue
        same = file.hash == revision.hash and revision.partial_hashes == file.partial_hashes[: revision.applied]
        if not same:
            yield Finding(
                file.name,
                f"The ledger says that another {file.name} ran here: "
                f"sha256 {revision.hash[:12]}, the file has {file.hash[:12]}.",
                cause="the file or the ledger was edited",
                remedy="Restore the file that ran from version control.",
                location=Location(_path(history, file.name)),
            )


@rule("FQ403")
def applied_file_missing(history: History) -> Iterator[Finding]:
    """The ledger knows a migration that the folder has not.

    Problem: a version was applied to this target and its file is absent.

    Why: the checkout is older than the target, or a file was deleted.

    Example: a release was rolled back without its migration.

    Fix: check out the commit that has the file.
    """
    versions = {file.version for file in history.files}
    for revision in history.revisions or ():
        if revision.version not in versions:
            yield Finding(
                revision.version,
                f"Migration {revision.version} was applied here and its file is not in {history.folder}.",
                cause="this checkout is older than the target, or the file was deleted",
                remedy="git pull, or restore the file.",
            )


@rule("FQ404")
def registry_ahead_of_files(history: History) -> Iterator[Finding]:
    """The registry wants what no migration makes.

    Problem: all files together do not make the table that the registry describes.

    Why: the registry was edited and no migration planned.

    Example: a 38th feature was added; its two columns stand in no file.

    Fix: `fqtool migrate plan`.
    """
    made = recorded_state(history.files)
    if history.wanted is None or (made.table is None and not history.files):
        return
    missing = diff(made, history.wanted)
    if missing:
        words = f"{len(missing)} change{'s' if len(missing) > 1 else ''}"
        yield Finding(
            "registry",
            f"The registry wants {words} that no migration file makes.",
            cause="registry ahead of files",
            remedy="fqtool migrate plan",
        )


@rule("FQ405")
def broken_chain(history: History) -> Iterator[Finding]:
    """A migration was planned for another state than the files before it make.

    Problem: its made-for fingerprint is not that of the state it will meet.

    Why: two branches each planned a migration with the same number, or files were reordered.

    Example: 0002 was planned before a colleague's 0002 was merged, then renumbered.

    Fix: plan it anew on top of the merged files: `fqtool migrate plan --redo`.
    """
    state = State()
    for file in history.files:
        made_for = _after_adopted(state, file)
        if file.made_for and file.made_for != fingerprint(made_for.table):
            yield Finding(
                file.name,
                f"{file.name} was planned for a table with fingerprint {file.made_for}; "
                f"the files before it make {fingerprint(made_for.table)}.",
                cause="planned on another branch, or reordered",
                remedy="fqtool migrate plan --redo",
                location=Location(_path(history, file.name)),
            )
        state = after(state, file)


def _after_adopted(state: State, file: MigrationFile) -> State:
    return fold(state, (change for one in file.statements if one.adopted for change in one.changes))


@rule("FQ406")
def contract_broken(history: History) -> Iterator[Finding]:
    """The registry breaks the feature contract.

    Problem: an index of the vector holds another feature than recorded, or lost it.

    Why: models read the vector by position; with moved positions they predict from the wrong numbers, silently.

    Example: a feature was inserted in the middle and the rest renumbered.

    Fix: append new features, mark removed ones `retired: true`, and name renamed ones with `renamed_from`.
    """
    for one in breaks(history.contract, history.features) if history.features else ():
        yield Finding(one.subject, one.message, cause="feature contract broken", remedy=one.remedy)
