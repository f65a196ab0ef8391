"""fqtool cost: the size of a row, the cost of keeping and scanning a year of rows, and what a migration adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from math import inf

from fqtool.commands.cost.costs import (
    Change,
    Cost,
    LineBeside,
    Scan,
    Weight,
    Year,
    billed,
    scan_price,
    storage,
    worked_out,
)
from fqtool.errors import InputError, Refusal, UsageError
from fqtool.migrations.plan import make_statement
from fqtool.monitoring.sizes import FIXED, SizeQuery, Sizes
from fqtool.registry.alerts_and_models import ExpectedLine, Pricing
from fqtool.registry.model import Registry
from fqtool.schema.build import base_columns, desired_table, dropped_columns, managed_columns
from fqtool.scoring.roles import Roles
from fqtool.scoring.scoring import Scoring
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.column import Column, Mode
from fqtool.table.model import State, Table, other_kind
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.scorer import scorer_of
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import MINIMUM_BILLED, Warehouse, limited, within
from fqtool.workspace import require_order

_SAMPLE = 200
_SAMPLE_DAY = date(2026, 1, 1)
_DAYS = 365.0


def cost_of(
    registry: Registry,
    warehouse: Warehouse | None,
    start: date,
    end: date,
    *,
    rows_per_year: float | None = None,
    max_bytes: int | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Cost:
    """Measure the rows from `start` to `end` by one scan, or estimate them.

    Without a warehouse, a table or rows, the sizes are those of synthetic rows.

    Args:
        registry: The registry.
        warehouse: The target; None to estimate.
        start: The first date.
        end: The last date.
        rows_per_year: Rows per year, None for the measured or expected number.
        max_bytes: Limit of the bytes that the scan reads.
        on_bytes: Called before the scan with the bytes that it will read.

    Raises:
        InputError: `end` is earlier than `start`.
        UsageError: `rows_per_year` is not a positive number.
        Refusal: The scan would read more than `max_bytes`.
    """
    require_order(start, end)
    if rows_per_year is not None and not 0 < rows_per_year < inf:
        raise UsageError("--rows-per-year must be a number above 0.", remedy="Write it like 25900.")
    table, why = _table(registry, warehouse)
    sizes = None
    if warehouse is not None and table is not None:
        sizes = _measured(registry, warehouse, table, start, end, max_bytes, on_bytes)
        if not sizes.rows:
            sizes, why = None, f"{table.name} in {warehouse.url} has no rows from {start} to {end}."
    lacking = _lacking(registry, table)
    made = estimated(registry) if sizes is None or lacking else None
    return _cost(registry, sizes, made, table, rows_per_year, why)


def _table(registry: Registry, warehouse: Warehouse | None) -> tuple[Table | None, str]:
    """The live table, or why there is no table to measure."""
    if warehouse is None:
        return None, "No table was read (--offline)."
    found = warehouse.describe(registry.table.name)
    if isinstance(found, Table):
        return found, ""
    what = f"{registry.table.name} is {other_kind(found)}" if found else f"There is no table {registry.table.name}"
    return None, f"{what} in {warehouse.url}."


def _lacking(registry: Registry, table: Table | None) -> tuple[str, ...]:
    """Managed columns that are not in the table, or without a table, not base columns."""
    present = table.by_key if table else {one.key: one for one in base_columns(registry)}
    return tuple(one.name for one in managed_columns(registry) if one.key not in present)


def _measured(
    registry: Registry,
    warehouse: Warehouse,
    table: Table,
    start: date,
    end: date,
    max_bytes: int | None,
    on_bytes: Callable[[int], None],
) -> Sizes:
    asked = SizeQuery(registry, table)
    query = asked.query(start, end)
    size = warehouse.run(query, dry_run=True).bytes_processed
    if size is not None:
        on_bytes(size)
        if max_bytes is not None and size > max_bytes:
            raise Refusal(
                f"The scan from {start} to {end} reads {size:,} bytes; --max-bytes allows {max_bytes:,}.",
                remedy=f"Raise --max-bytes, use fewer dates, or estimate with --offline. {MINIMUM_BILLED}",
            )
    with within(warehouse, limited(max_bytes)):
        (row,) = warehouse.rows(query)
    return asked.read(row)


def estimated(registry: Registry) -> Sizes:
    """Return the sizes of 200 synthetic rows of a healthy day, with their scores.

    Base columns that the registry does not describe are empty in them, so they are smaller than in real rows.
    """
    table, asked = desired_table(registry), SizeQuery(registry)
    rows = list(Season(registry, _SAMPLE_DAY, 1, rows_per_day=_SAMPLE).rows())
    scored = scorer_of(registry).records(rows, datetime.now(UTC))
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(table),)))
        load(warehouse, table.name, ({**row, **made} for row, made in zip(rows, scored, strict=True)))
        (row,) = warehouse.rows(asked.query(_SAMPLE_DAY, _SAMPLE_DAY))
    return asked.read(row)


def _cost(
    registry: Registry,
    sizes: Sizes | None,
    made: Sizes | None,
    table: Table | None,
    rows_per_year: float | None,
    why: str,
) -> Cost:
    """Put the answer together from what was measured and what was made up."""
    of_now = sizes or made
    if of_now is None:
        raise InputError("Nothing was measured and nothing estimated.")
    columns = _weights(of_now, estimated=sizes is None)
    known = {one.name.lower() for one in columns}
    beyond = () if made is None else tuple(w for w in _weights(made, estimated=True) if w.name.lower() not in known)
    whole = (*columns, *beyond)
    expected = registry.expected_size
    score = Roles(registry).score
    return Cost(
        registry,
        why,
        of_now,
        columns,
        of_now.filled(score) if score else None,
        _year(registry, of_now, rows_per_year, measured=sizes is not None),
        worked_out(expected, registry.pricing) if expected else None,
        tuple(_beside(line, whole) for line in expected.lines) if expected else (),
        _change(registry, whole, table),
    )


def _weights(sizes: Sizes, *, estimated: bool) -> tuple[Weight, ...]:
    return tuple(
        Weight(one.name, one.column.sql_type, section, sizes.mean((one,)), estimated)
        for section, columns in sizes.sections.items()
        for one in columns
    )


def _beside(line: ExpectedLine, columns: Iterable[Weight]) -> LineBeside:
    found = [one for one in columns if one.section in line.sections]
    per_row = sum(one.per_row for one in found) if line.sections else None
    return LineBeside(line, len(found), per_row, any(one.estimated for one in found))


def _change(registry: Registry, columns: Iterable[Weight], table: Table | None) -> Change:
    """The pending changes: managed columns that the table lacks, and columns that the registry drops."""
    weights = {one.name.lower(): one.per_row for one in columns}
    present = table.by_key if table else {one.key: one for one in base_columns(registry)}
    adds = _lacking(registry, table)
    drops = tuple(one.name for one in dropped_columns(registry) if one.name.lower() in present)

    def of(names: Iterable[str]) -> float:
        return sum(weights.get(name.lower(), 0.0) for name in names)

    grow = {one.name: factor for one in managed_columns(registry) if (factor := _factor(one, present.get(one.key)))}
    widened = sum(weights.get(name.lower(), 0.0) * (factor - 1) for name, factor in grow.items())
    return Change(of(present), of(adds), widened, of(drops), adds, tuple(grow), drops)


def _factor(declared: Column, live: Column | None) -> float | None:
    """The factor by which a value grows when its column gets the declared type; None without a change."""
    if live is None or Mode.REPEATED in (declared.mode, live.mode):
        return None
    before, after = FIXED.get(live.type.kind), FIXED.get(declared.type.kind)
    return after / before if before and after and before != after else None


def _year(registry: Registry, sizes: Sizes, rows_per_year: float | None, *, measured: bool) -> Year | None:
    """A year of such rows; None where the number of rows is unknown."""
    expected, pricing = registry.expected_size, registry.pricing
    dates = expected.days_per_year if expected else _DAYS
    a_date = expected.rows_per_day if expected else 0.0
    if measured and sizes.dates:
        a_date = sizes.rows / sizes.dates
    rows = a_date * dates if rows_per_year is None else rows_per_year
    if not rows:
        return None
    if not a_date:
        a_date = rows / dates
    stored = rows * sizes.per_row
    if pricing is None:
        return Year(rows, dates, stored, None, ())
    return Year(rows, dates, stored, storage(stored, pricing), _scans(registry, sizes, stored, rows, a_date))


def _scans(registry: Registry, sizes: Sizes, stored: float, rows: float, a_date: float) -> tuple[Scan, ...]:
    """The usual queries. Scoring a date reads its columns and rewrites the partition (bigquery.md#bytes)."""
    pricing = registry.pricing or Pricing(date.min)
    read = {one.key for one in Scoring(registry).reads}
    of_scoring = sizes.mean(one for one in sizes.columns if one.column.key in read) + sizes.per_row

    def scan(what: str, scanned: float, times: float = 1.0) -> Scan:
        return Scan(what, scanned, billed(scanned, pricing), times, scan_price(scanned, pricing) * times)

    return (
        scan("a scan of the whole year", stored),
        scan("a scan of one date", a_date * sizes.per_row),
        scan("scoring one date", a_date * of_scoring),
        scan("scoring every date once", a_date * of_scoring, rows / a_date),
    )
