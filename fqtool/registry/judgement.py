"""What the registry judges by and shows: alerts, models, views, thresholds, prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fqtool.finding import Location

NOWHERE = Location("")


class Each(StrEnum):
    """What a column entry is repeated over."""

    FEATURE = "feature"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition over the columns; `code` is what quality_alerts holds, {number} in it is filled from `number`."""

    code: str
    when: str
    level: str
    number: str | None = None
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class AlertLevel:
    """A level and the conditions that reach it; the first level with a true condition wins, the last has none."""

    name: str
    when: tuple[str, ...] = ()
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Model:
    """A consumer of the vector: the features it needs by name, in order, and inputs from elsewhere."""

    name: str
    needs: tuple[str, ...]
    external: tuple[str, ...] = ()
    family: str = ""
    requires: str | None = None
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column of a view: an expression over stored columns, repeated like a ColumnSpec."""

    name: str
    expr: str
    description: str = ""
    for_each: Each | None = None
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A derived view over the table.

    `rows_per` feature makes a row per feature (unpivot) and fills {index} and {name} in its columns; otherwise a
    row per row, with `include` naming stored columns ("*" for all) before the derived ones.
    """

    name: str
    columns: tuple[ViewColumn, ...]
    description: str = ""
    rows_per: Each | None = None
    include: tuple[str, ...] = ()
    where: str | None = None
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Threshold:
    """A daily check: `metric` is an aggregate expression over a date's rows, good and critical its bounds.

    With `good` above `critical` higher is better, up to `at_most`; else lower is better (DOMAIN 13).
    """

    name: str
    metric: str
    good: float
    critical: float
    unit: str = ""
    at_most: float | None = None
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Pricing:
    """List prices with the day they were read; in `currency` per TiB scanned and per GiB and month stored."""

    as_of: date
    currency: str = "USD"
    scan_per_tib: float = 0.0
    free_scan_tib_per_month: float = 0.0
    active_storage_per_gib_month: float = 0.0
    long_term_storage_per_gib_month: float = 0.0
    free_storage_gib: float = 0.0
    minimum_bytes_per_query: int = 0


@dataclass(frozen=True, slots=True)
class ExpectedLine:
    """What somebody expected the columns of `sections` to weigh: `bytes` a row, `times` over."""

    what: str
    bytes: float
    times: int = 1
    sections: tuple[str, ...] = ()
    at: Location = NOWHERE

    @property
    def per_row(self) -> float:
        """Bytes a row of the whole line."""
        return self.bytes * self.times


@dataclass(frozen=True, slots=True)
class ExpectedSize:
    """An expectation of what a row weighs and how many there are, to be set beside what is measured.

    `rounded_to` is the step, in bytes, to which the sum of the lines was rounded before it was multiplied; 0 for none.
    """

    lines: tuple[ExpectedLine, ...]
    rows_per_day: float
    days_per_year: float = 365.0
    rounded_to: float = 0.0
    source: str = ""
