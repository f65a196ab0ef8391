"""A registry of the past: what stood in a file at a revision of git, read by git itself."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fqtool.errors import InputError, RegistryError, UsageError
from fqtool.registry.load import SIZE_LIMIT, load_registry, read_registry
from fqtool.registry.model import Registry

GIT = "git:"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Revision:
    """A file at a revision, in a folder of a repository; `path` begins with ./ or is from the repository's top."""

    revision: str
    path: str
    folder: Path

    def __str__(self) -> str:
        return f"{GIT}{self.revision}:{self.path.removeprefix('./')}"


def registry_at(text: str, registry: Path) -> Registry:
    """Read a registry: a file; `git:REV`, where `registry` stood at that revision; or `git:REV:PATH`.

    It is read and not checked: what `validate` finds in it may be what a comparison is to tell. Raises UsageError,
    InputError for what git does not find, RegistryError.
    """
    if not text.startswith(GIT):
        return read_registry(Path(text))
    where = revision_of(text, registry)
    loaded, findings = load_registry(text_at(where), str(where))
    if loaded is None:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        remedy = "Compare with a later revision, or with a file."
        raise RegistryError(f"{where} has {count}.", remedy=remedy, findings=findings)
    return loaded


def revision_of(text: str, registry: Path) -> Revision:
    """Read `git:REV` or `git:REV:PATH`. Raises UsageError."""
    revision, _, path = text.removeprefix(GIT).partition(":")
    if not revision or revision.startswith("-"):
        raise UsageError(f"{text!r} names no revision.", remedy="Write git:main, git:HEAD~1 or git:v1.2:registry.yaml.")
    if path:
        return Revision(revision, path, Path())
    return Revision(revision, f"./{registry.name}", registry.parent)


def text_at(where: Revision, seconds: float = _SECONDS) -> str:
    """Return the file's text. Raises InputError where git, the repository, the revision or the file is missing."""
    code, _, words = _git(where, seconds, "rev-parse", "--git-dir")
    if code:
        cause = "is not in a git repository" if "not a git repository" in words else f"cannot be read by git: {words}"
        raise InputError(f"{where.folder.absolute()} {cause}.", remedy="Name the old registry as a file.")
    if _git(where, seconds, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{where.revision}^{{commit}}")[0]:
        remedy = "Fetch it first; in CI, check out with the whole history."
        if where.revision == "HEAD":
            remedy = "Nothing is committed yet; name the old registry as a file."
        raise InputError(f"git knows no revision {where.revision!r} here.", remedy=remedy)
    code, raw, words = _git(where, seconds, "cat-file", "blob", f"{where.revision}:{where.path}")
    if code:
        path = where.path.removeprefix("./")
        raise InputError(f"There was no file {path} at {where.revision}.", remedy=f"Name it: {GIT}REV:PATH.")
    if len(raw) > SIZE_LIMIT:
        raise InputError(f"{where} has {len(raw):,} bytes; a registry has at most {SIZE_LIMIT:,}.")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{where} is not UTF-8 text.") from None


def _git(where: Revision, seconds: float, *words: str) -> tuple[int, bytes, str]:
    """Run git; return its exit code, output, and the first line of what it complains of."""
    environment = os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - a list of words, and no revision begins with a dash
            ["git", *words],  # noqa: S607 - whichever git the user has
            cwd=where.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        if not where.folder.is_dir():
            raise InputError(f"{where.folder} is not there.") from None
        raise InputError("git is not installed.", remedy="Name the old registry as a file.") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"git took more than {seconds:g} s.", remedy="Name the old registry as a file.") from None
    except OSError as error:
        raise InputError(f"git cannot be run in {where.folder}: {error.strerror}.") from None
    told = done.stderr.decode(errors="replace").strip().splitlines()
    return done.returncode, done.stdout, told[0].removeprefix("fatal: ") if told else ""
