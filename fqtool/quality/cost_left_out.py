"""What an expectation of a row's bytes leaves out, line by line, each with its own figure at the registry's prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.quality.costs import Cost
from fqtool.quality.prices import ACTIVE_DAYS, GIB, MONTHS, TIB
from fqtool.quality.sizes import BASE

BYTES, ROWS, MONEY, ONCE, SHARE = "bytes a row", "rows a year", "price a year", "price", "share"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing that was not thought of: its figure here, in `unit`; of MONEY and ONCE, in the prices' currency."""

    what: str
    figure: float
    unit: str


def left_out(cost: Cost) -> tuple[LeftOut, ...]:
    """Return what the expectation leaves out, () where the registry has none."""
    return () if cost.expected is None else (*_of_rows(cost), *_of_prices(cost))


def _of_rows(cost: Cost) -> Iterator[LeftOut]:
    expected = cost.registry.expected_size
    named = {section for line in expected.lines for section in line.sections} if expected else set[str]()
    for section in dict.fromkeys(one.section for one in cost.columns):
        if section not in named:
            count = sum(one.section == section for one in cost.columns)
            what = section if section == BASE else f"columns of {section}"
            yield LeftOut(f"{count} {what}, part of every row", cost.of_section(section), BYTES)
    if expected and cost.year:
        thought = expected.rows_per_day * expected.days_per_year
        if round(thought) != round(cost.year.rows):
            yield LeftOut(f"it counts {thought:,.0f} rows a year", cost.year.rows, ROWS)


def _of_prices(cost: Cost) -> Iterator[LeftOut]:
    pricing, year, expected = cost.registry.pricing, cost.year, cost.expected
    if pricing is None or year is None or year.storage is None or expected is None:
        return
    if expected.price is not None:
        yield LeftOut("a GiB is priced, not a GB: the same bytes", expected.price, MONEY)
    kept = year.storage
    yield LeftOut(f"partitions not modified for {ACTIVE_DAYS} days are long-term", kept.settled, MONEY)
    yield LeftOut("the first year fills day by day", kept.first, MONEY)
    further = year.bytes / GIB * MONTHS * pricing.long_term_storage_per_gib_month
    yield LeftOut("each further year that is kept adds", further, MONEY)
    whole, date, _, scoring = year.scans
    yield LeftOut(f"{whole.what} reads {whole.bytes:,.0f} B", whole.price, ONCE)
    if date.billed > date.bytes:
        what = f"every query is billed for {date.billed:,.0f} B; {date.what} reads {date.bytes:,.0f} B"
        yield LeftOut(what, date.price, ONCE)
    yield LeftOut(f"{scoring.what}, {scoring.times:,.0f} a year, reads and rewrites them", scoring.price, MONEY)
    if pricing.free_storage_gib:
        share = year.bytes / GIB / pricing.free_storage_gib
        yield LeftOut(f"of {pricing.free_storage_gib:g} GiB that are free, a year of rows takes", share, SHARE)
    if pricing.free_scan_tib_per_month:
        share = scoring.billed * scoring.times / MONTHS / TIB / pricing.free_scan_tib_per_month
        what = f"of {pricing.free_scan_tib_per_month:g} TiB of scans a month that are free, scoring takes"
        yield LeftOut(what, share, SHARE)
