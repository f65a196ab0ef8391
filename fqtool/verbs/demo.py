"""fqtool demo: the whole story on embedded DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias

from fqtool.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.quality.roles import Roles
from fqtool.registry.model import Registry
from fqtool.sql import Query, Value, ident, literal
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.table.changes import AddColumn, Change, DropColumn, SetOption, SetType
from fqtool.table.column import Kind, Type
from fqtool.table.model import State
from fqtool.table.typetext import column
from fqtool.verbs.backfill import Options, Watch, fill
from fqtool.verbs.check_drift import drift_of
from fqtool.verbs.diagnose import Diagnosis, diagnosis_of
from fqtool.verbs.migrate_apply import apply_migrations
from fqtool.verbs.report import Report, report_of
from fqtool.verbs.workspace import Workspace
from fqtool.warehouse.duckdb import DuckDBWarehouse
from fqtool.warehouse.duckdb_load import load
from fqtool.warehouse.protocol import Warehouse

LAST = date(2026, 2, 6)
DAYS = 30
WEEK = 7
# As many rows as the dates had on which such an incident took two hours of SQL to find.
VOLUMES = {date(2026, 2, 3): 339, date(2026, 2, 4): 257, date(2026, 2, 5): 273, LAST: 201}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A small table to show."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step as told to a person: the command that does the same, lines, tables, and findings if it looks for any.

    Without a command it tells what came of the step before.
    """

    command: str
    lines: tuple[str, ...] = ()
    findings: tuple[Finding, ...] | None = None
    target: str = ""
    ok: str = ""
    sheets: tuple[Sheet, ...] = ()
    diagnosis: Diagnosis | None = None
    report: Report | None = None


Watching: TypeAlias = Callable[[Warehouse], AbstractContextManager[Watch]]


