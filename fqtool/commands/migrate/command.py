"""fqtool migrate and its subcommands plan, import, status and verify."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fqtool.cli.counts import counted
from fqtool.cli.options import (
    MIGRATIONS,
    REGISTRY,
    Folder,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    known_warehouses,
    report_findings,
    say_next,
    version,
    warehouse_of,
    workspace_of,
)
from fqtool.cli.output import current_run, say
from fqtool.cli.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fqtool.commands.migrate.apply import Applied
    from fqtool.commands.migrate.plan import Planned
    from fqtool.migrations.files import MigrationFile
    from fqtool.table.ddl import Statement

app = typer.Typer(help="Apply migrations; plan, import, list or verify them.", invoke_without_command=True)


@app.callback()
def migrate(
    context: typer.Context,
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    allow: Annotated[
        list[str] | None, typer.Option(help="Run statements with this hazard, e.g. FQ230; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the pending statements; change nothing.")] = False,
    take_lease: Annotated[
        bool,
        typer.Option("--take-lease", help="Take over the table's lease (lock) from a process that has crashed."),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every step.")] = False,
) -> None:
    """Apply pending migrations to the target, each statement verified by reading the table back."""
    if context.invoked_subcommand:
        current_run().words.append(context.invoked_subcommand)
        return
    from fqtool.commands.migrate.apply import apply_migrations, require_hazards

    allow = [code.upper() for code in allow or ()]
    require_hazards(allow)
    workspace = workspace_of(registry, folder)
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        result = apply_migrations(
            workspace,
            warehouse,
            tool=version(),
            allow=frozenset(allow),
            dry_run=dry_run,
            take_lease=take_lease,
            on_step=(lambda step: say(f"  {step}")) if verbose else (lambda _: None),
            on_pending=_print_files if dry_run else (lambda _: None),
        )
        if dry_run and result.pending:
            say(f"Pending: {_size(result.pending)}; nothing was changed.")
            say_next(" ".join(["migrate", *(f"--allow {code}" for code in allow)]))
        for file, outcome in result.done:
            sentence = {
                "adopted": "found in place, recorded as baseline",
                "copied": "the rows were copied and compared; the names were not swapped",
            }.get(outcome) or _count(file.statements, result.found[file.version])
            say(f"{file.name}: {sentence}")
        if result.done and result.done[-1][1] == "copied":
            say_next("migrate --allow FQ243 --allow FQ244")
        elif result.done:
            say(f"{_done(result)}; {warehouse.url} is up to date.")
            say_next("check-drift")
        elif not result.pending:
            say(f"Up to date: no migration is pending in {warehouse.url}.")


def _print_files(files: Iterable[MigrationFile]) -> None:
    for file in files:
        print(file.text)


def _done(result: Applied) -> str:
    """How many migrations were applied, with the statements that ran, and how many were only recorded."""
    ran = [file for file, outcome in result.done if outcome != "adopted"]
    statements = sum(len(file.statements) - result.found[file.version] for file in ran)
    recorded = counted(len(result.done) - len(ran), "migration")
    if not ran:
        return f"Recorded {recorded}"
    applied = f"Applied {counted(len(ran), 'migration')} ({counted(statements, 'statement')})"
    return f"{applied}, recorded {recorded}" if len(ran) < len(result.done) else applied


def _size(files: Sequence[MigrationFile]) -> str:
    statements = sum(len(file.statements) for file in files)
    return f"{counted(len(files), 'migration')} ({counted(statements, 'statement')})"


def _count(statements: Sequence[Statement], found: int) -> str:
    from fqtool.migrations.plan import compared

    run = len(statements) - found
    also = f" and {found} found in place" if found else ""
    checked = compared(change for statement in statements for change in statement.changes)
    return f"applied, {run} statement{'' if run == 1 else 's'}{also}; compared with the table: {checked}"


@app.command()
def plan(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    name: Annotated[str, typer.Option(help="The name of the file after its number, e.g. add_stock.")] = "",
    offline: Annotated[
        bool, typer.Option("--offline", help="Plan from the migration files, without reading the target.")
    ] = False,
    include_base: Annotated[bool, typer.Option("--include-base", help="Change base columns too.")] = False,
    redo: Annotated[
        bool, typer.Option("--redo", help="Plan again the files that no target has begun to apply.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Where BigQuery cannot alter the table, plan a new one with all rows.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; write nothing.")] = False,
) -> None:
    """Write the next migration from the live table to the registry.

    The migration is printed with hazards, cost in metadata operations, and rollback.
    """
    from fqtool.commands.migrate.plan import plan_migration, print_plan, write_plan
    from fqtool.commands.migrate.redo import superseded
    from fqtool.errors import UsageError
    from fqtool.warehouse.migration_folder import read_migrations

    if offline and rebuild:
        raise UsageError("--rebuild reads the target, which --offline forbids.", remedy="Remove one of them.")
    today, without, begun = datetime.now(UTC).date(), frozenset[str](), dict[str, str]()
    if redo:
        begun = _begun_anywhere(registry, target, timeout, offline=offline)
        without = superseded(read_migrations(folder), begun, str(folder))
    workspace = workspace_of(registry, folder, without)
    options: Any = {"today": today, "name": name, "include_base": include_base, "redo": redo, "rebuild": rebuild}
    options["begun_elsewhere"] = begun
    where = ""
    if offline:
        planned = plan_migration(workspace, None, **options)
    else:
        with warehouse_of(workspace.registry, target, timeout) as warehouse:
            planned, where = plan_migration(workspace, warehouse, **options), f" for {warehouse.url}"
    for file, of_file in planned.new:
        print_plan(file, of_file, sys.stdout, found=file.version in planned.found)
    for replaced in planned.replaced(workspace):
        say(f"Replaces {folder / replaced}, which no known target has begun to apply.")
    if not dry_run:
        written = write_plan(workspace, planned)
        for file_name in [name for name in written if name.endswith(".sql")] or written:
            say(f"Wrote {folder / file_name}.")
    given = {"--offline": offline, "--include-base": include_base, "--redo": redo, "--rebuild": rebuild}
    words = ["migrate plan", *(option for option, is_given in given.items() if is_given), *_name(name)]
    _conclude_plan(planned, where, " ".join(words) if dry_run else "")


def _name(name: str) -> list[str]:
    return [f"--name {quote(name)}"] if name else []


def _conclude_plan(planned: Planned, where: str, again: str) -> None:
    """Print what was planned and the next command: after a dry run `again`, which plans the same."""
    for sentence in planned.unused:
        say(sentence)
    if not planned.new and planned.left:
        left = f"{counted(len(planned.left), 'difference')} {'is' if len(planned.left) == 1 else 'are'} left"
        say(f"Nothing to plan, but {left} between table and registry that this plan does not change.")
        say_next("check-drift")
        return
    if not planned.new:
        say("Up to date: no migration needed.")
        return
    hazards = [hazard for _, of_file in planned.new for hazard in of_file.hazards]
    size = f"{_size([file for file, _ in planned.new])}{where}, {counted(len(hazards), 'hazard')} to allow"
    say(f"Planned {size}{'; nothing was written' if again else ''}.")
    if where and planned.creates and any(file.version == "0000" for file, _ in planned.new):
        create = "the migration creates" if len(planned.new) == 1 else "the migrations create"
        say(f"The table does not exist there, and {create} it. For another target, add --target.")
    for one in planned.gone:
        say(f"{one.rule}: {one.message} `migrate --allow {one.rule}` creates it again, empty.")
    if planned.absent:
        names = ", ".join(planned.absent)
        say(f"Not in the table, and added only with --include-base: {names}, declared under base_columns.")
    codes = [f"--allow {code}" for code in planned.allowed]
    say_next(again or " ".join(["migrate", *codes]))


def _begun_anywhere(registry: Path, target: str | None, timeout: float, *, offline: bool) -> dict[str, str]:
    """Return name -> SHA-256 of the migrations that a known target has begun to apply."""
    from fqtool.commands.migrate.redo import begun_files
    from fqtool.errors import UsageError
    from fqtool.lint.check import open_registry

    if offline:
        raise UsageError(
            "--redo reads the ledgers of the targets, which --offline forbids.", remedy="Remove one of them."
        )
    opened = open_registry(registry)
    return begun_files(known_warehouses(opened, target, timeout), opened.table.name)


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="The team's .sql files: a folder, or one file.")],
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    name: Annotated[
        str, typer.Option(help="The table in these files, if it is not the registry's.", metavar="DATASET.TABLE")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the migrations; write nothing.")] = False,
) -> None:
    """Write migrations from the SQL files that a team ran before.

    Files run in the order of their versions, such as V2__add_column.sql or 002_add_column.sql. Each statement is read
    or named with the reason. A table that ran these files is accepted as it is by `fqtool migrate`.
    """
    from fqtool.commands.migrate.imported import import_migrations
    from fqtool.commands.migrate.plan import print_plan, write_plan

    workspace = workspace_of(registry, folder)
    made = import_migrations(workspace, path, name)
    for file, of_file in made.planned.new:
        print_plan(file, of_file, sys.stdout)
    for note in made.notes:
        say(note)
    if not dry_run:
        for file_name in write_plan(workspace, made.planned):
            say(f"Wrote {folder / file_name}.")
    sources = sum(len(names) for _, names in made.made)
    size = f"{counted(sources, 'SQL file')} as {_size([file for file, _ in made.made])}"
    say(f"{'Read' if dry_run else 'Imported'} {size}{'; nothing was written' if dry_run else ''}.")
    say_next(" ".join(["migrate import", quote(str(path)), *_name(name)]) if dry_run else "migrate plan")


@app.command()
def status(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """List all migrations of folder and target, and check that they agree."""
    from fqtool.commands.migrate.status import migration_status
    from fqtool.output.table_text import print_table

    workspace = workspace_of(registry, folder)
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        listed = migration_status(workspace, warehouse)
        if form == "text":
            headers = ("migration", "status", "statements", "finished (UTC)", "by", "error")
            cells = [(r.name, r.standing, r.statements, r.finished_at, r.runner, r.error) for r in listed.rows]
            print_table(f"Migrations of {warehouse.url}", headers, cells, sys.stdout)
        ok = f"No problems found: {counted(len(listed.rows), 'migration')}, {listed.pending} pending."
        report_findings(
            listed.findings,
            form,
            target=warehouse.url,
            command="migrate status",
            ok=ok,
            next_command=listed.next_command,
        )


@app.command()
def verify(registry: RegistryPath = REGISTRY, folder: Folder = MIGRATIONS, form: Format = "text") -> None:
    """Check the folder: checksums, chain, contract, and a replay.

    The files are replayed on a new embedded database.
    """
    from fqtool.commands.migrate.apply import verify_migrations
    from fqtool.warehouse.target import open_replay

    workspace = workspace_of(registry, folder)
    with traced(open_replay()) as scratch:
        findings = verify_migrations(workspace, scratch, version())
    count = len(workspace.files)
    replayed = f"{counted(count, 'migration')} replay{'s' if count == 1 else ''}"
    ok = f"No problems found: {replayed} to the table that the registry describes."
    report_findings(findings, form, target=str(folder), command="migrate verify", ok=ok)
