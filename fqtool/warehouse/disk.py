"""Files: read whole, written atomically."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fqtool.errors import InputError, WorldError

SIZE_LIMIT = 64 * 1024 * 1024


def read_text(path: Path) -> str:
    """Return a text file's content, or what a pipe gives. Raises InputError naming path and cause."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
        if len(raw) > SIZE_LIMIT:
            raise InputError(f"{path} cannot be read: it is larger than {SIZE_LIMIT // 1024 // 1024} MiB.")
        return raw.decode()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def read_folder(path: Path, *suffixes: str) -> dict[str, str]:
    """Return name -> text of the folder's files with these suffixes; {} where there is no folder.

    Lines end as they were written: a checkout may have made CRLF of it, which is no edit. Raises InputError.
    """
    try:
        if not path.exists():
            return {}
        if not path.is_dir():
            raise InputError(f"{path} is not a folder.")
        found = sorted(entry for entry in path.iterdir() if entry.suffix in suffixes)
        odd = [entry for entry in found if entry.exists() and not entry.is_file()]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if odd:
        raise InputError(f"{odd[0]} is no file.")  # whoever reads a pipe waits for ever
    return {entry.name: read_text(entry).replace("\r\n", "\n") for entry in found}


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text, never half. Raises WorldError.

    A link, a device or a pipe stays, see `put_in_place`.
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{path} cannot be written: U+{ord(text[error.start]):04X} is no character.") from None
    with put_in_place(path) as made:
        try:
            with made.open("wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())  # else a power cut may leave the new name and no text
        except OSError as error:
            raise _unwritten(path, error) from None


@contextmanager
def put_in_place(path: Path, suffix: str = "") -> Iterator[Path]:
    """Give a file to fill; once all went well, it takes the place of `path` in one step. Raises WorldError.

    A link stays, and the file that it leads to is replaced. So does a device or a pipe, such as /dev/stdout: what was
    filled is written to it.
    """
    try:
        if path.is_dir():
            raise WorldError(f"{path} cannot be written: it is a folder.")
        made, behind = _beside(path, suffix)
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        yield made
        try:
            if behind:
                made.replace(behind)
            else:
                with made.open("rb") as stream, path.open("wb") as there:
                    shutil.copyfileobj(stream, there)
        except OSError as error:
            raise _unwritten(path, error) from None
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> tuple[Path, Path | None]:
    """Return an empty file of ours, and the file whose place it is to take; None for what is no regular file."""
    behind = Path(os.path.realpath(path))
    there = path.exists()
    if there and not path.is_file():
        handle, name = tempfile.mkstemp(prefix="fqtool-", suffix=suffix)
        os.close(handle)
        return Path(name), None
    behind.parent.mkdir(parents=True, exist_ok=True)
    made = behind.parent / f".{behind.name}.{secrets.token_hex(4)}{suffix}"
    # Not by tempfile, which lets nobody else read: who may is for the umask to say, or for the file that was there.
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    if there:
        made.chmod(behind.stat().st_mode & 0o777)
    return made, behind


def _unwritten(path: Path, error: OSError) -> WorldError:
    return WorldError(f"{path} cannot be written: {error.strerror}.")


def remove(path: Path) -> None:
    """Remove a file. Raises WorldError."""
    try:
        path.unlink()
    except OSError as error:
        raise WorldError(f"{path} cannot be removed: {error.strerror}.") from None
