"""The checksum file of the migrations: what `migrate plan` wrote, and what differs now.

It has a line per migration and a line for the feature contract. Version 0.1 wrote no line for the contract.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, auto

from fqtool.errors import MigrationError
from fqtool.migrations.contract import CONTRACT, contract_hashes, contract_text, read_contract
from fqtool.migrations.files import MigrationFile
from fqtool.registry.merge_markers import conflict_line
from fqtool.registry.model import Feature

CHECKSUMS = "checksums.txt"
_HEAD = "# Written by fqtool migrate plan. A changed line is changed history."


class Kind(StrEnum):
    """What differs from what `migrate plan` wrote."""

    EDITED = auto()
    """A migration was edited."""
    UNLISTED = auto()
    """A migration that fqtool wrote is not in the checksum file."""
    FOREIGN = auto()
    """A file that fqtool did not write is not in the checksum file."""
    ABSENT = auto()
    """A migration is in the checksum file but not in the folder."""
    CONFLICT = auto()
    """The checksum file has a merge conflict."""
    RECORD = auto()
    """The checksum file was edited."""
    NO_RECORD = auto()
    """The checksum file is missing."""
    NO_RECORDS = auto()
    """The checksum file and the feature contract are missing."""
    CONTRACT = auto()
    """The feature contract is missing or differs from the recorded one."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference between the folder and its checksums.

    Attributes:
        kind: what differs.
        name: the file.
        message: the sentence for people, without a full stop.
        line: the line of a merge conflict in the file, else 0.
        gone: whether the file is missing.
    """

    kind: Kind
    name: str
    message: str
    line: int = 0
    gone: bool = False


def sha256(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def checksums(files: Iterable[MigrationFile], contract: str | None = None) -> str:
    """Return the text of the checksum file.

    Args:
        files: the migrations.
        contract: the text of the feature contract; None for the format of version 0.1, which has no line for it.
    """
    lines = [f"sha256:{file.hash}  {file.name}" for file in files]
    lines += [] if contract is None else [f"sha256:{sha256(contract)}  {CONTRACT}"]
    return "\n".join([_HEAD, *lines, _total(lines), ""])


def _total(lines: list[str]) -> str:
    total = sha256("\n".join(lines))
    return f"total:{total}"


def mismatches(files: Iterable[MigrationFile], recorded: str | None, contract: str | None) -> tuple[Mismatch, ...]:
    """Compare a folder with its checksum file.

    Args:
        files: the migrations in version order.
        recorded: the text of the checksum file, None where it is missing.
        contract: the text of the feature contract, None where it is missing.

    Returns:
        The differences; () where all files match.
    """
    files = tuple(files)
    if recorded is None and not files:
        return ()
    known = _hashes(recorded or "")
    found = list(_of_files(files, known, recorded))
    if recorded is None and contract is None:
        return (Mismatch(Kind.NO_RECORDS, CHECKSUMS, f"{CHECKSUMS} and {CONTRACT} are missing", gone=True), *found)
    if recorded is None:
        found.insert(0, Mismatch(Kind.NO_RECORD, CHECKSUMS, f"{CHECKSUMS} is missing", gone=True))
    elif line := conflict_line(recorded.splitlines()):
        found.insert(0, Mismatch(Kind.CONFLICT, CHECKSUMS, f"{CHECKSUMS} has a merge conflict in line {line}", line))
    of_contract = _of_contract(contract, known.get(CONTRACT))
    if of_contract:
        found.append(of_contract)
    elif recorded is not None and not found and recorded != checksums(files, contract if CONTRACT in known else None):
        found.append(Mismatch(Kind.RECORD, CHECKSUMS, f"{CHECKSUMS} was edited"))
    if found and not of_contract and CONTRACT not in known and not _is_whole(recorded):
        # Otherwise the contract could be changed after deleting its line.
        found.append(Mismatch(Kind.CONTRACT, CONTRACT, f"{CHECKSUMS} was edited and no longer covers {CONTRACT}"))
    return tuple(found)


def _hashes(recorded: str) -> dict[str, set[str]]:
    """Return name -> hashes. After a merge conflict a name has two."""
    known: dict[str, set[str]] = {}
    for line in recorded.splitlines():
        if line.startswith("sha256:"):
            checksum, _, name = line.removeprefix("sha256:").partition("  ")
            known.setdefault(name, set()).add(checksum)
    return known


def _of_files(files: tuple[MigrationFile, ...], known: dict[str, set[str]], recorded: str | None) -> Iterable[Mismatch]:
    for file in files:
        if file.name in known:
            if file.hash not in known[file.name]:
                yield Mismatch(Kind.EDITED, file.name, f"{file.name} was edited after it was written")
        elif not file.is_written_by_fqtool:
            yield Mismatch(Kind.FOREIGN, file.name, f"{file.name} was not written by fqtool")
        elif recorded is not None:
            yield Mismatch(Kind.UNLISTED, file.name, f"{file.name} is not in {CHECKSUMS}")
    present = {CONTRACT, *(file.name for file in files)}
    for name in known:
        if name not in present:
            yield Mismatch(Kind.ABSENT, name, f"{name} is in {CHECKSUMS} but not in the folder", gone=True)


def _of_contract(contract: str | None, hashes: set[str] | None) -> Mismatch | None:
    if contract is None:
        return Mismatch(Kind.CONTRACT, CONTRACT, f"{CONTRACT} is missing", gone=True)
    if line := conflict_line(contract.splitlines()):
        return Mismatch(Kind.CONTRACT, CONTRACT, f"{CONTRACT} has a merge conflict in line {line}", line)
    if hashes is not None and sha256(contract) not in hashes:
        return Mismatch(Kind.CONTRACT, CONTRACT, f"{CONTRACT} was edited after it was written")
    try:
        read_contract(contract)
    except MigrationError as error:
        return Mismatch(Kind.CONTRACT, CONTRACT, error.message.rstrip("."))
    return None


def _is_whole(recorded: str | None) -> bool:
    """Whether a checksum file without a line for the contract may be one that version 0.1 wrote."""
    lines = (recorded or "").splitlines()
    return (
        not recorded
        or bool(conflict_line(recorded.splitlines()))
        or _total([line for line in lines if line.startswith("sha256:")]) in lines
    )


def proven_contract(features: Iterable[Feature], recorded: str | None) -> str | None:
    """Return the text of the feature contract that matches the checksum file, or None.

    Args:
        features: the registry's features. The recorded ones must come first, in the recorded order.
        recorded: the text of the checksum file, None where it is missing.
    """
    features, hashes = tuple(features), _hashes(recorded or "").get(CONTRACT, set())
    counts = [count for count, of_contract in enumerate(contract_hashes(features)) if of_contract in hashes]
    return contract_text(features[: counts[-1]]) if counts else None
