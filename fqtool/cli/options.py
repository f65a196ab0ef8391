"""Options that many commands share, and what each command does before and after its work."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fqtool.cli import completion
from fqtool.cli.counts import counted
from fqtool.cli.interrupt import asks_to_cancel
from fqtool.cli.output import current_run, is_quiet, say
from fqtool.cli.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

    from fqtool.findings.finding import Finding
    from fqtool.findings.remedy import Remedy
    from fqtool.output.outcome import Outcome
    from fqtool.registry.model import Registry
    from fqtool.warehouse.protocol import Warehouse
    from fqtool.workspace import Workspace

DEFAULT_TARGET = "duckdb:///.fqtool/local.duckdb"
REGISTRY = Path("feature_registry.yaml")
MIGRATIONS = Path("migrations")


def _known_format(name: str) -> str:
    """Refuse an unknown format before any work is done."""
    if name != "text":
        from fqtool.output.findings import require_format

        require_format(name)
    return name


def _repeated(option: str, default: Path | None) -> Callable[[Any], Any]:
    """Return the callback of an option that the commands in remedies repeat where it has another value."""

    def repeat(value: Path | str | None) -> Path | str | None:
        options = current_run().options
        if value != default and option not in options:  # a variable is read for the group and the command
            options += [option, str(value)]
        return value

    return repeat


RegistryPath = Annotated[
    Path,
    typer.Option(
        "--registry", "-r", envvar="FQTOOL_REGISTRY", help="The registry file.", show_default=True,
        callback=_repeated("--registry", REGISTRY),
    ),
]  # fmt: skip
Folder = Annotated[
    Path,
    typer.Option(
        "--migrations", "-m", help="The folder of migration files.", show_default=True,
        callback=_repeated("--migrations", MIGRATIONS),
    ),
]  # fmt: skip


def _target(help_text: str) -> Any:
    return typer.Option(
        "--target",
        "-t",
        envvar="FQTOOL_TARGET",
        autocompletion=completion.targets,
        callback=_repeated("--target", None),
        help=help_text,
    )


TargetUrl = Annotated[
    str | None,
    _target("A URL or a target of the registry; by default the target `default`, else a local DuckDB file."),
]
TargetBeside = Annotated[
    str | None, _target("A URL or a target of the registry, whose table is compared too; by default none is.")
]


def is_typed(context: typer.Context, name: str) -> bool:
    """Return whether an option of the running command was typed, and not set by an environment variable."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _seconds(value: float) -> float:
    # A socket accepts no timeout above some hundred days, and a wait of a day is long enough.
    if not 0.1 <= value <= 86400:  # noqa: PLR2004
        raise typer.BadParameter(f"{value:g} is not in the range from 0.1 to 86400 seconds.")
    return value


Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", callback=_seconds, help="Seconds to wait for the warehouse, up to 86400.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help="The output format: text, json, github, sarif, junit or markdown.",
        metavar="FORMAT",
        callback=_known_format,
        autocompletion=completion.formats,
    ),
]


def max_bytes_option(help_text: str) -> Any:
    """Return the option --max-bytes. BigQuery accepts a positive int64 and refuses a request with another value."""
    return typer.Option("--max-bytes", min=1, metavar="BYTES", callback=_int64, help=help_text)


def _int64(value: int | None) -> int | None:
    if value is not None and value >= 2**63:
        raise typer.BadParameter(f"{value} must be less than 2^63.")
    return value


INTERRUPTED = 130


_ASKS_NO_WAREHOUSE = {
    "validate", "check-code", "generate-schema", "generate-sql", "export", "docs", "add-feature", "demo", "rule",
    "rules",
}  # fmt: skip
_READS_MIGRATIONS = {"migrate", "check-drift", "report", "demo"}
_READS_NO_REGISTRY = {"init", "rule", "rules"}
_DATASET = re.compile(r"(?<![\w/])DATASET(?=[. ])")
"""The dataset of the target in a command of another tool, as a rule without a target writes it."""


def with_options(remedy: Remedy) -> Remedy:
    """Return a remedy that can be pasted: commands with the options that were given, SQL in the target's dialect."""
    from fqtool.findings.remedy import Commands, Statements

    if isinstance(remedy, Statements):
        from fqtool.warehouse.target import as_fix

        return replace(remedy, sql=as_fix(remedy.sql, current_run().target))
    if isinstance(remedy, str) and current_run().dataset:
        return _DATASET.sub(current_run().dataset, remedy)
    return remedy.with_options(options_for) if isinstance(remedy, Commands) else remedy