def shipped() -> tuple[Path, Path]:
    """Return the registry and migrations that come with fqtool: inside an installed one, beside a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "example"
    home = inside if inside.exists() else package.parent
    return home / "feature_registry.yaml", home / "migrations"


@contextmanager
def _unwatched(_: Warehouse) -> Iterator[Watch]:
    yield Watch()


def run_demo(workspace: Workspace, file: Path, tell: Callable[[Step], None], watching: Watching = _unwatched) -> None:
    """Create and migrate the table, find what was altered by hand in a copy, score a month, name what broke its end."""
    altered = file.with_name(f"{file.stem}-altered{file.suffix}")
    for path in (file, altered):
        for leftover in (path, path.with_name(f"{path.name}.wal")):
            leftover.unlink(missing_ok=True)
    with closing(DuckDBWarehouse(str(file))) as warehouse:
        _migrate(workspace, warehouse, tell)
        _drift(workspace, warehouse, tell)
    shutil.copyfile(file, altered)
    with closing(DuckDBWarehouse(str(altered))) as warehouse:
        _break(workspace, warehouse, tell)
        _drift(workspace, warehouse, tell)
    with closing(DuckDBWarehouse(str(file))) as warehouse:
        _fill(workspace.registry, warehouse, tell)
        _backfill(workspace.registry, warehouse, tell, watching)
        _diagnose(workspace.registry, warehouse, tell)
        _report(workspace, warehouse, tell)


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


def _fill(registry: Registry, warehouse: DuckDBWarehouse, tell: Callable[[Step], None]) -> None:
    """Put in a month of synthetic rows; on its last date the processor of most critical features did not run."""
    season = Season(registry, LAST - timedelta(days=DAYS - 1), DAYS, volumes=VOLUMES)
    critical = [one.processor for one in registry.active_features if one.critical and one.processor]
    broken = max(critical, key=critical.count, default="")
    count = load(warehouse, registry.table.name, season.rows([Incident("defaulted", LAST, LAST, broken)]))
    lines = (f"{count:,} synthetic rows on {DAYS} dates; {broken or 'nothing'} did not run for {LAST}.",)
    tell(Step("the feature store writes its rows", lines))


def _backfill(registry: Registry, warehouse: Warehouse, tell: Callable[[Step], None], watching: Watching) -> None:
    start = LAST - timedelta(days=DAYS - 1)
    tell(Step(f"fqtool backfill --start {start} --end {LAST} --target {warehouse.url}"))
    options = Options(start, LAST, as_of=datetime.combine(LAST, time(18), UTC))
    with watching(warehouse) as watch:
        found = fill(
            registry, warehouse, options, another=lambda: warehouse, tool="fqtool demo", now=datetime.now(UTC),
            watch=watch,
        )  # fmt: skip
    rows = sum(one.entry.rows for one in found.done)
    lines = (f"{len(found.done)} partitions with {rows:,} rows scored.",)
    sheets = (_dates(registry, warehouse, LAST - timedelta(days=WEEK - 1)), _rows(registry, warehouse))
    tell(Step("", lines, sheets=sheets))


def _diagnose(registry: Registry, warehouse: Warehouse, tell: Callable[[Step], None]) -> None:
    found = diagnosis_of(registry, warehouse, LAST)
    command = f"fqtool diagnose --date {LAST} --target {warehouse.url}"
    tell(Step(command, (), found.findings, warehouse.url, diagnosis=found))


def _report(workspace: Workspace, warehouse: Warehouse, tell: Callable[[Step], None]) -> None:
    start = LAST - timedelta(days=DAYS - 1)
    made = report_of(workspace, warehouse, start, LAST, made=datetime.now(UTC))
    tell(Step(f"fqtool report --start {start} --end {LAST} --target {warehouse.url}", report=made))


def _dates(registry: Registry, warehouse: Warehouse, start: date) -> Sheet:
    """The last week, a line a date."""
    roles, day = Roles(registry), ident(registry.table.partition_by or "")
    levels = [one.name for one in registry.alert_levels]
    counts = [f"COUNTIF({ident(roles.alert_level)} = {literal(name)}) AS {ident(name)}" for name in levels]
    found = warehouse.rows(
        Query(
            f"SELECT {day} AS `date`, COUNT(*) AS `rows`, ROUND(AVG({ident(roles.score)}), 2) AS `mean score`, "
            f"ROUND(AVG({ident(roles.defaults)}), 1) AS `mean defaults`, {', '.join(counts)}\n"
            f"FROM {ident(registry.table.name)} WHERE {day} BETWEEN {literal(start)} AND {literal(LAST)}\n"
            f"GROUP BY {day} ORDER BY {day}"
        )
    )
    return _sheet("The last week", found)


def _rows(registry: Registry, warehouse: Warehouse) -> Sheet:
    """Some rows of the last date, the best and the worst."""
    roles, table = Roles(registry), registry.table
    day = ident(table.partition_by or "")
    names = [*table.keys, roles.score, roles.tier, roles.alert_level, roles.defaults]
    codes = f"ARRAY_TO_STRING({ident(roles.alert_codes)}, ', ') AS {ident(roles.alert_codes)}"
    found = warehouse.rows(
        Query(
            f"SELECT {', '.join(map(ident, names))}, {codes}\nFROM {ident(table.name)} WHERE {day} = {literal(LAST)}\n"
            f"ORDER BY {ident(roles.score)}, {', '.join(map(ident, table.keys))}"
        )
    )
    return _sheet(f"Scored rows of {LAST}: the worst two and the best", [*found[:2], *found[-1:]])


def _sheet(title: str, rows: Sequence[dict[str, Value]]) -> Sheet:
    headers = tuple(rows[0]) if rows else ()
    return Sheet(title, headers, tuple(tuple(row.values()) for row in rows))


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
    tell(
        Step("someone alters a copy of the table by hand", tuple(f"{' '.join(one.sql.split())};" for one in statements))
    )
