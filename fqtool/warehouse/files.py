"""Read whole files, and write files atomically."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import combinations
from pathlib import Path

from fqtool.errors import FqtoolError, InputError, UsageError, WorldError, remedy_of
from fqtool.warehouse.locks import lock

SIZE_LIMIT = 64 * 1024 * 1024
_HEAD = 64 * 1024
_NO_PLACE = (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""Causes that lie in the path: no retry succeeds."""


def read_text(path: Path) -> str:
    """Return the content of a text file or a pipe. Raises InputError with path and cause."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
        if len(raw) > SIZE_LIMIT:
            raise InputError(f"{path} cannot be read: it is larger than {SIZE_LIMIT // 1024 // 1024} MiB.")
        return raw.decode()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.", remedy="Check the path.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.", remedy="Name a text file, or write this one in UTF-8.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder.", remedy="Name a file.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", remedy=remedy_of(error)) from None


def read_folder(path: Path, *patterns: str) -> dict[str, str]:
    """Read the files of a folder.

    Hidden files belong to an editor or to fqtool, and are left out. CRLF becomes LF: a checkout may have changed line
    ends, which is not an edit.

    Args:
        path: The folder.
        patterns: Patterns for names, such as `*.sql`; a file must match one of them.

    Returns:
        Name -> text; {} if the folder does not exist.

    Raises:
        InputError: The folder or a file cannot be read.
    """
    try:
        if not path.exists():
            return {}
        if not path.is_dir():
            raise InputError(f"{path} is not a folder.", remedy="Name a folder.")
        entries = sorted(entry for entry in path.iterdir() if any(map(entry.match, patterns)))
        entries = [entry for entry in entries if not entry.name.startswith(".")]
        irregular = [entry for entry in entries if entry.exists() and not entry.is_file()]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", remedy=remedy_of(error)) from None
    if irregular:  # reading a pipe would block
        raise InputError(f"{irregular[0]} is not a regular file.", remedy=f"Move it out of {path}.")
    return {entry.name: read_text(entry).replace("\r\n", "\n") for entry in entries}


def require_distinct(files: Mapping[str, Path | None]) -> None:
    """Raise UsageError if two options name the same file, also by different names or links.

    Args:
        files: Option -> path. `-` is stdin for `--input`, and stdout for other options.
    """
    streams = {option: Path("/dev/stdin" if option == "--input" else "/dev/stdout") for option in files}
    named = {option: streams[option] if path == Path("-") else path for option, path in files.items() if path}
    for (first, path), (second, other) in combinations(named.items(), 2):
        if _is_same(path, other):
            raise UsageError(
                f"{first} and {second} name the same file, {other}.", remedy="Name a different file for each option."
            )


_KEYS = (rb"^table:", rb"^(base_columns|categories|columns|features|sources|targets|tiers):")
"""Keys of a registry of which the start of the file has both."""


def require_output(path: Path, option: str = "--out") -> None:
    """Raise UsageError for a folder, or an output that would replace a DuckDB database, a registry or a migration.

    Args:
        path: The file to write. A file that does not exist, a device or a pipe is accepted.
        option: The option that names it.
    """
    try:
        _require_no_folder(path)
        if not path.is_file():  # opening a pipe would block
            return
        with path.open("rb") as stream:
            begin = stream.read(_HEAD)
    except (OSError, ValueError):
        return  # writing it reports the error
    if begin[8:12] == b"DUCK":
        kind = "a DuckDB database"
    elif all(re.search(key, begin, re.MULTILINE) for key in _KEYS):
        kind = "a feature registry"
    elif path.suffix == ".sql" and (path.parent / "checksums.txt").is_file():
        kind = "a migration"
    else:
        return
    raise UsageError(f"{path} is {kind}; nothing was written.", remedy=f"Name another file with {option}.")


def _require_no_folder(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} cannot be written: it is a folder.", remedy="Name a file.")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other) and path.is_file()  # stdin and stdout of a terminal are the same device
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees either the old or the new text. Links, devices and pipes are kept.

    Raises:
        InputError: The text contains half of a surrogate pair.
        UsageError: The path is a folder, or can be no file.
        WorldError: The file cannot be written.
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{path} cannot be written: U+{ord(text[error.start]):04X} is not a character.") from None
    with put_in_place(path) as temporary:
        try:
            with temporary.open("wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())  # else a power cut may leave the new name and no text
        except OSError as error:
            raise unwritable(path, error) from None


@contextmanager
def put_in_place(path: Path, suffix: str = "") -> Iterator[Path]:
    """Yield a temporary file, and replace `path` by it in one step after the block succeeds.

    A link is kept, and the file behind it is replaced. A device or pipe such as /dev/stdout is kept, and the content is
    written to it.

    Args:
        path: The file to write.
        suffix: The suffix of the temporary file.

    Raises:
        UsageError: The path is a folder, or can be no file.
        WorldError: The file cannot be written.
    """
    try:
        _require_no_folder(path)
        temporary, behind, handle = _beside(path, suffix)
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        yield temporary
        try:
            if behind:
                temporary.replace(behind)
            else:
                with temporary.open("rb") as stream, path.open("wb") as there:
                    shutil.copyfileobj(stream, there)
        except OSError as error:
            raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(handle)


def _beside(path: Path, suffix: str) -> tuple[Path, Path | None, int]:
    """Return an empty temporary file, the file to replace, and an open handle that locks the temporary file.

    The file to replace is None if `path` is not a regular file.
    """
    behind = Path(os.path.realpath(path))
    there = path.exists()
    if there and not path.is_file():
        handle, name = tempfile.mkstemp(prefix="fqtool-", suffix=suffix)
        return Path(name), None, handle
    behind.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(behind)
    while True:
        temporary = behind.parent / f".{behind.name}.{secrets.token_hex(4)}{suffix}"
        # tempfile would let no other user read it: the umask, or the mode of the replaced file, decides that.
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        with suppress(OSError):  # without locks, no file is treated as a leftover
            lock(handle)
        if temporary.exists():
            break
        os.close(handle)  # another process removed it as a leftover before it was locked
    if there:
        temporary.chmod(behind.stat().st_mode & 0o777)
    return temporary, behind, handle


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files that killed processes left beside `path`: they are not locked any more."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}(\.\w+)*")
    with suppress(OSError):
        for entry in [entry for entry in path.parent.iterdir() if ours.fullmatch(entry.name)]:
            handle = os.open(entry, os.O_RDONLY)
            try:
                if lock(handle):
                    entry.unlink()
            finally:
                os.close(handle)


def unwritable(path: Path, error: OSError) -> FqtoolError:
    """Return the error of a file that cannot be written: UsageError if the path can be no file, else WorldError."""
    message = f"{path} cannot be written: {error.strerror}."
    if error.errno not in _NO_PLACE:
        return WorldError(message, remedy=remedy_of(error))
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        file = next((parent for parent in path.parents if parent.exists()), path)
        message = f"{path} cannot be written: {file} is not a folder."
    return UsageError(message, remedy="Name another file.")
