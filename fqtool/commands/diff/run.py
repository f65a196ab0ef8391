"""fqtool diff: compare two registries, each a file or a revision of one in git."""

from __future__ import annotations

import json
import os
import posixpath
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

from fqtool.commands.diff.compare import Comparison
from fqtool.commands.diff.rules import PREVIEW, check_breaks, levelled, stored_rows_change
from fqtool.errors import InputError, Refusal, RegistryError, UsageError
from fqtool.findings.finding import Finding, Severity
from fqtool.findings.remedy import commands
from fqtool.lint.check import require_sound
from fqtool.output.outcome import Outcome
from fqtool.output.table_text import Figure, print_table
from fqtool.registry.load import SIZE_LIMIT, load_registry, read_registry
from fqtool.registry.model import Registry
from fqtool.scoring.rescoring import Preview, Rescoring
from fqtool.warehouse.duckdb.scorer import RECORDS, DuckDBScorer
from fqtool.warehouse.protocol import MINIMUM_BILLED, Warehouse, limited, within
from fqtool.workspace import require_columns, require_order


@dataclass(frozen=True, slots=True)
class Diff:
    """The result of a comparison.

    Attributes:
        findings: the findings, the most severe first.
        preview: the changes of stored rows; None where no rows were given.
    """

    findings: tuple[Finding, ...]
    preview: Preview | None = None


def diff_of(
    old: Registry,
    new: Registry,
    preview: Preview | None = None,
    levels: Mapping[str, Severity | None] | None = None,
) -> Diff:
    """Compare two registries.

    Args:
        old: the old registry.
        new: the new registry.
        preview: the changes of stored rows, if rows were given.
        levels: the code of a rule -> another severity. These override `drift` of the new registry.
    """
    levels = dict(new.drift) | dict(levels or {})
    found = check_breaks(Comparison(old, new), levels)
    if preview is None:
        return Diff(found)
    counted = [replace(one, remedy="") if one.remedy == PREVIEW else one for one in found]
    return Diff(levelled((*counted, *stored_rows_change(preview)), levels), preview)


def preview_of_file(old: Registry, new: Registry, source: Path) -> Preview:
    """Score the records of a file by both registries.

    Args:
        old: the old registry.
        new: the new registry.
        source: the file, or `-` for NDJSON on stdin.

    Raises:
        RegistryError: a registry has errors.
        UsageError: the ending of the file is unknown.
        InputError: records cannot be read, or lack an input of scoring.
        WorldError: the file cannot be read.
    """
    rescoring = _rescoring(old, new)
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder:
        out = Path(folder) / "counts.ndjson"
        DuckDBScorer(rescoring.sql(RECORDS), rescoring.reads).file(source, out, datetime.now(UTC))
        return rescoring.read(json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())


def preview_of_table(
    old: Registry, new: Registry, warehouse: Warehouse, start: date, end: date, max_bytes: int | None = None
) -> Preview:
    """Score the stored rows of a span of dates by both registries, in one scan. Nothing is written.

    Args:
        old: the old registry.
        new: the new registry.
        warehouse: the target.
        start: the first date.
        end: the last date.
        max_bytes: the most bytes that the scan may read.

    Raises:
        RegistryError: a registry has errors.
        InputError: `end` is earlier than `start`.
        NotThere: the table does not exist.
        OtherColumns: the table lacks a column, or the column has another type.
        Refusal: the scan would read more than `max_bytes`.
    """
    require_order(start, end)
    rescoring = _rescoring(old, new)
    require_columns(new, warehouse, (one.name for one in rescoring.reads))
    query = rescoring.query(start, end, datetime.now(UTC))
    size = warehouse.run(query, dry_run=True).bytes_processed if max_bytes is not None else None
    if size is not None and max_bytes is not None and size > max_bytes:
        raise Refusal(
            f"The scan from {start} to {end} reads {size:,} bytes; --max-bytes allows {max_bytes:,} bytes.",
            remedy=f"Raise --max-bytes, or use fewer dates. {MINIMUM_BILLED}",
        )
    with within(warehouse, limited(max_bytes)):
        return rescoring.read(warehouse.rows(query))


