"""fqtool demo: the whole story on embedded DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fqtool.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.table.changes import AddColumn, Change, DropColumn, SetOption, SetType
from fqtool.table.column import Kind, Type
from fqtool.table.model import State
from fqtool.table.typetext import column
from fqtool.verbs.check_drift import drift_of
from fqtool.verbs.migrate_apply import apply_migrations
from fqtool.verbs.workspace import Workspace
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target


@dataclass(frozen=True, slots=True)
class Step:
    """One step as told to a person: the command that does the same, lines, and findings if it looks for any."""

    command: str
    lines: tuple[str, ...] = ()
    findings: tuple[Finding, ...] | None = None
    target: str = ""
    ok: str = ""


def run_demo(workspace: Workspace, file: Path, tell: Callable[[Step], None]) -> None:
    """Create the base table, migrate it, break it by hand, and let check-drift find that."""
    for leftover in (file, file.with_name(f"{file.name}.wal")):
        leftover.unlink(missing_ok=True)
    url = f"duckdb:///{file}"
    with closing(open_target(url)) as warehouse:
        _migrate(workspace, warehouse, tell)
        _drift(workspace, warehouse, tell)
        _break(workspace, warehouse, tell)
        _drift(workspace, warehouse, tell)


def _migrate(workspace: Workspace, warehouse: Warehouse, tell: Callable[[Step], None]) -> None:
    result = apply_migrations(workspace, warehouse, tool="fqtool demo")
    state = warehouse.describe(workspace.table)
    count = len(getattr(state, "columns", ()))
    lines = [f"{file.name}: {how}, {len(file.statements)} statement(s)" for file, how in result.done]
    tell(Step(f"fqtool migrate --target {warehouse.url}", (*lines, f"{workspace.table} has {count} columns.")))


def _drift(workspace: Workspace, warehouse: Warehouse, tell: Callable[[Step], None]) -> None:
    found = drift_of(workspace, warehouse)
    ok = f"{workspace.table} is what the registry says."
    tell(Step(f"fqtool check-drift --target {warehouse.url}", (), found, warehouse.url, ok))


def _break(workspace: Workspace, warehouse: Warehouse, tell: Callable[[Step], None]) -> None:
    """Do by hand what people do to tables: drop, add, retype, switch an option."""
    table = workspace.desired.table
    if table is None:
        return
    numbers = [one.name for one in table.columns[len(workspace.base) :] if one.type.kind is Kind.INT64]
    done: list[Change] = [
        DropColumn(table.columns[-1].name),
        AddColumn(column("added_by_hand", "STRING")),
        *[SetType(name, Type(Kind.FLOAT64)) for name in numbers[:1]],
        SetOption("require_partition_filter", not table.options.require_partition_filter),
    ]
    before = State(table)
    statements = [make_statement(before, (change,)) for change in done]
    for statement in statements:
        warehouse.run(statement)
    tell(Step("someone alters the table by hand", tuple(f"{' '.join(one.sql.split())};" for one in statements)))
