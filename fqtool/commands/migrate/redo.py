"""fqtool migrate plan --redo: which files are planned again, and which are kept.

A file is kept if a known target has begun to apply it: the target of the command or a target that the registry names.
A file that fqtool did not write is never removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from shlex import quote

from fqtool.errors import MigrationError, NotThere, WorldError
from fqtool.findings.remedy import Commands, commands
from fqtool.migrations.checksums import Kind, Mismatch, sha256
from fqtool.migrations.contract import CONTRACT
from fqtool.migrations.files import MigrationFile, is_written_by_fqtool
from fqtool.migrations.ledger import LEASE, LEDGER, Entry, revisions
from fqtool.registry.merge_markers import conflict_line, side
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import Workspace, ledger_entries

_APART = "Use one folder of migrations per target with --migrations: their histories differ."


def begun_files(warehouses: Iterable[Warehouse], table: str) -> dict[str, str]:
    """Return name -> SHA-256 of every migration of a table that one of the targets has begun to apply.

    Raises:
        WorldError: a target does not answer, so that it is unknown what it ran.
    """
    begun: dict[str, str] = {}
    for warehouse in warehouses:
        try:
            of_target = begun_in(ledger_entries(warehouse, table))
        except NotThere:
            continue  # a dataset that does not exist has run nothing
        except WorldError as error:
            raise type(error)(
                f"--redo reads the ledger of every known target, and {warehouse.url} failed: {error.message}",
                remedy=error.remedy,
            ) from None
        for name in sorted(begun.keys() & of_target.keys()):
            if begun[name] != of_target[name]:
                raise MigrationError(f"Two known targets ran different files with the name {name}.", remedy=_APART)
        begun |= of_target
    return begun


def begun_in(entries: tuple[Entry, ...]) -> dict[str, str]:
    """Return name -> SHA-256 of every migration that is begun in a ledger."""
    versions = {revision.version for revision in revisions(entries) if revision.begun}
    return {entry.file: entry.file_hash for entry in entries if entry.version != LEASE and entry.version in versions}


def superseded(texts: Mapping[str, str], begun: Mapping[str, str], folder: str = "migrations") -> frozenset[str]:
    """Return the names of files that make the folder unreadable and that --redo may replace.

    These are files with a merge conflict, and the files of a version that two branches planned, except one that ran.

    Args:
        texts: name -> text of the files of the folder.
        begun: name -> SHA-256 of the migrations that a known target has begun to apply.
        folder: the folder, for messages.

    Raises:
        MigrationError: two files of a version ran, or one side of a merge conflict ran; the message has the side.
    """
    names = sorted(name for name in texts if name.endswith(".sql"))
    ours = {name for name in names if is_written_by_fqtool(name, texts[name])}
    conflicts = {name for name in (*names, CONTRACT) if conflict_line(texts.get(name, "").splitlines())}
    for name in sorted(conflicts & begun.keys()):
        raise _side_ran(name, texts[name], begun[name], [f"{folder}/{one}" for one in sorted(conflicts)])
    replaced = conflicts & ours
    for version, group in groupby(names, lambda name: name.partition("_")[0]):
        same_version = set(group)
        ran = sorted(same_version & begun.keys())
        if len(ran) > 1:
            raise MigrationError(
                f"{' and '.join(ran)} both have version {version}, and both ran on a known target.",
                remedy=_APART,
            )
        if len(same_version) > 1 and same_version <= ours | begun.keys():
            replaced |= same_version - set(ran)
    return frozenset(replaced)


def _side_ran(name: str, text: str, ran: str, paths: list[str]) -> MigrationError:
    """Return the error of a file with a merge conflict that a known target ran; its hash identifies the side."""
    message = f"`{name}` has a merge conflict, and a known target has begun to apply"
    for option in ("--ours", "--theirs"):
        if sha256(side(text, ours=option == "--ours")) == ran:
            lines = (("git", "checkout", option, "--", *paths), ("fqtool", "migrate", "plan", "--redo"))
            return MigrationError(f"{message} the side that git calls {option}.", remedy=Commands(lines))
    return MigrationError(f"{message} neither side of it.", remedy="Restore the file that ran from version control.")


def kept_files(workspace: Workspace, begun: Mapping[str, str]) -> tuple[MigrationFile, ...]:
    """Return the files that --redo keeps: the base, and all up to the last that a known target has begun to apply."""
    versions = {name.partition("_")[0] for name in begun}
    last = max((number for number, file in enumerate(workspace.files) if file.version in versions), default=-1)
    base = workspace.files[0].name if workspace.files else ""
    if last < 0 and workspace.checksums is not None and all(mismatch.name != base for mismatch in workspace.mismatches):
        last = 0
    return workspace.files[: last + 1]


def require_replaceable(workspace: Workspace, kept: tuple[MigrationFile, ...], begun: Mapping[str, str]) -> None:
    """Check that --redo may keep or replace each file.

    Raises:
        MigrationError: --redo may neither keep nor replace a file.
    """
    by_name = {file.name: file for file in kept}
    for mismatch in workspace.mismatches:
        match mismatch.kind:
            case Kind.CONFLICT | Kind.RECORD | Kind.NO_RECORD:
                continue  # the checksum file is written again
            case Kind.NO_RECORDS if not begun:
                continue  # version 0.1 left this where it was killed in its first plan
            case Kind.EDITED | Kind.UNLISTED if mismatch.name not in by_name:
                continue
            case Kind.UNLISTED if begun.get(mismatch.name) == by_name[mismatch.name].hash:
                continue  # the ledger proves it instead
            case Kind.ABSENT if mismatch.name not in begun:
                continue
            case Kind.CONTRACT if workspace.proven_contract is not None:
                continue
            case Kind.EDITED | Kind.ABSENT:
                raise _lost(workspace, mismatch)
            case _:
                raise workspace.mismatch_error(mismatch)


def _lost(workspace: Workspace, mismatch: Mismatch) -> MigrationError:
    """The error of a file that a known target ran and that is deleted or edited; it cannot be planned as it was."""
    version, table = mismatch.name.partition("_")[0], workspace.table
    path = quote(f"{workspace.folder}/{mismatch.name}")
    return MigrationError(
        f"{mismatch.message}, and a known target has begun to apply it.",
        remedy=commands(
            "migrate plan --redo",
            first=f"git checkout -- {path}, or, if no copy of it exists, delete its rows from the ledger of each "
            f"target that ran it (DELETE FROM {LEDGER} WHERE version = '{version}' AND table_name = '{table}';), then:",
        ),
    )
