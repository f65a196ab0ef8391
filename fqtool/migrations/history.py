"""Rules about migration files, their checksums, the ledger and the registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from shlex import quote
from typing import assert_never

from fqtool.errors import Denied
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.findings.listing import listed
from fqtool.findings.remedy import Commands, Remedy, commands
from fqtool.migrations.checksums import CHECKSUMS, Kind, Mismatch
from fqtool.migrations.contract import Position, breaks
from fqtool.migrations.files import MigrationFile, after, recorded_state
from fqtool.migrations.ledger import LEDGER, Revision
from fqtool.migrations.swap import Rebuild
from fqtool.registry.model import Feature
from fqtool.table.change import NoSqlChange
from fqtool.table.changes import fold
from fqtool.table.diff import diff
from fqtool.table.model import State, fingerprint

RECREATE = "FQ408"
"""With `--allow FQ408`, migrate creates an absent table again, empty."""
_RESTORE = "Restore the table to keep its rows. If they are not needed, create it again, empty:"


@dataclass(frozen=True, slots=True)
class History:
    """Applied and pending migrations, and the state that the registry describes.

    Attributes:
        folder: the folder of migrations.
        files: the migrations in version order.
        mismatches: the differences between folder and checksums.
        revisions: the migrations in the ledger; None where the ledger was not read.
        desired: the state that a plan would reach; None where only the files are checked.
        contract: the recorded positions of features.
        features: the features of the registry.
        denied: why the warehouse refused to read the ledger.
        contract_is_proven: whether the registry has the contract that the checksums cover.
        gone: what is in the ledger and missing from the target, see `gone_from`.
        swapping: the rebuild whose swap began and has not ended, so that no table has the name.
        copied: the rebuild whose new table is there and whose table is absent.
        url: the URL of the target.
        unrecorded: the base columns of the registry that no file has.
        stopped: the migrations of the ledger that a run began and did not end, without those that wait for a swap.
        blocked: a table with a name that a pending rebuild gives, so that `migrate` refuses it; None without one.
        apply: the command that applies the pending migrations, without the word fqtool.
    """

    folder: str
    files: tuple[MigrationFile, ...]
    mismatches: tuple[Mismatch, ...] = ()
    revisions: tuple[Revision, ...] | None = None
    desired: State | None = None
    contract: tuple[Position, ...] = ()
    features: tuple[Feature, ...] = ()
    denied: Denied | None = None
    contract_is_proven: bool = False
    gone: tuple[str, ...] = ()
    swapping: Rebuild | None = None
    copied: Rebuild | None = None
    url: str = ""
    unrecorded: tuple[str, ...] = ()
    stopped: tuple[Revision, ...] = ()
    blocked: Finding | None = None
    apply: str = "migrate"


def check_history(history: History) -> tuple[Finding, ...]:
    """Return every finding about files and ledger.

    Raises:
        MigrationError: a file does not fit the state that earlier files create.
    """
    findings = tuple(finding for rule in rules_of(Group.HISTORY) for finding in rule.check(history))
    # Files that were edited or are missing are the cause of what the rest of the files lack.
    if any(finding.rule in ("FQ401", "FQ403") for finding in findings):
        return tuple(finding for finding in findings if finding.rule != "FQ404")
    absent = next((one for one in findings if one.rule == RECREATE), None)
    if absent and (history.swapping or history.copied or history.gone[0].startswith("the table ")):
        # A plan starts from the table.
        first = f"First follow the fix of `{absent.subject}`."
        return tuple(replace(one, remedy=first) if one.rule == "FQ404" else one for one in findings)
    return findings


def _of_another_store(revision: Revision) -> str:
    """Return one more cause for a migration of version 0.1: its ledger did not name the table."""
    if revision.table:
        return ""
    return "; or version 0.1 applied it for another store of this dataset: run `fqtool migrate` for that store first"


def _path(history: History, name: str) -> str:
    return f"{history.folder}/{name}"


@rule("FQ401", group=Group.HISTORY)
def edited_migration(history: History) -> Iterator[Finding]:
    """A migration file was edited after it was written.

    Problem: The SHA-256 of a migration or of feature_contract.json differs from checksums.txt. Or one of these files is
    missing, was added manually, or has a merge conflict.

    Why: A file that ran on a target must not change; otherwise two targets with one history differ. Later plans compare
    the order of the features with the contract.

    Example: A column was added to 0001 manually instead of planning 0002.

    Fix: Restore the file from version control, change the registry, and plan a new migration. `fqtool migrate plan
    --redo` plans the files again that ran on no target; it keeps files that fqtool did not write. `fqtool migrate plan`
    writes a missing contract again while the registry has the recorded features in the recorded order.
    """
    ran = tuple(f"{revision.version}_" for revision in history.revisions or () if revision.begun)
    for mismatch in history.mismatches:
        yield Finding(
            mismatch.name,
            f"{mismatch.message}.",
            cause=_why(mismatch),
            remedy=restoration(
                mismatch, history.folder, proven=history.contract_is_proven, ran=mismatch.name.startswith(ran)
            ),
            location=Location(_path(history, mismatch.name if mismatch.line else CHECKSUMS), mismatch.line),
        )


def _why(mismatch: Mismatch) -> str:
    if mismatch.line:
        return "merge conflict"
    return "deleted, or not committed" if mismatch.gone else "edited after it was written"


def restoration(mismatch: Mismatch, folder: str, *, proven: bool, ran: bool = False) -> Remedy:
    """Return the remedy of a difference between a folder and its checksums.

    Args:
        mismatch: the difference.
        folder: the folder of migrations.
        proven: whether the registry has the recorded contract, so that a plan can write it again.
        ran: whether the target ran the file, so that it cannot be planned again.
    """
    path = f"{folder}/{mismatch.name}"
    restore = Commands((("git", "checkout", "--", path),))
    match mismatch.kind:
        case Kind.CONTRACT if proven:
            return commands("migrate plan")
        case Kind.CONTRACT if mismatch.line:
            first = f"Keep the branch whose migration ran: git checkout --ours -- {quote(path)}, or --theirs. Then:"
            return commands("migrate plan --redo", first=first)
        case Kind.NO_RECORD:
            return commands("migrate plan", first=f"{restore}, or, if it was never committed:")
        case Kind.NO_RECORDS:
            restore = Commands((("git", "checkout", "--", folder),))
            return commands("migrate plan --redo", first=f"{restore}, or, if it was never committed:")
        case Kind.FOREIGN:
            lines = (("mv", path, "."), ("fqtool", "migrate", "plan"))
            return Commands(lines, "Describe its change in the registry, then:")
        case Kind.UNLISTED | Kind.CONFLICT:
            return commands("migrate plan --redo")
        case Kind.CONTRACT | Kind.RECORD:
            return restore
        case Kind.EDITED | Kind.ABSENT if ran:
            return restore
        case Kind.EDITED | Kind.ABSENT:
            return commands("migrate plan --redo", first=f"{restore}, or, if it ran on no target:")
        case _ as other:
            assert_never(other)


@rule("FQ402", group=Group.HISTORY)
def applied_file_changed(history: History) -> Iterator[Finding]:
    """An applied migration file was changed.

    Problem: The ledger has another hash for this version than the file.

    Why: The target ran another text than the file now has.

    Example: 0001 was rewritten after it ran on production; rows of the ledger were edited; or a colleague's branch has
    another 0003, which ran here.

    Fix: Restore the file that ran (its hash is in the ledger), or merge the branch that has it. If the ledger was
    edited, restore its table with FOR SYSTEM_TIME AS OF. If rows of a migration were deleted, delete its other rows
    too: `migrate` then looks in the table for what ran.
    """
    files = {file.version: file for file in history.files}
    for revision in history.revisions or ():
        file = files.get(revision.version)
        if file is None or not revision.differs_from(file):
            continue
        if revision.file not in ("", file.name):
            yield Finding(
                file.name,
                f"`{revision.file}` ran here as migration {file.version}, not `{file.name}`.",
                cause="another branch has a file with this number, or the file was renamed and edited"
                + _of_another_store(revision),
                remedy=f"Merge the branch that has `{revision.file}`, or restore that file from version control.",
                location=Location(_path(history, file.name)),
            )
            continue
        if revision.hash == file.hash:
            table = f" AND table_name = '{revision.table}'" if revision.table else ""
            delete = f"DELETE FROM {LEDGER} WHERE version = '{file.version}'{table};"
            yield Finding(
                file.name,
                f"`{LEDGER}` lacks rows of `{file.name}`: the statements that it records are not the first ones.",
                cause="rows of the ledger were deleted or edited",
                remedy=commands("migrate", first=f"To have migrate look in the table for what ran: {delete} then:"),
                location=Location(_path(history, file.name)),
            )
            continue
        yield Finding(
            file.name,
            f"`{file.name}` differs from the file that ran here: "
            f"the ledger has sha256 {revision.hash[:12]}, the file {file.hash[:12]}.",
            cause="the file or the ledger was edited" + _of_another_store(revision),
            remedy="Restore the file that ran from version control, or merge the branch that has it.",
            location=Location(_path(history, file.name)),
        )


@rule("FQ403", group=Group.HISTORY)
def applied_file_missing(history: History) -> Iterator[Finding]:
    """The file of an applied migration is missing.

    Problem: A version was applied to this target, and its file is not in the folder.

    Why: The checkout is older than the target, or a file was deleted.

    Example: A release was rolled back without its migration.

    Fix: Check out the commit that has the file.
    """
    versions = {file.version for file in history.files}
    for revision in history.revisions or ():
        if revision.version not in versions:
            yield Finding(
                revision.version,
                f"Migration {revision.version} was applied here, but its file is not in `{history.folder}`.",
                cause="this checkout is older than the target, or the file was deleted" + _of_another_store(revision),
                remedy="Run `git pull`, or restore the file from version control.",
            )


@rule("FQ404", group=Group.HISTORY)
def change_not_planned(history: History) -> Iterator[Finding]:
    """The registry has changes that are in no migration.

    Problem: All migration files together do not create the table that the registry describes.

    Why: The registry was edited, and no migration was planned.

    Example: A 38th feature was added; its two columns are in no file. Or a base column was declared later.

    Fix: `fqtool migrate plan`. With `--include-base` it plans a base column too: a target that has the column records
    it as found, another gets it.
    """
    recorded = recorded_state(history.files)
    if history.desired is None or (recorded.table is None and not history.files):
        return
    # SQL cannot change a layout or a policy tag, so a plan cannot either; check-drift compares them with the table.
    missing = [change for change in diff(recorded, history.desired) if not isinstance(change, NoSqlChange)]
    if missing:
        changes = f"{len(missing)} change{'s' if len(missing) > 1 else ''}"
        yield Finding(
            "registry",
            f"The registry has {changes} that {'are' if len(missing) > 1 else 'is'} in no migration file.",
            cause="in the registry, but in no migration",
            remedy=commands("migrate plan"),
        )
    if names := history.unrecorded:
        several, them = len(names) > 1, listed([f"`{name}`" for name in names])
        yield Finding(
            names[0],
            f"The base column{'s' * several} {them} {'are' if several else 'is'} in no migration file.",
            cause="a new target would not get it",
            remedy=commands("migrate plan --include-base"),
        )


@rule("FQ405", group=Group.HISTORY)
def broken_chain(history: History) -> Iterator[Finding]:
    """A migration was planned for another table than the earlier files create.

    Problem: Its made-for fingerprint differs from the fingerprint of the table after the earlier files.

    Why: Two branches each planned a migration with the same number, or files were reordered.

    Example: 0002 was planned before a colleague's 0002 was merged, then renumbered.

    Fix: Plan it again on top of the merged files: `fqtool migrate plan --redo`.
    """
    state = State()
    for file in history.files:
        adopted = fold(state, (change for s in file.statements if s.adopted for change in s.changes))
        made_for = fingerprint(adopted.table)
        if file.made_for and file.made_for != made_for:
            yield Finding(
                file.name,
                f"`{file.name}` was planned for the table with fingerprint {file.made_for}; "
                f"earlier files create {made_for}.",
                cause="planned on another branch, or reordered",
                remedy=commands("migrate plan --redo"),
                location=Location(_path(history, file.name)),
            )
        state = after(state, file)


@rule("FQ406", group=Group.HISTORY)
def contract_broken(history: History) -> Iterator[Finding]:
    """The registry breaks the feature contract.

    Problem: An index of the vector has another feature than recorded, or none.

    Why: Models read the vector by position; with moved positions they predict from the wrong numbers without an error.

    Example: A feature was inserted in the middle and the rest renumbered.

    Fix: Append new features, mark removed ones `retired: true`, and name renamed ones with `renamed_from`.
    """
    for broken in breaks(history.contract, history.features) if history.features else ():
        yield Finding(broken.subject, broken.message, cause="feature contract broken", remedy=broken.remedy)


@rule("FQ409", Severity.WARNING, group=Group.HISTORY)
def ledger_not_read(history: History) -> Iterator[Finding]:
    """The migration ledger was not read.

    Problem: It is unknown whether every migration ran on this target.

    Why: The caller has no permission to read the ledger, or its credentials expired. The comparison of the table with
    the registry does not need the ledger; the causes of drift do.

    Example: A CI account has BigQuery Metadata Viewer on the dataset, and nothing on `_fqtool_ledger`.

    Fix: Grant BigQuery Data Viewer on the table `_fqtool_ledger`, or run `fqtool check-drift --no-ledger`.
    """
    if history.denied is not None:
        yield Finding(
            LEDGER,
            f"`{LEDGER}` was not read, so it is unknown which migrations ran: {history.denied.message}",
            cause="missing permission",
            remedy=commands("check-drift --no-ledger", first=f"{history.denied.remedy} Or compare without the ledger:"),
        )


@rule("FQ408", group=Group.HISTORY)
def table_behind_the_ledger(history: History) -> Iterator[Finding]:
    """A table, column or view that a migration created is missing.

    Problem: The ledger records that a migration ran, and the target does not have what it created. Readers and writers
    of it fail.

    Why: The table was dropped, restored from an earlier time, or copied without its views. Or a column or view was
    dropped manually, or the ledger was copied without the table. Or the swap of a rebuild began and has not ended.

    Example: feature_store was dropped in the console; `_fqtool_ledger` still has 0000 and 0001 as applied.

    Fix: Plan and apply a migration that adds columns and views again. Restore an absent table first, which keeps its
    rows: `bq cp 'DATASET.TABLE@MILLISECONDS' DATASET.TABLE` within the time-travel window, 2 to 7 days. If its rows are
    not needed, `fqtool migrate --allow FQ408` creates it again, empty. `fqtool migrate` ends a swap.
    """
    if swap := history.swapping:
        yield Finding(
            swap.source,
            f"No table of {history.url} has the name {swap.source}, because the swap of `{swap.file.name}` has not "
            f"ended. All rows are in `{swap.old}`, and their copy is in `{swap.new.name}`.",
            cause="a run of `migrate` was stopped between two statements",
            remedy=commands("migrate"),
        )
    if not history.gone:
        return
    if copied := history.copied:
        yield Finding(
            copied.source,
            f"{history.url} does not have the table {copied.source}. `{copied.new.name}` has the rows that "
            f"`{copied.file.name}` copied from it.",
            cause="the table was dropped or renamed during a rebuild",
            remedy=commands(
                "migrate",
                first="Restore the table, or use the copy: "
                f"ALTER TABLE {copied.new.name} RENAME TO {copied.source}; Then:",
            ),
        )
        return
    absent_table = history.gone[0].startswith("the table ")
    yield Finding(
        history.gone[0].rpartition(" ")[2],
        f"{history.url} does not have {listed(history.gone)}, which applied migrations created.",
        cause="the table was dropped or renamed, or the ledger was copied without it"
        if absent_table
        else "dropped manually, restored from an earlier time, or copied without it; or renamed, which "
        "`fqtool check-drift` asks about",
        remedy=commands(f"migrate --allow {RECREATE}", first=_RESTORE)
        if absent_table
        else commands("migrate plan", "migrate"),
    )