def options_for(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options of this run that a command accepts and that its words do not contain.

    Args:
        words: the command line, from `fqtool` on.
    """
    if len(words) < 2 or words[0] != "fqtool" or "--help" in words:  # noqa: PLR2004
        return ()
    _, command, *rest = words
    options = current_run().options
    takes = {
        "--store": command not in _READS_NO_REGISTRY and "--registry" not in rest,
        "--registry": command not in _READS_NO_REGISTRY,
        "--target": command not in _ASKS_NO_WAREHOUSE and rest[:1] not in (["verify"], ["import"]),
        "--migrations": command in _READS_MIGRATIONS,
    }
    pairs = sorted((options[at : at + 2] for at in range(0, len(options), 2)), key=lambda pair: pair[0] == "--target")
    return tuple(word for option, value in pairs if takes[option] and option not in rest for word in (option, value))


def with_options_in(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Add the options that were given to the remedies of findings."""
    return tuple(replace(finding, remedy=with_options(finding.remedy)) for finding in findings)


def workspace_of(registry: Path, folder: Path, without: Container[str] = ()) -> Workspace:
    """Read the registry and its migrations.

    Args:
        registry: the registry file.
        folder: the folder of migration files.
        without: names of migration files to leave out.
    """
    from fqtool.workspace import open_workspace

    return open_workspace(registry, folder, without)


def warehouse_of(registry: Registry, target: str | None, timeout: float) -> Warehouse:
    """Open the target.

    Args:
        registry: the registry, which names targets.
        target: a URL, the name of a target, or None for the default.
        timeout: seconds to wait for the warehouse.

    Raises:
        UsageError: the name is unknown.
    """
    run, read = current_run(), Path(registry.path)
    options, known = run.options, {REGISTRY, *map(Path, run.of_store)}
    if "--registry" not in options and read not in known and read.is_file():  # a revision in git has no file
        options += ["--registry", registry.path]
    from fqtool.warehouse.target import parse_target

    run.target = url_of(registry, target)
    place = parse_target(run.target)
    run.dataset = f"{place.project}:{place.dataset}" if place.dataset else ""
    return open_warehouse(run.target, timeout)


def known_warehouses(registry: Registry, target: str | None, timeout: float) -> Iterator[Warehouse]:
    """Open the target, that of FQTOOL_TARGET, the default and those that the registry names, one after the other.

    Args:
        registry: The registry, which names targets.
        target: A URL, the name of a target, or None for the default.
        timeout: Seconds to wait for each warehouse.
    """
    names = (target, os.environ.get("FQTOOL_TARGET") or None, None, *(name for name, _ in registry.targets))
    for url in dict.fromkeys(url_of(registry, name) for name in names):
        with open_warehouse(url, timeout) as warehouse:
            yield warehouse


def url_of(registry: Registry, target: str | None) -> str:
    """Return the URL of a target.

    Args:
        registry: the registry, which names targets.
        target: a URL, the name of a target, or None for the default.

    Raises:
        UsageError: the name is unknown.
    """
    from fqtool.errors import UsageError

    named = dict(registry.targets)
    url = target or named.get("default", DEFAULT_TARGET)
    if "://" not in url:
        if url not in named:
            names = f"Use one of {', '.join(named)}, or a URL" if named else "Use a URL"
            raise UsageError(
                f"Unknown target {url!r}: {registry.path} does not declare it.",
                remedy=f"{names} like {DEFAULT_TARGET}; or declare {url!r} under `targets:` of {registry.path}.",
            )
        url = named[url]
    return url


def open_warehouse(url: str, timeout: float) -> Warehouse:
    """Open the warehouse of a URL. Its requests and waits are reported by the options of the run.

    Args:
        url: the URL of the target.
        timeout: seconds to wait for the warehouse.
    """
    from fqtool.warehouse.protocol import Patient
    from fqtool.warehouse.target import open_target

    warehouse = open_target(url, timeout=timeout)
    if isinstance(warehouse, Patient):
        waiting, run = warehouse.waiting, current_run()
        waiting.report, waiting.cancels = run.say, asks_to_cancel
        waiting.longest = run.job_timeout or waiting.longest
        run.waits.append(waiting)
    return traced(warehouse)


def report_findings(
    findings: Sequence[Finding],
    form: str,
    *,
    target: str,
    command: str,
    ok: str,
    errors_only: bool = False,
    next_command: str = "",
    fix_command: str = "",
    shown: Sequence[Finding] | None = None,
    following: Remedy = "",
    also: Mapping[str, Any] | None = None,
) -> None:
    """Print findings, and exit 1 if any of them is an error or a warning.

    Args:
        findings: the findings.
        form: the output format.
        target: the warehouse or file that was checked.
        command: the command that was run.
        ok: the sentence to print where there are no errors and warnings.
        errors_only: exit 0 for warnings.
        next_command: the command to run next where there are no errors and warnings, printed after text.
        fix_command: the command that applies the patches of findings, printed after text.
        shown: the findings that text prints in full, where the command prints the others itself; None: all.
        following: the command to run next where there are findings, printed after their number.
        also: further keys of the JSON document.
    """
    from fqtool.findings.finding import Severity, blocking
    from fqtool.findings.together import together
    from fqtool.output.outcome import Outcome

    findings = with_options_in(together(findings))
    if is_quiet() and form == "text" and not findings:
        return
    print_outcome(
        Outcome(
            findings, target, command, ok, also or {},
            shown=None if shown is None else with_options_in(shown), following=with_options(following),
        ),
        form,
    )  # fmt: skip
    stops = [finding for finding in blocking(findings) if finding.severity is Severity.ERROR or not errors_only]
    if form == "text" and not following:
        _say_fix(stops, fix_command)
    if stops:
        raise typer.Exit(1)
    if next_command and form == "text":
        say_next(next_command)


def print_outcome(outcome: Outcome, form: str) -> None:
    """Print an outcome; with --all and another format than text, keep it for the document of all stores."""
    from fqtool.output.findings import FORMATS

    if (outcomes := current_run().outcomes) is not None:
        outcomes.append(outcome)
    else:
        FORMATS[form](outcome, sys.stdout)


def print_result(document: Mapping[str, Any], command: str) -> None:
    """Print a JSON document without findings; with --all, keep it for the document of all stores.

    Args:
        document: a JSON object with a `target`.
        command: the command that made it.
    """
    from fqtool.output.json_document import print_document
    from fqtool.output.outcome import Outcome

    if (outcomes := current_run().outcomes) is not None:
        outcomes.append(Outcome((), document["target"], command, "", {"result": document}))
    else:
        print_document(document, sys.stdout)


def _say_fix(findings: Sequence[Finding], fix_command: str) -> None:
    """Print the command that fixes most findings, where there is one."""
    from collections import Counter

    from fqtool.findings.remedy import Commands, commands

    whole = Counter[str]()
    for finding in findings:
        if finding.patch and fix_command:
            whole[str(with_options(commands(fix_command)))] += 1
        elif isinstance(finding.remedy, Commands) and not finding.remedy.first:
            whole[str(finding.remedy)] += 1
    for command, count in whole.most_common(1):
        of = f" (fixes {count} of {counted(len(findings), 'finding')})" if len(findings) > 1 else ""
        say(f"Next{of}: {command}")


def write_output(out: Path, text: str) -> None:
    """Write generated text to a file, or to stdout where `out` is `-`."""
    if str(out) == "-":
        sys.stdout.write(text)
        return
    from fqtool.warehouse.files import require_output, write_text

    require_output(out)
    write_text(out, text)
    say(f"Wrote {out}.")


def say_next(*lines: str) -> None:
    """Print to stderr which commands to run next, with the options of this run.

    Args:
        lines: each command without the word fqtool, such as "migrate plan".
    """
    from fqtool.findings.remedy import commands

    say(f"Next: {with_options(commands(*lines))}")


def registry_words(registry: Path) -> tuple[str, ...]:
    """Return the option --registry or --store for a command of a remedy, () for the default registry."""
    if store := current_run().store:
        return ("--store", store)
    return () if registry == REGISTRY else ("--registry", str(registry))


def registry_option(registry: Path) -> str:
    """Return ` --registry FILE` or ` --store NAME` for a command to paste, "" for the default registry."""
    return "".join(f" {shlex.quote(word)}" for word in registry_words(registry))


def version() -> str:
    """Return the installed version."""
    from importlib.metadata import version as installed

    return f"fqtool {installed('fqtool')}"
