"""Keep translations between runs, in a folder that is safe to delete.

Translating a statement takes longer than most queries take, and a command translates the same statements in each run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

FOLDER = "FQTOOL_CACHE_DIR"
"""The variable that names the folder; empty: nothing is kept."""
MOST = 500
"""Files in the folder, above which the older half is deleted."""


def recall(question: Sequence[object]) -> list[str] | None:
    """Return the texts that were kept as the answer of this version to a question; None if none were.

    Args:
        question: All that the answer depends on, such as a statement and the types of its columns.
    """
    folder = _folder()
    if folder is None or not _is_ours(folder):
        return None
    with suppress(OSError, ValueError):
        answer = json.loads((folder / _name(question)).read_bytes())
        if isinstance(answer, list) and all(isinstance(text, str) for text in answer):
            return answer
    return None


def keep(question: Sequence[object], answer: list[str]) -> None:
    """Keep the answer to a question. Without a writable folder the next run answers it again."""
    folder = _folder()
    if folder is None:
        return
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(folder):
            return
        file = folder / _name(question)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(answer), encoding="utf-8")
        part.replace(file)
        _prune(folder)


def _folder() -> Path | None:
    named = os.environ.get(FOLDER)
    if named is not None:
        return Path(named) if named else None
    with suppress(RuntimeError):  # a user without a home
        base = os.environ.get("XDG_CACHE_HOME")
        return (Path(base) if base else Path.home() / ".cache") / "fqtool" / "translations"
    return None


def _is_ours(folder: Path) -> bool:
    """Return whether only this user can write into the folder: its texts are run as SQL."""
    with suppress(OSError):
        status = folder.stat()
        return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
    return False


def _name(question: Sequence[object]) -> str:
    return hashlib.sha256(_version() + repr(question).encode(errors="surrogatepass")).hexdigest()


@cache
def _version() -> bytes:
    """Return what distinguishes two versions of the translation: its source code and sqlglot's version."""
    from importlib.metadata import version

    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(b"\0".join([version("fqtool").encode(), version("sqlglot").encode(), *sources])).digest()


def _prune(folder: Path) -> None:
    paths = list(folder.iterdir())
    if len(paths) > MOST:
        by_age = sorted(paths, key=lambda path: path.stat().st_mtime)
        for path in by_age[: len(by_age) // 2]:
            path.unlink(missing_ok=True)