def _rescoring(old: Registry, new: Registry) -> Rescoring:
    """Only registries without errors can be scored."""
    require_sound(old)
    require_sound(new)
    return Rescoring(old, new)


GIT = "git:"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Revision:
    """A file at a revision of a git repository.

    Attributes:
        revision: the revision, as git names it.
        path: the path; with ./ it is relative to `folder`, else to the top of the repository.
        folder: a folder of the repository.
    """

    revision: str
    path: str
    folder: Path

    @property
    def file(self) -> str:
        """The path for messages, with the folder of a registry in another folder."""
        return (self.folder / self.path).as_posix()

    def __str__(self) -> str:
        return f"{GIT}{self.revision}:{self.file}"


def registry_at(text: str, registry: Path) -> Registry:
    """Read a registry without the checks of `validate`.

    Args:
        text: a file; `git:REV` for the file `registry` at that revision; or `git:REV:PATH`.
        registry: the registry file.

    Raises:
        UsageError: the file or the revision is missing.
        InputError: git does not find the file.
        RegistryError: the registry cannot be read.
    """
    if not text.startswith(GIT):
        path = Path(text)
        if path != registry and not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise UsageError(f"{path} {problem}.", remedy="Name a registry file, git:REV or git:REV:PATH.")
        return read_registry(path)
    where = revision_of(text, registry)

    def reading(name: str) -> tuple[str, str, tuple[Finding, ...]]:
        """The file that the registry extends, at the same revision."""
        shared = replace(where, path=_beside(where.path, name))
        return str(shared), text_at(shared), ()

    loaded, findings = load_registry(text_at(where), str(where), reading)
    if loaded is None:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        remedy = "Compare with a later revision or with a file."
        raise RegistryError(f"{where} has {count}.", remedy=remedy, findings=findings)
    return loaded


def _beside(path: str, name: str) -> str:
    """Return the path of a file beside another one; git reads one that begins with ./ relative to the folder."""
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    return f"./{joined}" if path.startswith("./") and not joined.startswith("../") else joined


def revision_of(text: str, registry: Path) -> Revision:
    """Read `git:REV` or `git:REV:PATH`.

    Raises:
        UsageError: the revision is missing.
    """
    revision, _, path = text.removeprefix(GIT).partition(":")
    if not revision or revision.startswith("-"):
        raise UsageError(
            f"The revision is missing in {text!r}.", remedy="Write git:main, git:HEAD~1 or git:v1.2:registry.yaml."
        )
    if path:
        return Revision(revision, path, Path())
    return Revision(revision, f"./{registry.name}", registry.parent)


def text_at(where: Revision, seconds: float = _SECONDS) -> str:
    """Return the text of a file at a revision.

    Args:
        where: the file.
        seconds: the most seconds that git may take.

    Raises:
        InputError: git, the repository, the revision or the file does not exist.
    """
    code, _, words = _git(where, seconds, "rev-parse", "--git-dir")
    if code:
        cause = "is not in a git repository" if "not a git repository" in words else f"cannot be read by git: {words}"
        raise InputError(f"{where.folder.absolute()} {cause}.", remedy="Name the old registry as a file.")
    if _git(where, seconds, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{where.revision}^{{commit}}")[0]:
        remedy = "Fetch it first; in CI, check out the whole history."
        if where.revision == "HEAD":
            remedy = "The repository has no commit yet; name the old registry as a file."
        raise InputError(f"git does not find the revision {where.revision!r}.", remedy=remedy)
    code, raw, words = _git(where, seconds, "cat-file", "blob", f"{where.revision}:{where.path}")
    if code:
        raise InputError(f"There is no file {where.file} at {where.revision}.", remedy=f"Name the file: {GIT}REV:PATH.")
    if len(raw) > SIZE_LIMIT:
        raise InputError(f"{where} has {len(raw):,} bytes; a registry has at most {SIZE_LIMIT:,}.")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{where} is not UTF-8 text.") from None


def _git(where: Revision, seconds: float, *words: str) -> tuple[int, bytes, str]:
    """Run git; return its exit code, its output and the first line of its errors."""
    environment = os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - a list of words, and no revision begins with a dash
            ["git", *words],  # noqa: S607 - the user's git
            cwd=where.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        if not where.folder.is_dir():
            raise InputError(f"The folder {where.folder} does not exist.") from None
        raise InputError("git is not installed.", remedy="Name the old registry as a file.") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"git did not end in {seconds:g} s.", remedy="Name the old registry as a file.") from None
    except OSError as error:
        raise InputError(f"git cannot be run in {where.folder}: {error.strerror}.") from None
    messages = done.stderr.decode(errors="replace").strip().splitlines()
    return done.returncode, done.stdout, messages[0].removeprefix("fatal: ") if messages else ""


