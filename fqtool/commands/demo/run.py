"""fqtool demo: the whole workflow on embedded DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from fqtool.commands.backfill.partition_runner import Observer
from fqtool.commands.backfill.run import Options, fill
from fqtool.commands.check_drift.run import drift_of
from fqtool.commands.diagnose.run import Diagnosis, diagnosis_of
from fqtool.commands.migrate.apply import apply_migrations
from fqtool.commands.report.run import Report, report_of
from fqtool.errors import UsageError
from fqtool.findings.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.output.table_text import Figure
from fqtool.registry.model import Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.roles import Roles
from fqtool.sql import Query, Value, ident, literal
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.table.change_options import SetOption
from fqtool.table.changes import AddColumn, Change, DropColumn, SetType
from fqtool.table.column import Kind, Type
from fqtool.table.model import State
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import Workspace

LAST = date(2026, 2, 6)
DAYS = 30
FIRST = LAST - timedelta(days=DAYS - 1)
WEEK = 7
# The row counts of a real incident, which took two hours of SQL to find.
VOLUMES = {date(2026, 2, 3): 339, date(2026, 2, 4): 257, date(2026, 2, 5): 273, LAST: 201}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A small table to print."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demo: the command that does the same, lines, tables, and the findings of a check.

    A step without a command prints the result of the step before.
    """

    command: str
    lines: tuple[str, ...] = ()
    findings: tuple[Finding, ...] | None = None
    target: str = ""
    ok: str = ""
    sheets: tuple[Sheet, ...] = ()
    diagnosis: Diagnosis | None = None
    report: Report | None = None


Show: TypeAlias = Callable[[Step], None]
Watching: TypeAlias = Callable[[Warehouse], AbstractContextManager[Observer]]


def shipped() -> tuple[Path, Path]:
    """Return the registry and migrations that come with fqtool, in the package or in a checkout beside it."""
    package = Path(__file__).parents[2]
    inside = package / "example"
    home = inside if inside.exists() else package.parent
    return home / "feature_registry.yaml", home / "migrations"


@contextmanager
def _unwatched(_: Warehouse) -> Iterator[Observer]:
    yield Observer()


def run_demo(workspace: Workspace, file: Path, show: Show, watching: Watching = _unwatched) -> None:
    """Create the table, find manual changes in a copy, score a month, and diagnose its last date.

    Raises:
        UsageError: The file exists, and no demo made it.
    """
    altered = file.with_name(f"{file.stem}-altered{file.suffix}")
    if file.exists() and not altered.exists() and file.parent.name != ".fqtool":
        raise UsageError(f"{file} exists already; the demo creates a file.", remedy="Name another file with --file.")
    for path in (file, altered):
        for leftover in (path, path.with_name(f"{path.name}.wal")):
            if leftover.exists():
                leftover.unlink()
    with closing(DuckDBWarehouse(str(file))) as warehouse:
        _migrate(workspace, warehouse, show)
        _drift(workspace, warehouse, show)
    shutil.copyfile(file, altered)
    with closing(DuckDBWarehouse(str(altered))) as warehouse:
        _break(workspace, warehouse, show)
        _drift(workspace, warehouse, show)
    with closing(DuckDBWarehouse(str(file))) as warehouse:
        _fill(workspace.registry, warehouse, show)
        _backfill(workspace.registry, warehouse, show, watching)
        _diagnose(workspace.registry, warehouse, show)
        _report(workspace, warehouse, file.with_suffix(".html"), show)


def _migrate(workspace: Workspace, warehouse: Warehouse, show: Show) -> None:
    result = apply_migrations(workspace, warehouse, tool="fqtool demo")
    state = warehouse.describe(workspace.table)
    count = len(getattr(state, "columns", ()))
    lines = [
        f"{file.name}: {how}, {len(file.statements)} statement{'s' * (len(file.statements) != 1)}"
        for file, how in result.done
    ]
    show(Step(f"fqtool migrate --target {warehouse.url}", (*lines, f"{workspace.table} has {count} columns.")))


def _drift(workspace: Workspace, warehouse: Warehouse, show: Show) -> None:
    found = drift_of(workspace, warehouse)
    ok = f"No drift: {workspace.table} matches the registry."
    show(Step(f"fqtool check-drift --target {warehouse.url}", (), found, warehouse.url, ok))


def _fill(registry: Registry, warehouse: DuckDBWarehouse, show: Show) -> None:
    """Load a month of synthetic rows; on its last date the processor of most critical features did not run."""
    season = Season(registry, FIRST, DAYS, volumes=VOLUMES)
    critical = [one.processor for one in registry.active_features if one.critical and one.processor]
    named = critical or [one.processor for one in registry.active_features if one.processor]
    broken = max(named, key=named.count, default="")
    features = () if broken else tuple(one.name for one in registry.active_features[:1])
    incident = Incident("defaulted", LAST, LAST, broken, features)
    count = load(warehouse, registry.table.name, season.rows([incident]))
    what = f"{broken} did not run" if broken else f"{', '.join(features)} has no values"
    lines = (f"{count:,} synthetic rows on {DAYS} dates.", f"{what} for {LAST}.")
    show(Step("the feature store writes its rows", lines))


