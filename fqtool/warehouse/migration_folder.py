"""Read the folder of migrations under a lock, and change it with an atomic commit.

A commit first writes its files into the folder `STAGING`, and a record last. If a process dies before the record is
written, the next process drops the staged files; after it, the next process moves every file into place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from fqtool.errors import Busy, WorldError, remedy_of
from fqtool.findings.listing import listed
from fqtool.findings.remedy import commands
from fqtool.migrations.checksums import CHECKSUMS
from fqtool.migrations.contract import CONTRACT
from fqtool.warehouse.files import read_folder
from fqtool.warehouse.locks import locked

STAGING = ".fqtool-plan"
RECORD = "commit.json"
# Temporary files that version 0.1 left beside a file when it was killed.
_LEFTOVER = re.compile(rf"\.(?:\d{{4,}}_\w+\.sql|{re.escape(CHECKSUMS)}|{re.escape(CONTRACT)})\.[0-9a-f]{{8}}")


def read_migrations(folder: Path) -> dict[str, str]:
    """Read the migrations, their checksums and the contract. An interrupted commit is completed or dropped first.

    Returns:
        Name -> text; {} if the folder does not exist.

    Raises:
        InputError: A file cannot be read.
        Busy: Another process is writing the folder.
        WorldError: An interrupted commit cannot be completed.
    """
    if not folder.is_dir():
        return _read(folder)
    with locked(folder):
        _recover(folder)
        return _read(folder)


def commit(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Change the files of the folder from `before` to `after`: all or none, also if the process is killed.

    Args:
        folder: The folder of migrations; it is created if it does not exist.
        before: Name -> text, as `read_migrations` returned it.
        after: Name -> text; a file of `before` that is missing here is removed.

    Returns:
        The names that were written, in the order of `after`.

    Raises:
        Busy: Another process changed the folder since it was read, or is writing it.
        WorldError: A file cannot be written; the folder is unchanged, or the next run completes the commit.
    """
    written = {name: text for name, text in after.items() if before.get(name) != text}
    removed = [name for name in before if name not in after]
    if not written and not removed:
        return ()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorldError(f"{folder} cannot be created: {error.strerror}.", remedy=remedy_of(error)) from None
    with locked(folder):
        _recover(folder)
        _require_unchanged(folder, before)
        _stage(folder, written, removed)
        _recover(folder)
    return tuple(written)


def _read(folder: Path) -> dict[str, str]:
    return read_folder(folder, "*.sql", CHECKSUMS, CONTRACT)


def _require_unchanged(folder: Path, before: Mapping[str, str]) -> None:
    now = _read(folder)
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        raise Busy(
            f"{folder} changed while the migration was planned ({listed(changed, 3)}); nothing was written.",
            remedy=commands("migrate plan"),
        )


def _stage(folder: Path, written: Mapping[str, str], removed: Iterable[str]) -> None:
    """Write all files into the staging folder, the record last. On an error the folder is unchanged."""
    staging = folder / STAGING
    files: dict[str, tuple[str | None, str | None]] = {name: (_digest(folder / name), None) for name in removed}
    try:
        staging.mkdir()
        for name, text in written.items():
            _write(staging / name, text)
            with suppress(FileNotFoundError):
                (staging / name).chmod((folder / name).stat().st_mode & 0o777)
            files[name] = (_digest(folder / name), _digest(staging / name))
        _write(staging / f"{RECORD}.part", json.dumps({"format_version": 1, "files": files}))
        _sync(staging)
        (staging / f"{RECORD}.part").replace(staging / RECORD)
        _sync(staging)
        _sync(folder)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise _unwritten(folder, error) from None


def _write(path: Path, text: str) -> None:
    with path.open("wb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _recover(folder: Path) -> None:
    """Complete a commit that has its record, and drop one without. The folder is locked."""
    staging = folder / STAGING
    try:
        if staging.is_dir():
            if (staging / RECORD).exists():
                _complete(folder, staging)
            shutil.rmtree(staging)
    except OSError as error:
        raise _unwritten(folder, error) from None
    for entry in folder.iterdir():
        if _LEFTOVER.fullmatch(entry.name):
            with suppress(OSError):
                entry.unlink()


def _complete(folder: Path, staging: Path) -> None:
    """Move every staged file into place, unless the folder was changed since."""
    files = json.loads((staging / RECORD).read_bytes())["files"]
    pending = {name for name, (_, after) in files.items() if _digest(folder / name) != after}
    for name in pending:
        before, after = files[name]
        if _digest(folder / name) != before or (after is not None and _digest(staging / name) != after):
            return
    for name, (_, after) in files.items():
        if name not in pending:
            continue
        if after is None:
            (folder / name).unlink()
        else:
            # The file behind a link is replaced, and the link is kept.
            (staging / name).replace(os.path.realpath(folder / name))
    _sync(folder)


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    """Sync a folder: after a power cut a file may otherwise exist without its name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot sync folders
            os.fsync(handle)
    finally:
        os.close(handle)


def _unwritten(folder: Path, error: OSError) -> WorldError:
    where = f"{folder}: {error.filename}" if error.filename else str(folder)
    remedy = remedy_of(error) or "Run the same command again."
    return WorldError(f"{where} cannot be written: {error.strerror}.", remedy=remedy)
