"""Locks on files and folders, which end with the process and leave no files."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fqtool.errors import Busy, InputError

_SECONDS, _PAUSE = 20.0, 0.02


def lock(handle: int) -> bool:
    """Lock an open file or folder for this process without waiting.

    Returns:
        Whether the lock was acquired.

    Raises:
        OSError: The file system has no locks.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder, so that no other fqtool process changes it. On a file system without locks nothing is locked.

    Raises:
        Busy: Another process has the lock for more than 20 s.
        InputError: The folder cannot be read.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.") from None
    try:
        until = time.monotonic() + _SECONDS
        while not _lock(handle):
            if time.monotonic() > until:
                raise Busy(f"Another fqtool process is writing {folder}.", remedy="Wait for it to end, then try again.")
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        return lock(handle)
    except OSError:
        return True
