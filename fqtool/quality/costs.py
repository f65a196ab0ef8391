"""What a store costs, as values: its row by column, a year of rows, an expectation beside it, what is due."""

from __future__ import annotations

from dataclasses import dataclass

from fqtool.quality.prices import Expected, Storage
from fqtool.quality.sizes import Sizes
from fqtool.registry.judgement import ExpectedLine
from fqtool.registry.model import Registry


@dataclass(frozen=True, slots=True)
class Weight:
    """One column, in mean bytes a row; `estimated` where it was not measured, because it is not in the table yet."""

    name: str
    type: str
    section: str
    per_row: float
    estimated: bool


@dataclass(frozen=True, slots=True)
class LineBeside:
    """One line of the expectation beside the same columns' own weight; `per_row` None for a line about no column."""

    line: ExpectedLine
    columns: int
    per_row: float | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """One kind of query: bytes it reads, bytes it is billed for, its price, how often a year it runs."""

    what: str
    bytes: float
    billed: float
    price: float
    times: float = 1.0


@dataclass(frozen=True, slots=True)
class Year:
    """A year of rows: `dates` with `rows` in all; prices are None where the registry has none."""

    rows: float
    dates: float
    bytes: float
    storage: Storage | None
    scans: tuple[Scan, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a migration that is due does to a row: mean bytes before, what it adds, widens and drops; the columns."""

    before: float
    added: float
    widened: float
    dropped: float
    adds: tuple[str, ...]
    widens: tuple[str, ...]
    drops: tuple[str, ...]

    @property
    def after(self) -> float:
        """Mean bytes of a row afterwards."""
        return self.before + self.added + self.widened - self.dropped


@dataclass(frozen=True, slots=True)
class Cost:
    """The answer. `why_estimated` says in a sentence why nothing was measured, "" where it was.

    `columns` are those of the table, or of the registry's table where there is none; `scored` counts the rows that
    have a score, None where rows do not tell.
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
    def per_row(self) -> float:
        """Mean bytes of a row as it is stored."""
        return self.sizes.per_row

    def of_section(self, section: str) -> float:
        """Mean bytes a row of the columns of a section."""
        return sum(one.per_row for one in self.columns if one.section == section)