def _backfill(registry: Registry, warehouse: Warehouse, show: Show, watching: Watching) -> None:
    show(Step(f"fqtool backfill --start {FIRST} --end {LAST} --target {warehouse.url}"))
    options = Options(FIRST, LAST, as_of=datetime.combine(LAST, time(18), UTC))
    with watching(warehouse) as observer:
        result = fill(
            registry, warehouse, options, tool="fqtool demo", now=datetime.now(UTC),
            observer=observer,
        )  # fmt: skip
    rows = sum(partition.entry.rows for partition in result.partitions)
    lines = (f"{len(result.partitions)} partitions with {rows:,} rows scored.",)
    sheets = (_dates(registry, warehouse, LAST - timedelta(days=WEEK - 1)), _rows(registry, warehouse))
    show(Step("", lines, sheets=sheets))


def _diagnose(registry: Registry, warehouse: Warehouse, show: Show) -> None:
    found = diagnosis_of(registry, warehouse, LAST)
    command = f"fqtool diagnose --date {LAST} --target {warehouse.url}"
    show(Step(command, (), found.findings, warehouse.url, diagnosis=found))


def _report(workspace: Workspace, warehouse: Warehouse, page: Path, show: Show) -> None:
    made = report_of(workspace, warehouse, FIRST, LAST, made=datetime.now(UTC))
    show(Step(f"fqtool report --start {FIRST} --end {LAST} --out {page} --target {warehouse.url}", report=made))


_DECIMALS = {"mean score": 2, "mean defaults": 1}


def _dates(registry: Registry, warehouse: Warehouse, start: date) -> Sheet:
    """The last week, one line per date."""
    roles, dates = Roles(registry), row_dates(registry)
    columns = [f"{dates.of_row()} AS `date`", "COUNT(*) AS `rows`"]
    columns += [f"ROUND(AVG({ident(roles.score)}), 2) AS `mean score`"] if roles.score else []
    columns += [f"ROUND(AVG({ident(roles.defaults)}), 1) AS `mean defaults`"] if roles.defaults else []
    if level := roles.alert_level:
        names = [one.name for one in registry.alert_levels]
        columns += [f"COUNTIF({ident(level)} = {literal(name)}) AS {ident(name)}" for name in names]
    found = warehouse.rows(
        Query(
            f"SELECT {', '.join(columns)}\n"
            f"FROM {ident(registry.table.name)} WHERE {dates.between(start, LAST)}\n"
            f"GROUP BY `date` ORDER BY `date`"
        )
    )
    figures = ({name: _figure(name, value) for name, value in row.items()} for row in found)
    return _sheet("The last week", tuple(figures))


def _figure(name: str, value: Value) -> Value:
    """Return a mean as a number with as many decimals in every row."""
    if name not in _DECIMALS or not isinstance(value, float | Decimal):
        return value
    return Figure(float(value), f"{{:.{_DECIMALS[name]}f}}")


def _rows(registry: Registry, warehouse: Warehouse) -> Sheet:
    """The best and the worst rows of the last date."""
    roles, table = Roles(registry), registry.table
    where = row_dates(registry).on(LAST)
    columns = [
        ident(name) for name in (*table.keys, roles.score, roles.tier, roles.alert_level, roles.defaults) if name
    ]
    columns += [f"ARRAY_TO_STRING({ident(name)}, ', ') AS {ident(name)}" for name in (roles.alert_codes,) if name]
    order = ", ".join(map(ident, filter(None, (roles.score, *table.keys))))
    found = warehouse.rows(
        Query(f"SELECT {', '.join(columns)}\nFROM {ident(table.name)} WHERE {where}\nORDER BY {order}")
    )
    return _sheet(f"Scored rows of {LAST}: the worst two and the best", [*found[:2], *found[-1:]])


def _sheet(title: str, rows: Sequence[dict[str, Value]]) -> Sheet:
    headers = tuple(rows[0]) if rows else ()
    return Sheet(title, headers, tuple(tuple(row.values()) for row in rows))


def _break(workspace: Workspace, warehouse: Warehouse, show: Show) -> None:
    """Change the table manually: drop, add and retype a column, change an option."""
    table = workspace.wanted.table
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
    show(
        Step("someone alters a copy of the table by hand", tuple(f"{' '.join(one.sql.split())};" for one in statements))
    )
