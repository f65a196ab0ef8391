"""fqtool migrate: apply by itself, and plan, status, verify below it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.listening import below, heard
from fqtool.cli.options import (
    MIGRATIONS,
    REGISTRY,
    Folder,
    Format,
    RegistryPath,
    TargetUrl,
    Timeout,
    tell,
    version,
    warehouse_of,
    workspace_of,
)
from fqtool.cli.saying import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fqtool.table.statement import Statement

app = typer.Typer(help="Apply pending migrations; plan, list or verify them.", invoke_without_command=True)


@app.callback()
def migrate(
    context: typer.Context,
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    allow: Annotated[list[str] | None, typer.Option(help="A hazard that may run, e.g. FQ230; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would run; change nothing.")] = False,
    take_lease: Annotated[
        bool, typer.Option("--take-lease", help="Take the lease from a migrator that is known to be dead.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell every step.")] = False,
) -> None:
    """Apply pending migrations to the target, each statement verified by reading the table back."""
    if context.invoked_subcommand:
        below(context.invoked_subcommand)
        return
    from fqtool.verbs.migrate_apply import apply_migrations, known_hazards

    known_hazards(allow or ())
    workspace = workspace_of(registry, folder)
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        result = apply_migrations(
            workspace,
            warehouse,
            tool=version(),
            allow=frozenset(allow or ()),
            dry_run=dry_run,
            take_lease=take_lease,
            on_step=(lambda step: say(f"  {step}")) if verbose else (lambda _: None),
        )
        if dry_run:
            for file in result.pending:
                print(file.text)
            say(f"{len(result.pending)} pending; nothing was done." if result.pending else "Nothing is pending.")
            return
        for file, how in result.done:
            words = "was there already, verified as baseline" if how == "adopted" else _count(file.statements)
            say(f"{file.name}: {words}")
        say(f"{warehouse.url} is up to date." if result.done else f"Nothing is pending in {warehouse.url}.")


def _count(statements: Sequence[Statement]) -> str:
    found = sum(statement.adopted for statement in statements)
    run = len(statements) - found
    also = f" and {found} found in place" if found else ""
    return f"applied, {run} statement{'' if run == 1 else 's'}{also}, table read back and compared"


@app.command()
def plan(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    name: Annotated[str, typer.Option(help="Words for the file's name.")] = "",
    offline: Annotated[
        bool, typer.Option("--offline", help="Plan from what the files record, without asking the target.")
    ] = False,
    include_base: Annotated[bool, typer.Option("--include-base", help="Alter base columns too.")] = False,
    redo: Annotated[bool, typer.Option("--redo", help="Plan anew what this target has not begun to apply.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; write nothing.")] = False,
) -> None:
    """Write the next migration from the live table and the registry, with hazards, cost and the way back."""
    from fqtool.report.plan_text import print_plan
    from fqtool.verbs.migrate_plan import kept_files, plan_migration, write_plan

    workspace, today = workspace_of(registry, folder), datetime.now(UTC).date()
    if offline:
        planned = plan_migration(workspace, None, today=today, name=name, include_base=include_base, redo=redo)
    else:
        with warehouse_of(workspace.registry, target, timeout) as warehouse:
            planned = plan_migration(workspace, warehouse, today=today, name=name, include_base=include_base, redo=redo)
    for file, one in planned.made:
        print_plan(file, one, sys.stdout)
    if not planned.made:
        say("Nothing to plan: files and registry agree.")
    if not dry_run and (planned.made or planned.replaced or not workspace.contract):
        write_plan(workspace, planned, kept_files(workspace, planned))
        say("\n".join(f"Wrote {folder / file.name}." for file, _ in planned.made))


@app.command()
def status(
    registry: RegistryPath = REGISTRY,
    folder: Folder = MIGRATIONS,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    form: Format = "text",
) -> None:
    """List every migration of folder and target, and what is wrong between them."""
    from fqtool.report.table_text import print_table
    from fqtool.verbs.migrate_status import migration_status

    workspace = workspace_of(registry, folder)
    with warehouse_of(workspace.registry, target, timeout) as warehouse:
        found = migration_status(workspace, warehouse)
        if form == "text":
            headers = ("migration", "standing", "statements", "finished (UTC)", "by", "error")
            cells = [(r.name, r.standing, r.statements, r.finished_at, r.runner, r.error) for r in found.rows]
            print_table(f"Migrations of {warehouse.url}", headers, cells, sys.stdout)
        pending = sum(row.standing == "pending" for row in found.rows)
        ok = f"Files and ledger agree; {pending} pending." if pending else "Files and ledger agree."
        tell(found.findings, form, target=warehouse.url, command="migrate status", ok=ok)


@app.command()
def verify(registry: RegistryPath = REGISTRY, folder: Folder = MIGRATIONS, form: Format = "text") -> None:
    """Prove the folder: checksums, chain, contract, and a replay on a fresh embedded engine."""
    from fqtool.verbs.migrate_verify import verify_migrations
    from fqtool.warehouse.target import open_target

    workspace = workspace_of(registry, folder)
    with heard(open_target("duckdb:///:memory:")) as scratch:
        found = verify_migrations(workspace, scratch, version())
    ok = f"{len(workspace.files)} migrations replay to what the registry says."
    tell(found, form, target=str(folder), command="migrate verify", ok=ok)
