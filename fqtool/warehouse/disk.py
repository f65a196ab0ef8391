"""Files: read whole, written atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fqtool.errors import InputError, WorldError


def read_text(path: Path) -> str:
    """Return a text file's content. Raises InputError naming path and cause."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def read_folder(path: Path, *suffixes: str) -> dict[str, str]:
    """Return name -> text of the folder's files with these suffixes; {} where there is no folder."""
    if not path.exists():
        return {}
    if not path.is_dir():
        raise InputError(f"{path} is not a folder.")
    return {entry.name: read_text(entry) for entry in sorted(path.iterdir()) if entry.suffix in suffixes}


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text, never half. Raises WorldError.

    A link stays, and the file that it leads to is written.
    """
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())  # else a power cut may leave the new name and no text
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WorldError(f"{path} cannot be written: {error.strerror}.") from None
    except UnicodeEncodeError as error:
        raise InputError(f"{path} cannot be written: U+{ord(text[error.start]):04X} is no character.") from None


def remove(path: Path) -> None:
    """Remove a file. Raises WorldError."""
    try:
        path.unlink()
    except OSError as error:
        raise WorldError(f"{path} cannot be removed: {error.strerror}.") from None