_LEVELS = {
    "breaking": Severity.ERROR,
    "risky": Severity.WARNING,
    "safe": Severity.NOTE,
    "ignore": None,
    **{str(one): one for one in Severity},
}


def levels_of(words: list[str]) -> dict[str, Severity | None]:
    """Read values of --level.

    Raises:
        UsageError: a rule or a level is unknown.
    """
    return dict(map(_level, words))


def _level(word: str) -> tuple[str, Severity | None]:
    from fqtool.findings.catalog import rules_of
    from fqtool.findings.finding import Group

    known = {one.code for one in rules_of(Group.DIFFERENCES, Group.DIFF)}
    code, equals, level = word.partition("=")
    if not equals or level not in _LEVELS:
        raise UsageError(
            f"{word!r} is not RULE=LEVEL.", remedy=f"Write it like FQ825=breaking; levels: {', '.join(_LEVELS)}."
        )
    if code.upper() not in known:
        raise UsageError(f"Unknown rule `{code}` of diff.", remedy=commands("rules", first="Use FQ801 to FQ849; see"))
    return code.upper(), _LEVELS[level]


CLASSES = {Severity.ERROR: "breaking", Severity.WARNING: "risky", Severity.NOTE: "safe"}
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}


def print_diff(findings: Sequence[Finding], preview: Preview | None, ok: str, stream: TextIO) -> None:
    """Print breaking, risky and safe changes under headings, the preview of rows, and the number of changes.

    Args:
        findings: the findings.
        preview: the changes of stored rows; None where no rows were given.
        ok: the sentence to print where there are no findings.
        stream: where to print.
    """
    from rich.text import Text

    from fqtool.output.console import Page
    from fqtool.output.text import write_findings

    page = Page(stream)
    for severity, word in CLASSES.items():
        group = [one for one in findings if one.severity is severity]
        if group:
            page.write([Text(f"{word.capitalize()}", _STYLES[severity]), ""])
            write_findings(group, page)
    if preview is not None:
        _print_preview(preview, stream)
    page.write([Text(summary(findings) if findings else ok, "" if findings else "green")])


def _print_preview(preview: Preview, stream: TextIO) -> None:
    rows = [
        (one.name, move.old or "unknown", move.new or "unknown", Figure(move.rows))
        for one in preview.outcomes
        for move in one.moves
    ]
    count = f"{preview.rows:,} row{'s' * (preview.rows != 1)} scored by both registries"
    if rows:
        print_table(f"{count}:", ("outcome", "from", "to", "rows"), rows, stream)
    else:
        stream.write(f"{count}{': no row gets another tier, alert level or result of a gate' * bool(preview.rows)}.\n")
    stream.write("\n")


def summary(findings: Sequence[Finding]) -> str:
    """Return the number of changes per class, as text."""
    return Outcome(tuple(findings), "", "diff", "", classes=CLASSES).conclusion()


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return the preview as the JSON value that is printed."""
    return {
        "rows": preview.rows,
        "outcomes": [
            {
                "name": one.name,
                "rows": one.rows,
                "moves": [{"from": move.old, "to": move.new, "rows": move.rows} for move in one.moves],
            }
            for one in preview.outcomes
        ],
    }
