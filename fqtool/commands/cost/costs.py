"""List prices, the costs of a year of rows, and what an expectation leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.monitoring.sizes import BASE, Sizes
from fqtool.registry.alerts_and_models import ExpectedLine, ExpectedSize, Pricing
from fqtool.registry.model import Registry

GIB, TIB = 2**30, 2**40
MONTHS, DAYS, ACTIVE_DAYS = 12, 365, 90


@dataclass(frozen=True, slots=True)
class Storage:
    """Prices of keeping the rows of a year for a year, in the currency of the prices.

    `active`: the whole year at the active price. `long_term`: each partition at the long-term price after 90 days.
    `first`: the first year, in which the store fills from day to day.
    """

    bytes: float
    active: float
    long_term: float
    first: float


def storage(stored: float, pricing: Pricing) -> Storage:
    """Return the prices of keeping rows that are spread evenly over a year.

    Args:
        stored: Bytes of the rows of a year.
        pricing: The prices.
    """
    year = stored / GIB * MONTHS
    active, late = pricing.active_storage_per_gib_month, pricing.long_term_storage_per_gib_month
    rest = DAYS - ACTIVE_DAYS
    # In the first year, only partitions written before its last 90 days become long-term.
    mean_active = (ACTIVE_DAYS * rest + ACTIVE_DAYS**2 / 2) / DAYS
    mean_late = rest**2 / 2 / DAYS
    return Storage(
        stored,
        year * active,
        year * (active * ACTIVE_DAYS + late * rest) / DAYS,
        year * (active * mean_active + late * mean_late) / DAYS,
    )


def billed(scanned: float, pricing: Pricing) -> float:
    """Return the billed bytes of a query, at least the minimum (bigquery.md#bytes)."""
    return max(scanned, pricing.minimum_bytes_per_query)


def scan_price(scanned: float, pricing: Pricing) -> float:
    """Return the on-demand price of a query that reads these bytes, without the free tier."""
    return billed(scanned, pricing) / TIB * pricing.scan_per_tib


@dataclass(frozen=True, slots=True)
class Expected:
    """The result of an expectation.

    Attributes:
        per_row: Bytes per row.
        rounded: The same, rounded as the registry declares.
        day: Bytes per day.
        year: Bytes per year.
        price_per_gb: Price of a year where the price of a GiB is applied to a GB; None without prices.
        price: Price of a year; None without prices.
    """

    per_row: float
    rounded: float
    day: float
    year: float
    price_per_gb: float | None
    price: float | None


def worked_out(expected: ExpectedSize, pricing: Pricing | None) -> Expected:
    """Return the result of an expectation, computed in the steps that it declares."""
    per_row = sum(one.per_row for one in expected.lines)
    step = expected.rounded_to
    rounded = round(per_row / step) * step if step else per_row
    day = rounded * expected.rows_per_day
    year = day * expected.days_per_year
    monthly = pricing.active_storage_per_gib_month if pricing else None
    if monthly is None:
        return Expected(per_row, rounded, day, year, None, None)
    return Expected(per_row, rounded, day, year, year / 1e9 * monthly * MONTHS, year / GIB * monthly * MONTHS)


@dataclass(frozen=True, slots=True)
class Weight:
    """The mean bytes per row of a column; `estimated` where the column is not in the table yet."""

    name: str
    type: str
    section: str
    per_row: float
    estimated: bool


@dataclass(frozen=True, slots=True)
class LineBeside:
    """One line of the expectation and the mean bytes per row of its columns, None for a line without columns."""

    line: ExpectedLine
    columns: int
    per_row: float | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """One kind of query: bytes that it reads, billed bytes, runs per year, and the price of all runs."""

    what: str
    bytes: float
    billed_bytes: float
    times: float
    price: float


@dataclass(frozen=True, slots=True)
class Year:
    """A year of rows: `rows` on `dates` dates; no `storage` without prices."""

    rows: float
    dates: float
    bytes: float
    storage: Storage | None
    scans: tuple[Scan, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of the pending migration on the mean bytes per row, and the columns that it changes."""

    before: float
    added: float
    widened: float
    dropped: float
    adds: tuple[str, ...]
    widens: tuple[str, ...]
    drops: tuple[str, ...]

    @property
    def after(self) -> float:
        """Mean bytes per row after the migration."""
        return self.before + self.added + self.widened - self.dropped


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a store.

    Attributes:
        registry: The registry.
        why_estimated: Why sizes are estimated, as a sentence; "" where they are measured.
        sizes: The sizes.
        columns: The columns of the table, or of the registry where there is no table.
        scored: Rows with a score, None where that is unknown.
        year: The cost of a year, None where its number of rows is unknown.
        expected: The result of the expectation, None without one.
        beside: The lines of the expectation and the sizes of their columns.
        change: The effect of the pending migration.
    """

    registry: Registry
    why_estimated: str
    sizes: Sizes
    columns: tuple[Weight, ...]
    scored: int | None
    year: Year | None
    expected: Expected | None
    beside: tuple[LineBeside, ...]
    change: Change

    @property
    def currency(self) -> str:
        """The currency of the prices, "" without prices."""
        return self.registry.pricing.currency if self.registry.pricing else ""

    @property
    def per_row(self) -> float:
        """Mean bytes per row."""
        return self.sizes.per_row

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections of the columns, in table order."""
        return tuple(dict.fromkeys(column.section for column in self.columns))

    def of_section(self, section: str) -> float:
        """Return the mean bytes per row of the columns of a section."""
        return sum(one.per_row for one in self.columns if one.section == section)


BYTES, ROWS, MONEY, ONCE, SHARE = "bytes a row", "rows a year", "price a year", "price", "share"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing that the expectation leaves out, and its figure in `unit`; MONEY and ONCE are in the currency."""

    what: str
    figure: float
    unit: str


def left_out(cost: Cost) -> tuple[LeftOut, ...]:
    """Return what the expectation leaves out, () without an expectation."""
    return () if cost.expected is None else (*_of_rows(cost), *_of_prices(cost))


def _of_rows(cost: Cost) -> Iterator[LeftOut]:
    expected = cost.registry.expected_size
    named = {section for line in expected.lines for section in line.sections} if expected else set[str]()
    for section in cost.sections:
        if section not in named:
            count = sum(one.section == section for one in cost.columns)
            what = section if section == BASE else f"columns of {section}"
            yield LeftOut(f"{count} {what}", cost.of_section(section), BYTES)
    if expected and cost.year:
        rows = expected.rows_per_day * expected.days_per_year
        if round(rows) != round(cost.year.rows):
            yield LeftOut(f"it counts {rows:,.0f} rows per year", cost.year.rows, ROWS)


def _of_prices(cost: Cost) -> Iterator[LeftOut]:
    pricing, year, expected = cost.registry.pricing, cost.year, cost.expected
    if pricing is None or year is None or year.storage is None or expected is None:
        return
    if expected.price is not None:
        yield LeftOut("BigQuery prices a GiB, not a GB", expected.price, MONEY)
    kept = year.storage
    yield LeftOut(f"partitions become long-term after {ACTIVE_DAYS} days", kept.long_term, MONEY)
    yield LeftOut("in the first year the store fills from day to day", kept.first, MONEY)
    further = year.bytes / GIB * MONTHS * pricing.long_term_storage_per_gib_month
    yield LeftOut("each further year of storage adds", further, MONEY)
    whole, date, _, scoring = year.scans
    yield LeftOut(f"{whole.what} reads {whole.bytes:,.0f} B", whole.price, ONCE)
    if date.billed_bytes > date.bytes:
        what = f"a query is billed at least {date.billed_bytes:,.0f} B; {date.what} reads {date.bytes:,.0f} B"
        yield LeftOut(what, date.price, ONCE)
    yield LeftOut(f"{scoring.what}, {scoring.times:,.0f} per year, reads and rewrites rows", scoring.price, MONEY)
    if pricing.free_storage_gib:
        share = year.bytes / GIB / pricing.free_storage_gib
        yield LeftOut(f"a year of rows, of the {pricing.free_storage_gib:g} GiB of free storage", share, SHARE)
    if pricing.free_scan_tib_per_month:
        share = scoring.billed_bytes * scoring.times / MONTHS / TIB / pricing.free_scan_tib_per_month
        what = f"scoring, of the {pricing.free_scan_tib_per_month:g} TiB of free scans per month"
        yield LeftOut(what, share, SHARE)
