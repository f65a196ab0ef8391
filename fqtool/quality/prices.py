"""What bytes cost at the registry's prices: kept for a year, and scanned. Plain arithmetic; nothing here is rounded.

A partition is priced as active for 90 days after it was last modified, then as long-term; whatever rewrites it begins
the 90 days anew (BIGQUERY 93, 94).
"""

from __future__ import annotations

from dataclasses import dataclass

from fqtool.registry.judgement import ExpectedSize, Pricing

GIB, TIB = 2**30, 2**40
MONTHS, DAYS, ACTIVE_DAYS = 12, 365, 90


@dataclass(frozen=True, slots=True)
class Storage:
    """What a year's rows cost for a year, in the prices' currency.

    `active`: all of it stored, nothing older than 90 days, or rewritten all the time. `settled`: all of it stored, each
    partition long-term after its 90 days. `first`: the year in which it fills, day by day.
    """

    bytes: float
    active: float
    settled: float
    first: float


def storage(stored: float, pricing: Pricing) -> Storage:
    """Price a year's rows, evenly spread over it, for a year."""
    year = stored / GIB * MONTHS
    active, late = pricing.active_storage_per_gib_month, pricing.long_term_storage_per_gib_month
    rest = DAYS - ACTIVE_DAYS
    # A partition written in the course of the year has its first 90 days only if it is early enough.
    mean_active = (ACTIVE_DAYS * rest + ACTIVE_DAYS**2 / 2) / DAYS
    mean_late = rest**2 / 2 / DAYS
    return Storage(
        stored,
        year * active,
        year * (active * ACTIVE_DAYS + late * rest) / DAYS,
        year * (active * mean_active + late * mean_late) / DAYS,
    )


def billed(scanned: float, pricing: Pricing) -> float:
    """Return the bytes that a query is billed for: no fewer than the minimum (BIGQUERY 87)."""
    return max(scanned, pricing.minimum_bytes_per_query)


def scan_price(scanned: float, pricing: Pricing) -> float:
    """Return what one query that reads these bytes costs on demand, the free part not taken off."""
    return billed(scanned, pricing) / TIB * pricing.scan_per_tib


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation worked out: bytes a row, that number as it was rounded, bytes a day and a year, and the price.

    `price_per_gb` takes the price of a GiB for that of a GB, as people do; `price` does not. None without prices.
    """

    per_row: float
    rounded: float
    day: float
    year: float
    price_per_gb: float | None
    price: float | None


def worked_out(expected: ExpectedSize, pricing: Pricing | None) -> Expected:
    """Multiply an expectation out, in its own steps."""
    per_row = sum(one.per_row for one in expected.lines)
    step = expected.rounded_to
    rounded = round(per_row / step) * step if step else per_row
    day = rounded * expected.rows_per_day
    year = day * expected.days_per_year
    monthly = pricing.active_storage_per_gib_month if pricing else None
    if monthly is None:
        return Expected(per_row, rounded, day, year, None, None)
    return Expected(per_row, rounded, day, year, year / 1e9 * monthly * MONTHS, year / GIB * monthly * MONTHS)
