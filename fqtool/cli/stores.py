"""--store and --all: every command that takes a registry serves the stores of fqtool.yaml.

The options are added to the commands when these are loaded, and a chosen store replaces the defaults of --registry,
--migrations and --target. So no command knows of several stores.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from fqtool.cli import completion
from fqtool.cli.output import current_run, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fqtool.output.outcome import Outcome
    from fqtool.registry.model import Registry
    from fqtool.registry.project import Store

PROJECT = Path("fqtool.yaml")
WRITES_FILES = frozenset({"docs", "export", "generate-schema", "generate-sql", "report"})
"""The commands with --all that write a file of a store."""
OF_ALL = WRITES_FILES | frozenset(
    {
        "validate", "migrate", "migrate plan", "migrate status", "migrate verify", "check-drift", "score", "diagnose",
        "daily", "models", "doctor", "backfill", "cost", "learn", "diff",
    }
)  # fmt: skip
"""The commands with --all. Others are about one row, one file of records or code, or one change to a registry."""
_OF_ONE_STORE = ("source", "out", "rejects", "features", "register", "name", "new", "rows")
_REVISION = re.compile("git:[^:]+")
"""What `diff` compares each store with: a revision, and not one file."""
_Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="NAME",
        autocompletion=lambda incomplete: completion.stores(PROJECT, incomplete),
        help="A store that fqtool.yaml lists, in place of --registry and --migrations.",
    ),
]
_ALL = "Serve every store of fqtool.yaml in turn"
_All = Annotated[bool, typer.Option("--all", help=f"{_ALL}.")]
_AllFiles = Annotated[bool, typer.Option("--all", help=f"{_ALL}; each file is in a folder with the store's name.")]
_NoAll = Annotated[bool, typer.Option("--all", hidden=True)]
"""A hidden option of the other commands. It is refused with their name, where typer would propose another option."""


def add_store_options(app: typer.Typer) -> None:
    """Add --store, and --all where it applies, to the commands of an app that take a registry.

    Args:
        app: The app of a command; adding the options twice has the effect of adding them once.
    """
    group = app.registered_callback
    if group is not None and group.callback is not None:
        group.callback = _with_options(group.callback, "")
    prefix = f"{group.callback.__name__} " if group is not None and group.callback is not None else ""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _with_options(command.callback, prefix, command.name)


def _with_options(function: Callable[..., Any], prefix: str, name: str | None = None) -> Callable[..., Any]:
    """Return a command's function with the options, or itself where it takes no registry or has them."""
    signature = inspect.signature(function)
    if "registry" not in signature.parameters or "store" in signature.parameters:
        return function
    words = prefix + (name or function.__name__.replace("_", "-"))
    hints = get_type_hints(function, include_extras=True)
    own_context = next((one for one, kind in hints.items() if kind is typer.Context), None)
    added: dict[str, Any] = {"store": _Store}
    if not _has_all(hints):
        added["all_stores"] = _AllFiles if words in WRITES_FILES else _All if words in OF_ALL else _NoAll

    @wraps(function)
    def serve(**values: Any) -> None:
        context = values[own_context] if own_context else values.pop("context")
        options = {option: values.pop(option) for option in added}
        _serve(function, words, context, values, options["store"], every=options.get("all_stores", False))

    parameters = [one.replace(annotation=hints[one.name]) for one in signature.parameters.values()]
    if own_context is None:
        parameters.insert(0, inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))
    for option, annotation in added.items():
        default = None if option == "store" else False
        parameters.append(
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    serve.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    serve.__annotations__ = {one.name: one.annotation for one in keyword}
    return serve


def _has_all(hints: Mapping[str, Any]) -> bool:
    """Return whether a command has an --all of its own: typer keeps the first name of an option as its default."""
    declared = [one for hint in hints.values() for one in getattr(hint, "__metadata__", ())]
    return any("--all" in (one.default, *(one.param_decls or ())) for one in declared if hasattr(one, "param_decls"))


def _serve(
    function: Callable[..., Any], words: str, context: typer.Context, values: dict[str, Any], name: str | None, *,
    every: bool,
) -> None:  # fmt: skip
    """Call a command once, or once for each chosen store."""
    if context.invoked_subcommand:  # the options of the subcommand count
        function(**values)
        return
    stores = _chosen(context, words, name, every=every)
    if every:
        _serve_each(function, words, context, values, stores)
    else:
        function(**(_of_store(context, values, stores[0]) if stores else values))


def other_stores(target: str | None) -> list[tuple[Store, Registry, str]]:
    """Return the stores of fqtool.yaml that are not being served, with their registry and the URL of their target.

    A store that cannot be read is left out; its own commands report why.

    Args:
        target: the target of the served store, which the others share if it is an option or from the environment.
    """
    from fqtool.cli.options import url_of
    from fqtool.errors import FqtoolError
    from fqtool.lint.check import open_registry
    from fqtool.registry.project import read_stores

    run, found = current_run(), []
    if not PROJECT.is_file():
        return []
    given = None if target is None or target in run.of_store else target
    for store in read_stores(PROJECT):
        if str(store.registry) in run.of_store:
            continue
        try:
            registry = open_registry(store.registry)
            found.append((store, registry, url_of(registry, given or store.target)))
        except FqtoolError:
            continue
    return found


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    return source.name if source is not None else "DEFAULT"


def _chosen(context: typer.Context, words: str, name: str | None, *, every: bool) -> tuple[Store, ...]:
    """Return the stores that the options name, or the only store of fqtool.yaml; () serves --registry."""
    from fqtool.errors import UsageError

    given = _source(context, "registry")
    if (name or every) and given == "COMMANDLINE":
        raise UsageError(
            "--registry names one registry, so --store and --all do not apply.", remedy="Give one of them."
        )
    if every and words not in OF_ALL:
        raise UsageError(f"`fqtool {words}` serves one store, so --all does not apply.", remedy="Name it with --store.")
    if name and every:
        raise UsageError("--store and --all contradict each other.", remedy="Give one of them.")
    if not (name or every) and (given in {"ENVIRONMENT", "COMMANDLINE"} or not PROJECT.is_file()):
        return ()
    if not PROJECT.is_file():
        raise UsageError(
            f"There is no {PROJECT} in this folder, which --store and --all read.",
            remedy="Name the registry with --registry, or list the stores in fqtool.yaml.",
        )
    from fqtool.registry.project import read_stores

    stores = read_stores(PROJECT)
    if every:
        _require_no_file(context, words)
        return stores
    named = tuple(store for store in stores if name in (None, store.name))
    if len(named) == 1:
        return named
    listed, also = ", ".join(store.name for store in stores), ", or all with --all" if words in OF_ALL else ""
    problem = f"{PROJECT} has no store {name!r}" if name else f"{PROJECT} lists {len(stores)} stores"
    raise UsageError(f"{problem}.", remedy=f"Name one with --store: {listed}{also}.")


def _require_no_file(context: typer.Context, words: str) -> None:
    """Raise UsageError for an option or argument that names a file or a migration of one store."""
    from fqtool.errors import UsageError

    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.params.get(name)
        if words in WRITES_FILES and name == "out":
            if str(given) == "-" and not isinstance(context.params.get("check"), Path):
                raise UsageError(
                    "--all writes a file for each store, so it needs --out.",
                    remedy="Add --out. With `--out DIR/FILE`, the file of each store is `DIR/STORE/FILE`.",
                )
        elif _source(context, name) == "COMMANDLINE" and (
            name in _OF_ONE_STORE or (name == "old" and not _REVISION.fullmatch(str(given)))
        ):
            shown = parameter.opts[0] if parameter.param_type_name == "option" else f"{given!r}"
            raise UsageError(
                f"{shown} is of one store, so --all does not apply.", remedy="Name the store with --store."
            )


def _of_store(context: typer.Context, values: dict[str, Any], store: Store) -> dict[str, Any]:
    """Return the values of a command for a store, and let remedies name the store."""
    run = current_run()
    own = {"--migrations": "folder", "--target": "target"}
    typed = [(option, name) for option, name in own.items() if name in values and _source(context, name) != "DEFAULT"]
    run.options[:] = ["--store", store.name, *(word for option, name in typed for word in (option, str(values[name])))]
    of_store = {"registry": store.registry, "folder": store.migrations, "target": store.target}
    chosen = {
        name: value
        for name, value in of_store.items()
        if name in values and value is not None and (name == "registry" or _source(context, name) == "DEFAULT")
    }
    run.store = store.name
    run.of_store = frozenset(str(value) for value in chosen.values())
    return values | chosen


def _files_of_store(context: typer.Context, values: dict[str, Any], store: Store) -> dict[str, Any]:
    """Return the files that --out and --check name, each in a folder with the name of the store."""
    folders = {one.name for one in context.command.params if one.metavar == "DIR"}
    files = {name: values[name] for name in ("out", "check") if isinstance(values.get(name), Path)}
    return {
        name: file / store.name if name in folders else file.parent / store.name / file.name
        for name, file in files.items()
        if str(file) != "-"
    }


def _serve_each(
    function: Callable[..., Any],
    words: str,
    context: typer.Context,
    values: dict[str, Any],
    stores: Sequence[Store],
) -> None:
    """Call a command for each store, print one document, and exit with the highest exit code."""
    from fqtool.cli.endings import print_error
    from fqtool.cli.options import INTERRUPTED
    from fqtool.errors import FqtoolError

    run = current_run()
    text = words == "docs" or values.get("form", "text") == "text"  # the format of docs is that of its pages
    codes: dict[str, int] = {}
    outcomes: dict[str, list[Outcome]] = {}
    for store in stores:
        outcomes[store.name] = []
        run.outcomes = None if text else outcomes[store.name]
        if text:
            # A comment also in SQL, which some commands print.
            print(f"-- store {store.name}: {store.registry}", flush=True)
        codes[store.name] = 0
        try:
            chosen = _of_store(context, values, store)
            function(**(chosen | _files_of_store(context, values, store) if words in WRITES_FILES else chosen))
        except typer.Exit as ending:
            codes[store.name] = ending.exit_code
            if ending.exit_code == INTERRUPTED:
                break
        except FqtoolError as error:
            codes[store.name] = error.exit_code
            print_error(error)
    run.options[:], run.store, run.outcomes = [], "", None
    if not text:
        _print_together(values["form"], words, outcomes, codes)
    say(f"Exit codes: {', '.join(f'{name} {code}' for name, code in codes.items())}.")
    if highest := max(codes.values()):
        raise typer.Exit(highest)


def _print_together(form: str, words: str, outcomes: Mapping[str, Sequence[Outcome]], codes: Mapping[str, int]) -> None:
    """Print the findings of all stores as one document. The subject of a finding begins with its store."""
    from fqtool.output.findings import print_findings

    findings, stores = [], list[dict[str, Any]]()
    for name, code in codes.items():
        found = [finding for outcome in outcomes[name] for finding in outcome.findings]
        findings += [replace(finding, subject=f"{name}: {finding.subject}") for finding in found]
        also = {key: value for outcome in outcomes[name] for key, value in outcome.also.items()}
        target = next((outcome.target for outcome in outcomes[name]), "")
        stores.append({"name": name, "target": target, "exit_code": code, "findings": len(found), **also})
    failed = [name for name, code in codes.items() if code and not outcomes[name]]
    classes = next((outcome.classes for each in outcomes.values() for outcome in each), None)
    ok = f"No problems found in {len(codes)} stores." if not failed else f"Failed: {', '.join(failed)}; see stderr."
    print_findings(
        findings, form, target=str(PROJECT), command=words, ok_message=ok, stream=sys.stdout,
        also={"stores": stores}, classes=classes,
    )  # fmt: skip
