"""Options that many commands share, and what every command does around its verb."""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from fqtool.cli import completion
from fqtool.cli.listening import heard
from fqtool.cli.saying import complain, is_quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fqtool.finding import Finding
    from fqtool.registry.model import Registry
    from fqtool.verbs.workspace import Workspace
    from fqtool.warehouse.protocol import Warehouse

DEFAULT_TARGET = "duckdb:///.fqtool/local.duckdb"


def _known_format(name: str) -> str:
    """Refuse a format that is none before any work is done."""
    if name != "text":
        from fqtool.report.findings import require_format

        require_format(name)
    return name


RegistryPath = Annotated[
    Path, typer.Option("--registry", "-r", envvar="FQTOOL_REGISTRY", help="The registry file.", show_default=True)
]
Folder = Annotated[Path, typer.Option("--migrations", "-m", help="The folder of migration files.", show_default=True)]
TargetUrl = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        envvar="FQTOOL_TARGET",
        autocompletion=completion.targets,
        help="A URL, or a name from the registry's targets. Without it: the target named default, else "
        + DEFAULT_TARGET.replace("[", "\\["),
    ),
]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that talking to the warehouse may take.")]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help="text, json, github, sarif, junit or markdown.",
        metavar="FORMAT",
        callback=_known_format,
        autocompletion=completion.formats,
    ),
]

INTERRUPTED = 130
REGISTRY = Path("feature_registry.yaml")
MIGRATIONS = Path("migrations")


def day_of(text: str) -> date:
    """Read a date. Raises UsageError with an example."""
    from fqtool.errors import UsageError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date.", remedy="Write it like 2026-02-06.") from None


def moment_of(text: str) -> datetime:
    """Read a time, in UTC where it names no zone. Raises UsageError with an example."""
    from fqtool.errors import UsageError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time.", remedy="Write it like 2026-02-06T18:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# What the user said beside the command, to be said again by every command that a remedy names.
_SAID: list[str] = []
_COMMAND = re.compile(r"\bfqtool (?:migrate(?: plan| status)?|check-drift|score|diagnose|daily|models|backfill)\b")


def repeated(text: str) -> str:
    """Put the options that were given into the commands of a remedy, so that it can be pasted."""
    words = " ".join(map(shlex.quote, _SAID))
    return _COMMAND.sub(lambda found: f"{found[0]} {words}", text) if words else text


def workspace_of(registry: Path, folder: Path) -> Workspace:
    """Read registry and migrations."""
    from fqtool.verbs.workspace import open_workspace

    _SAID.extend([] if registry == REGISTRY else ["--registry", str(registry)])
    _SAID.extend([] if folder == MIGRATIONS else ["--migrations", str(folder)])
    return open_workspace(registry, folder)


def warehouse_of(registry: Registry, target: str | None, timeout: float) -> Warehouse:
    """Open the target: a URL, a name from the registry's targets, or the default."""
    from fqtool.errors import UsageError
    from fqtool.warehouse.target import open_target

    _SAID.extend(["--target", target] if target else [])
    named = dict(registry.targets)
    url = target or named.get("default", DEFAULT_TARGET)
    if "://" not in url:
        if url not in named:
            raise UsageError(
                f"There is no target named {url!r} in {registry.path}.",
                remedy=f"Use one of {', '.join(named) or 'none declared'}, or a URL like {DEFAULT_TARGET}.",
            )
        url = named[url]
    return heard(open_target(url, timeout=timeout))


def tell(
    findings: Sequence[Finding], form: str, *, target: str, command: str, ok: str, errors_only: bool = False
) -> None:
    """Print findings and exit 1 if any of them is an error or a warning; with `errors_only`, an error."""
    from fqtool.finding import Severity, blocking
    from fqtool.report.findings import print_findings

    findings = told_as_said(findings)
    if is_quiet() and form == "text" and not findings:
        return
    print_findings(findings, form, target=target, command=command, ok_message=ok, stream=sys.stdout)
    if any(found.severity is Severity.ERROR or not errors_only for found in blocking(findings)):
        raise typer.Exit(1)


def told_as_said(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Put the options that were given into the remedies."""
    return tuple(replace(found, remedy=repeated(found.remedy)) for found in findings)


def version() -> str:
    """Return the installed version."""
    from importlib.metadata import version as installed

    return f"fqtool {installed('fqtool')}"


def guarded(app: typer.Typer) -> Any:
    """Run the app; every error ends in its sentence and its exit code, never in a traceback."""
    # Both may be closed, as cron jobs have them; there is nobody to tell then.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    try:
        return app()
    except SystemExit as ending:
        # typer turns Ctrl-C into this code, without a word.
        if ending.code == INTERRUPTED:
            complain("\nInterrupted; nothing is half done. Run the same command again to go on.")
        raise
    except BrokenPipeError:
        # Whoever read our output has gone; that is their choice, not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        from fqtool.errors import FqtoolError

        code = error.exit_code if isinstance(error, FqtoolError) else 3
        if os.environ.get("FQTOOL_DEBUG") and not isinstance(error, FqtoolError):
            raise
        with suppress(OSError):  # a stderr that takes nothing does not change how the command ends
            _tell_error(error)
        sys.exit(code)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _tell_error(error: Exception) -> None:
    from fqtool.errors import FqtoolError

    if isinstance(error, FqtoolError):
        from fqtool.report.errors_text import print_error

        error.remedy = repeated(error.remedy)
        error.findings = tuple(replace(found, remedy=repeated(found.remedy)) for found in error.findings)
        print_error(error, sys.stderr)
    elif isinstance(error, OSError) and error.strerror:
        # A folder that may not be looked into has a name; the disk behind stdout has none.
        complain(f"error: {error.filename or 'The output cannot be written'}: {error.strerror}.")
    else:
        complain(f"error: fqtool has a defect: {type(error).__name__}: {' '.join(str(error).split())[:500]}")
        complain("  FQTOOL_DEBUG=1 shows where; please report it.")
