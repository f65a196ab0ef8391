"""Registry entries that judge rows or derive from them: alerts, models, views, thresholds, prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fqtool.findings.finding import Location

NOWHERE = Location("")


class Each(StrEnum):
    """What a column entry is repeated over."""

    FEATURE = "feature"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition over the columns. `code` is stored in `quality_alerts`; `number` fills its {number} placeholder."""

    code: str
    when: str
    level: str
    number: str | None = None
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class AlertLevel:
    """A level and its conditions. The first level with a true condition wins; the last level has no condition."""

    name: str
    when: tuple[str, ...] = ()
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Model:
    """A consumer of the vector: the names of the features it reads, in order, and its inputs from other sources."""

    name: str
    needs: tuple[str, ...]
    external: tuple[str, ...] = ()
    family: str = ""
    requires: str | None = None
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view: an expression over stored columns, repeated as a `ColumnSpec` is."""

    name: str
    expr: str
    description: str = ""
    for_each: Each | None = None
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A derived view over the table.

    With `rows_per` feature the view has one row per feature (unpivot), and {index} and {name} in its columns are
    filled in. Otherwise it has one row per stored row. `include` lists stored columns ("*" for all) that come before
    the derived columns. `labels` None: not managed. `describe_columns`: the descriptions of its columns are
    managed.
    """

    name: str
    columns: tuple[ViewColumn, ...]
    description: str = ""
    rows_per: Each | None = None
    include: tuple[str, ...] = ()
    where: str | None = None
    labels: tuple[tuple[str, str], ...] | None = None
    describe_columns: bool = False
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Threshold:
    """A daily check: `metric` is an aggregate over the rows of a date, `good` and `critical` are its bounds.

    Where `good` is greater than `critical`, higher is better, up to `at_most`; otherwise lower is better.
    """

    name: str
    metric: str
    good: float
    critical: float
    unit: str = ""
    at_most: float | None = None
    at: Location = NOWHERE

    @property
    def title(self) -> str:
        """The name as a title: `mean_demand` is "Mean matchup"."""
        words = self.name.replace("_", " ").strip()
        return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """A problem of stored rows that the team knows, from `since` to `until`: its findings on these dates are notes.

    It is about `features`, all features of `processors`, or, without both, about whole rows.
    """

    reason: str
    since: date
    until: date
    features: tuple[str, ...] = ()
    processors: tuple[str, ...] = ()
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Pricing:
    """List prices in `currency`, per TiB scanned and per GiB and month stored. `as_of` is the date they were read."""

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
    """The expected size of the columns of `sections`: `bytes` per row, multiplied by `times`."""

    what: str
    bytes: float
    times: int = 1
    sections: tuple[str, ...] = ()
    at: Location = NOWHERE

    @property
    def per_row(self) -> float:
        """Bytes per row of all columns of the line."""
        return self.bytes * self.times


@dataclass(frozen=True, slots=True)
class ExpectedSize:
    """The expected bytes per row and number of rows, to compare with the measured ones.

    `rounded_to` is the step, in bytes, to which the sum of the lines is rounded before multiplication; 0: no rounding.
    """

    lines: tuple[ExpectedLine, ...]
    rows_per_day: float
    days_per_year: float = 365.0
    rounded_to: float = 0.0
    source: str = ""
